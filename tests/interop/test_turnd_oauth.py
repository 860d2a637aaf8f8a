# SPDX-License-Identifier: BSD-3-Clause
"""Access tokens of RFC 7635, made by coturn's programs, against turnd."""

import base64
import json
import re
import struct
import subprocess
import time

import case
import floe
import turn
import turnutils

SERVER = ("127.0.0.1", floe.TURN_PORT)
NAME = "turn.example"
# The keys that uclient -J has built in, cut to the length of their algorithm
# as coturn does it.
KEYS = {"north": b"01234567890123456789012345678901",
        "union": b"1234567890123456",
        "oldempire": b"12345678901234567890123456789012"}
ACCESS_TOKEN, THIRD_PARTY = 0x1b, 0x802e
MAC = b"0123456789abcdefghij"


def made(kid, mac=MAC, server=NAME, issued=None, lifetime=3600):
    """A token as turnutils_oauth seals it."""
    issued = int(time.time()) if issued is None else issued
    out = subprocess.run(
        ["turnutils_oauth", "-e", "--server-name", server,
         "--auth-key-id", kid, "--auth-key",
         base64.b64encode(KEYS[kid]).decode(),
         "--auth-key-timestamp", "1700000000",
         "--auth-key-lifetime", "2000000000", "--auth-key-as-rs-alg",
         "A256GCM" if len(KEYS[kid]) == 32 else "A128GCM",
         "--token-mac-key", base64.b64encode(mac).decode(),
         "--token-timestamp", str(issued << 16),
         "--token-lifetime", str(lifetime)],
        capture_output=True, text=True, timeout=10, check=True).stdout
    return base64.b64decode(json.loads(out)["access_token"])


class Bearer(turn.Client):
    """A client with a token: USERNAME is its kid, the key is in it."""

    third_party = None

    def __init__(self, kid, mac, token):
        super().__init__(SERVER, kid, "")
        self.mac, self.token = mac, token

    def learn(self, found):
        super().learn(found)
        self.key = self.mac
        self.third_party = found.get(THIRD_PARTY)

    def allocate(self):
        found = self.ask(turn.ALLOCATE, (turn.TRANSPORT, bytes([17, 0, 0, 0])),
                         *self.with_token())
        return struct.unpack("!I", found[turn.LIFETIME])[0]

    def with_token(self):
        return ((ACCESS_TOKEN, self.token),) if self.key else ()

    def ask(self, method, *attributes):
        if method == turn.ALLOCATE and self.key and all(
                kind != ACCESS_TOKEN for kind, _ in attributes):
            attributes = (*attributes, *self.with_token())
        return super().ask(method, *attributes)


class OAuth(case.Case):
    def setUp(self):
        super().setUp()
        sections = floe.sections(self, SERVER[0])
        sections["floe"].append(("workers", "2"))
        sections["turnd"] += [("oauth-server", NAME), ("auth-failures", "0")]
        sections["turnd"] += [
            ("oauth-key", f"{kid}:{base64.b64encode(key).decode()}")
            for kid, key in KEYS.items()]
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.turnd = floe.start(self, "turnd", self.conf)

    def client(self, kid, mac, token):
        one = Bearer(kid, mac, token)
        self.addCleanup(one.close)
        return one

    def refused(self, reason, kid, mac, token):
        with self.assertRaises(turn.Refused) as refused:
            self.client(kid, mac, token).allocate()
        self.assertEqual(refused.exception.args[0], 401)
        self.assertRegex(
            self.turnd.log(), rf"request_refused.*reason={reason}")

    def relay(self, *options):
        self.row(turnutils.version(), " ".join(
            ["tcp" if "-t" in options else "udp", "-J"]))
        out = subprocess.run(
            ["turnutils_uclient", "-J", "-y", "-n", "10", "-m", "2",
             "-p", str(SERVER[1]), *options, SERVER[0]],
            capture_output=True, text=True, timeout=60, check=False)
        text = out.stdout + out.stderr
        totals = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
        self.assertTrue(totals, text)
        self.assertEqual(*totals[-1], text)
        self.assertGreaterEqual(int(totals[-1][0]), 40, text)

    def test_uclient_channels(self):
        self.relay()

    def test_uclient_indications(self):
        self.relay("-s")

    def test_uclient_tcp(self):
        self.relay("-t")

    def test_made_token(self):
        for kid in KEYS:
            one = self.client(kid, MAC, made(kid))
            self.assertEqual(one.allocate(), 600)
            self.assertEqual(one.third_party, NAME.encode())
            one.permit("198.41.0.1")
            one.release()
        one = self.client("north", MAC, made("north", lifetime=120))
        self.assertIn(one.allocate(), range(115, 121))

    def test_refused_tokens(self):
        good = made("north")
        now = int(time.time())
        self.refused("token_key", "south", MAC, good)
        self.refused("bad_token", "union", MAC, good)
        self.refused("bad_token", "north", MAC, made("north", server="other"))
        self.refused("bad_token", "north", MAC, good[:-1])
        self.refused("token_expired", "north", MAC,
                     made("north", issued=now - 3700))
        self.refused("token_expired", "north", MAC,
                     made("north", issued=now + 3700))
        self.refused("wrong_password", "north", MAC[::-1], good)
        self.assertEqual(self.client("north", MAC, good).allocate(), 600)

    def test_others_go_on(self):
        one = turn.Client(SERVER, *floe.TURN_USER)
        self.addCleanup(one.close)
        one.allocate()
        one.release()

    def test_no_key_is_told(self):
        out = subprocess.run(
            [floe.daemon.program("turnd"), "-T", "-c", self.conf],
            capture_output=True, text=True, timeout=10, check=True).stdout
        self.assertIn("oauth-key = north:(set)", out)
        for key in KEYS.values():
            self.assertNotIn(base64.b64encode(key).decode(), out)

    def test_bad_rows_are_named(self):
        for rows, said in (
                ([("oauth-server", NAME)], "without oauth-key"),
                ([("oauth-key", "a:MTIz")], "without oauth-server"),
                ([("oauth-server", NAME), ("oauth-key", "a:MTIz")],
                 "not a usable key")):
            sections = floe.sections(self, SERVER[0])
            sections["turnd"] += rows
            out = subprocess.run(
                [floe.daemon.program("turnd"), "-T", "-c",
                 floe.daemon.write_conf(self.path("bad.conf"), sections)],
                capture_output=True, text=True, timeout=10, check=False)
            self.assertEqual(out.returncode, 2)
            self.assertRegex(out.stderr, r"bad\.conf:\d+: .*" + said)
