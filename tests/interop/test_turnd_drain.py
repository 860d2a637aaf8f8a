# SPDX-License-Identifier: BSD-3-Clause
"""turnd is taken out of service, and its clients go on."""

import json
import socket
import struct
import subprocess
import urllib.error
import urllib.request

import answers
import case
import floe
import turn

SERVER, PEER = "11.0.0.10", "11.0.0.20"
ALTERNATE_SERVER = 0x8023


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def call(method, path, body=None):
    """(status, the answer taken apart)"""
    request = urllib.request.Request(
        f"http://127.0.0.1:{floe.ADMIN_PORTS['turnd']}{path}", body,
        {"Authorization": f"Bearer {floe.ADMIN_TOKEN}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    answers.check("turnd-admin", method, path, status, text)
    return status, json.loads(text)


class Drain(case.Case):
    def setUp(self):
        super().setUp()
        for address in (SERVER, PEER):
            ip("addr", "add", address + "/32", "dev", "lo")
            self.addCleanup(ip, "addr", "del", address + "/32", "dev", "lo")
        sections = floe.sections(self, SERVER)
        sections["floe"].append(("workers", "2"))
        sections["turnd"] += [("allow-peer", PEER),
                              ("alternate-server", "11.0.0.99:3478")]
        floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def client(self):
        one = turn.Client((SERVER, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(one.close)
        return one

    def refused(self):
        """(code, alternate server) that a new client of any worker gets."""
        told = set()
        for _ in range(8):
            one = self.client()
            with self.assertRaises(turn.Refused) as refused:
                one.allocate()
            where = [one.answer[at + 2:at + size] for kind, at, size
                     in turn.walk(one.answer) if kind == ALTERNATE_SERVER]
            port, = struct.unpack_from("!H", where[0])
            told.add((refused.exception.args[0],
                      socket.inet_ntoa(where[0][2:]), port))
        self.assertEqual(len(told), 1)
        return told.pop()

    def test_drained_and_back(self):
        told = call("GET", "/v1/status")[1]
        self.assertGreater(told.pop("room"), 1)
        self.assertEqual(told, {"status": "serving", "allocations": 0})
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind((PEER, 0))
        peer.settimeout(5)
        first = self.client()
        relayed = first.allocate()
        first.bind(0x4000, *peer.getsockname())
        status, told = call("POST", "/v1/drain")
        self.assertEqual((status, told["status"], told["allocations"]),
                         (200, "draining", 1))
        self.assertEqual(self.refused(), (300, "11.0.0.99", 3478))
        # What lives goes on.
        first.ask(turn.REFRESH)
        first.bind(0x4000, *peer.getsockname())
        first.channel_send(0x4000, b"up")
        self.assertEqual(peer.recvfrom(2048), (b"up", relayed))
        peer.sendto(b"down", relayed)
        self.assertEqual(first.channel_recv(), (0x4000, b"down"))
        status, told = call("POST", "/v1/drain",
                            b'{"alternate": "11.0.0.98:3479"}')
        self.assertEqual((status, told["alternate"]), (200, "11.0.0.98:3479"))
        self.assertEqual(self.refused(), (300, "11.0.0.98", 3479))
        first.release()
        self.assertEqual(call("GET", "/v1/status")[1]["allocations"], 0)
        told = call("DELETE", "/v1/drain")[1]
        self.assertEqual((told["status"], told["allocations"]),
                         ("serving", 0))
        self.client().allocate()

    def test_bad_bodies_change_nothing(self):
        for body in (b"{", b"[]", b'{"alternate": 7}', b'{"x": 1}',
                     b'{"alternate": "nowhere"}', b'{"alternate": "1.2.3.4"}'):
            status, told = call("POST", "/v1/drain", body)
            self.assertEqual((status, told["err"]["code"]),
                             (400, "bad_request"), body)
        self.assertEqual(call("GET", "/v1/status")[1]["status"], "serving")
        self.client().allocate()
