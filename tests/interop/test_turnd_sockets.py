# SPDX-License-Identifier: BSD-3-Clause
"""
turnd on all addresses of a machine, and under bursts that the kernel merges, in
STUN as aioice writes and reads it.
"""

import json
import socket

from aioice import stun

import case
import floe

ASKED = ("127.0.0.2", "127.0.0.3")
PEER = "127.0.0.9"
CHANNEL = 0x4000
UDP = 17 << 24  # REQUESTED-TRANSPORT
UDP_SEGMENT = 103  # of <linux/udp.h>
BURST = 60


def channel_data(data):
    return CHANNEL.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def data_attribute(data):
    """DATA, which aioice does not know."""
    return (b"\x00\x13" + len(data).to_bytes(2, "big") + data +
            bytes(-len(data) % 4))


def send_burst(sock, parts, address):
    """Send parts, equally long but for the last, at once as a NIC merges."""
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(parts[0]))
    sock.sendto(b"".join(parts), address)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)


@case.on_both_engines
class Sockets(case.Case):
    """One client that asks several addresses of one listener."""

    def setUp(self):
        super().setUp()
        sections = floe.sections(self, "127.0.0.1")
        sections["floe"].append(("workers", "2"))
        sections["turnd"] = [row for row in sections["turnd"]
                             if row[0] != "listen"]
        sections["turnd"] += [
            ("listen", f"udp://0.0.0.0:{floe.TURN_PORT}"),
            ("listen", f"udp://[::]:{floe.TURN_PORT}"),
            ("allow-peer", "127.0.0.0/8"), ("no-auth", "yes")]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.turnd = floe.start(self, "turnd", conf)
        self.client = self.socket("127.0.0.1")
        self.peer = self.socket(PEER)

    def socket(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        new = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(new.close)
        new.bind((address, 0))
        new.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        new.settimeout(20)
        return new

    def receive(self, sock, source):
        """The next datagram, which must come from there."""
        data, address = sock.recvfrom(2048)
        self.assertEqual(address[:2], source)
        return data

    def ask(self, address, method, client=None, **attributes):
        """The attributes of the answer, from the address that was asked."""
        client = client or self.client
        request = stun.Message(message_method=method,
                               message_class=stun.Class.REQUEST)
        for name, value in attributes.items():
            request.attributes[name.replace("_", "-")] = value
        client.sendto(bytes(request), (address, floe.TURN_PORT))
        answer = stun.parse_message(
            self.receive(client, (address, floe.TURN_PORT)))
        self.assertEqual(answer.message_class, stun.Class.RESPONSE)
        self.assertEqual(answer.transaction_id, request.transaction_id)
        return answer.attributes

    def allocate(self, address):
        answer = self.ask(address, stun.Method.ALLOCATE,
                          REQUESTED_TRANSPORT=UDP)
        self.ask(address, stun.Method.CHANNEL_BIND, CHANNEL_NUMBER=CHANNEL,
                 XOR_PEER_ADDRESS=self.peer.getsockname())
        return answer["XOR-RELAYED-ADDRESS"]

    def test_answers_from_the_address_asked(self):
        for address in ("127.0.0.1", *ASKED, "::1"):
            client = self.socket("::1" if ":" in address else "127.0.0.1")
            answer = self.ask(address, stun.Method.BINDING, client)
            self.assertEqual(answer["XOR-MAPPED-ADDRESS"],
                             client.getsockname()[:2])

    def test_each_address_has_its_own_allocation(self):
        relayed = {address: self.allocate(address) for address in ASKED}
        self.assertEqual(len(set(relayed.values())), len(ASKED))
        for address in ASKED:
            self.client.sendto(channel_data(b"up"),
                               (address, floe.TURN_PORT))
            self.assertEqual(self.receive(self.peer, relayed[address]), b"up")
        for address in reversed(ASKED):
            self.peer.sendto(b"down", relayed[address])
            self.assertEqual(
                self.receive(self.client, (address, floe.TURN_PORT)),
                channel_data(b"down"))
        told = json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]
        self.assertEqual(sorted(one["server"] for one in told),
                         [f"{address}:{floe.TURN_PORT}" for address in ASKED])
        # What one address ends, the other keeps.
        self.ask(ASKED[0], stun.Method.REFRESH, LIFETIME=0)
        self.peer.sendto(b"still", relayed[ASKED[1]])
        self.assertEqual(
            self.receive(self.client, (ASKED[1], floe.TURN_PORT)),
            channel_data(b"still"))

    def test_bursts_are_relayed_one_by_one(self):
        address = (ASKED[0], floe.TURN_PORT)
        relayed = self.allocate(ASKED[0])
        # Permitted without a channel, so it is heard in Data indications.
        other = self.socket(PEER)
        sent = [b"%03d" % i * 51 for i in range(BURST)] + [b"end"]
        send_burst(self.client, [channel_data(one) for one in sent], address)
        self.assertEqual([self.receive(self.peer, relayed) for _ in sent],
                         sent)
        send_burst(self.peer, sent, relayed)
        self.assertEqual([self.receive(self.client, address) for _ in sent],
                         [channel_data(one) for one in sent])
        send_burst(other, sent, relayed)
        for one in sent:
            told = self.receive(self.client, address)
            self.assertEqual(
                stun.parse_message(told).attributes["XOR-PEER-ADDRESS"],
                other.getsockname())
            self.assertEqual(told[-len(data_attribute(one)):],
                             data_attribute(one))

    def test_a_burst_of_requests_is_answered(self):
        """More than a queue of answers holds, each with its own."""
        address = (ASKED[0], floe.TURN_PORT)
        requests = [stun.Message(message_method=stun.Method.BINDING,
                                 message_class=stun.Class.REQUEST)
                    for _ in range(3 * BURST)]
        for i in range(0, len(requests), BURST):
            send_burst(self.client, [bytes(one) for one in
                                     requests[i:i + BURST]], address)
        answers = [stun.parse_message(self.receive(self.client, address))
                   for _ in requests]
        self.assertEqual([one.transaction_id for one in answers],
                         [one.transaction_id for one in requests])

    def test_port_that_is_free_in_a_moment(self):
        """As that of a turnd that was killed, until its io_uring is gone."""
        self.assertEqual(self.turnd.stop(), 0)
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        holder.bind(("0.0.0.0", floe.TURN_PORT))

        def ready():
            if holder.fileno() >= 0 and self.turnd.sleeps():
                holder.close()
            return holder.fileno() < 0 and floe.healthy("turnd")

        self.turnd.start(ready)
        self.assertTrue(self.allocate(ASKED[0]))
