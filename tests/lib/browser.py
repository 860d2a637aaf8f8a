# SPDX-License-Identifier: BSD-3-Clause
"""browser: pages in browsers, each inside the namespace of one lab node."""

import json
import os
import subprocess

import root

BRIDGE = os.path.join(root.SOURCE, "tests/e2e/bridge.mjs")
CHROMIUM = "/usr/bin/chromium"


class Browsers:
    """The bridge process to all browsers of one test.  Owns their homes."""

    def __init__(self, folder):
        self.folder = folder
        self.last_id = 0
        self.pages = []
        self.bridge = subprocess.Popen(
            ["node", BRIDGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1)

    def close(self):
        self.bridge.stdin.close()
        try:
            self.bridge.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.bridge.kill()
            self.bridge.wait()
        self.bridge.stdout.close()

    def open(self, name, url, node=None, authority=None):
        """A fresh browser that shows `url`, as seen from a lab node."""
        home = os.path.join(self.folder, f"home-{name}")
        os.makedirs(home)
        if authority:
            authority.trust(home)
        program = CHROMIUM
        if node:
            program = os.path.join(self.folder, f"chromium-{name}")
            enter = " ".join(node.command([CHROMIUM]))
            with open(program, "w", encoding="utf-8") as script:
                script.write(f'#!/bin/sh\nexec {enter} "$@"\n')
            os.chmod(program, 0o755)
        page = Page(self, name)
        self.pages.append(page)
        page.call("open", program=program, home=home, url=url)
        return page

    def request(self, **request):
        self.last_id += 1
        self.bridge.stdin.write(json.dumps({"id": self.last_id, **request})
                                + "\n")
        line = self.bridge.stdout.readline()
        if not line:
            raise RuntimeError("the browser bridge has died")
        answer = json.loads(line)
        if "err" in answer:
            raise RuntimeError(f"{request}: {answer['err']}")
        return answer["ok"]

    def report(self):
        """What all pages wrote to their consoles, for a failed test."""
        lines = ["--- consoles:"]
        for page in self.pages:
            lines += [f"{page.name}: {line}" for line in page.call("console")]
        return "\n".join(lines)


class Page:
    """One page; its elements are named by their data-testid."""

    def __init__(self, browsers, name):
        self.browsers = browsers
        self.name = name

    def call(self, op, **arguments):
        return self.browsers.request(op=op, page=self.name, **arguments)

    def fill(self, testid, text):
        self.call("fill", testid=testid, text=text)

    def click(self, testid):
        self.call("click", testid=testid)

    def press(self, testid, key):
        self.call("press", testid=testid, key=key)

    def see(self, testid, state="visible"):
        self.call("see", testid=testid, state=state)

    def see_text(self, testid, text):
        self.call("see_text", testid=testid, text=text)

    def texts(self, testid):
        return self.call("texts", testid=testid)

    def evaluate(self, script):
        return self.call("evaluate", script=script)

    def peer(self):
        """Statistics of the newest peer connection; None without one."""
        return self.call("peer")

    def close(self):
        self.call("close")
