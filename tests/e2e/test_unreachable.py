# SPDX-License-Identifier: BSD-3-Clause
"""
A call goes on when the kernel cannot reach a peer: what fails is the datagram
to that peer and nothing else.
"""

import floe
import lab
import meeting
import wait

STUN = f"stun:{lab.SERVER}:{floe.TURN_PORT}"
TURN = f"turn:{lab.SERVER}:{floe.TURN_PORT}?transport=udp"
NOWHERE = [f"11.0.9.{host}" for host in range(1, 9)]
CLOSED = lab.GATEWAY  # nothing listens there, and the machine says so
B_OUTSIDE = f"{lab.PUBLIC_NET}.22"
CHECKS = 3  # an ICE agent repeats its checks


class Unreachable(meeting.Meeting):
    nat = "port-restricted"

    def change(self, sections):
        """What is relayed has an address of its own, to be routed alone."""
        sections["turnd"] = [
            ("relay-address", lab.SERVER_ALTERNATE)
            if row[0] == "relay-address" else row
            for row in sections["turnd"]]

    def call(self):
        """Alice may only relay, and has two ways to Bob."""
        alice = self.open("alice", self.net.a)
        bob = self.open("bob", self.net.b)
        config = meeting.relay_only(TURN)
        both = {"iceServers": [{"urls": STUN}, *config["iceServers"]]}
        meeting.introduce(alice, config, bob, both)
        meeting.talk(alice, bob)
        self.until_alice_sends_to(alice, B_OUTSIDE)
        return alice, bob

    def until_alice_sends_to(self, alice, address):
        def selected():
            peer = alice.peer()
            self.assertNotEqual(peer["state"], "failed")
            return (peer["state"], peer["local"]["candidateType"],
                    peer["remote"]["address"]) == (
                        "connected", "relay", address)
        wait.until(f"alice's pair ends at {address}", selected,
                   meeting.PATIENCE_S)

    def unreachable(self, source, *addresses):
        """EHOSTUNREACH for what the server sends from there to these."""
        server = self.net.server
        for address in addresses:
            server.run(["ip", "rule", "add", "from", source, "to", address,
                        "lookup", "77"])
            server.run(["ip", "route", "add", "unreachable", address,
                        "table", "77"])

    def test_candidates_that_nobody_can_reach(self):
        alice, bob = self.call()
        self.unreachable(lab.SERVER_ALTERNATE, *NOWHERE)
        for number, address in enumerate([*NOWHERE, CLOSED]):
            meeting.ask(alice, "add", "candidate:%d 1 udp %d %s 50000 typ host" % (
                number + 100, 2130706431 - number, address))
        wait.until("checks have failed", lambda: self.drops(
            "send_unreachable") >= CHECKS * len(NOWHERE))
        meeting.talk(alice, bob)
        self.until_alice_sends_to(alice, B_OUTSIDE)

    def test_the_route_to_the_peer_goes_away(self):
        alice, bob = self.call()
        self.unreachable(lab.SERVER_ALTERNATE, B_OUTSIDE)
        self.goes_on_by_the_other_relay(alice, bob)
        self.assertGreater(self.drops("send_unreachable"), 0)

    def test_the_peer_begins_to_refuse(self):
        alice, bob = self.call()
        router = next(node for node in self.net.nodes if node.name == "nat-b")
        router.run(["nft", "insert", "rule", "ip", "nat", "forward",
                    "ip", "saddr", lab.SERVER_ALTERNATE,
                    "reject", "with", "icmp", "port-unreachable"])
        self.goes_on_by_the_other_relay(alice, bob)

    def goes_on_by_the_other_relay(self, alice, bob):
        self.until_alice_sends_to(alice, lab.SERVER_ALTERNATE)
        meeting.talk(alice, bob)
