# SPDX-License-Identifier: BSD-3-Clause
"""stund and turnd behind HAProxy, which tells whose a connection is."""

import json
import socket
import ssl
import subprocess

from aioice import stun

import case
import certs
import floe
import wait

V4, V6 = "127.0.0.1", "::1"
BALANCER = "127.0.0.77"
# Where HAProxy listens: by version of the header, and by daemon.
FRONTS = {(version, name): port for port, (version, name) in enumerate(
    ((version, name) for version in ("send-proxy", "send-proxy-v2",
                                     "send-proxy-v2-ssl",
                                     "send-proxy over IPv6")
     for name in ("stund", "turnd")), 9001)}
AUTO_PORTS = {"stund": 3478, "turnd": 443}
MESSAGES = 20
HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.8 77 443\r\n"


def request():
    return bytes(stun.Message(message_method=stun.Method.BINDING,
                              message_class=stun.Class.REQUEST))


class Balancer(case.Case):
    def setUp(self):
        super().setUp()
        authority = certs.Authority(self.folder)
        self.tls = ssl.create_default_context(cafile=authority.cert)
        sections = floe.sections(self, V4, authority.issue(V4))
        sections["floe"].append(("workers", "2"))
        for name, port in AUTO_PORTS.items():
            sections[name] = [
                ("listen", f"auto://{V4}:{port}"),
                ("listen", f"auto://[{V6}]:{port}"),
                ("proxy-protocol-from", f"{BALANCER}/32"),
                ("proxy-protocol-from", f"{V6}/128"),
                *(row for row in sections[name] if row[0] != "listen")]
        sections["turnd"].append(("allow-peer", "127.0.0.0/8"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.daemons_by_name = {}
        for name in AUTO_PORTS:
            self.daemons_by_name[name] = floe.start(self, name, conf)
        self.haproxy()

    def haproxy(self):
        parts = ["global", "defaults", " mode tcp", " timeout connect 10s",
                 " timeout client 60s", " timeout server 60s"]
        for (version, name), port in FRONTS.items():
            version, _, to_v6 = version.partition(" over ")
            host = f"[{V6}]" if to_v6 else V4
            parts += [f"listen {name}-{port}",
                      f" bind {V4}:{port}", f" bind [{V6}]:{port}",
                      *([] if to_v6 else [f" source {BALANCER}"]),
                      f" server one {host}:{AUTO_PORTS[name]} {version}"]
        path = self.path("haproxy.cfg")
        with open(path, "w", encoding="ascii") as conf:
            conf.write("\n".join(parts) + "\n")

        def listens():
            try:
                socket.create_connection((V4, max(FRONTS.values()))).close()
                return True
            except ConnectionRefusedError:
                return False

        process = subprocess.Popen(["haproxy", "-db", "-f", path])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait.until("haproxy is ready", listens)

    def connect(self, host, port, secure):
        link = socket.create_connection((host, port), timeout=20)
        if secure:
            link = self.tls.wrap_socket(link, server_hostname=V4)
        self.addCleanup(link.close)
        return link

    def mapped(self, link):
        link.sendall(request())
        answer = b""
        while len(answer) < 20 or len(answer) < 20 + int.from_bytes(
                answer[2:4], "big"):
            answer += link.recv(2048)
        return stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"]

    def test_the_client_is_the_one_that_is_told(self):
        for port in FRONTS.values():
            for host in (V4, V6):
                for secure in (False, True):
                    link = self.connect(host, port, secure)
                    self.assertEqual(self.mapped(link),
                                     link.getsockname()[:2])

    def test_others_are_themselves(self):
        for port in AUTO_PORTS.values():
            for secure in (False, True):
                link = self.connect(V4, port, secure)
                self.assertEqual(self.mapped(link), link.getsockname())
            # They may say what they like.
            link = self.connect(V4, port, False)
            link.sendall(HEADER + request())
            self.assert_closed(link)

    def assert_closed(self, link):
        try:
            self.assertEqual(link.recv(1), b"")
        except ConnectionResetError:
            pass  # by which TCP says that there was more to read

    def from_balancer(self, port):
        link = socket.create_connection((V4, port), timeout=20,
                                        source_address=(BALANCER, 0))
        self.addCleanup(link.close)
        return link

    def test_a_balancer_must_tell(self):
        for name, port in AUTO_PORTS.items():
            link = self.from_balancer(port)
            link.sendall(request())
            self.assert_closed(link)
            self.assertIn(f'{name}_tcp_ended_total{{reason="proxy"}} 1\n',
                          floe.get(name, "/metrics"))
            self.assertRegex(
                self.daemons_by_name[name].log(),
                f"connection_refused reason=proxy client={BALANCER}:")
            link = self.from_balancer(port)
            link.sendall(HEADER)
            self.assertEqual(self.mapped(link), ("192.0.2.7", 77))

    def test_relay(self):
        jobs = []
        for version in ("send-proxy", "send-proxy-v2"):
            for secure in ([], ["-S"]):
                jobs.append(subprocess.Popen([
                    "turnutils_uclient", "-t", *secure, "-y", "-m", "1", "-n",
                    str(MESSAGES), "-l", "160", "-z", "20", "-p",
                    str(FRONTS[version, "turnd"]), "-u", floe.TURN_USER[0],
                    "-w", floe.TURN_USER[1], V4], text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
                self.addCleanup(jobs[-1].kill)

        def all_there():
            self.told = json.loads(
                floe.get("turnd", "/v1/allocations"))["allocations"]
            return len(self.told) >= len(jobs)

        wait.until("they have allocations", all_there)
        for one in self.told:
            self.assertIn(one["client"].split(":")[0], V4)
            self.assertIn(one["transport"], ("tcp", "tls"))
        for job in jobs:
            text = job.communicate(timeout=60)[0]
            self.assertIn("Total lost packets 0 ", text)
