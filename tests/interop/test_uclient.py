# SPDX-License-Identifier: BSD-3-Clause
"""
coturn's uclient against turnd: over each transport and from each address family
at one port, every method it has.  It plays both sides: its allocations talk to
each other's relayed addresses on the very server under test.

A test asserts what uclient says, that all came back, and by what turnd writes
of an ended allocation that it was the kind of allocation that was meant.
"""

import re
import subprocess

import case
import certs
import floe
import turnutils

V4, V6 = "11.0.0.10", "2a00:61::10"
MESSAGES = 10
CLIENTS = 2
OVER = {"udp": (), "tcp": ("-t",), "tls": ("-t", "-S"), "dtls": ("-S",)}
ON_V4, ON_V6 = r" relayed=11\.", r" relayed=\[2a00:"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Uclient(case.Case):
    def setUp(self):
        super().setUp()
        for address in (V4, V6):
            bits = "/128" if ":" in address else "/32"
            ip("addr", "add", address + bits, "dev", "lo", "nodad")
            self.addCleanup(ip, "addr", "del", address + bits, "dev", "lo")
        self.authority = certs.Authority(self.folder)
        sections = floe.sections(self, V4, self.authority.issue(V4))
        sections["turnd"] = [row for row in sections["turnd"]
                             if row[0] != "listen"]
        sections["turnd"] += [("relay-address", V6),
                              # uclient's passive peer is at 127.0.0.1.
                              ("allow-peer", "127.0.0.1/32"),
                              ("listen", f"auto://{V4}:{floe.TURN_PORT}"),
                              ("listen", f"auto://[{V6}]:{floe.TURN_PORT}")]
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def start(self, over, options, host):
        process = subprocess.Popen(
            [*turnutils.UCLIENT, "-p", str(floe.TURN_PORT), "-n",
             str(MESSAGES), "-m", str(CLIENTS), *OVER[over], *options, host],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        return process

    def relay(self, *options, host=V4, mark=ON_V4, over=tuple(OVER), loss=0):
        """All transports at once; `mark` is how their allocations end."""
        running = {one: self.start(one, options, host) for one in over}
        for one, process in running.items():
            self.row(turnutils.version(), " ".join(
                [one, *(word for word in options if word[0] == "-")]))
            text = process.communicate(timeout=60)[0]
            turnutils.check(self, text, MESSAGES, loss)
        # Not all of those over UDP are given back.
        self.assertEqual(self.turnd.stop(), 0)
        client = re.escape(f"[{host}]:" if ":" in host else f"{host}:")
        for one in over:
            self.assertGreaterEqual(len(re.findall(
                f"allocation_ended .* client={client}.* transport={one} .*"
                f"{mark}", self.turnd.log())), CLIENTS, one)

    @case.on_both_engines
    def test_channels(self):
        self.relay()

    @case.on_both_engines
    def test_indications(self):
        self.relay("-s")

    @case.on_both_engines
    def test_v4_to_v6(self):
        self.relay("-x", mark=ON_V6)

    def test_v6_to_v4(self):
        self.relay("-X", host=V6)

    @case.on_both_engines
    def test_v6_to_v6(self):
        self.relay("-x", host=V6, mark=ON_V6)

    def test_v6_indications(self):
        self.relay("-x", "-s", host=V6, mark=ON_V6)

    def test_dual_allocation(self):
        self.relay("-Z", mark=ON_V4 + ".* relayed_second=.2a00:")

    def test_even_port_and_the_next(self):
        """What uclient asks for unless told not to (-c)."""
        self.relay()
        ports = {int(port) for port in re.findall(
            f"allocation_ended .*{ON_V4}[^:]*:([0-9]+) ", self.turnd.log())}
        pairs = [port for port in ports if port % 2 == 0 and port + 1 in ports]
        self.assertGreaterEqual(len(pairs), CLIENTS * len(OVER) / 2)

    def test_no_reservation(self):
        self.relay("-c")

    def test_dont_fragment(self):
        self.relay("-g")

    def test_dont_fragment_indications(self):
        self.relay("-g", "-s")

    def test_padded_channels(self):
        self.relay("-D")

    def test_extra_requests(self):
        self.relay("-G")

    def test_negative(self):
        """Requests for what it may not have, in between."""
        self.relay("-N")

    def test_certificate(self):
        self.relay("-E", self.authority.cert, over=("tls", "dtls"))

    def test_tcp_allocations(self):
        """RFC 6062: each client connects to all the others."""
        self.relay("-T", mark="relay_transport=tcp", over=("tcp", "tls"))

    def test_tcp_allocations_of_a_passive_peer(self):
        """By its own count it loses every second one, at any server."""
        self.relay("-P", mark="relay_transport=tcp", over=("tcp",), loss=50)
