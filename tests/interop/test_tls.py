# SPDX-License-Identifier: BSD-3-Clause
"""stund and turnd over TLS, as Python's ssl speaks it."""

import signal
import socket
import ssl
import subprocess

from aioice import stun

import case
import certs
import floe
import wait
import wait

HOST = "127.0.0.1"
PORTS = {"stund": floe.STUNS_PORT, "turnd": floe.TURNS_PORT}
ALPN = ("stun.turn", "stun.nat-discovery")  # RFC 7443
PIPELINED = 2000
ANSWER = 32


def request():
    return bytes(stun.Message(message_method=stun.Method.BINDING,
                              message_class=stun.Class.REQUEST))


class Tls(case.Case):
    def setUp(self):
        super().setUp()
        self.authority = certs.Authority(self.folder)
        self.client = ssl.create_default_context(cafile=self.authority.cert)
        self.pair = self.authority.issue(HOST)
        self.sections = floe.sections(self, HOST, self.pair)
        self.sections["floe"].append(("workers", "1"))

    def conf(self):
        return floe.daemon.write_conf(self.path("floe.conf"), self.sections)

    def begin(self, **options):
        for name in PORTS:
            self.sections[name] += [(key.replace("_", "-"), value)
                                    for key, value in options.items()]
        self.servers = {name: floe.start(self, name, self.conf())
                        for name in PORTS}

    def connect(self, name):
        link = self.client.wrap_socket(
            socket.create_connection((HOST, PORTS[name]), timeout=20),
            server_hostname=HOST)
        self.addCleanup(link.close)
        return link

    def read(self, link, size):
        data = b""
        while len(data) < size:
            more = link.recv(size - len(data))
            if not more:
                break
            data += more
        return data

    def ended(self, name, reason):
        wanted = f'{name}_tcp_ended_total{{reason="{reason}"}} '
        for line in floe.get(name, "/metrics").splitlines():
            if line.startswith(wanted):
                return int(line[len(wanted):])
        return None

    def test_binding(self):
        self.begin()
        for name in PORTS:
            link = self.connect(name)
            link.sendall(request())
            answer = stun.parse_message(self.read(link, ANSWER))
            self.assertEqual(answer.attributes["XOR-MAPPED-ADDRESS"],
                             link.getsockname())

    def serial(self, link):
        return link.getpeercert()["serialNumber"]

    def reload(self, name, event):
        """SIGHUP, and wait for what the daemon has to say about it."""
        server = self.servers[name]
        before = server.log().count(event)
        server.process.send_signal(signal.SIGHUP)
        wait.until(event, lambda: server.log().count(event) > before)

    def test_a_renewed_certificate(self):
        self.begin()
        for name in PORTS:
            old = self.connect(name)
            before = self.serial(old)
            self.authority.issue(HOST)
            self.reload(name, "certificate_loaded")
            fresh = self.connect(name)
            self.assertNotEqual(self.serial(fresh), before)
            for link in old, fresh:
                link.sendall(request())
                self.assertEqual(len(self.read(link, ANSWER)), ANSWER)

    def test_a_broken_certificate_changes_nothing(self):
        self.begin()
        for name in PORTS:
            before = self.serial(self.connect(name))
            cert, _ = self.pair
            with open(cert, "rb+") as pem:
                good = pem.read()
                pem.truncate(100)
            self.reload(name, "reload_refused")
            self.assertEqual(self.serial(self.connect(name)), before)
            with open(cert, "wb") as pem:
                pem.write(good)

    def test_requests_in_a_row(self):
        self.begin()
        for name in PORTS:
            link = self.connect(name)
            link.sendall(request() * PIPELINED)
            self.assertEqual(len(self.read(link, ANSWER * PIPELINED)),
                             ANSWER * PIPELINED)

    def test_alpn(self):
        self.begin()
        for name in PORTS:
            for protocol in ALPN:
                self.client.set_alpn_protocols([protocol])
                self.assertEqual(
                    self.connect(name).selected_alpn_protocol(), protocol)
            self.client.set_alpn_protocols(["h2"])
            with self.assertRaises(ssl.SSLError):
                self.connect(name)
            self.assertEqual(self.ended(name, "tls"), 1)

    def test_requests_and_a_good_bye_at_once(self):
        self.begin()
        for name, port in PORTS.items():
            subprocess.run(
                ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect",
                 f"{HOST}:{port}"], input=request() * 50, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
            wait.until("the connection has ended", lambda one=name:
                       self.ended(one, "client") == 1)
        for name, metric in (("stund", "stund_answers_total"),
                             ("turnd", "turnd_requests_total")):
            self.assertEqual(floe.metric(name, metric), 50)

    def test_a_handshake_that_does_not_come(self):
        self.begin(tcp_idle="1s")
        for name, port in PORTS.items():
            with socket.create_connection((HOST, port), timeout=20) as link:
                link.sendall(b"\x16\x03\x01")
                self.assertEqual(link.recv(1), b"")
            self.assertEqual(self.ended(name, "idle"), 1)

    def test_plain_stun_is_refused(self):
        self.begin()
        for name, port in PORTS.items():
            with socket.create_connection((HOST, port), timeout=20) as link:
                link.sendall(request())
                try:
                    while link.recv(64):  # at most an alert
                        pass
                except ConnectionResetError:
                    pass
            self.assertEqual(self.ended(name, "tls"), 1)

    def refusal(self, name):
        done = subprocess.run(
            [floe.daemon.program(name), "-c", self.conf()],
            capture_output=True, text=True, timeout=20, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_without_a_certificate_it_does_not_start(self):
        self.sections["floe"] = [row for row in self.sections["floe"]
                                 if not row[0].startswith("tls-")]
        for name in PORTS:
            self.assertRegex(self.refusal(name),
                             r"floe\.conf:\d+: .*tls needs tls-cert")

    def test_every_scheme_that_needs_one_says_so(self):
        self.sections["floe"] = [row for row in self.sections["floe"]
                                 if not row[0].startswith("tls-")]
        for name, port in PORTS.items():
            plain = [row for row in self.sections[name] if row[0] != "listen"]
            for scheme in ("tls", "dtls", "auto"):
                self.sections[name] = [
                    ("listen", f"{scheme}://{HOST}:{port}"), *plain]
                self.assertRegex(
                    self.refusal(name), r"floe\.conf:\d+: .*listen: "
                    f"{scheme} needs tls-cert and tls-key")

    def test_with_a_wrong_certificate_it_does_not_start(self):
        with open(self.path("empty.pem"), "w", encoding="ascii"):
            pass
        self.sections["floe"] = [
            (key, self.path("empty.pem") if key == "tls-cert" else value)
            for key, value in self.sections["floe"]]
        for name in PORTS:
            self.assertRegex(self.refusal(name),
                             r"floe\.conf:\d+: .*empty\.pem")
