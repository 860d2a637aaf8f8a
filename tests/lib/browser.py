# SPDX-License-Identifier: BSD-3-Clause
"""browser: pages in browsers, each inside the namespace of one lab node."""

import base64
import json
import os
import subprocess

import root

BRIDGE = os.path.join(root.SOURCE, "tests/e2e/bridge.mjs")


class Bridge:
    """The process that holds the browsers of one namespace."""

    def __init__(self, node):
        argv = ["node", BRIDGE]
        self.last_id = 0
        self.process = subprocess.Popen(
            node.command(argv) if node else argv, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def request(self, **request):
        self.last_id += 1
        self.process.stdin.write(json.dumps({"id": self.last_id, **request})
                                 + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the browser bridge has died")
        answer = json.loads(line)
        if "err" in answer:
            raise RuntimeError(f"{request}: {answer['err']}")
        return answer["ok"]


class Browsers:
    """All browsers of one test.  Owns their homes and bridges."""

    def __init__(self, folder):
        self.folder = folder
        self.pages = []
        self.bridges = {}

    def close(self):
        for bridge in self.bridges.values():
            bridge.close()

    def open(self, name, url, node=None, authority=None, kind="chromium"):
        """A fresh browser that shows `url`, as seen from a lab node."""
        home = os.path.join(self.folder, f"home-{name}")
        os.makedirs(home)
        if authority:
            authority.trust(home)
        if node not in self.bridges:
            self.bridges[node] = Bridge(node)
        page = Page(self.bridges[node], name)
        self.pages.append(page)
        version = page.call("open", kind=kind, home=home, url=url)
        page.program = f"{kind} {version}"
        return page

    def report(self):
        """What all pages wrote to their consoles, for a failed test."""
        lines = ["--- consoles:"]
        for page in self.pages:
            lines += [f"{page.name}: {line}" for line in page.call("console")]
        return "\n".join(lines)


class Page:
    """One page; its elements are named by their data-testid."""

    def __init__(self, bridge, name):
        self.bridge = bridge
        self.name = name
        self.program = None  # and its version

    def call(self, op, **arguments):
        return self.bridge.request(op=op, page=self.name, **arguments)

    def fill(self, testid, text):
        self.call("fill", testid=testid, text=text)

    def click(self, testid):
        self.call("click", testid=testid)

    def attach(self, testid, name, kind, contents):
        """Choose a file in a file field."""
        self.call("attach", testid=testid, name=name, type=kind,
                  base64=base64.b64encode(contents).decode())

    def hover(self, testid):
        self.call("hover", testid=testid)

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
