# SPDX-License-Identifier: BSD-3-Clause
"""The lab itself: coturn, which nobody here wrote, names each kind of NAT."""

import case
import lab
import wait

INDEPENDENT = "Endpoint Independent"
PORT_DEPENDENT = "Address and Port Dependent"


class Lab(case.Case):
    def discover(self, kind):
        net = self.lab(kind, kind)
        with open(self.path("turnserver.log"), "w", encoding="utf-8") as log:
            net.server.start(
                ["turnserver", "-n", "--stun-only", "--no-tls", "--no-dtls",
                 "--no-cli", "--log-file", "stdout", "--pidfile",
                 self.path("turnserver.pid"),
                 "-L", lab.SERVER, "-L", lab.SERVER_ALTERNATE],
                stdout=log, stderr=log)
        for port in (3478, 3479):
            wait.until("turnserver is up", lambda port=port:
                       net.server.listens(port, udp=True))
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
