# SPDX-License-Identifier: BSD-3-Clause
"""TCP allocations (RFC 6062) of the built turnd: both directions, TLS, ends,
slow readers, and connections that arrive at another worker than theirs."""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import threading
import time

import case
import certs
import floe
import turn
import wait

HOST = "127.0.0.1"
PEER = "127.0.0.9"
MANY = 24
LARGE = 4 << 20
# More than the kernel keeps for two connections, by far.
FLOOD = 96 << 20


def read_all(sock):
    """Until the other side has said all."""
    parts = []
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


class TcpAllocations(case.Case):
    def begin(self, workers=1, tls=False, allow=True, **options):
        pair = certs.Authority(self.folder).issue(HOST) if tls else None
        sections = floe.sections(self, HOST, pair)
        sections["floe"].append(("workers", str(workers)))
        if allow:
            sections["turnd"].append(("allow-peer", "127.0.0.0/8"))
        sections["turnd"] += [(key.replace("_", "-"), value)
                              for key, value in options.items()]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "turnd", conf)

    def client(self, tls=False):
        context = None
        if tls:
            context = ssl.create_default_context(
                cafile=os.path.join(self.folder, "ca.pem"))
        client = turn.TcpClient(
            (HOST, floe.TURNS_PORT if tls else floe.TURN_PORT),
            *floe.TURN_USER, tls=context)
        self.addCleanup(client.close)
        return client

    def listener(self):
        listener = socket.create_server((PEER, 0), backlog=64)
        listener.settimeout(20)
        self.addCleanup(listener.close)
        return listener

    def accept(self, listener):
        peer, address = listener.accept()
        peer.settimeout(20)
        self.addCleanup(peer.close)
        return peer, address

    def data(self, client, conn, more=b""):
        data = client.data(conn, more)
        self.addCleanup(data.close)
        return data

    def pair(self, client, relayed=None):
        """(the client's data connection, the peer's), by a Connect."""
        listener = self.listener()
        conn = client.connect(*listener.getsockname())
        peer, address = self.accept(listener)
        if relayed:
            self.assertEqual(address, relayed)
        return self.data(client, conn), peer

    def dial(self, relayed):
        """A peer connects to a relayed address."""
        peer = socket.create_connection(relayed, timeout=20,
                                        source_address=(PEER, 0))
        self.addCleanup(peer.close)
        return peer

    def live(self):
        return floe.metric("turnd", "turnd_tcp_relay_connections")

    def dropped(self, reason):
        wanted = f'turnd_drops_total{{reason="{reason}"}} '
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return None

    def gone(self):
        wait.until("no connection is left", lambda: self.live() == 0)

    def large_both_ways(self, data, peer):
        """Both speak at once, each ends, and each has heard all."""
        up, down = os.urandom(LARGE), os.urandom(LARGE)

        def speak(sock, text):
            sock.sendall(text)
            sock.shutdown(socket.SHUT_WR)

        speakers = [threading.Thread(target=speak, args=args)
                    for args in ((data.link, up), (peer, down))]
        heard = []
        listener = threading.Thread(
            target=lambda: heard.append(read_all(peer)))
        for thread in (*speakers, listener):
            thread.start()
        told = data.have + read_all(data.link)
        for thread in (*speakers, listener):
            thread.join(60)
        self.assertEqual(hashlib.sha256(told).digest(),
                         hashlib.sha256(down).digest())
        self.assertEqual(hashlib.sha256(heard[0]).digest(),
                         hashlib.sha256(up).digest())

    def test_connect(self):
        self.begin()
        client = self.client()
        relayed = client.allocate()
        data, peer = self.pair(client, relayed)
        self.assertEqual(self.live(), 1)
        data.link.sendall(b"hello")
        self.assertEqual(peer.recv(100), b"hello")
        peer.sendall(b"you too")
        self.assertEqual(data.read(7), b"you too")
        told = json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]
        self.assertEqual([(one["relay_transport"], one["connections"],
                           one["to_peer"]["bytes"], one["to_client"]["bytes"])
                          for one in told], [("tcp", 1, 5, 7)])
        self.large_both_ways(data, peer)
        self.gone()

    def test_incoming(self):
        self.begin()
        client = self.client()
        relayed = client.allocate()
        stranger = self.dial(relayed)
        self.assertEqual(stranger.recv(1), b"")
        self.assertEqual(self.dropped("connection_no_permission"), 1)
        client.permit(PEER)
        peer = self.dial(relayed)
        # Before anybody asks for it.
        peer.sendall(b"early")
        conn, address = client.attempt()
        self.assertEqual(address, peer.getsockname())
        data = self.data(client, conn)
        self.assertEqual(data.read(5), b"early")
        self.large_both_ways(data, peer)
        self.gone()
        # As often as they like, from one relayed address.
        for _ in range(3):
            peer = self.dial(relayed)
            data = self.data(client, client.attempt()[0])
            data.link.sendall(b"x")
            self.assertEqual(peer.recv(1), b"x")

    def test_both_directions_share_the_port(self):
        self.begin()
        client = self.client()
        relayed = client.allocate()
        client.permit(PEER)
        pairs = [self.pair(client, relayed) for _ in range(3)]
        peer = self.dial(relayed)
        pairs.append((self.data(client, client.attempt()[0]), peer))
        for i, (data, peer) in enumerate(pairs):
            data.link.sendall(b"to %d" % i)
            peer.sendall(b"from %d" % i)
        for i, (data, peer) in enumerate(pairs):
            self.assertEqual(peer.recv(100), b"to %d" % i)
            self.assertEqual(data.read(6), b"from %d" % i)

    def test_what_follows_the_bind_at_once(self):
        self.begin()
        client = self.client()
        client.allocate()
        listener = self.listener()
        conn = client.connect(*listener.getsockname())
        peer, _ = self.accept(listener)
        # It looks like STUN, and is data all the same.
        early = client.message(turn.REFRESH, ()) + bytes(70000)
        self.data(client, conn, early)
        heard = b""
        while len(heard) < len(early):
            heard += peer.recv(1 << 16)
        self.assertEqual(heard, early)

    def test_over_tls(self):
        self.begin(tls=True)
        client = self.client(tls=True)
        relayed = client.allocate()
        listener = self.listener()
        conn = client.connect(*listener.getsockname())
        peer, address = self.accept(listener)
        self.assertEqual(address, relayed)
        peer.sendall(b"early")
        data = self.data(client, conn, b"at once")
        self.assertEqual(data.read(5), b"early")
        self.assertEqual(peer.recv(100), b"at once")
        up, down = os.urandom(LARGE), os.urandom(LARGE)
        speaker = threading.Thread(target=lambda: (
            peer.sendall(down), peer.shutdown(socket.SHUT_WR)))
        speaker.start()
        told = data.read(LARGE)
        speaker.join(60)
        self.assertTrue(told == down)
        # The end of what the peer said is the client's, too.
        self.assertEqual(data.link.recv(1), b"")
        hearer = []
        listening = threading.Thread(
            target=lambda: hearer.append(read_all(peer)))
        listening.start()
        data.link.sendall(up)
        data.close()
        listening.join(60)
        self.assertTrue(hearer[0] == up)
        self.gone()

    def test_at_other_workers(self):
        self.begin(workers=4, tls=True, max_connections="64")
        for tls in (False, True):
            client = self.client(tls)
            client.allocate()
            pairs = []
            for _ in range(MANY):
                listener = self.listener()
                conn = client.connect(*listener.getsockname())
                peer, _ = self.accept(listener)
                peer.sendall(b"early")
                pairs.append((self.data(client, conn, b"at once"), peer))
            for data, peer in pairs:
                self.assertEqual(data.read(5), b"early")
                self.assertEqual(peer.recv(100), b"at once")
            self.assertEqual(self.live(), MANY)
            client.close()
            self.gone()
            for data, peer in pairs:
                self.assertEqual(peer.recv(1), b"")
        # One in four is at home by chance; none of so many never was.
        left = 0
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith('turnd_tcp_ended_total{reason="detached"}'):
                left = int(line.split()[-1])
        self.assertGreater(left, 2 * MANY)

    def test_with_the_nonce_of_the_control_connection(self):
        self.begin(workers=4)
        client = self.client()
        client.allocate()
        for _ in range(8):
            listener = self.listener()
            conn = client.connect(*listener.getsockname())
            peer, _ = self.accept(listener)
            data = client.data(conn, b"at once", fresh=False)
            self.addCleanup(data.close)
            self.assertEqual(peer.recv(100), b"at once")
            peer.sendall(b"x")
            self.assertEqual(data.read(1), b"x")

    def test_bandwidth(self):
        # It waits where datagrams would be dropped.
        self.begin(allocation_bandwidth="1m", bandwidth_burst="10ms")
        client = self.client()
        client.allocate()
        data, peer = self.pair(client)
        began = time.monotonic()
        self.large_both_ways(data, peer)
        self.assertGreater(time.monotonic() - began, (LARGE >> 20) - 1)
        self.assertEqual(self.dropped("bandwidth"), 0)

    def test_ipv6(self):
        sections = floe.sections(self, HOST)
        sections["turnd"] += [("relay-address", "::1"),
                              ("allow-peer", "::1")]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf)
        client = self.client()
        relayed, = client.allocate_with((turn.FAMILY, bytes([2, 0, 0, 0])))
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        self.addCleanup(listener.close)
        listener.settimeout(20)
        with self.assertRaises(turn.Refused) as refused:
            client.connect(PEER, 80)
        self.assertEqual(refused.exception.args[0], 403)
        conn = client.connect("::1", listener.getsockname()[1])
        peer, address = self.accept(listener)
        self.assertEqual(address[:2], relayed)
        self.large_both_ways(self.data(client, conn), peer)
        self.gone()

    def test_the_peer_stops_first(self):
        self.begin()
        client = self.client()
        client.allocate()
        data, peer = self.pair(client)
        peer.sendall(b"all I had")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(data.have + read_all(data.link), b"all I had")
        self.assertEqual(self.live(), 1)
        data.link.sendall(b"but I had not")
        data.link.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(peer), b"but I had not")
        self.gone()

    def test_the_client_is_gone(self):
        self.begin()
        client = self.client()
        client.allocate()
        data, peer = self.pair(client)
        data.link.sendall(b"last words")
        data.close()
        self.assertEqual(read_all(peer), b"last words")
        # It learns on its next word that nobody listens.
        with self.assertRaises(OSError):
            while True:
                peer.sendall(bytes(1000))
        self.gone()

    def test_the_end_of_the_control_connection(self):
        self.begin()
        client = self.client()
        client.allocate()
        pairs = [self.pair(client) for _ in range(3)]
        client.close()
        for data, peer in pairs:
            self.assertEqual(peer.recv(1), b"")
            self.assertEqual(data.link.recv(1), b"")
        self.gone()

    def test_the_end_of_the_allocation(self):
        self.begin()
        client = self.client()
        relayed = client.allocate()
        client.permit(PEER)
        data, peer = self.pair(client)
        waiting = self.dial(relayed)
        client.attempt()
        client.release()
        for sock in (data.link, peer, waiting):
            self.assertEqual(sock.recv(1), b"")
        with self.assertRaises(ConnectionRefusedError):
            self.dial(relayed)
        self.gone()

    def test_peers_are_denied(self):
        self.begin(allow=False)
        client = self.client()
        relayed = client.allocate()
        listener = self.listener()
        for address in (listener.getsockname(), (HOST, floe.TURN_PORT),
                        ("10.0.0.1", 80), ("169.254.169.254", 80)):
            with self.assertRaises(turn.Refused) as refused:
                client.connect(*address)
            self.assertEqual(refused.exception.args[0], 403)
        self.assertEqual(self.dial(relayed).recv(1), b"")
        listener.settimeout(0)
        with self.assertRaises(BlockingIOError):
            listener.accept()

    def test_two_clients_meet(self):
        # Own addresses are denied, but not as live relayed addresses.
        self.begin(workers=2, allow=False)
        left, right = self.client(), self.client()
        relayed, other = left.allocate(), right.allocate()
        left.ask(turn.CREATE_PERMISSION,
                 (turn.PEER, other))
        conn = right.connect(*relayed)
        called, address = left.attempt()
        self.assertEqual(address, other)
        data, peer = self.data(left, called), self.data(right, conn)
        self.large_both_ways(data, peer.link)
        self.gone()
        for gone in (left, right):
            gone.release()
        with self.assertRaises(turn.Refused) as refused:
            client = self.client()
            client.allocate()
            client.connect(*relayed)
        self.assertEqual(refused.exception.args[0], 403)

    def test_refused_by_the_peer(self):
        self.begin()
        client = self.client()
        client.allocate()
        listener = self.listener()
        address = listener.getsockname()
        listener.close()
        with self.assertRaises(turn.Refused) as refused:
            client.connect(*address)
        self.assertEqual(refused.exception.args[0], 447)
        self.assertEqual(self.dropped("connect_refused"), 1)
        # The same again, as nothing of it is left.
        with self.assertRaises(turn.Refused):
            client.connect(*address)
        self.gone()

    def test_another_user_does_not_get_it(self):
        self.begin(user="bob:builder")
        client = self.client()
        client.allocate()
        listener = self.listener()
        conn = client.connect(*listener.getsockname())
        client.user, client.password = b"bob", b"builder"
        with self.assertRaises(turn.Refused) as refused:
            client.data(conn)
        self.assertEqual(refused.exception.args[0], 441)

    def session(self, tls):
        """An allocation with connections in all states, left as they are."""
        with contextlib.ExitStack() as left:
            client = self.client(tls)
            left.callback(client.close)
            relayed = client.allocate()
            client.permit(PEER)
            for i in range(6):
                listener = self.listener()
                if i % 2:
                    conn = client.connect(*listener.getsockname())
                    peer, _ = self.accept(listener)
                else:
                    peer = self.dial(relayed)
                    conn, _ = client.attempt()
                left.callback(peer.close)
                if i < 4:
                    data = self.data(client, conn, bytes(50000))
                    left.callback(data.close)
                peer.sendall(bytes(20000))

    def sessions(self, times):
        """Many at once; what goes wrong in them."""
        wrong = []

        def some(tls):
            try:
                for _ in range(times):
                    self.session(tls)
            except (OSError, AssertionError, turn.Refused) as error:
                wrong.append(error)

        threads = [threading.Thread(target=some, args=(tls,))
                   for tls in (False, True, False, True)]
        for thread in threads:
            thread.start()
        return threads, wrong

    def test_nothing_is_left(self):
        daemon = self.begin(workers=4, tls=True)
        self.session(False)
        self.gone()
        before = floe.descriptors("turnd", daemon)
        threads, wrong = self.sessions(5)
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.gone()
        wait.until("every connection is closed", lambda: not any(
            floe.metric("turnd", name) for name in
            ("turnd_tcp_connections", "turnd_allocations")))
        self.assertEqual(floe.descriptors("turnd", daemon), before)

    def test_the_end_of_turnd_amid_all_that(self):
        daemon = self.begin(workers=4, tls=True)
        threads, _ = self.sessions(1000)
        wait.until("there is some traffic", lambda: floe.metric(
            "turnd", "turnd_tcp_relay_connections_total") > 50)
        self.assertEqual(daemon.stop(), 0)
        for thread in threads:
            thread.join()

    def resident_kb(self, daemon):
        with open(f"/proc/{daemon.process.pid}/status",
                  encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status
                        if line.startswith("VmRSS"))

    def slow_reader(self, fast, slow, daemon, finish):
        """fast sends as much as it can; memory stays, and all arrives."""
        before = self.resident_kb(daemon)
        sent = hashlib.sha256()
        chunk = os.urandom(1 << 16)
        stalled = total = 0
        fast.settimeout(0.5)
        while total < FLOOD and stalled < 2:
            try:
                size = fast.send(chunk)
                sent.update(chunk[:size])
                total += size
                stalled = 0
            except (socket.timeout, ssl.SSLWantWriteError):
                stalled += 1
        # It had to stop, and what waits is in the kernel's buffers.
        self.assertLess(total, FLOOD)
        self.assertLess(self.resident_kb(daemon) - before, 4 << 10)
        finish()
        heard = hashlib.sha256()
        size = 0
        while True:
            part = slow.recv(1 << 16)
            if not part:
                break
            heard.update(part)
            size += len(part)
        self.assertEqual((size, heard.digest()), (total, sent.digest()))

    def test_a_client_that_does_not_read(self):
        daemon = self.begin()
        client = self.client()
        client.allocate()
        data, peer = self.pair(client)
        self.slow_reader(peer, data.link, daemon,
                         lambda: peer.shutdown(socket.SHUT_WR))

    def test_a_peer_that_does_not_read(self):
        daemon = self.begin()
        client = self.client()
        client.allocate()
        data, peer = self.pair(client)
        self.slow_reader(data.link, peer, daemon,
                         lambda: data.link.shutdown(socket.SHUT_WR))
