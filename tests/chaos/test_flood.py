# SPDX-License-Identifier: BSD-3-Clause
"""
Floods of garbage, of Binding requests and of Allocates without a password, from
addresses that nobody has: memory stays as it is, what runs loses nothing, and
each datagram is answered or counted under the reason why not.

The rate is one that the machine takes beside everything else: what is shown is
that strangers cost no memory and nobody else's packets, not how many of them a
processor can read.
"""

import os
import socket
import subprocess
import sys
import threading
import time

import case
import daemon
import floe
import lab
import root
import turn
import wait

HOST, PEER, GATE = "11.0.0.10", "11.0.0.20", "11.0.0.1"
LONG = os.environ.get("FLOE_LONG") == "1"
RATE = 4000
COUNT = RATE * (60 if LONG else 3)
KINDS = ("garbage", "binding", "allocate", "near-binding", "near-allocate")
RELAYS, EACH_S = 8, 0.02
# Pages that the daemon touches for the first time, of its code and its stacks.
GROWTH_KB = 256
# Its own tables and caches; without it is where memory is measured.
SANITIZER_KB = 8192
# Dropped and not answered; stund has its own names.
UNANSWERED = {
    "turnd": ("rate_limited", "not_stun", "malformed", "unknown_method",
              "send_no_allocation", "channel_unbound"),
    "stund": ("rate-limited", "malformed", "not-request", "other-method"),
}
ANSWERED = {"turnd": "turnd_requests_total", "stund": "stund_answers_total"}
PORTS = {"turnd": floe.TURN_PORT, "stund": floe.STUN_PORT}


class Calls(threading.Thread):
    """Clients of turnd that talk to an echo, a datagram each 20 ms."""

    def __init__(self, clients, echo):
        super().__init__(daemon=True)
        self.clients, self.echo = clients, echo
        self.ends = threading.Event()
        self.sent = self.back = 0

    def receive(self):
        for client in self.clients:
            try:
                while True:
                    self.back += client.channel_recv() is not None
            except BlockingIOError:
                continue

    def reflect(self):
        try:
            while True:
                data, source = self.echo.recvfrom(2048)
                self.echo.sendto(data, source)
        except BlockingIOError:
            return

    def run(self):
        due = time.monotonic()
        while not self.ends.is_set():
            for client in self.clients:
                client.channel_send(0x4000, bytes(160))
                self.sent += 1
            due += EACH_S
            while time.monotonic() < due:
                self.reflect()
                self.receive()
                time.sleep(0.002)

    def stop(self):
        self.ends.set()
        self.join()

    def finish(self):
        """How many did not come back."""
        self.stop()

        def all_back():
            self.reflect()
            self.receive()
            return self.back == self.sent

        try:
            wait.until("the last have come back", all_back, timeout_s=3)
        except TimeoutError:
            pass
        return self.sent - self.back


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def kernel_drops():
    """Datagrams for which a socket of this namespace had no room."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, values = [line.split() for line in file
                         if line.startswith("Udp:")]
    return int(values[names.index("RcvbufErrors")])


class Flood(case.Case):
    def setUp(self):
        super().setUp()
        daemon.keep_little(self)
        self.attacker = lab.Node("attacker", GATE)
        self.addCleanup(self.attacker.remove)
        # It swallows what is sent to those in whose name it speaks.
        self.attacker.run(["ip", "link", "add", "wan", "type", "veth", "peer",
                           "name", "flood", "netns", str(os.getpid())])
        self.attacker.run(["ip", "addr", "add", GATE + "/24", "dev", "wan"])
        self.attacker.run(["ip", "link", "set", "wan", "up"])
        self.attacker.run(["ip", "route", "add", "blackhole", "10.0.0.0/8"])
        for address in (HOST, PEER):
            ip("addr", "add", address + "/24", "dev", "flood")
        ip("link", "set", "flood", "up")
        ip("route", "add", "10.0.0.0/8", "via", GATE)

    def begin(self, name):
        sections = floe.sections(self, HOST)
        sections["floe"] += [("log-level", "warn")]
        sections[name] += [("rate-limit", "1000/s"), ("rate-burst", "5000")]
        if name == "turnd":
            sections[name] += [("allow-peer", PEER)]
        one = floe.start(self, name, floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.bound = SANITIZER_KB if daemon.sanitized(name) else GROWTH_KB
        return one

    def told(self, name):
        """(answered, {reason: dropped}) since the start."""
        answered, dropped = 0, {}
        for line in floe.get(name, "/metrics").splitlines():
            key, _, value = line.rpartition(" ")
            if key.startswith(ANSWERED[name] + "{"):
                answered += int(value)
            if key.startswith(f"{name}_drops_total{{"):
                reason = key.split('reason="')[1].split('"')[0]
                if reason in UNANSWERED[name]:
                    dropped[reason] = dropped.get(reason, 0) + int(value)
        return answered, dropped

    def flood(self, name, kind, count):
        """What became of them: {reason: datagrams}."""
        answered, dropped = self.told(name)
        lost = kernel_drops()
        self.attacker.run([sys.executable, os.path.join(
            root.SOURCE, "tests/lib/flood.py"), HOST, str(PORTS[name]), kind,
            str(count), str(RATE)], timeout=count / RATE + 60)
        fate = {}

        def all_told():
            now, reasons = self.told(name)
            fate.update({reason: n - dropped[reason]
                         for reason, n in reasons.items()})
            fate["answered"] = now - answered
            fate["kernel"] = kernel_drops() - lost
            return sum(fate.values()) == count

        try:
            wait.until("each datagram is answered or counted", all_told)
        except TimeoutError as error:
            raise AssertionError(f"{count} sent, told: {fate}") from error
        return {reason: n for reason, n in fate.items() if n > 0}

    def floods(self, name):
        one = self.begin(name)
        self.flood(name, "garbage", RATE // 4)
        yield one
        start = daemon.resident_kb(one)
        kernel = 0
        for kind in KINDS:
            before = daemon.resident_kb(one)
            fate = self.flood(name, kind, COUNT)
            kernel += fate.get("kernel", 0)
            after = daemon.resident_kb(one)
            print(f"  {name}, {COUNT} of {kind} at {RATE}/s: resident {before}"
                  f" KiB before, {after} after; "
                  + ", ".join(f"{n} {reason}"
                              for reason, n in sorted(fate.items())))
            self.check_fate(name, kind, fate)
        self.assertLessEqual(daemon.resident_kb(one), start + self.bound)
        yield kernel

    def check_fate(self, name, kind, fate):
        if kind == "garbage":
            self.assertNotIn("rate_limited", fate)
            self.assertGreater(fate["malformed"], 0)
        elif name == "stund" and kind.endswith("allocate"):
            self.assertEqual(set(fate) - {"kernel"}, {"other-method"})
        elif kind.startswith("near-"):
            self.assertIn(UNANSWERED[name][0], fate)
        else:
            # So many networks that none has too many.
            self.assertEqual(set(fate) - {"kernel"}, {"answered"})

    def test_turnd(self):
        steps = self.floods("turnd")
        next(steps)
        echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(echo.close)
        echo.bind((PEER, 0))
        echo.setblocking(False)
        clients = [turn.Client((HOST, floe.TURN_PORT), *floe.TURN_USER)
                   for _ in range(RELAYS)]
        for client in clients:
            self.addCleanup(client.close)
            client.allocate()
            client.bind(0x4000, *echo.getsockname())
            client.sock.setblocking(False)
        calls = Calls(clients, echo)
        calls.start()
        self.addCleanup(calls.stop)
        kernel = next(steps)
        lost = calls.finish()
        print(f"  turnd, meanwhile: {calls.sent} relayed there and back,"
              f" {lost} lost, {kernel} of all by full sockets")
        # What the machine had no time to read is not turnd's to keep.
        self.assertLessEqual(lost, kernel)

    def test_stund(self):
        steps = self.floods("stund")
        next(steps)
        next(steps)
        # And somebody else is served as ever.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(10)
            link.connect((HOST, floe.STUN_PORT))
            link.send(b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12))
            self.assertEqual(link.recv(2048)[:2], b"\1\1")
