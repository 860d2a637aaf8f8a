# SPDX-License-Identifier: BSD-3-Clause
"""NAT behaviour discovery (RFC 5780, RFC 3489) by stund's two addresses.

coturn's turnutils_natdiscovery and Vovida's client of RFC 3489 have to name
the NAT that the lab has built.
"""

import os
import socket
import struct
import subprocess

import case
import floe
import lab
import turn
import turnutils
import wait

ALTERNATE_PORT = floe.STUN_PORT + 1
INDEPENDENT = "Endpoint Independent"
ADDRESS = "Address Dependent"
PORT = "Address and Port Dependent"


class NatDiscovery(case.Case):
    def begin(self, kind, *options, listen=lab.SERVER):
        self.net = self.lab(kind, "none")
        sections = floe.sections(self, listen)
        # Two workers: the one that answers is not the one whose socket a
        # steering by address would have chosen.
        sections["floe"].append(("workers", "2"))
        sections["stund"] += options
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "stund", conf, self.net.server)

    def begin_both(self, kind):
        self.begin(kind, ("alternate",
                          f"{lab.SERVER_ALTERNATE}:{ALTERNATE_PORT}"))

    def discover(self, *flags):
        # Told its own address it can tell that there is no NAT.
        return self.net.a.run(["turnutils_natdiscovery", "-L",
                               self.net.a.address, *flags,
                               lab.SERVER]).stdout

    def behaves(self, kind, mapping, filtering):
        self.begin_both(kind)
        self.row(turnutils.version("natdiscovery"), f"NAT {kind}")
        text = self.discover("-m", "-f")
        self.assertIn(f"NAT with {mapping} Mapping!", text)
        self.assertIn(f"NAT with {filtering} Filtering!", text)
        self.assertIn("No ALG: Mapped == XOR-Mapped", text)
        self.assertIn(f"Response origin: : {lab.SERVER_ALTERNATE}:"
                      f"{floe.STUN_PORT}", text)
        return text

    def test_none(self):
        text = self.behaves("none", INDEPENDENT, INDEPENDENT)
        self.assertIn("No NAT!", text)

    def test_full_cone(self):
        text = self.behaves("full-cone", INDEPENDENT, INDEPENDENT)
        self.assertNotIn("No NAT!", text)
        self.assertIn(f"Response origin: : {lab.SERVER_ALTERNATE}:"
                      f"{ALTERNATE_PORT}", text)

    def test_restricted(self):
        text = self.behaves("restricted", INDEPENDENT, ADDRESS)
        self.assertIn(f"Response origin: : {lab.SERVER}:{ALTERNATE_PORT}",
                      text)

    def test_port_restricted(self):
        self.behaves("port-restricted", INDEPENDENT, PORT)

    def test_symmetric(self):
        self.behaves("symmetric", PORT, PORT)

    def test_fragments(self):
        self.begin_both("full-cone")
        text = self.discover("-P", "-m", "-f")
        self.assertIn(f"NAT with {INDEPENDENT} Mapping!", text)
        self.assertIn(f"NAT with {INDEPENDENT} Filtering!", text)
        # Five requests of 1524 bytes, each answered with more than it.
        self.assertGreater(floe.metric("stund", "stund_sent_bytes_total",
                                       self.net.server), 4 * 1524)

    def test_response_port(self):
        """The second answer goes to the first socket, on another port."""
        self.begin_both("port-restricted")
        text = self.discover("-t", "-T", "1")
        self.assertIn("RFC 5780 response 2", text)

    def test_one_address_is_a_plain_server(self):
        self.begin("full-cone")
        text = self.discover("-m", "-f")
        self.assertIn("UDP reflexive addr", text)
        self.assertNotIn("RFC 5780", text)

    def test_server_behind_a_one_to_one_nat(self):
        """It tells the two addresses that the world sees of it."""
        public = [f"{lab.PUBLIC_NET}.{host}" for host in (22, 23)]
        private = ["10.62.0.2", "10.62.0.3"]
        self.net = self.lab("restricted", "full-cone")
        router = next(node for node in self.net.nodes if node.name == "nat-b")
        router.run(["ip", "addr", "add", f"{public[1]}/24", "dev", "wan"])
        self.net.b.run(["ip", "addr", "add", f"{private[1]}/24", "dev",
                        "eth0"])
        pairs = list(zip(public, private))
        router.run(["nft", "-f", "-"], input="\n".join([
            "flush ruleset", "table ip nat {", "chain prerouting {",
            "type nat hook prerouting priority dstnat",
            *(f"ip daddr {outer} dnat to {inner}" for outer, inner in pairs),
            "}", "chain postrouting {",
            "type nat hook postrouting priority srcnat",
            *(f"ip saddr {inner} snat to {outer}" for outer, inner in pairs),
            "}", "}", ""]))
        sections = floe.sections(self, private[0])
        sections["stund"] += [
            ("alternate", f"{private[1]}:{ALTERNATE_PORT}"),
            *(("external-ip", f"{outer}/{inner}") for outer, inner in pairs)]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "stund", conf, self.net.b)
        text = self.net.a.run(["turnutils_natdiscovery", "-m", "-f",
                               public[0]]).stdout
        self.assertIn(f"Other addr: : {public[1]}:{ALTERNATE_PORT}", text)
        self.assertIn(f"Response origin: : {public[1]}:{floe.STUN_PORT}",
                      text)
        self.assertIn(f"NAT with {INDEPENDENT} Mapping!", text)
        self.assertIn(f"NAT with {ADDRESS} Filtering!", text)

    def classic(self, kind, verdict):
        self.begin_both(kind)
        text = self.net.a.run(["stun", lab.SERVER, "-v"], check=False).stdout
        self.assertIn(f"Primary: {verdict}", text)

    def test_rfc3489_none(self):
        self.classic("none", "Open")

    def test_rfc3489_full_cone(self):
        self.classic("full-cone", "Independent Mapping, Independent Filter")

    def test_rfc3489_restricted(self):
        self.classic("restricted",
                     "Independent Mapping, Address Dependent Filter")

    def test_rfc3489_port_restricted(self):
        self.classic("port-restricted",
                     "Independent Mapping, Port Dependent Filter")

    def test_rfc3489_symmetric(self):
        self.classic("symmetric", "Dependent Mapping")

    def source(self, server, flags, family):
        """Where the answer to a CHANGE-REQUEST comes from."""
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(20)
            client.sendto(struct.pack("!HHI12sHHI", 1, 8, turn.COOKIE,
                                      os.urandom(12), 3, 4, flags), server)
            return client.recvfrom(2048)[1][:2]

    def test_two_families_and_more_listeners(self):
        subprocess.run(["ip", "addr", "replace", "fd00::2/128", "dev", "lo"],
                       check=True)
        sections = floe.sections(self, "127.0.0.1")
        sections["floe"].append(("workers", "3"))
        sections["stund"] += [("listen", "udp://127.0.0.9:3478"),
                              ("listen", "udp://[::1]:5000"),
                              ("alternate", "127.0.0.2:3479"),
                              ("alternate", "[fd00::2]:5001")]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "stund", conf)
        for family, ips, ports in (
                (socket.AF_INET, ("127.0.0.1", "127.0.0.2"), (3478, 3479)),
                (socket.AF_INET6, ("::1", "fd00::2"), (5000, 5001))):
            # Many clients meet all workers.
            for at in range(64):
                ip, port, flags = at & 1, at >> 1 & 1, at >> 1 & 6
                wanted = (ips[ip ^ flags >> 2], ports[port ^ flags >> 1 & 1])
                self.assertEqual(self.source((ips[ip], ports[port]), flags,
                                             family), wanted)
        # The second address of the family stays what it was: a plain server.
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(20)
            client.connect(("127.0.0.9", 3478))
            client.send(struct.pack("!HHI12sHHI", 1, 8, turn.COOKIE, bytes(12),
                                    3, 4, 6))
            self.assertIn(b"\0\0\4\x14", client.recv(2048))

    def test_busy_address_is_told(self):
        self.net = self.lab("none", "none")
        self.net.server.start(
            ["python3", "-c", "import socket; s = socket.socket(type=2);"
             f"s.bind(('{lab.SERVER_ALTERNATE}', {ALTERNATE_PORT}));"
             "input()"], stdin=-1)
        wait.until("the address is taken", lambda: self.net.server.listens(
            ALTERNATE_PORT, udp=True))
        sections = floe.sections(self, lab.SERVER)
        sections["stund"].append(
            ("alternate", f"{lab.SERVER_ALTERNATE}:{ALTERNATE_PORT}"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        done = self.net.server.run(
            [floe.daemon.program("stund"), "-c", conf], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[stund] alternate: cannot listen on "
                      f"{lab.SERVER_ALTERNATE}:{ALTERNATE_PORT}", done.stdout)
