# SPDX-License-Identifier: BSD-3-Clause
"""turnd on a host that the world sees by another address, as in most clouds.

    this sandbox 11.0.0.20 --- router 11.0.0.10 | 10.0.0.1 --- host 10.0.0.5

The router translates 1:1 and turns nothing around: what the host sends to its
own public address is lost.
"""

import socket
import subprocess

import case
import floe
import lab
import turn

PUBLIC, PRIVATE, HERE = "11.0.0.10", "10.0.0.5", "11.0.0.20"
GATEWAY = "10.0.0.1"
RULES = f"""
table ip nat {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        iifname "wan" ip daddr {PUBLIC} dnat to {PRIVATE}
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        oifname "wan" ip saddr {PRIVATE} snat to {PUBLIC}
    }}
}}
"""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class External(case.Case):
    def setUp(self):
        super().setUp()
        self.router = self.node("ext-router", PUBLIC)
        self.host = self.node("ext-host", PRIVATE)
        ip("link", "add", "ext-wan", "type", "veth", "peer", "name", "wan",
           "netns", self.router.name)
        self.addCleanup(ip, "link", "del", "ext-wan")
        self.router.run(["ip", "link", "add", "lan", "type", "veth", "peer",
                         "name", "eth0", "netns", self.host.name])
        ip("addr", "add", f"{HERE}/24", "dev", "ext-wan")
        ip("link", "set", "ext-wan", "up")
        for node, port, address in ((self.router, "wan", PUBLIC),
                                    (self.router, "lan", GATEWAY),
                                    (self.host, "eth0", PRIVATE)):
            node.run(["ip", "addr", "add", f"{address}/24", "dev", port])
            node.run(["ip", "link", "set", port, "up"])
        self.host.run(["ip", "route", "add", "default", "via", GATEWAY])
        self.router.set("ipv4/ip_forward", 1)
        self.router.run(["nft", "-f", "-"], input=RULES)
        self.sections = floe.sections(self, PRIVATE)

    def node(self, name, address):
        node = lab.Node(name, address)
        self.addCleanup(node.remove)
        return node

    def begin(self, *settings):
        self.sections["turnd"] += settings
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), self.sections), self.host)

    def client(self):
        one = turn.Client((PUBLIC, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(one.close)
        return one

    def relays(self):
        """A datagram each way between a relay and this sandbox."""
        client = self.client()
        relayed = client.allocate()
        self.assertEqual(relayed[0], PUBLIC)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((HERE, 0))
            peer.settimeout(5)
            client.bind(0x4000, *peer.getsockname())
            client.channel_send(0x4000, b"out")
            self.assertEqual(peer.recvfrom(100), (b"out", relayed))
            peer.sendto(b"in", relayed)
            self.assertEqual(client.channel_recv(), (0x4000, b"in"))

    def test_a_given_address(self):
        self.begin(("external-ip", PUBLIC))
        self.relays()

    def test_a_given_pair(self):
        self.begin(("external-ip", f"{PUBLIC}/{PRIVATE}"))
        self.relays()

    def test_an_address_that_a_stun_server_tells(self):
        self.sections["stund"][0] = ("listen", f"udp://{HERE}:3478")
        del self.sections["stund"][1]
        floe.start(self, "stund", floe.daemon.write_conf(
            self.path("stund.conf"), self.sections))
        self.begin(("external-ip-probe", f"{HERE}:3478"))
        self.relays()

    def test_a_stun_server_that_is_not_there(self):
        self.begin(("external-ip-probe", f"{HERE}:3478"))
        self.assertEqual(self.client().allocate()[0], PRIVATE)
        self.assertIn("external_ip_probe_failed", self.turnd.log())
        self.assertIn("relay_address_private", self.turnd.log())

    def test_two_clients_meet_at_their_public_addresses(self):
        self.begin(("external-ip", PUBLIC))
        clients = self.client(), self.client()
        relayed = [one.allocate() for one in clients]
        for one, other in (0, 1), (1, 0):
            clients[one].bind(0x4000, *relayed[other])
        for one, other in (0, 1), (1, 0):
            clients[one].channel_send(0x4000, b"to the other")
            self.assertEqual(clients[other].channel_recv(),
                             (0x4000, b"to the other"))

    def test_own_addresses_are_no_peers(self):
        self.begin(("external-ip", PUBLIC))
        one, other = self.client(), self.client()
        one.allocate()
        port = other.allocate()[1]
        for address, number in ((PRIVATE, port), (PUBLIC, floe.TURN_PORT),
                                (PRIVATE, floe.TURN_PORT)):
            with self.assertRaises(turn.Refused) as refused:
                one.bind(0x4000, address, number)
            self.assertEqual(refused.exception.args[0], 403)

    def test_an_address_of_nobody_is_refused_at_the_start(self):
        self.sections["turnd"].append(("external-ip", f"{PUBLIC}/10.0.0.6"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), self.sections)
        done = self.host.run([floe.daemon.program("turnd"), "-c", conf],
                             check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"floe\.conf:\d+: \[turnd\] "
                         "external-ip: which relay address is it")
