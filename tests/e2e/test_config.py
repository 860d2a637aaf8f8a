# SPDX-License-Identifier: BSD-3-Clause
"""Bad configuration ends a daemon at once, and it says what is wrong where."""

import os
import socket
import subprocess

import case
import daemon
import floe

ADDRESS = "127.0.0.1"
DAEMONS = ("stund", "turnd", "signald")
MAIN_PORTS = {"stund": floe.STUN_PORT, "turnd": floe.TURN_PORT,
              "signald": floe.PAGE_PORT}
USAGE, RUN_TIME = 2, 1


class Config(case.Case):
    def changed(self, change):
        sections = floe.sections(self, ADDRESS)
        change(sections)
        return sections

    def conf(self, change=lambda sections: None):
        return daemon.write_conf(self.path("floe.conf"), self.changed(change))

    def end(self, name, *arguments):
        """Run a daemon that ought to end by itself: (status, its words)."""
        done = subprocess.run(
            [daemon.program(name), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=20, env=daemon.environment(), check=False)
        return done.returncode, done.stdout

    def refused(self, name, conf, status, *named):
        got, text = self.end(name, "-c", conf)
        self.assertEqual(got, status, text)
        for word in named:
            self.assertIn(word, text)

    def line_of(self, conf, row):
        with open(conf, encoding="utf-8") as file:
            return 1 + file.read().splitlines().index(row)

    def refuses_row(self, name, section, key, value):
        conf = self.conf(
            lambda sections: sections[section].append((key, value)))
        line = self.line_of(conf, f"{key} = {value}")
        self.refused(name, conf, USAGE, f"{conf}:{line}", key)

    def each(self, check):
        for name in DAEMONS:
            with self.subTest(name):
                check(name)

    def test_unknown_key(self):
        self.each(lambda name: self.refuses_row(name, name, "colour", "blue"))

    def test_unknown_key_in_the_common_section(self):
        self.each(lambda name: self.refuses_row(
            name, "floe", "colour", "blue"))

    def test_bad_value(self):
        self.each(lambda name: self.refuses_row(
            name, name, "listen", "carrier-pigeon"))
        self.each(lambda name: self.refuses_row(
            name, "floe", "workers", "several"))
        self.refuses_row("turnd", "turnd", "relay-ports", "9-banana")
        self.refuses_row("turnd", "turnd", "allow-peer", "10.0.0.0/99")
        self.refuses_row("turnd", "turnd", "alternate-domain", "d" * 256)
        # A socket can be bound to a group, but nobody speaks from one.
        for group in ("224.0.0.5", "255.255.255.255", "ff02::1"):
            self.refuses_row("turnd", "turnd", "relay-address", group)

    def test_alternate_that_is_none(self):
        for value in ("127.0.0.2", "[::2]:3479",
                      f"127.0.0.2:{floe.STUN_PORT}",
                      f"{ADDRESS}:{floe.STUN_PORT + 1}"):
            with self.subTest(value):
                self.refuses_row("stund", "stund", "alternate", value)

        for value in ("203.0.113.7", "203.0.113.7/127.0.0.9",
                      "2001:db8::1/127.0.0.1"):
            with self.subTest(value):
                self.refuses_row("stund", "stund", "external-ip", value)

        def change(sections):
            sections["stund"] += [
                ("listen", f"udp://127.0.0.2:{floe.STUN_PORT}"),
                ("alternate", f"127.0.0.2:{floe.STUN_PORT + 1}")]

        conf = self.conf(change)
        line = self.line_of(
            conf, f"alternate = 127.0.0.2:{floe.STUN_PORT + 1}")
        self.refused("stund", conf, USAGE, f"{conf}:{line}", "alternate")

    def test_realm_that_no_answer_has_room_for(self):
        def change(sections):
            sections["floe"] = [row for row in sections["floe"]
                                if row[0] != "realm"]
            sections["floe"].append(("realm", "r" * 128))

        conf = self.conf(change)
        line = self.line_of(conf, f"realm = {'r' * 128}")
        self.refused("turnd", conf, USAGE, f"{conf}:{line}", "realm")
        self.refuses_row("signald", "signald", "open-registration", "perhaps")

    def test_missing_file(self):
        missing = self.path("nowhere.conf")
        self.each(lambda name: self.refused(name, missing, USAGE, missing))

    def test_unreadable_certificate(self):
        missing = self.path("nowhere.pem")

        def change(sections):
            sections["floe"] += [("tls-cert", missing), ("tls-key", missing)]
            sections["signald"][0] = (
                "listen", f"https://{ADDRESS}:{floe.PAGE_PORT}")

        status, text = self.end("signald", "-c", self.conf(change))
        self.assertIn(status, (USAGE, RUN_TIME), text)
        self.assertIn(missing, text)

    def test_relay_without_users_refuses_to_start(self):
        def change(sections):
            sections["floe"] = [row for row in sections["floe"]
                                if row[0] != "turn-secret"]
            sections["turnd"] = [row for row in sections["turnd"]
                                 if row[0] != "user"]

        self.refused("turnd", self.conf(change), USAGE, "turn-secret")

    def test_busy_port(self):
        for name in DAEMONS:
            with self.subTest(name):
                port = MAIN_PORTS[name]
                kind = (socket.SOCK_STREAM if name == "signald"
                        else socket.SOCK_DGRAM)
                with socket.socket(socket.AF_INET, kind) as other:
                    other.bind((ADDRESS, port))
                    if kind == socket.SOCK_STREAM:
                        other.listen()
                    self.refused(name, self.conf(), RUN_TIME,
                                 f"{ADDRESS}:{port}")

    def test_second_instance(self):
        conf = self.conf()
        for name in DAEMONS:
            floe.start(self, name, conf)
            # Who keeps state sees that before it gets to its ports.
            named = (self.folder if name == "signald"
                     else f"{ADDRESS}:{MAIN_PORTS[name]}")
            with self.subTest(name):
                self.refused(name, conf, RUN_TIME, named)
                self.assertTrue(floe.healthy(name), "the first was harmed")

    def test_second_instance_with_state_of_its_own(self):
        floe.start(self, "signald", self.conf())

        def change(sections):
            sections["floe"] = [
                (key, self.path("other") if key == "state-dir" else value)
                for key, value in sections["floe"]]

        os.mkdir(self.path("other"))
        conf = daemon.write_conf(self.path("other.conf"), self.changed(change))
        self.refused("signald", conf, RUN_TIME,
                     f"{ADDRESS}:{floe.PAGE_PORT}")
        self.assertTrue(floe.healthy("signald"), "the first was harmed")

    def test_check_and_dump(self):
        def check(name):
            status, text = self.end(name, "-c", self.conf(), "-T")
            self.assertEqual(status, 0, text)
            self.assertIn(f"{ADDRESS}:{MAIN_PORTS[name]}", text)
            self.assertNotIn(floe.TURN_SECRET, text)
        self.each(check)

    def test_usage(self):
        for name in DAEMONS:
            with self.subTest(name):
                status, text = self.end(name, "-Z")
                self.assertEqual(status, USAGE, text)
                self.assertIn(f"{name} --help", text)
                status, text = self.end(name, "--help")
                self.assertEqual(status, 0, text)
                self.assertIn("usage: ", text.lower())
                status, text = self.end(name, "-V")
                self.assertEqual(status, 0, text)
                self.assertIn(name, text)
