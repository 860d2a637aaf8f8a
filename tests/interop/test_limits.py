# SPDX-License-Identifier: BSD-3-Clause
"""The limits that protect strangers from us and us from strangers."""

import os
import socket
import struct
import time

import case
import floe
import turn
import wait

HOST, NEIGHBOUR, ELSEWHERE = "127.0.0.1", "127.0.0.77", "127.0.9.1"
ASKED = 50
BURST = 5
PORTS = {"stund": floe.STUN_PORT, "turnd": floe.TURN_PORT}
NAMES = {"stund": "rate-limited", "turnd": "rate_limited"}
BINDING, ALLOCATE = 0x001, turn.ALLOCATE


def request(method):
    return struct.pack("!HHI", method, 0, turn.COOKIE) + os.urandom(12)


def labelled(daemon, metric, *labels):
    """Sum of a metric over the rows that have all these labels."""
    found = 0
    for line in floe.get(daemon, "/metrics").splitlines():
        key, _, value = line.rpartition(" ")
        if key.split("{")[0] == metric and all(one in key for one in labels):
            found += int(value)
    return found


class Limits(case.Case):
    def begin(self, name, **options):
        sections = floe.sections(self, HOST)
        sections["floe"].append(("workers", "1"))
        sections[name] += [(key.replace("_", "-"), value)
                           for key, value in options.items()]
        return floe.start(self, name, floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def udp(self, name, address=HOST):
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(link.close)
        link.bind((address, 0))
        link.connect((HOST, PORTS[name]))
        link.settimeout(10)
        return link

    def limited(self, name):
        return labelled(name, f"{name}_drops_total",
                        f'reason="{NAMES[name]}"')

    def flood(self, name, method):
        """How many of the requests are answered; the rest is accounted for."""
        link = self.udp(name)
        link.setblocking(False)
        before = self.limited(name)
        answers = []
        for _ in range(ASKED):
            link.send(request(method))

        def all_told():
            try:
                while True:
                    answers.append(link.recv(2048))
            except BlockingIOError:
                return len(answers) + self.limited(name) - before == ASKED

        wait.until("each request is answered or counted", all_told)
        return len(answers)

    def check(self, name, method):
        daemon = self.begin(name, rate_limit="1/s", rate_burst=str(BURST))
        answered = self.flood(name, method)
        self.assertGreaterEqual(answered, BURST)
        self.assertLess(answered, ASKED / 2)
        self.assertIn("rate_limited network=127.0.0.0/24", daemon.log())
        # The next address of that network has none left; another one has.
        before = self.limited(name)
        near = self.udp(name, NEIGHBOUR)
        for _ in range(BURST):
            near.send(request(method))
        wait.until("a neighbour is limited as well",
                   lambda: self.limited(name) > before)
        far = self.udp(name, ELSEWHERE)
        far.send(request(method))
        self.assertTrue(far.recv(2048))
        # Nor is anybody who came by TCP and so has not lied.
        with socket.create_connection((HOST, PORTS[name]), timeout=10) as tcp:
            for _ in range(ASKED):
                asked = request(method)
                tcp.sendall(asked)
                answer = tcp.recv(2048)
                self.assertEqual(answer[8:20], asked[8:20])

    def test_stund_binding(self):
        self.check("stund", BINDING)

    @case.on_both_engines
    def test_turnd_binding(self):
        self.check("turnd", BINDING)

    def test_turnd_allocate(self):
        self.check("turnd", ALLOCATE)

    def test_ordinary_users_do_not_meet_it(self):
        """The defaults, and what a page reload of 400 people is."""
        self.begin("stund")
        link = self.udp("stund")
        for _ in range(400 * 10):
            link.send(request(BINDING))
            self.assertTrue(link.recv(2048))
        self.assertEqual(self.limited("stund"), 0)

    @case.on_both_engines
    def test_an_allocation_does_not_notice(self):
        self.begin("turnd", rate_limit="1/s", rate_burst=str(BURST))
        client = turn.Client((HOST, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(client.close)
        client.allocate()
        self.flood("turnd", ALLOCATE)
        for _ in range(ASKED):
            client.ask(turn.REFRESH)

    def test_wrong_passwords(self):
        self.begin("turnd", auth_failures="3")
        good = turn.Client((HOST, floe.TURN_PORT), *floe.TURN_USER)
        bad = turn.Client((HOST, floe.TURN_PORT), floe.TURN_USER[0], "wrong")
        other = turn.Client((HOST, floe.TURN_PORT), "other", "wrong")
        for client in (good, bad, other):
            self.addCleanup(client.close)
        good.allocate()
        for _ in range(4):
            with self.assertRaises(turn.Refused):
                bad.allocate()
        bad.sock.send(bad.message(ALLOCATE, ()))
        wait.until("the next one is dropped", lambda: labelled(
            "turnd", "turnd_drops_total", '"auth_backoff"') > 0)
        with self.assertRaises(turn.Refused):
            other.allocate()
        good.ask(turn.REFRESH)

    @case.on_both_engines
    def test_bandwidth(self):
        """A second of it at once, then no more than the rate, over all."""
        self.begin("turnd", user_bandwidth="100k", allow_peer="127.0.0.0/8")
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind((ELSEWHERE, 0))
        peer.setblocking(False)
        clients = [turn.Client((HOST, floe.TURN_PORT), *floe.TURN_USER)
                   for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
            client.allocate()
            client.bind(0x4000, *peer.getsockname())
        sent, piece, got = 0, bytes(1000), []
        before = time.monotonic()
        while sent < 400:
            for client in clients * 20:
                client.channel_send(0x4000, piece)
                sent += 1
            # Each is relayed or counted, before the socket overflows.
            wait.until("the last forty are accounted for", lambda: self.drain(
                peer, got) + labelled("turnd", "turnd_drops_total",
                                      '"bandwidth"') == sent)
        seconds = time.monotonic() - before
        self.assertGreaterEqual(len(got), 102)
        self.assertLessEqual(len(got), 103 * (1 + seconds))
        self.assertLess(len(got), sent)

    def test_records_do_not_fill_the_disk(self):
        server = self.begin("turnd", max_allocations="10")
        client = turn.Client((HOST, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(client.close)
        before, ended = time.monotonic(), 0
        while ended < 100 or labelled(
                "turnd", "turnd_records_held_back_total") == 0:
            client.allocate()
            client.release()
            ended += 1
        seconds = time.monotonic() - before
        held = labelled("turnd", "turnd_records_held_back_total")
        written = server.log().count(" allocation_ended ")
        self.assertEqual(written + held, ended)
        self.assertGreaterEqual(written, 10)
        self.assertLessEqual(written, 10 + 10 * (seconds + 1))
        # The next one tells; at the end everybody has his.
        client.allocate()
        server.stop()
        self.assertRegex(server.log(),
                         f"allocation_ended why=shutdown .*held_back={held}")

    def drain(self, link, got):
        """How many datagrams have come in all."""
        try:
            while True:
                got.append(link.recv(2048))
        except BlockingIOError:
            return len(got)
