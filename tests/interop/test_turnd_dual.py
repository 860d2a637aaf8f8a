# SPDX-License-Identifier: BSD-3-Clause
"""Relayed addresses of both families in one allocation (RFC 8656)."""

import json
import re
import socket
import subprocess

import case
import floe
import turn

SERVER, SERVER_6 = "11.0.0.10", "2a00:61::10"
PEERS = {"11.0.0.20": 0x4000, "2a00:61::20": 0x4001}
ADDITIONAL, V6 = (0x8000, b"\x02\0\0\0"), (0x17, b"\x02\0\0\0")
MESSAGES = 10


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


@case.on_both_engines
class Dual(case.Case):
    def setUp(self):
        super().setUp()
        for address in (SERVER, SERVER_6, *PEERS):
            bits = "/128" if ":" in address else "/32"
            ip("addr", "add", address + bits, "dev", "lo")
            self.addCleanup(ip, "addr", "del", address + bits, "dev", "lo")
        sections = floe.sections(self, SERVER)
        sections["turnd"] += [("relay-address", SERVER_6),
                              ("listen", f"udp://[{SERVER_6}]:"
                                         f"{floe.TURN_PORT}"),
                              *(("allow-peer", peer) for peer in PEERS)]
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def client(self, server=SERVER):
        one = turn.Client((server, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(one.close)
        return one

    def peer(self, address):
        one = socket.socket(socket.AF_INET6 if ":" in address
                            else socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address, 0))
        one.settimeout(5)
        self.addCleanup(one.close)
        return one

    def talk(self, client, peer, channel, relayed):
        client.channel_send(channel, b"up")
        data, source = peer.recvfrom(2048)
        self.assertEqual((data, source[:2]), (b"up", relayed))
        peer.sendto(b"down", relayed)
        self.assertEqual(client.channel_recv(), (channel, b"down"))

    def told(self):
        return json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]

    def test_each_peer_meets_the_address_of_its_family(self):
        for server in (SERVER, SERVER_6):
            client = self.client(server)
            relayed = client.allocate_with(ADDITIONAL)
            self.assertEqual([one[0] for one in relayed], [SERVER, SERVER_6])
            told, = self.told()
            self.assertEqual(told["relayed"], "%s:%d" % relayed[0])
            self.assertEqual(told["relayed_second"], "[%s]:%d" % relayed[1])
            peers = [self.peer(address) for address in PEERS]
            for peer, channel, own in zip(peers, PEERS.values(), relayed):
                client.bind(channel, *peer.getsockname()[:2])
                self.talk(client, peer, channel, own)
            # Without one family the other goes on.
            client.ask(turn.REFRESH, (turn.LIFETIME, bytes(4)), V6)
            self.talk(client, peers[0], 0x4000, relayed[0])
            self.assertNotIn("relayed_second", self.told()[0])
            with self.assertRaises(turn.Refused) as refused:
                client.permit(peers[1].getsockname()[0])
            self.assertEqual(refused.exception.args, (443,))
            client.release()
            self.assertEqual(self.told(), [])

    def test_turnutils(self):
        """coturn's client; it refreshes one family, or the other, or both."""
        text = subprocess.run(
            ["turnutils_uclient", "-y", "-Z", "-p", str(floe.TURN_PORT), "-n",
             str(MESSAGES), "-m", "3", "-l", "160", "-u", floe.TURN_USER[0],
             "-w", floe.TURN_USER[1], SERVER], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60).stdout
        self.assertIn("Total lost packets 0 ", text)
        self.assertNotIn("error 4", text.replace("error 401", ""))
        totals = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
        self.assertTrue(totals and totals[-1][0] == totals[-1][1], text)
        self.turnd.stop()
        ended = [line for line in self.turnd.log().splitlines()
                 if " allocation_ended " in line]
        self.assertGreaterEqual(len(ended), 3)
        for line in ended:
            self.assertRegex(line, r"relayed=11\.0\.0\.10:\d+ "
                                   r"relayed_second=\[2a00:61::10\]:\d+ ")
