# SPDX-License-Identifier: BSD-3-Clause
"""people: what a user does on the page, by the names its elements have."""

import wait

CALL_S = 45  # two browsers, ICE and the first frames on a busy machine
FRAMES = 30


def register(page, user, password):
    page.fill("login-user", user)
    page.fill("login-password", password)
    page.click("register-submit")
    page.see("new-conversation")


def log_in(page, user, password):
    page.fill("login-user", user)
    page.fill("login-password", password)
    page.click("login-submit")
    page.see("new-conversation")


def open_conversation(page, user):
    page.click("new-conversation")
    page.fill("new-conversation-user", user)
    page.click("new-conversation-submit")
    page.see("composer")


def new_group(page, title, *users):
    page.click("new-conversation")
    page.click("new-group")
    page.fill("ask-title", title)
    for user in users:
        page.fill("picker", user)
        page.press("picker", "Enter")
    page.click("ask-submit")
    page.see_text("notice", "You made the group")


def say(page, text):
    page.fill("composer", text)
    page.click("send")
    page.see_text("message", text)


def call(caller, callee):
    """A video call until both sides see the other move."""
    caller.click("call-video")
    callee.click("incoming-accept")
    for page in (caller, callee):
        page.see("remote-video")
    wait_for_frames(caller, callee)


def wait_for_frames(*pages):
    """Both sides decode frames, and then more of them."""
    for page in pages:
        before = wait.until(
            f"{page.name} sees a picture",
            lambda page=page: (page.peer() or {}).get("frames"), CALL_S)
        wait.until(
            f"{page.name} sees the picture move",
            lambda page=page, before=before:
            page.peer()["frames"] > before + FRAMES, CALL_S)


def hang_up(page, *others):
    page.click("call-hangup")
    for one in (page, *others):
        one.see("remote-video", state="hidden")
