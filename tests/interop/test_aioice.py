# SPDX-License-Identifier: BSD-3-Clause
"""aioice, a pure Python ICE agent, relays through turnd."""

import os
import sys

import case
import certs
import floe
import lab

PAIR = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "aioice_pair.py")


class Aioice(case.Case):
    def test_two_agents_meet_at_the_relay(self):
        self.meet("udp")

    def test_two_agents_meet_over_tcp(self):
        self.meet("tcp")

    def test_two_agents_meet_over_tls(self):
        self.meet("tls", floe.TURNS_PORT)

    def meet(self, transport, port=floe.TURN_PORT):
        authority = certs.Authority(self.folder)
        net = self.lab("symmetric", "symmetric")
        conf = floe.daemon.write_conf(
            self.path("floe.conf"),
            floe.sections(self, lab.SERVER, authority.issue(lab.SERVER)))
        floe.start(self, "turnd", conf, net.server)
        text = net.a.run(["env", f"SSL_CERT_FILE={authority.cert}",
                          sys.executable, PAIR, lab.SERVER, str(port),
                          transport, *floe.TURN_USER]).stdout
        lines = text.splitlines()
        self.assertEqual(lines[0], "pair relay relay", text)
        self.assertEqual(lines[1:], [f"pong {n}" for n in range(50)], text)
