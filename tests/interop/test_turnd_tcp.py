# SPDX-License-Identifier: BSD-3-Clause
"""turnd over TCP: what the connection's end, its deafness and noise do."""

import json
import socket

import case
import floe
import turn
import wait

HOST = "127.0.0.1"
PEER = "127.0.0.9"
CHANNEL = 0x4000
FLOOD = 3000
SIZE = 1200


class TurndTcp(case.Case):
    def begin(self, **options):
        sections = floe.sections(self, HOST)
        sections["floe"].append(("workers", "1"))
        sections["turnd"] += [("allow-peer", "127.0.0.0/8")]
        sections["turnd"] += [(key.replace("_", "-"), value)
                              for key, value in options.items()]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "turnd", conf)

    def client(self):
        client = turn.Client((HOST, floe.TURN_PORT), *floe.TURN_USER)
        client.sock.close()
        client.sock = turn.StreamSocket((HOST, floe.TURN_PORT))
        self.addCleanup(client.close)
        return client

    def peer(self):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind((PEER, 0))
        peer.settimeout(20)
        return peer

    def dropped(self, reason):
        wanted = f'turnd_drops_total{{reason="{reason}"}} '
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return None

    def ended(self, reason):
        wanted = f'turnd_tcp_ended_total{{reason="{reason}"}} '
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return None

    def test_data_of_every_length(self):
        self.begin()
        client, peer = self.client(), self.peer()
        relayed = client.allocate()
        client.bind(CHANNEL, *peer.getsockname())
        for size in (0, 1, 2, 3, 4, 5, 160, 1471):
            client.channel_send(CHANNEL, b"x" * size)
            self.assertEqual(peer.recvfrom(2048), (b"x" * size, relayed))
            peer.sendto(b"y" * size, relayed)
            self.assertEqual(client.channel_recv(), (CHANNEL, b"y" * size))
        told = json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]
        self.assertEqual([one["transport"] for one in told], ["tcp"])

    def test_data_as_long_as_udp_takes(self):
        self.begin()
        client, peer = self.client(), self.peer()
        relayed = client.allocate()
        client.bind(CHANNEL, *peer.getsockname())
        for size in (16 << 10, 40000, 65507):
            client.channel_send(CHANNEL, b"x" * size)
            self.assertEqual(peer.recvfrom(65536), (b"x" * size, relayed))
        # The kernel does not take it, and that is all.
        client.channel_send(CHANNEL, bytes(65508))
        client.channel_send(CHANNEL, b"more")
        self.assertEqual(peer.recvfrom(65536), (b"more", relayed))
        self.assertEqual(self.dropped("send_too_big"), 1)
        # Strangers have nothing that long to say.
        stranger = self.client()
        stranger.channel_send(CHANNEL, bytes(5000))
        with self.assertRaises(ConnectionError):
            stranger.sock.read(1)
        self.assertEqual(self.ended("too-long"), 1)

    def test_the_allocation_ends_with_the_connection(self):
        self.begin()
        client = self.client()
        client.allocate()
        self.assertEqual(floe.metric("turnd", "turnd_allocations"), 1)
        client.close()
        wait.until("the allocation is gone", lambda:
                   floe.metric("turnd", "turnd_allocations") == 0)
        self.assertEqual(self.ended("client"), 1)

    def test_a_connection_without_an_allocation_is_closed(self):
        self.begin(tcp_idle="1s")
        kept, idle = self.client(), self.client()
        kept.allocate()
        # Requests alone do not keep it.
        idle.exchange(idle.message(0x001, ()))
        with self.assertRaises(ConnectionError):
            idle.sock.read(1)
        self.assertEqual(self.ended("idle"), 1)
        kept.permit(PEER)
        kept.release()
        with self.assertRaises(ConnectionError):
            kept.sock.read(1)

    def test_noise_is_closed(self):
        self.begin()
        for noise in (b"\x80\x00\x00\x00", b"\x16\x03\x01\x00\xc8\x01\x00\x00",
                      b"\x00\x01\x00\x03" + bytes(16)):
            with socket.create_connection((HOST, floe.TURN_PORT)) as link:
                link.settimeout(20)
                link.sendall(noise)
                self.assertEqual(link.recv(1), b"")
        self.assertEqual(self.ended("not-stun"), 3)

    def test_as_many_connections_as_allowed(self):
        self.begin(tcp_connections="1")
        first, second = self.client(), self.client()
        first.allocate()
        with self.assertRaises(ConnectionError):
            second.sock.read(1)
        first.permit(PEER)
        self.assertEqual(self.ended("refused"), 1)

    def test_a_client_that_does_not_read(self):
        daemon = self.begin(tcp_buffer="64k")
        deaf, other, peer = self.client(), self.client(), self.peer()
        relayed, others = deaf.allocate(), other.allocate()
        for client in (deaf, other):
            client.bind(CHANNEL, *peer.getsockname())
        before = daemon.resident_kb()
        while not self.dropped("client_slow"):
            for _ in range(FLOOD):
                peer.sendto(bytes(SIZE), relayed)
            peer.sendto(b"hello", others)
            self.assertEqual(other.channel_recv(), (CHANNEL, b"hello"))
        # ASan keeps what was freed for a while.
        self.assertLess(daemon.resident_kb() - before, 64 << 10)
        # What it reads at last is whole, and it is still served.
        peer.sendto(b"last", relayed)
        deaf.sock.send(deaf.message(turn.REFRESH, ()))
        while True:
            got = deaf.sock.recv(2048)
            if got[0] & 0xc0 != 0x40:
                break
            self.assertIn(got[4:], (bytes(SIZE), b"last"))
        self.assertEqual(got[:2], b"\x01\x04")
