# SPDX-License-Identifier: BSD-3-Clause
"""TURN credentials of signald: every form of them, and which relay is told."""

import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import case
import floe
import signaling
import turn
import turnutils
import wait

RELAYS = ("11.0.0.10", "11.0.0.11")
ADMIN = (9641, 9651)
BASE = f"http://127.0.0.1:{floe.PAGE_PORT}"
KEY = "a key of a program"
MESSAGES = 5
PASSWORD = "a password of the tests"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def host_of(uri):
    return re.split("[:?]", uri)[1]


class Ice(case.Case):
    def setUp(self):
        super().setUp()
        for address in RELAYS:
            ip("addr", "add", address + "/32", "dev", "lo")
            self.addCleanup(ip, "addr", "del", address + "/32", "dev", "lo")
        self.relays = [self.relay(i) for i in range(len(RELAYS))]

    def relay(self, i):
        """One of the two, with folder and admin port of its own."""
        sections = floe.sections(self, RELAYS[i])
        folder = self.path(f"relay{i}")
        os.makedirs(folder, exist_ok=True)
        sections["floe"] = [
            (key, folder if key == "state-dir" else value)
            for key, value in sections["floe"]] + [("workers", "2")]
        # The least loaded is told by shares of little room.
        sections["turnd"] = [
            (key, f"http://127.0.0.1:{ADMIN[i]}" if key == "admin" else value)
            for key, value in sections["turnd"]] + [("max-allocations", "50")]
        conf = floe.daemon.write_conf(self.path(f"turnd{i}.conf"), sections)
        return self.daemon(
            "turnd", [floe.daemon.program("turnd"), "-c", conf],
            ready=lambda: self.status(i) is not None)

    def status(self, i, method="GET", path="/v1/status"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{ADMIN[i]}{path}", method=method,
            headers={"Authorization": f"Bearer {floe.ADMIN_TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def begin(self, preferences=("", ""), **options):
        sections = floe.sections(self, "127.0.0.1")
        token = dict(sections["signald"])["admin-token-file"]
        sections["floe"].append(("workers", "2"))
        sections["signald"] = [row for row in sections["signald"]
                               if row[0] != "turn-uri"]
        sections["signald"] += [
            *(("turn-uri", f"turn:{address}:{floe.TURN_PORT}?transport={over}")
              for address in RELAYS for over in ("udp", "tcp")),
            *(("relay", f"{RELAYS[i]} http://127.0.0.1:{ADMIN[i]} {token} "
               + preferences[i]) for i in range(len(RELAYS))),
            ("relay-poll", "100ms"), ("turn-rest-key", KEY),
            *((key.replace("_", "-"), value)
              for key, value in options.items())]
        self.signald = floe.start(self, "signald", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.token = signaling.rest(BASE, "register", {
            "user": "alice", "password": PASSWORD})["token"]

    def get(self, path, token=None, **query):
        """(status, answer)"""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(BASE + path)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def own(self):
        """username, credential, urls as floe.v1 has them."""
        status, told = self.get("/api/v1/ice", self.token)
        self.assertEqual(status, 200)
        one = told["iceServers"][-1]
        return one["username"], one["credential"], one["urls"]

    def hosts(self):
        told = []
        for uri in self.own()[2]:
            if host_of(uri) not in told:
                told.append(host_of(uri))
        return tuple(told)

    def relays_by(self, username, password, uri):
        """coturn's client moves its messages with them."""
        text = subprocess.run(
            ["turnutils_uclient", "-y", "-l", "160", "-z", "20", "-m", "2",
             "-n", str(MESSAGES), "-u", username, "-w", password,
             "-p", str(floe.TURN_PORT), *("-t" if "tcp" in uri else "").split(),
             host_of(uri)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=60, check=True).stdout
        turnutils.check(self, text, 2 * MESSAGES)

    def test_every_form_is_good(self):
        self.begin()
        forms = {
            "own": self.own(),
            "turn": self.get("/api/v1/turn", self.token, service="turn"),
            "named": self.get("/api/v1/turn", self.token, service="turn",
                              username="alice"),
            "keyed": self.get("/api/v1/turn", service="turn", key=KEY,
                              username="somebody else"),
            "nobody": self.get("/api/v1/turn", service="turn", key=KEY),
            "matrix": self.get("/_matrix/client/v3/voip/turnServer",
                               self.token),
        }
        users = {"own": ":alice", "turn": ":alice", "named": ":alice",
                 "matrix": ":alice", "keyed": ":somebody else", "nobody": ""}
        for form, value in forms.items():
            with self.subTest(form):
                if form != "own":
                    status, told = value
                    self.assertEqual(status, 200, told)
                    self.assertEqual(set(told),
                                     {"username", "password", "ttl", "uris"})
                    self.assertEqual(told["ttl"], 3600)
                    value = told["username"], told["password"], told["uris"]
                username, password, uris = value
                self.assertRegex(username, f"^[0-9]+{users[form]}$")
                self.assertEqual({host_of(uri) for uri in uris}, set(RELAYS))
                client = turn.Client(
                    (RELAYS[1], floe.TURN_PORT), username, password)
                self.addCleanup(client.close)
                client.allocate()
                if form in ("turn", "matrix"):
                    self.relays_by(username, password, uris[0])

    def test_refused(self):
        self.begin()
        path = "/api/v1/turn"
        matrix = "/_matrix/client/v3/voip/turnServer"
        for status, code, told in (
                (401, "unauthorized", self.get("/api/v1/ice", "x")),
                (401, "unauthorized", self.get(path, "x")),
                (401, "unauthorized", self.get(path, key=KEY[:-1])),
                (401, "unauthorized", self.get(path, key=KEY + "x")),
                (403, "forbidden", self.get(path, self.token, username="bob")),
                (400, "bad_request", self.get(path, self.token, service="x")),
                (400, "bad_request", self.get(path, key=KEY, username="1:a")),
                (400, "bad_request", self.get(path, key=KEY,
                                              username="x" * 65))):
            self.assertEqual((told[0], told[1]["err"]["code"]), (status, code))
        status, told = self.get(matrix)
        self.assertEqual((status, told["errcode"]), (401, "M_MISSING_TOKEN"))
        status, told = self.get(matrix, "x")
        self.assertEqual((status, told["errcode"]), (401, "M_UNKNOWN_TOKEN"))
        self.assertEqual(set(told), {"errcode", "error"})

    def load(self, i, n=2):
        """So many more live on a relay until the returned function ends
        them."""
        clients = []
        for _ in range(n):
            one = turn.Client((RELAYS[i], floe.TURN_PORT), *floe.TURN_USER)
            self.addCleanup(one.close)
            one.allocate()
            clients.append(one)
        return lambda: [one.release() for one in clients]

    def until(self, *hosts):
        wait.until(f"told are {hosts}", lambda: self.hosts() == hosts)

    def test_the_loaded_one_goes_last(self):
        self.begin()
        first, second = RELAYS
        self.until(first, second)
        end = self.load(0)
        self.until(second, first)
        more = self.load(1, 4)
        self.until(first, second)
        self.assertEqual(floe.metric(
            "signald", "signald_relay_allocations",
            label=f'relay="{second}"'), 4)
        more()
        end()
        self.until(first, second)

    def test_drained_and_dead(self):
        self.begin(preferences=("1", "2"))
        first, second = RELAYS
        self.load(0)
        self.until(first, second)
        self.status(0, "POST", "/v1/drain")
        self.until(second)
        self.assertEqual(
            floe.metric("signald", "signald_relay_up"), 1)
        username, password, uris = self.own()
        self.relays_by(username, password, uris[0])
        # With no better one left, all are told.
        self.relays[1].kill()
        self.until(first, second)
        self.status(0, "DELETE", "/v1/drain")
        self.until(first)
        self.relays[1] = self.relay(1)
        self.until(first, second)

    def test_silent_admin_holds_nobody_up(self):
        self.relays[0].kill()
        # Takes connections and never answers.
        with socket.create_server(("127.0.0.1", ADMIN[0])):
            self.begin()
            self.until(RELAYS[1])
