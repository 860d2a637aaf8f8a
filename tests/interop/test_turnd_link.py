# SPDX-License-Identifier: BSD-3-Clause
"""What turnd does on a real link to its peers: don't-fragment and ICMP."""

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

    def test_too_long_costs_that_datagram_only(self):
        self.client.allocate_with(ADDITIONAL)
        self.client.permit(PEER, PEER_6)
        self.send(PEER, 1400, DONT_FRAGMENT)
        self.send(PEER_6, 1400, DONT_FRAGMENT)
        self.send(PEER, 1400)
        first, rest = self.sent_v4(), self.sent_v4()
        self.assertEqual(first[0], MORE_FRAGMENTS)
        self.assertEqual(first[1] + rest[1], 1400 + 8 + 20 + 20)
        self.send(PEER_6, 1400)
        self.assertEqual((self.sent_v6()[0], self.sent_v6()[0]), (44, 44))
        self.assertEqual(self.drops("send_too_big"), 2)
        self.send(PEER_6, 1000, DONT_FRAGMENT)
        self.assertEqual(self.sent_v6(), (17, 1048))
