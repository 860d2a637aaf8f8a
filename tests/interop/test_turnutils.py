# SPDX-License-Identifier: BSD-3-Clause
"""coturn's own tools behind a NAT; test_uclient has each of its methods."""

import case
import certs
import floe
import lab
import turnutils

MESSAGES = 20
UCLIENT = [*turnutils.UCLIENT, "-p", str(floe.TURN_PORT), "-n", str(MESSAGES),
           "-m", "3"]


class Turnutils(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab("symmetric", "port-restricted")
        tls = certs.Authority(self.folder).issue(lab.SERVER)
        sections = floe.sections(self, lab.SERVER, tls)
        # uclient tries a wrong password until it has given up often enough.
        sections["turnd"].append(("auth-failures", "off"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        for name in ("stund", "turnd"):
            floe.start(self, name, conf, self.net.server)

    def relay(self, *options):
        text = self.net.a.run([*UCLIENT, *options, lab.SERVER]).stdout
        turnutils.check(self, text, MESSAGES)

    def test_channels(self):
        self.relay()

    def test_rest_secret(self):
        self.relay("-u", "alice", "-W", floe.TURN_SECRET)

    def test_wrong_password_is_refused(self):
        done = self.net.a.run([*UCLIENT, "-u", "alice", "-w", "wrong",
                               lab.SERVER], check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("Total lost packets", done.stdout)

    def test_stunclient_learns_the_mapped_address(self):
        self.row(turnutils.version("stunclient"), "udp")
        for port in (floe.STUN_PORT, floe.TURN_PORT):
            text = self.net.a.run(["turnutils_stunclient", "-p", str(port),
                                   lab.SERVER]).stdout
            self.assertIn(f"UDP reflexive addr: {lab.PUBLIC_NET}.21:", text)
