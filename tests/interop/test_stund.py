# SPDX-License-Identifier: BSD-3-Clause
"""stund over UDP and TCP, spoken to in STUN as aioice writes and reads it."""

import socket

from aioice import stun

import case
import floe
import wait

ADDRESSES = ("127.0.0.1", "::1")
PIPELINED = 1000
REFUSED = (b"GET / HTTP/1.1\r\n\r\n",  # the start of ChannelData to STUN
           b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03",  # TLS ClientHello
           b"\x80\x00\x00\x00")


def request(method=stun.Method.BINDING):
    return bytes(stun.Message(message_method=method,
                              message_class=stun.Class.REQUEST))


def mapped(answer):
    return stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"]


class Stund(case.Case):
    def begin(self, addresses=("127.0.0.1", "[::1]"), **options):
        sections = floe.sections(self, ADDRESSES[0])
        sections["floe"].append(("workers", "1"))
        sections["stund"] = [row for row in sections["stund"]
                             if row[0] != "listen"]
        sections["stund"] += [
            ("listen", f"{scheme}://{address}:{floe.STUN_PORT}")
            for address in addresses for scheme in ("udp", "tcp")]
        sections["stund"] += [(key.replace("_", "-"), value)
                              for key, value in options.items()]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "stund", conf)

    def connect(self, address=ADDRESSES[0]):
        link = socket.create_connection((address, floe.STUN_PORT), timeout=20)
        self.addCleanup(link.close)
        return link

    def read(self, link, size):
        """All bytes up to size; fewer when stund closes the connection."""
        data = b""
        while len(data) < size:
            try:
                more = link.recv(size - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                break
            data += more
        return data

    def ended(self, reason):
        wanted = f'stund_tcp_ended_total{{reason="{reason}"}} '
        for line in floe.get("stund", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return None

    def ask(self, address):
        """Over UDP; an answer from any other address would not arrive."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(20)
            client.connect((address, floe.STUN_PORT))
            client.send(request())
            self.assertEqual(mapped(client.recv(2048)),
                             client.getsockname()[:2])

    def test_udp(self):
        self.begin()
        for address in ADDRESSES:
            self.ask(address)

    def test_udp_answers_from_the_address_asked(self):
        self.begin(addresses=("0.0.0.0", "[::]"))
        for address in (*ADDRESSES, "127.1.2.3"):
            self.ask(address)

    def test_drops_are_counted(self):
        self.begin()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect((ADDRESSES[0], floe.STUN_PORT))
            for size in range(20):
                client.send(bytes(size))
            client.send(bytes(3000))
            client.send(request(stun.Method.ALLOCATE))
        wait.until("all drops are counted",
                   lambda: floe.metric("stund", "stund_drops_total") == 22)
        self.assertEqual(floe.metric("stund", "stund_answers_total"), 0)

    def test_tcp_byte_by_byte(self):
        self.begin()
        for address in ADDRESSES:
            link = self.connect(address)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request():
                link.send(bytes([byte]))
            size = 44 if ":" in address else 32
            self.assertEqual(mapped(self.read(link, size)),
                             link.getsockname()[:2])

    def test_tcp_requests_in_a_row(self):
        self.begin()
        link = self.connect()
        link.sendall(request() * PIPELINED)
        link.shutdown(socket.SHUT_WR)
        answers = self.read(link, 1 << 20)
        self.assertEqual(len(answers), 32 * PIPELINED)
        for at in range(0, len(answers), 32):
            self.assertEqual(mapped(answers[at:at + 32]), link.getsockname())

    def test_tcp_noise_is_closed(self):
        self.begin()
        for noise in REFUSED:
            link = self.connect()
            link.sendall(noise)
            self.assertEqual(self.read(link, 1), b"")
        self.assertEqual(self.ended("not-stun"), len(REFUSED))

    def test_tcp_longer_than_any_request(self):
        self.begin()
        link = self.connect()
        link.sendall(b"\x00\x01\xff\xfc" + request()[4:])
        self.assertEqual(self.read(link, 1), b"")
        self.assertEqual(self.ended("too-long"), 1)

    def test_tcp_idle(self):
        self.begin(tcp_idle="1s")
        link = self.connect()
        link.sendall(request() + request()[:19])  # a piece keeps none alive
        self.assertEqual(len(self.read(link, 64)), 32)
        self.assertEqual(self.ended("idle"), 1)

    def test_tcp_cap(self):
        self.begin(tcp_connections="1")
        first = self.connect()
        first.sendall(request())
        self.assertEqual(len(self.read(first, 32)), 32)
        self.assertEqual(self.read(self.connect(), 1), b"")
        self.assertEqual(self.ended("refused"), 1)
        first.sendall(request())
        self.assertEqual(len(self.read(first, 32)), 32)

    def test_tcp_client_that_never_reads(self):
        self.begin()
        deaf = self.connect()
        deaf.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                deaf.send(request() * PIPELINED)
        link = self.connect()
        link.sendall(request())
        self.assertEqual(len(self.read(link, 32)), 32)
        # And when it reads at last, it has all its answers.
        deaf.settimeout(20)
        self.assertEqual(len(self.read(deaf, 32 * PIPELINED)), 32 * PIPELINED)
