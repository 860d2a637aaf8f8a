# SPDX-License-Identifier: BSD-3-Clause
"""
turnd under churn: clients allocate, talk, and release, hang up or vanish, for
ten minutes with --long.  It ends with the memory, the descriptors and the ports
of its start.
"""

import os
import random
import socket
import subprocess
import threading
import time

import case
import daemon
import floe
import turn
import wait

HOST, PEER = "11.0.0.10", "11.0.0.20"
LONG = os.environ.get("FLOE_LONG") == "1"
SECONDS = 600 if LONG else 20
DRIVERS = 6  # clients at a time
# They live for ten minutes after, so only in the first of ten.
VANISH_S, VANISH_MAX = (60, 500) if LONG else (0, 0)
PORTS = DRIVERS + VANISH_MAX + 10
LOW = 20000  # no port that the kernel gives to the clients
LIFETIME_S = 600
# malloc's own habits; one leaked byte an allocation would be more in the ten
# minutes, a leaked allocation in one second.
GROWTH_KB = 256
SANITIZER_KB = 8192


class TcpClient(turn.Client):
    """Over a connection: what it hangs up is over at once."""

    def __init__(self, server, user, password):
        super().__init__(server, user, password)
        self.sock.close()
        self.sock = turn.StreamSocket(server)


class Soak(case.Case):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("FLOE_SEED", random.randrange(2**32)))
        self.done = [0] * DRIVERS
        self.vanished, self.trouble = [], []
        for address in (HOST, PEER):
            self.ip("addr", "add", address + "/32", "dev", "lo")
            self.addCleanup(self.ip, "addr", "del", address + "/32", "dev",
                            "lo")
        daemon.keep_little(self)
        sections = floe.sections(self, HOST)
        sections["floe"] += [("workers", "2"), ("log-level", "warn")]
        sections["turnd"] += [("allow-peer", PEER), ("rate-limit", "off"),
                              ("user-quota", "1000000"),
                              ("relay-ports", f"{LOW}-{LOW + PORTS - 1}")]
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.ends = threading.Event()
        self.addCleanup(self.ends.set)
        self.echo_at = self.start_echo()

    def evidence(self):
        return f"FLOE_SEED={self.seed}\n{super().evidence()}"

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)

    def start_echo(self):
        """A peer that says back what it hears."""
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind((PEER, 0))
        peer.settimeout(0.2)

        def run():
            while not self.ends.is_set():
                try:
                    data, source = peer.recvfrom(2048)
                    peer.sendto(data, source)
                except socket.timeout:
                    continue
            peer.close()

        threading.Thread(target=run, daemon=True).start()
        return peer.getsockname()

    def client(self, kind):
        return kind((HOST, floe.TURN_PORT), *floe.TURN_USER)

    def talk(self, client, chance):
        """All that a call does; a lost datagram is sent again."""
        client.allocate()
        client.permit(*(f"11.0.{chance.randrange(256)}.1"
                        for _ in range(chance.randrange(1, 6))))
        channel = chance.randrange(0x4000, 0x5000)
        client.bind(channel, *self.echo_at)
        client.permit(PEER)
        text = chance.randbytes(chance.randrange(1, 1200))
        for _ in range(chance.randrange(1, 4)):
            client.channel_send(channel, text)
            self.assertEqual(client.channel_recv(), (channel, text))
        if chance.random() < 0.3:
            client.ask(turn.REFRESH)

    def call(self, chance, may_vanish):
        kind = chance.choice((turn.Client, TcpClient))
        client = self.client(kind)
        try:
            self.talk(client, chance)
            if kind is TcpClient and chance.random() < 0.5:
                return  # hangs up
            if may_vanish and kind is turn.Client:
                if len(self.vanished) < VANISH_MAX:
                    self.vanished.append(time.monotonic())
                    return
            client.release()
        except turn.Refused as refused:
            # The kernel gave it the port of one that has vanished.
            if refused.args[0] != 437 or not self.vanished:
                raise
        finally:
            client.close()

    def drive(self, i, until, vanish_until):
        chance = random.Random(self.seed + i)
        try:
            while time.monotonic() < until and not self.ends.is_set():
                may_vanish = (time.monotonic() < vanish_until
                              and chance.random() < 0.2)
                self.call(chance, may_vanish)
                self.done[i] += 1
        except Exception as error:  # told on the test's own thread
            self.trouble.append(error)
            self.ends.set()

    def churn(self, seconds, vanish_s):
        now = time.monotonic()
        drivers = [threading.Thread(
            target=self.drive, args=(i, now + seconds, now + vanish_s))
            for i in range(DRIVERS)]
        for one in drivers:
            one.start()
        for one in drivers:
            one.join()
        if self.trouble:
            raise self.trouble[0]

    def fill(self):
        """All ports are had at once, with all that a call has of them, and
        one more is not."""
        clients = []
        try:
            for _ in range(PORTS):
                clients.append(self.client(turn.Client))
                clients[-1].allocate()
                clients[-1].permit(*(f"11.0.{i}.1" for i in range(6)))
                clients[-1].bind(0x4000, *self.echo_at)
            clients.append(self.client(turn.Client))
            with self.assertRaisesRegex(turn.Refused, "508"):
                clients[-1].allocate()
            for one in clients[:-1]:
                one.release()
        finally:
            for one in clients:
                one.close()

    def figures(self):
        """(resident KiB, descriptors) when nothing is allocated."""
        wait.until("nothing is allocated", lambda: floe.metric(
            "turnd", "turnd_allocations") == 0, timeout_s=LIFETIME_S + 60)
        # Connections that clients closed are closed here as well.
        wait.until("no connection is open", lambda: floe.metric(
            "turnd", "turnd_tcp_connections") == 0, timeout_s=60)
        return (daemon.resident_kb(self.turnd),
                floe.descriptors("turnd", self.turnd))

    def test_churn(self):
        # Pools are as large as they will be, and caches are warm.
        self.fill()
        self.churn(5, 0)
        self.fill()
        start = self.figures()
        self.done = [0] * DRIVERS
        self.churn(SECONDS, VANISH_S)
        calls = sum(self.done)
        end = self.figures()
        self.fill()
        filled = self.figures()
        print(f"  soak of {SECONDS} s: {calls} allocations,"
              f" {len(self.vanished)} vanished; resident {start[0]} KiB at the"
              f" start, {end[0]} at the end, {filled[0]} after all ports;"
              f" descriptors {start[1]}, {end[1]}, {filled[1]}")
        self.assertGreater(calls, SECONDS)
        bound = SANITIZER_KB if daemon.sanitized("turnd") else GROWTH_KB
        for rss, descriptors in (end, filled):
            self.assertLessEqual(rss, start[0] + bound)
            self.assertEqual(descriptors, start[1])
