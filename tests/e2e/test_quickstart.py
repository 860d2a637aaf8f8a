# SPDX-License-Identifier: BSD-3-Clause
"""./quickstart on a fresh clone: from nothing to a chat and a video call."""

import os
import re
import signal
import subprocess

import browser
import case
import clone
import daemon
import lab
import people
import wait

PORT_BASE = 21000
PAGE = f"http://localhost:{PORT_BASE + 2}/#debug"
BUILD_S = 600


class Quickstart(case.Case):
    def setUp(self):
        super().setUp()
        self.machine = self.lab("full-cone", "full-cone").server
        self.log_path = self.path("quickstart.out")
        self.browsers = browser.Browsers(self.folder)
        self.addCleanup(self.browsers.close)

    def output(self):
        with open(self.log_path, encoding="utf-8") as log:
            return log.read()

    def evidence(self):
        parts = [self.browsers.report(), "--- quickstart:", self.output()]
        for name in ("stund", "turnd", "signald"):
            path = self.path(f"run/log/{name}.log")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as log:
                    parts += [f"--- {name}:", log.read()[-4000:]]
        return "\n".join(parts)

    def start(self, *options):
        """Start it, wait until it says that all is up.

        Tests that run in the background ignore Ctrl-C, and a shell cannot trap
        what it was born to ignore.
        """
        with open(self.log_path, "w", encoding="utf-8") as log:
            process = self.machine.start(
                ["env", "--default-signal=INT",
                 os.path.join(clone.fresh(), "quickstart"), "--dir",
                 self.path("run"), "--port-base", str(PORT_BASE), *options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait.until(
            "quickstart is up or has ended", lambda:
            "Ctrl-C stops everything." in self.output()
            or process.poll() is not None, BUILD_S)
        self.assertIsNone(process.poll(), "quickstart ended")
        return process

    def passwords(self):
        return dict(re.findall(r"(alice|bob) +password (\S+)", self.output()))

    def interrupt(self, process):
        """Ctrl-C goes to the whole group, as from a terminal."""
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), 0)
        for port in range(PORT_BASE, PORT_BASE + 7):
            self.assertFalse(self.machine.listens(port), port)

    def test_chat_and_call_from_nothing(self):
        process = self.start()
        text = self.output()
        self.assertIn(f"http://localhost:{PORT_BASE + 2}\n", text)
        self.assertIn(f"stun:{lab.SERVER}:{PORT_BASE}\n", text)
        self.assertIn(
            f"turn:{lab.SERVER}:{PORT_BASE + 1}?transport=udp", text)
        first = self.passwords()
        alice = self.browsers.open("alice", PAGE, self.machine)
        bob = self.browsers.open("bob", PAGE, self.machine)
        people.log_in(alice, "alice", first["alice"])
        people.log_in(bob, "bob", first["bob"])
        people.open_conversation(alice, "bob")
        people.say(alice, "hello from one window")
        bob.click("conversation-alice")
        bob.see_text("message", "hello from one window")
        people.say(bob, "hello from the other")
        alice.see_text("message", "hello from the other")
        people.call(alice, bob)
        people.hang_up(alice, bob)
        self.interrupt(process)

        # Again with nothing to do: same accounts, and what was said is kept.
        process = self.start()
        self.assertEqual(self.passwords(), first)
        later = self.browsers.open("later", PAGE, self.machine)
        people.log_in(later, "bob", first["bob"])
        later.click("conversation-alice")
        later.see_text("message", "hello from one window")
        self.interrupt(process)

    def test_public_serves_https(self):
        process = self.start("--public", lab.SERVER)
        url = f"https://{lab.SERVER}:{PORT_BASE + 3}"
        self.assertIn(url, self.output())
        page = self.machine.run(
            ["curl", "-fsS", "--cacert", self.path("run/cert.pem"), url + "/"])
        self.assertIn("<!doctype html>", page.stdout.lower())
        self.interrupt(process)

    def test_public_address_of_a_nat_before_this_machine(self):
        process = self.start("--public", lab.GATEWAY)
        self.assertIn(f"turn:{lab.GATEWAY}:", self.output())
        with open(self.path("run/log/turnd.log"), encoding="utf-8") as log:
            self.assertIn(f"address={lab.SERVER} told={lab.GATEWAY}",
                          log.read())
        self.interrupt(process)

    def test_a_daemon_that_dies_is_named_with_its_log(self):
        process = self.start()
        turnd = os.path.join(clone.fresh(), "build/turnd/turnd")
        found = self.machine.run(["pgrep", "-f", f"^{turnd} "]).stdout.split()
        self.assertEqual(len(found), 1)
        os.kill(int(found[0]), signal.SIGKILL)
        self.assertEqual(process.wait(timeout=30), 1)
        self.assertIn("turnd ended by itself", self.output())
        self.assertIn(self.path("run/log/turnd.log"), self.output())
        self.assertFalse(self.machine.listens(PORT_BASE + 2))

    def test_bad_usage(self):
        for arguments, complaint in (
                (["--colour"], "unknown argument: --colour"),
                (["--port-base", "99999"], "--port-base wants a number"),
                (["--dir"], "--dir wants a value"),
                (["--public", "nowhere"], "no IP address")):
            done = self.machine.run(
                [os.path.join(clone.fresh(), "quickstart"), *arguments],
                check=False, env=daemon.environment(), timeout=BUILD_S)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(complaint, done.stdout)
