# SPDX-License-Identifier: BSD-3-Clause
"""
Every transport of stund and turnd, alone and all on one auto:// port, spoken
by coturn's uclient, openssl's s_client and Python's ssl.
"""

import json
import os
import re
import select
import socket
import ssl
import subprocess
import threading
from unittest import mock

from aioice import stun

import case
import certs
import dtls
import floe
import turn
import wait

V4, V6 = "127.0.0.1", "::1"
PEER = "127.0.0.9"
CHANNEL = 0x4000
AUTO_PORT = 443
TRANSPORTS = {"udp": [], "tcp": ["-t"], "tls": ["-t", "-S"], "dtls": ["-S"]}
MESSAGES = 20
HELLOS = 20000
ANSWER = {V4: 32, V6: 44}  # bytes of a Binding answer


def request():
    return bytes(stun.Message(message_method=stun.Method.BINDING,
                              message_class=stun.Class.REQUEST))


def url(scheme, host, port):
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


class Lossy(threading.Thread):
    """A path that loses the server's first flight, and all that the client
    says, until that flight comes again."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind((V4, 0))
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.connect(server)
        self.lost, self.flights = 0, 0

    def run(self):
        client = None
        while True:
            ready = select.select([self.near, self.far], [], [], 20)[0]
            if not ready:
                return
            if self.near in ready:
                data, client = self.near.recvfrom(4096)
                if self.flights != 1:
                    self.far.send(data)
            if self.far in ready:
                data = self.far.recv(4096)
                self.flights += is_server_hello(data)
                if self.flights == 1:
                    self.lost += 1
                else:
                    self.near.sendto(data, client)


def is_server_hello(data):
    """RFC 6347 sections 4.1 and 4.2.2: a handshake record of epoch 0."""
    return (len(data) > 13 and data[0] == 22 and data[3:5] == b"\0\0"
            and data[13] == 2)


class Transports(case.Case):
    def begin(self, name, *listen, **options):
        """One daemon that listens there and nowhere else."""
        authority = certs.Authority(self.folder)
        self.tls = ssl.create_default_context(cafile=authority.cert)
        self.tls.check_hostname = False
        sections = floe.sections(self, V4, authority.issue(V4))
        sections["floe"].append(("workers", "2"))
        rows = [row for row in sections[name] if row[0] != "listen"]
        sections[name] = [("listen", one) for one in listen] + rows
        sections[name] += [(key.replace("_", "-"), value)
                           for key, value in options.items()]
        if name == "turnd":
            sections[name] += [("allow-peer", "127.0.0.0/8"),
                               ("allow-peer", f"{V6}/128"),
                               ("relay-address", V6)]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, name, conf)

    def counted(self, metric, reason):
        wanted = f'{metric}{{reason="{reason}"}} '
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return None

    # Binding at stund

    def over_udp(self, host, port, message):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                           socket.SOCK_DGRAM) as link:
            link.settimeout(20)
            link.connect((host, port))
            link.send(message)
            return link.recv(2048), link.getsockname()

    def over_tcp(self, host, port, message, secure=False):
        with socket.create_connection((host, port), timeout=20) as link:
            if secure:
                link = self.tls.wrap_socket(link, server_hostname=V4)
            # A byte at a time: the first one alone has to be enough.
            for byte in message:
                link.sendall(bytes([byte]))
            answer = b""
            while len(answer) < ANSWER[host]:
                answer += link.recv(2048)
            name = link.getsockname()
            link.close()
            return answer, name

    def over_tls(self, host, port, message):
        return self.over_tcp(host, port, message, secure=True)

    def over_dtls(self, host, port, message):
        client = dtls.DtlsSocket((host, port))
        self.addCleanup(client.close)
        client.send(message)
        return client.recv(2048), None

    def binding(self, transport, host, port):
        answer, name = getattr(self, f"over_{transport}")(
            host, port, request())
        mapped = stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"]
        self.assertEqual(mapped[0], host)
        if name:
            self.assertEqual(mapped[1], name[1])

    def test_binding_on_one_port(self):
        self.begin("stund", *(url("auto", host, AUTO_PORT)
                              for host in (V4, V6)))
        for host in (V4, V6):
            for transport in TRANSPORTS:
                self.binding(transport, host, AUTO_PORT)
        text = floe.get("stund", "/metrics")
        for transport, count in (("udp", 2), ("tcp", 4), ("dtls", 2)):
            self.assertIn(
                f'stund_answers_total{{transport="{transport}",'
                f'result="success"}} {count}\n', text)
        self.assertIn("stund_dtls_sessions 2\n", text)

    def test_binding_over_dtls(self):
        self.begin("stund", *(url("dtls", host, AUTO_PORT)
                              for host in (V4, V6)))
        for host in (V4, V6):
            self.binding("dtls", host, AUTO_PORT)

    def test_rfc3489_over_dtls(self):
        """RFC 8489 section 11: 500, under an id of 16 bytes."""
        old = b"\x00\x01\x00\x00old!0123456789ab"
        for name in ("stund", "turnd"):
            server = self.begin(name, url("dtls", V4, AUTO_PORT))
            client = dtls.DtlsSocket((V4, AUTO_PORT))
            client.send(old)
            answer = client.recv(2048)
            client.close()
            self.assertEqual(answer[:2] + answer[4:20], b"\x01\x11" + old[4:])
            self.assertEqual(answer[20:22] + answer[24:28], b"\0\x09\0\0\x05\0")
            server.stop()

    def test_a_lost_flight_comes_again(self):
        self.begin("turnd", url("dtls", V4, AUTO_PORT))
        path = Lossy((V4, AUTO_PORT))
        path.start()
        client = dtls.DtlsSocket(path.near.getsockname())
        self.addCleanup(client.close)
        client.send(request())
        self.assertEqual(len(client.recv(2048)), ANSWER[V4])
        self.assertGreater(path.lost, 0)

    def test_who_says_nothing_is_closed(self):
        self.begin("turnd", url("auto", V4, AUTO_PORT), tcp_idle="1s",
                   proxy_protocol_from="127.0.0.77")
        for address, words in ((V4, b""), ("127.0.0.77", b""),
                               ("127.0.0.77", b"PROXY TCP4")):
            with socket.create_connection(
                    (V4, AUTO_PORT), timeout=20,
                    source_address=(address, 0)) as link:
                link.sendall(words)
                self.assertEqual(link.recv(1), b"")
        self.assertEqual(self.counted("turnd_tcp_ended_total", "idle"), 3)

    def test_dtls_alone_takes_nothing_else(self):
        self.begin("turnd", url("dtls", V4, AUTO_PORT))
        with self.assertRaises(socket.timeout):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.settimeout(0.3)
                link.connect((V4, AUTO_PORT))
                link.send(request())
                link.recv(2048)
        self.assertEqual(self.counted("turnd_drops_total", "not_dtls"), 1)
        self.binding("dtls", V4, AUTO_PORT)

    def test_alpn_over_dtls(self):
        self.begin("turnd", url("auto", V4, AUTO_PORT))
        for protocol in ("stun.turn", "stun.nat-discovery"):
            client = dtls.DtlsSocket((V4, AUTO_PORT), "-alpn", protocol)
            self.addCleanup(client.close)
            client.send(request())
            self.assertEqual(len(client.recv(2048)), ANSWER[V4])
        other = dtls.DtlsSocket((V4, AUTO_PORT), "-alpn", "h2")
        self.addCleanup(other.close)
        with self.assertRaises(ConnectionError):
            other.read(1)
        self.assertEqual(self.counted("turnd_dtls_ended_total", "dtls"), 1)

    # relaying at turnd

    def uclient(self, transport, host):
        process = subprocess.Popen([
            "turnutils_uclient", "-y", "-p", str(AUTO_PORT), "-m", "2", "-n",
            str(MESSAGES), "-l", "1200", "-z", "20", "-u", floe.TURN_USER[0],
            "-w", floe.TURN_USER[1], *TRANSPORTS[transport],
            *(["-x"] if ":" in host else []), host],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.kill)
        return process

    def test_relay_on_one_port(self):
        daemon = self.begin("turnd", *(url("auto", host, AUTO_PORT)
                                       for host in (V4, V6)))
        for process in [self.uclient(transport, host) for host in (V4, V6)
                        for transport in TRANSPORTS]:
            text = process.communicate(timeout=60)[0]
            totals = re.findall(
                r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
            self.assertTrue(totals, text)
            self.assertEqual(*totals[-1], text)
            self.assertGreaterEqual(int(totals[-1][0]), MESSAGES, text)
        for transport in TRANSPORTS:
            wait.until("its allocations have ended", lambda name=transport:
                       len(re.findall(f"allocation_ended .*transport={name} .*"
                                      f"to_peer_packets={MESSAGES} ",
                                      daemon.log())) >= 8)

    def client(self, kind=dtls.DtlsSocket):
        client = turn.Client((V4, AUTO_PORT), *floe.TURN_USER)
        client.sock.close()
        client.sock = kind((V4, AUTO_PORT))
        self.addCleanup(client.close)
        return client

    def peer(self):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind((PEER, 0))
        peer.settimeout(20)
        return peer

    def test_an_allocation_over_dtls(self):
        self.begin("turnd", url("auto", V4, AUTO_PORT))
        client, peer = self.client(), self.peer()
        relayed = client.allocate()
        client.bind(CHANNEL, *peer.getsockname())
        for size in (0, 1, 3, 160, 1471):
            client.channel_send(CHANNEL, b"x" * size)
            self.assertEqual(peer.recvfrom(2048), (b"x" * size, relayed))
            peer.sendto(b"y" * size, relayed)
            self.assertEqual(client.channel_recv(), (CHANNEL, b"y" * size))
        told = json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]
        self.assertEqual([one["transport"] for one in told], ["dtls"])
        client.close()
        wait.until("the allocation went with the session", lambda:
                   floe.metric("turnd", "turnd_allocations") == 0)
        self.assertEqual(self.counted("turnd_dtls_ended_total", "client"), 1)

    def test_no_tcp_allocation_over_dtls(self):
        self.begin("turnd", url("dtls", V4, AUTO_PORT))
        client = self.client()
        with self.assertRaises(turn.Refused) as refused:
            client.ask(turn.ALLOCATE, (turn.TRANSPORT, bytes([6, 0, 0, 0])))
        self.assertEqual(refused.exception.args, (400,))
        client.allocate()

    def test_a_session_without_an_allocation_ends(self):
        self.begin("turnd", url("dtls", V4, AUTO_PORT), tcp_idle="1s")
        kept, idle = self.client(), self.client()
        kept.allocate()
        idle.exchange(idle.message(0x001, ()))
        with self.assertRaises(ConnectionError):
            idle.sock.read(1)
        self.assertEqual(self.counted("turnd_dtls_ended_total", "idle"), 1)
        kept.permit(PEER)
        kept.release()
        with self.assertRaises(ConnectionError):
            kept.sock.read(1)

    def test_as_many_sessions_as_allowed(self):
        self.begin("turnd", url("dtls", V4, AUTO_PORT), dtls_sessions="2")
        clients = [self.client() for _ in range(4)]
        for client in clients:
            client.sock.send(client.message(0x001, ()))
        wait.until("the others are refused", lambda: self.counted(
            "turnd_dtls_ended_total", "refused") >= 2)
        self.assertLessEqual(floe.metric("turnd", "turnd_dtls_sessions"), 2)

    def test_as_many_of_an_address_as_allowed(self):
        daemon = self.begin("turnd", url("auto", V4, AUTO_PORT),
                            connections_per_address="3")
        clients = [self.client() for _ in range(2)]
        links = [socket.create_connection((V4, AUTO_PORT), timeout=20)]
        for client in clients:
            client.allocate()
        links.append(socket.create_connection((V4, AUTO_PORT), timeout=20))
        self.assertEqual(links[1].recv(1), b"")
        extra = self.client()
        extra.sock.send(extra.message(0x001, ()))
        wait.until("the session is refused", lambda: self.counted(
            "turnd_dtls_ended_total", "per-address") > 0)
        self.assertEqual(
            self.counted("turnd_tcp_ended_total", "per-address"), 1)
        self.assertRegex(daemon.log(), "connection_refused reason=per-address")
        self.assertRegex(daemon.log(), "session_refused reason=per-address")
        # Another address is none the worse, and room is room again.
        with socket.create_connection((V4, AUTO_PORT), timeout=20,
                                      source_address=(PEER, 0)) as other:
            other.sendall(request())
            self.assertEqual(len(other.recv(2048)), ANSWER[V4])
        extra.sock.kill()
        clients[0].close()

        def served():
            try:
                self.binding("tcp", V4, AUTO_PORT)
                return True
            except OSError:
                return False

        wait.until("there is room again", served)
        for link in links:
            link.close()

    def test_hellos_alone_cost_nothing(self):
        # ASan keeps what was freed for a while.
        with mock.patch.dict(os.environ, ASAN_OPTIONS="exitcode=99:"
                             "quarantine_size_mb=4"):
            daemon = self.begin("turnd", url("auto", V4, AUTO_PORT),
                                rate_limit="0")
        hello, got, sent = dtls.client_hello(), 0, 0
        links = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                 for _ in range(100)]
        for link in links:
            self.addCleanup(link.close)
            link.connect((V4, AUTO_PORT))
            link.settimeout(20)
        # Fewer at a time than the queue of a socket holds: none is lost.
        for n in range(HELLOS // len(links)):
            for link in links:
                link.send(hello)
                sent += len(hello)
            got += sum(len(link.recv(4096)) for link in links)
            if n == HELLOS // len(links) // 10:
                before = daemon.resident_kb()
        self.assertEqual(floe.metric("turnd", "turnd_dtls_challenges_total"),
                         HELLOS)
        self.assertLess(got, sent)
        self.assertEqual(floe.metric("turnd", "turnd_dtls_sessions"), 0)
        self.assertLess(daemon.resident_kb() - before, 32 << 10)

    def test_hellos_over_the_limit(self):
        self.begin("turnd", url("auto", V4, AUTO_PORT), rate_limit="1/s",
                   rate_burst="10")
        hello = dtls.client_hello()
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(link.close)
        link.connect((V4, AUTO_PORT))
        for _ in range(100):
            link.send(hello)
        wait.until("the others are dropped", lambda: self.counted(
            "turnd_drops_total", "rate_limited") >= 80)
