# SPDX-License-Identifier: BSD-3-Clause
"""The lab itself: coturn, which nobody here wrote, names each kind of NAT."""

import case
import lab

INDEPENDENT = "Endpoint Independent"
PORT_DEPENDENT = "Address and Port Dependent"


class Lab(case.Case):
    def discover(self, kind):
        net = self.lab(kind, kind)
        self.daemon(
            "turnserver",
            ["turnserver", "-n", "--stun-only", "--no-tls", "--no-dtls",
             "--no-cli", "--log-file", "stdout", "--pidfile",
             self.path("turnserver.pid"),
             "-L", lab.SERVER, "-L", lab.SERVER_ALTERNATE],
            ready=lambda: net.server.listens(3478, udp=True)
            and net.server.listens(3479, udp=True), node=net.server)
        return net.a.run(["turnutils_natdiscovery", "-m", "-f",
                          lab.SERVER]).stdout

    def test_full_cone(self):
        text = self.discover("full-cone")
        self.assertIn(f"NAT with {INDEPENDENT} Mapping!", text)
        self.assertIn(f"NAT with {INDEPENDENT} Filtering!", text)

    def test_port_restricted(self):
        text = self.discover("port-restricted")
        self.assertIn(f"NAT with {INDEPENDENT} Mapping!", text)
        self.assertIn(f"NAT with {PORT_DEPENDENT} Filtering!", text)

    def test_symmetric(self):
        text = self.discover("symmetric")
        self.assertIn(f"NAT with {PORT_DEPENDENT} Mapping!", text)
        self.assertIn(f"NAT with {PORT_DEPENDENT} Filtering!", text)

    def test_udp_blocked(self):
        text = self.discover("udp-blocked")
        self.assertIn("STUN receive timeout", text)
        self.assertNotIn("UDP reflexive addr", text)
