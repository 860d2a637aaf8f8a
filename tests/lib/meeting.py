# SPDX-License-Identifier: BSD-3-Clause
"""meeting: two pages with a peer connection each, without Floe's own page."""

import json
import os

import floe
import root
import wait

LIBRARY = os.path.join(root.SOURCE, "tests/e2e/peer.js")
BLANK = "about:blank"
PATIENCE_S = 30
FRAMES = 20


def prepare(*pages):
    with open(LIBRARY, encoding="utf-8") as library:
        script = library.read()
    for page in pages:
        page.evaluate(script + ";0")


def ask(page, call, *arguments):
    return page.evaluate("testPeer.%s(%s)" % (
        call, ", ".join(map(json.dumps, arguments))))


def relay_only(*uris):
    """The configuration of a peer that may use nothing but these relays."""
    user, password = floe.TURN_USER
    return {"iceTransportPolicy": "relay", "iceServers": [
        {"urls": list(uris), "username": user, "credential": password}]}


def introduce(caller, config, callee, callee_config=None):
    """Connect them; their candidates are in the descriptions."""
    ask(caller, "open", config)
    ask(callee, "open", callee_config or config)
    answer = ask(callee, "answer", ask(caller, "offer"))
    ask(caller, "accept", answer)


def talk(*pages):
    """Each page is answered over its data channel and sees a new picture."""
    for page in pages:
        wait.until(f"{page.name} can speak", lambda page=page:
                   ask(page, "say", f"ping of {page.name}"), PATIENCE_S)
    for page in pages:
        wait.until(f"{page.name} is answered", lambda page=page:
                   f"pong of {page.name}" in ask(page, "heard"), PATIENCE_S)
    see(*pages)


def see(*pages):
    before = [page.peer()["frames"] for page in pages]
    for page, frames in zip(pages, before):
        wait.until(f"{page.name} sees the picture move",
                   lambda page=page, frames=frames:
                   page.peer()["frames"] > frames + FRAMES, PATIENCE_S)
