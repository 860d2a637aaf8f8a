# SPDX-License-Identifier: BSD-3-Clause
"""
meeting: browsers that meet through turnd, without Floe's own page: each has a
blank one with a peer connection.
"""

import itertools
import json
import os

import browser
import case
import certs
import floe
import lab
import root
import wait

LIBRARY = os.path.join(root.SOURCE, "tests/e2e/peer.js")
BLANK = "about:blank"
PATIENCE_S = 30
FRAMES = 20

_numbers = itertools.count()


class Meeting(case.Case):
    """A lab with turnd, and browsers on both sides."""

    nat = "symmetric"
    names = ()  # of the server, in its certificate beside the usual ones

    def setUp(self):
        super().setUp()
        self.browsers = browser.Browsers(self.folder)
        self.addCleanup(self.browsers.close)
        self.net = self.lab(self.nat, self.nat)
        self.authority = certs.Authority(self.folder)
        sections = floe.sections(self, lab.SERVER, self.authority.issue(
            lab.SERVER, lab.SERVER_NAME, *self.names))
        self.change(sections)
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf, self.net.server)

    def change(self, sections):
        """For a test that wants other settings."""

    def evidence(self):
        return f"{self.browsers.report()}\n{super().evidence()}"

    def open(self, name, node, kind="chromium"):
        page = self.browsers.open(name, BLANK, node, self.authority, kind)
        with open(LIBRARY, encoding="utf-8") as library:
            page.evaluate(library.read() + ";0")
        return page

    def metric(self, name, label=""):
        return floe.metric("turnd", name, self.net.server, label)

    def drops(self, reason):
        return self.metric("turnd_drops_total", f'reason="{reason}"')


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
    number = next(_numbers)
    for page in pages:
        wait.until(f"{page.name} can speak", lambda page=page: ask(
            page, "say", f"ping {number} of {page.name}"), PATIENCE_S)
    for page in pages:
        wait.until(f"{page.name} is answered", lambda page=page:
                   f"pong {number} of {page.name}" in ask(page, "heard"),
                   PATIENCE_S)
    see(*pages)


def see(*pages):
    before = [page.peer()["frames"] for page in pages]
    for page, frames in zip(pages, before):
        wait.until(f"{page.name} sees the picture move",
                   lambda page=page, frames=frames:
                   page.peer()["frames"] > frames + FRAMES, PATIENCE_S)
