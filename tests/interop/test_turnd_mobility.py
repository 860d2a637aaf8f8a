# SPDX-License-Identifier: BSD-3-Clause
"""
Clients that take their allocations along (RFC 8016), across workers and
transports: a new address of a client is heard by any of the workers.
"""

import json
import socket
import ssl
import struct
import subprocess
import time

import case
import certs
import dtls
import floe
import turn
import turnutils

SERVER, PEER = "11.0.0.10", "11.0.0.20"
TICKET = 0x8030
CLIENTS = 12
MESSAGES = 20


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Dtls(dtls.DtlsSocket):
    """As Roamer wants it."""

    type = socket.SOCK_DGRAM
    sendall = dtls.DtlsSocket.send

    def settimeout(self, _):
        """It has its own."""


def connect(transport):
    """A socket to turnd."""
    if transport == "dtls":
        return Dtls((SERVER, floe.TURNS_PORT))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM
                         if transport == "udp" else socket.SOCK_STREAM)
    sock.settimeout(5)
    sock.connect((SERVER, floe.TURNS_PORT if transport == "tls"
                  else floe.TURN_PORT))
    if transport != "tls":
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


class Roamer(turn.Client):
    """One that can change its socket."""

    @property
    def tcp(self):
        return self.sock.type == socket.SOCK_STREAM

    def move(self, transport="udp"):
        """On a new socket, with nothing but the ticket; the old one."""
        old, self.sock = self.sock, connect(transport)
        self.key = self.nonce = None
        self.ticket = self.ask(turn.REFRESH, (TICKET, self.ticket))[TICKET]
        return old

    def begin(self):
        relayed = self.allocate_with((TICKET, b""))[0]
        self.ticket = {kind: self.answer[at:at + size] for kind, at, size
                       in turn.walk(self.answer)}[TICKET]
        return relayed

    def exchange(self, request):
        if not self.tcp:
            return super().exchange(request)
        self.sock.sendall(request)
        while True:
            head = self.take(20)
            answer = head + self.take(struct.unpack_from("!H", head, 2)[0])
            if answer[8:20] == request[8:20]:
                return answer

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def channel_recv(self):
        if not self.tcp:
            return super().channel_recv()
        channel, size = struct.unpack("!HH", self.take(4))
        return channel, self.take(size + -size % 4)[:size]

    def channel_send(self, channel, data):
        self.sock.sendall(struct.pack("!HH", channel, len(data)) + data +
                          bytes(-len(data) % 4 if self.tcp else 0))


class Mobility(case.Case):
    def setUp(self):
        super().setUp()
        for address in (SERVER, PEER):
            ip("addr", "add", address + "/32", "dev", "lo")
            self.addCleanup(ip, "addr", "del", address + "/32", "dev", "lo")
        tls = certs.Authority(self.folder).issue(SERVER)
        sections = floe.sections(self, SERVER, tls)
        sections["floe"].append(("workers", "4"))
        sections["turnd"] += [("allow-peer", PEER), ("mobility", "yes")]
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.peer.bind((PEER, 0))
        self.peer.settimeout(5)
        self.addCleanup(self.peer.close)

    def client(self):
        one = Roamer((SERVER, floe.TURN_PORT), *floe.TURN_USER)
        self.addCleanup(lambda: one.close())
        return one

    def up(self, client, relayed, data):
        client.channel_send(0x4000, data)
        self.assertEqual(self.peer.recvfrom(2048), (data, relayed))

    def down(self, client, relayed, data):
        self.peer.sendto(data, relayed)
        self.assertEqual(client.channel_recv(), (0x4000, data))

    def told(self):
        return json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]

    def travel(self, *transports):
        """Every client to a new socket of each, and data both ways."""
        clients = [self.client() for _ in range(CLIENTS)]
        relayed = [one.begin() for one in clients]
        for one in clients:
            one.bind(0x4000, *self.peer.getsockname())
        before = {one["relayed"]: (one["worker"], one["id"])
                  for one in self.told()}
        for transport in transports:
            for one, own in zip(clients, relayed):
                old = one.move(transport)
                self.addCleanup(old.close)
                # The old socket serves until the new one has.
                new, one.sock = one.sock, old
                self.up(one, own, b"old up")
                self.down(one, own, b"old down")
                one.sock = new
                for number in range(MESSAGES):
                    self.up(one, own, b"new up %d" % number)
                    self.down(one, own, b"new down %d" % number)
                # Ordinary requests work where it is.
                one.bind(0x4000, *self.peer.getsockname())
                one.ask(turn.REFRESH, (turn.LIFETIME, struct.pack("!I", 700)))
        after = self.told()
        self.assertEqual({one["relayed"]: (one["worker"], one["id"])
                          for one in after}, before)
        self.assertEqual(
            sorted(one["client"] for one in after),
            sorted("%s:%d" % one.sock.getsockname() for one in clients))
        for one in clients:
            one.release()
        self.assertEqual(self.told(), [])

    @case.on_both_engines
    def test_over_udp(self):
        self.travel("udp", "udp", "udp")

    @case.on_both_engines
    def test_from_transport_to_transport(self):
        self.travel("tcp", "udp", "tls", "tcp", "tls", "udp")

    def test_over_dtls(self):
        """Whose keys only the worker has that heard the handshake."""
        self.travel("dtls", "udp", "dtls", "dtls", "udp")

    def test_a_dtls_session_that_closes(self):
        for _ in range(CLIENTS // 2):
            one = self.client()
            relayed = one.begin()
            one.bind(0x4000, *self.peer.getsockname())
            one.move("dtls").close()
            self.up(one, relayed, b"by dtls")
            one.sock.close()
            # Until turnd has seen that it is closed it sends there.
            one.move("udp")
            self.arrives(one, relayed)
            one.release()

    def arrives(self, client, relayed):
        deadline = time.monotonic() + 5
        client.sock.settimeout(0.2)
        while True:
            self.peer.sendto(b"unasked", relayed)
            try:
                self.assertEqual(client.channel_recv(), (0x4000, b"unasked"))
                break
            except TimeoutError:
                self.assertLess(time.monotonic(), deadline)
        client.sock.settimeout(5)

    def test_the_connection_breaks_before(self):
        for _ in range(CLIENTS):
            one = self.client()
            relayed = one.begin()
            one.bind(0x4000, *self.peer.getsockname())
            one.move("tcp").close()
            self.up(one, relayed, b"by tcp")
            one.sock.close()
            one.move("tcp")
            # The old one is closed, so the new one is it.
            self.down(one, relayed, b"unasked")
            self.up(one, relayed, b"by tcp again")
            one.release()

    def test_a_socket_that_left_can_allocate_anew(self):
        for _ in range(CLIENTS):
            one = self.client()
            relayed = one.begin()
            one.bind(0x4000, *self.peer.getsockname())
            old = one.move()
            self.up(one, relayed, b"moved")
            new, one.sock = one.sock, old
            one.key = one.nonce = None
            self.assertNotEqual(one.begin(), relayed)
            one.release()
            one.sock = new
            one.key = one.nonce = None
            one.release()

    def test_a_ticket_of_another_user_or_none(self):
        for _ in range(CLIENTS):
            one = self.client()
            one.begin()
            ticket = one.ticket
            one.ticket = bytes([ticket[0] ^ 1]) + ticket[1:]
            with self.assertRaises(turn.Refused) as refused:
                one.move()
            self.assertEqual(refused.exception.args, (400,))
            one.ticket = ticket
            one.move()
            one.release()
        self.assertEqual(self.told(), [])

    def uclient(self, *options):
        """coturn's client closes its socket, or not, and comes by a new one."""
        self.row(turnutils.version(), " ".join([
            "tcp" if "-t" in options else "udp", "-M"]))
        text = subprocess.run(
            [*turnutils.UCLIENT, "-M", "-n", str(MESSAGES), "-m", "6",
             *options, SERVER], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60).stdout
        turnutils.check(self, text, MESSAGES)

    def test_turnutils_udp(self):
        self.uclient("-p", str(floe.TURN_PORT))

    def test_turnutils_indications(self):
        self.uclient("-s", "-p", str(floe.TURN_PORT))

    def test_turnutils_tcp(self):
        self.uclient("-t", "-p", str(floe.TURN_PORT))

    # With -S and -M Debian's turnutils_uclient 4.6.1 writes to the session of
    # the socket that it closed and ends, at coturn's own server, too.
