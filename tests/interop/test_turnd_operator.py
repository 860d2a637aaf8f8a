# SPDX-License-Identifier: BSD-3-Clause
"""turnd as its operator and the kernel see it."""

import json
import os
import resource
import socket
import subprocess

import case
import floe
import turn
import wait

# Addresses of this sandbox alone; the peer's is allowed, the server's is not.
SERVER, PEER = "11.0.0.10", "11.0.0.20"
# Of a prefix that is local as a whole: no interface has it.
ROUTED, ROUTED_NET = "11.2.0.1", "11.2.0.0/16"
NOWHERE, NOWHERE_NET = "11.1.0.1", "11.1.0.0/16"
ROUNDS = 20


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Operator(case.Case):
    def setUp(self):
        super().setUp()
        for address in (SERVER, PEER):
            ip("addr", "add", address + "/32", "dev", "lo")
            self.addCleanup(ip, "addr", "del", address + "/32", "dev", "lo")
        ip("route", "add", "local", ROUTED_NET, "dev", "lo")
        self.addCleanup(ip, "route", "del", "local", ROUTED_NET, "dev", "lo")
        ip("route", "add", "unreachable", NOWHERE_NET)
        self.addCleanup(ip, "route", "del", "unreachable", NOWHERE_NET)
        sections = floe.sections(self, SERVER)
        sections["floe"].append(("log-format", "json"))
        sections["turnd"] += [
            ("allow-peer", PEER),
            ("listen", f"udp://{ROUTED}:{floe.TURN_PORT}")]
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.peer.bind((PEER, 0))
        self.peer.settimeout(5)
        self.addCleanup(self.peer.close)

    def client(self):
        one = turn.Client((SERVER, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(one.close)
        return one

    def drops(self, reason):
        wanted = f'turnd_drops_total{{reason="{reason}"}} '
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return self.fail(f"no drops of {reason}")

    def talk(self, client, relayed):
        port = self.peer.getsockname()[1]
        client.bind(0x4000, PEER, port)
        for number in range(ROUNDS):
            client.channel_send(0x4000, b"up %d" % number)
            data, source = self.peer.recvfrom(2048)
            self.assertEqual((data, source), (b"up %d" % number, relayed))
            self.peer.sendto(b"down %d" % number, relayed)
            self.assertEqual(client.channel_recv(),
                             (0x4000, b"down %d" % number))

    def test_unreachable_peer_costs_its_packets_only(self):
        client = self.client()
        relayed = client.allocate()
        client.permit(NOWHERE)
        client.bind(0x4001, NOWHERE, 9)
        for _ in range(ROUNDS):
            client.send(NOWHERE, 9, b"lost")
            client.channel_send(0x4001, b"lost")
        wait.until("the drops are counted", lambda: self.drops(
            "send_unreachable") == 2 * ROUNDS)
        self.talk(client, relayed)

    def test_metrics_and_records(self):
        client = self.client()
        relayed = client.allocate()
        self.talk(client, relayed)
        self.assertEqual(floe.metric("turnd", "turnd_allocations"), 1)
        self.assertEqual(
            floe.metric("turnd", "turnd_relayed_packets_total"), 2 * ROUNDS)
        one, = json.loads(floe.get(
            "turnd", "/v1/allocations"))["allocations"]
        self.assertEqual(one["user"], floe.TURN_USER[0])
        self.assertEqual(one["relayed"], "%s:%d" % relayed)
        self.assertEqual(one["client"], "%s:%d" % client.sock.getsockname())
        self.assertEqual(one["server"], f"{SERVER}:{floe.TURN_PORT}")
        self.assertEqual(one["to_peer"]["packets"], ROUNDS)
        self.assertEqual((one["permissions"], one["channels"]), (1, 1))
        client.release()
        self.assertEqual(floe.metric("turnd", "turnd_allocations"), 0)
        ended = wait.until("the line of the end", self.ended_line)
        self.assertEqual(ended["why"], "deleted")
        self.assertEqual(ended["to_client_packets"], ROUNDS)

    def ended_line(self):
        for line in self.turnd.log().splitlines():
            if '"allocation_ended"' in line:
                return json.loads(line)
        return None

    def test_refused_peer_names_the_rule(self):
        client = self.client()
        client.allocate()
        for address, rule in ((SERVER, "own-address"), (ROUTED, "own-address"),
                              ("10.0.0.1", "private"),
                              ("127.0.0.1", "loopback")):
            with self.assertRaises(turn.Refused) as refused:
                client.permit(address)
            self.assertEqual(refused.exception.args[0], 403)
            wait.until("the rule is logged", lambda rule=rule:
                       f'"rule":"{rule}"' in self.turnd.log())
        self.assertEqual(self.drops("peer_denied"), 4)

    def test_no_descriptors_left(self):
        pid = self.turnd.process.pid
        limit = len(os.listdir(f"/proc/{pid}/fd")) + 32 + ROUNDS
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
        first = self.client()
        relayed = first.allocate()
        with self.assertRaises(turn.Refused) as refused:
            for _ in range(ROUNDS + 1):
                self.client().allocate()
        self.assertEqual(refused.exception.args[0], 508)
        # It still tells its operator, and serves who is there.
        self.assertEqual(self.drops("no_socket"), 1)
        self.talk(first, relayed)

    def test_two_allocations_meet(self):
        one, other = self.client(), self.client()
        here, there = one.allocate(), other.allocate()
        one.bind(0x4000, *there)
        other.bind(0x4000, *here)
        for number in range(ROUNDS):
            one.channel_send(0x4000, b"%d" % number)
            self.assertEqual(other.channel_recv(), (0x4000, b"%d" % number))
        other.release()
        one.channel_send(0x4000, b"lost")
        wait.until("the drop is counted",
                   lambda: self.drops("peer_gone") == 1)
