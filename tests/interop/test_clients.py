# SPDX-License-Identifier: BSD-3-Clause
"""
ICE and WebRTC libraries that nobody here wrote meet themselves at the relay.

Each is a program `PROGRAM URI USER PASSWORD` that makes two peers which may
use nothing but relayed candidates.  It prints its name and version, then
"pair" with the types of the candidates it chose, then what one of them heard
from the other: "pong 0" up to "pong 49".
"""

import os
import shutil
import sys

import case
import certs
import floe
import lab
import root
import wait

NODE = shutil.which("node")
ROUNDS = 50
AUTO_PORT = 443
URIS = {
    "udp": f"turn:{lab.SERVER}:{floe.TURN_PORT}?transport=udp",
    "tcp": f"turn:{lab.SERVER}:{floe.TURN_PORT}?transport=tcp",
    "tls": f"turns:{lab.SERVER}:{floe.TURNS_PORT}?transport=tcp",
    # The same on the one port that serves all of them.
    "auto-udp": f"turn:{lab.SERVER}:{AUTO_PORT}?transport=udp",
    "auto-tcp": f"turn:{lab.SERVER}:{AUTO_PORT}?transport=tcp",
    "auto-tls": f"turns:{lab.SERVER}:{AUTO_PORT}?transport=tcp",
}
EACH = tuple(URIS)
# libnice, and so GStreamer, has no TLS: to a turns: URI it speaks TURN in the
# clear, which a port with nothing but TLS has to refuse.
IN_THE_CLEAR = tuple(name for name in EACH if name != "tls")


def source(*names):
    return os.path.join(root.SOURCE, "tests", *names)


# How each is run, and over what it reaches a relay.
CLIENTS = {
    "aioice": ([sys.executable, source("interop", "aioice_pair.py")], EACH),
    "aiortc": ([sys.executable, source("interop", "aiortc_pair.py")], EACH),
    "gstreamer": ([sys.executable, source("interop", "gst_pair.py")],
                  IN_THE_CLEAR),
    "libnice": ([os.path.join(root.BUILD, "tests/interop/libnice_pair")],
                IN_THE_CLEAR),
    "werift": ([NODE, source("e2e", "peers.mjs"), "werift"], EACH),
    # It trusts the authorities it was built with and no other.
    "wrtc": ([NODE, source("e2e", "peers.mjs"), "@roamhq/wrtc"],
             ("udp", "tcp", "auto-udp", "auto-tcp")),
}


class Clients(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab("symmetric", "symmetric")
        self.authority = certs.Authority(self.folder)
        sections = floe.sections(self, lab.SERVER,
                                 self.authority.issue(lab.SERVER))
        sections["turnd"].append(("listen", f"auto://{lab.SERVER}:{AUTO_PORT}"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf, self.net.server)

    def meet(self, program, transport):
        done = self.net.a.run([
            "env", f"SSL_CERT_FILE={self.authority.cert}",
            f"NODE_EXTRA_CA_CERTS={self.authority.cert}",
            *program, URIS[transport], *floe.TURN_USER], check=False)
        text = done.stdout
        self.row(text.partition("\n")[0], transport)
        self.assertEqual(done.returncode, 0, text)
        _, pair, *heard = text.splitlines()
        self.assertEqual(pair, "pair relay relay", text)
        self.assertEqual(heard, [f"pong {n}" for n in range(ROUNDS)], text)
        wait.until("turnd has relayed all of it", lambda: floe.metric(
            "turnd", "turnd_relayed_packets_total", self.net.server)
            >= 4 * ROUNDS)


def add_tests():
    for name, (program, transports) in CLIENTS.items():
        for transport in transports:
            def test(self, program=program, transport=transport):
                self.meet(program, transport)
            setattr(Clients, f"test_{name}_over_"
                    + transport.replace("-", "_"), test)


add_tests()
