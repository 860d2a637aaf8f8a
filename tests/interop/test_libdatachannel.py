# SPDX-License-Identifier: BSD-3-Clause
"""libdatachannel, whose ICE (libjuice) sends USERHASH when the nonce says so."""

import os
import shutil

import case
import floe
import lab
import npm
import root

SCRIPT = os.path.join(root.SOURCE, "tests", "e2e", "datachannel.mjs")


class LibDataChannel(case.Case):
    def meet(self, secret):
        """Two peers behind one NAT, over the relay alone."""
        self.row(npm.version("node-datachannel"),
                 "udp-by-name" if secret else "udp-by-hash")
        net = self.lab("symmetric", "port-restricted")
        sections = floe.sections(self, lab.SERVER)
        if not secret:
            sections["floe"] = [row for row in sections["floe"]
                                if row[0] != "turn-secret"]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf, net.server)
        text = net.a.run([shutil.which("node"), SCRIPT, lab.SERVER,
                          str(floe.TURN_PORT), *floe.TURN_USER]).stdout
        self.assertEqual(text.split(), ["relayed", "relay", "relay"])

    def test_by_hash(self):
        self.meet(secret=False)

    def test_by_name(self):
        self.meet(secret=True)
