# SPDX-License-Identifier: BSD-3-Clause
"""What turnd does on a real link to its peers: don't-fragment and ICMP."""

import ctypes
import os
import socket
import struct
import subprocess

import case
import floe
import lab
import turn

SERVER, SERVER_6 = "11.0.0.10", "2a00:61::10"
PEER, PEER_6 = "11.0.0.20", "2a00:61::20"
ADDITIONAL = (0x8000, b"\x02\0\0\0")
DONT_FRAGMENT = (0x1a, b"")
MTU = 1300
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x800, 0x86dd
MORE_FRAGMENTS, DONT = 0x2000, 0x4000
PORT = 7000
GONE, GONE_6 = "11.0.0.77", "2a00:61::77"
BEYOND, BEYOND_6 = "11.0.7.1", "2a00:67::1"
DATA_INDICATION, ICMP = 0x017, 0x8004
CLONE_NEWNET = 0x40000000
ROUNDS, BURST = 30, 16


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Link(case.Case):
    """Clients are beside turnd; peers are at the far end of a small link."""

    def setUp(self):
        super().setUp()
        self.far = lab.Node("far", PEER)
        self.addCleanup(self.far.remove)
        ip("link", "add", "wan", "mtu", str(MTU), "type", "veth", "peer",
           "name", "eth0", "mtu", str(MTU), "netns", self.far.name)
        self.addCleanup(ip, "link", "del", "wan")
        self.far.set("ipv6/conf/all/disable_ipv6", 0)
        self.far.set("ipv6/conf/eth0/disable_ipv6", 0)
        for setting in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
            self.far.set(setting, 0)
        # No solicitation for addresses that nobody else can have.
        self.far.set("ipv6/conf/eth0/accept_dad", 0)
        with open("/proc/sys/net/ipv6/conf/wan/accept_dad", "w",
                  encoding="ascii") as file:
            file.write("0")
        for address in (SERVER + "/24", SERVER_6 + "/64"):
            ip("addr", "add", address, "dev", "wan")
        ip("link", "set", "wan", "up")
        for address in (PEER + "/24", PEER_6 + "/64"):
            self.far.run(["ip", "addr", "add", address, "dev", "eth0"])
        self.far.run(["ip", "link", "set", "eth0", "up"])
        sections = floe.sections(self, SERVER)
        sections["turnd"] += [("relay-address", SERVER_6)]
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                  socket.htons(ETH_P_ALL))
        self.addCleanup(self.wire.close)
        self.wire.bind(("wan", ETH_P_ALL))
        self.wire.settimeout(5)
        self.client = turn.Client((SERVER, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(self.client.close)

    def drops(self, reason):
        wanted = f'turnd_drops_total{{reason="{reason}"}} '
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return self.fail(f"no drops of {reason}")

    def sent_v4(self):
        """(flags and offset, size) of the next IPv4 datagram to the peer."""
        while True:
            data, where = self.wire.recvfrom(4096)
            if (where[1] == ETH_P_IP and data[9] == socket.IPPROTO_UDP and
                    data[16:20] == socket.inet_aton(PEER)):
                size, _, flags = struct.unpack_from("!HHH", data, 2)
                return flags, size

    def sent_v6(self):
        """(next header, size) of the next IPv6 packet of data to the peer."""
        while True:
            data, where = self.wire.recvfrom(4096)
            if (where[1] == ETH_P_IPV6 and data[6] in (17, 44) and
                    data[24:40] == socket.inet_pton(socket.AF_INET6, PEER_6)):
                return data[6], len(data)

    def send(self, peer, size, *attributes):
        self.client.sock.send(self.client.message(
            turn.SEND, ((turn.PEER, (peer, PORT)),
                        (turn.DATA, os.urandom(size)), *attributes), False))

    @case.on_both_engines
    def test_df_is_set_where_asked_for(self):
        self.client.allocate_with(DONT_FRAGMENT)
        self.client.permit(PEER)
        for attributes, flags in (((), 0), ((DONT_FRAGMENT,), DONT), ((), 0)):
            self.send(PEER, 400, *attributes)
            self.assertEqual(self.sent_v4(), (flags, 428))
        # A client that asked for it once has channels as everybody.
        self.client.bind(0x4000, PEER, PORT)
        self.client.channel_send(0x4000, bytes(300))
        self.assertEqual(self.sent_v4(), (0, 328))

    @case.on_both_engines
    def test_too_long_costs_that_datagram_only(self):
        self.client.allocate_with(ADDITIONAL)
        self.client.permit(PEER, PEER_6)
        self.send(PEER, 1400, DONT_FRAGMENT)
        self.send(PEER, 1400)
        first, rest = self.sent_v4(), self.sent_v4()
        self.assertEqual(first[0], MORE_FRAGMENTS)
        self.assertEqual(first[1] + rest[1], 1400 + 8 + 20 + 20)
        # Between families it is ignored (RFC 8656 section 13.1).
        for attributes in ((), (DONT_FRAGMENT,)):
            self.send(PEER_6, 1400, *attributes)
            self.assertEqual((self.sent_v6()[0], self.sent_v6()[0]), (44, 44))
        self.assertEqual(self.drops("send_too_big"), 1)
        self.send(PEER_6, 1000, DONT_FRAGMENT)
        self.assertEqual(self.sent_v6(), (17, 1048))

    # ICMP (section 11.5)

    def at_far(self, address, port=0):
        """A socket of the far end."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as here, \
                open(f"/run/netns/{self.far.name}", "rb") as there:
            self.assertEqual(libc.setns(there.fileno(), CLONE_NEWNET), 0)
            try:
                one = socket.socket(socket.AF_INET6 if ":" in address
                                    else socket.AF_INET, socket.SOCK_DGRAM)
            finally:
                self.assertEqual(libc.setns(here.fileno(), CLONE_NEWNET), 0)
        self.addCleanup(one.close)
        one.bind((address, port))
        one.settimeout(5)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return one

    def told(self):
        """(peer, type, code, data) of the next word of ICMP."""
        while True:
            got = self.client.sock.recv(2048)
            if struct.unpack_from("!H", got)[0] != DATA_INDICATION:
                continue
            for kind, at, size in turn.walk(got):
                if kind == ICMP:
                    bits, data = struct.unpack_from("!2xHI", got, at)
                    return (turn.addresses(got, turn.PEER)[0], bits >> 9,
                            bits & 0x1ff, data)

    @case.on_both_engines
    def test_a_closed_port_is_told(self):
        self.client.allocate_with(ADDITIONAL)
        self.client.permit(PEER, PEER_6)
        for peer, kind, code in ((PEER, 3, 3), (PEER_6, 1, 4)):
            self.send(peer, 100)
            self.assertEqual(self.told(), ((peer, PORT), kind, code, 0))

    def test_a_host_that_is_not_there_is_told(self):
        """After which the allocation goes on."""
        self.client.sock.settimeout(10)
        self.client.allocate_with(ADDITIONAL)
        self.client.permit(PEER, GONE, GONE_6)
        for peer, kind, code in ((GONE, 3, 1), (GONE_6, 1, 3)):
            self.send(peer, 100)
            self.assertEqual(self.told(), ((peer, PORT), kind, code, 0))
        good = self.at_far(PEER, PORT)
        for size in (10, 20):
            self.send(PEER, size)
            self.assertEqual(len(good.recv(2048)), size)

    @case.on_both_engines
    def test_the_mtu_of_a_path_is_told(self):
        """Of a link beyond the far end, which is a router then."""
        self.far.set("ipv4/ip_forward", 1)
        self.far.set("ipv6/conf/all/forwarding", 1)
        self.far.run(["ip", "link", "add", "beyond", "mtu", "1280", "type",
                      "veth", "peer", "name", "end", "mtu", "1280"])
        self.far.run(["ip", "link", "set", "end", "up"])
        for address in (BEYOND + "/24", BEYOND_6 + "/64"):
            self.far.run(["ip", "addr", "add", address, "dev", "beyond"])
        self.far.run(["ip", "link", "set", "beyond", "up"])
        ip("route", "add", "11.0.7.0/24", "via", PEER)
        ip("route", "add", "2a00:67::/64", "via", PEER_6)
        self.client.allocate_with(ADDITIONAL)
        self.client.permit("11.0.7.9", "2a00:67::9")
        # Whole, and longer than the link beyond takes but not than ours.
        for peer, size, kind, code in (("11.0.7.9", 1270, 3, 4),
                                       ("2a00:67::9", 1250, 2, 0)):
            self.send(peer, size, DONT_FRAGMENT)
            self.assertEqual(self.told(), ((peer, PORT), kind, code, 1280))

    @case.on_both_engines
    def test_an_unreachable_peer_costs_the_others_nothing(self):
        """In bursts, by channels, with UDP_SEGMENT at work."""
        bad, good = self.at_far(PEER), self.at_far(PEER)
        bad6, good6 = self.at_far(PEER_6), self.at_far(PEER_6)
        self.client.allocate_with(ADDITIONAL)
        for number, one in enumerate((bad, good, bad6, good6)):
            self.client.bind(0x4000 + number, *one.getsockname()[:2])
        bad.close()
        bad6.close()
        for number in range(ROUNDS):
            # To the bad one, the good one, the bad one ... of each family.
            for step in range(2 * BURST):
                for base in (0x4000, 0x4002):
                    if step // 4 % 2 == 0:
                        self.client.channel_send(base, b"x" * 100)
                    else:
                        self.client.channel_send(
                            base + 1, b"%06d" % number + b"y" * 94)
            for one in (good, good6):
                for _ in range(BURST):
                    self.assertEqual(one.recv(2048)[:6], b"%06d" % number)
        self.assertGreater(self.drops("icmp_limited"), 0)
        # Of either family: which one is heard first is chance.
        self.assertIn(self.told()[1:3], ((3, 3), (1, 4)))
