# SPDX-License-Identifier: BSD-3-Clause
"""
Browsers meet at the relay over each transport that they have: a data channel
and a moving picture both ways, and both say that they went over turnd.
"""

import floe
import lab
import meeting

URIS = {
    "udp": f"turn:{lab.SERVER}:{floe.TURN_PORT}?transport=udp",
    "tcp": f"turn:{lab.SERVER}:{floe.TURN_PORT}?transport=tcp",
    # By name: to a bare address Firefox does not even connect.
    "tls": f"turns:{lab.SERVER_NAME}:{floe.TURNS_PORT}?transport=tcp",
}
ONE_PORT = {
    "auto-udp": f"turn:{lab.SERVER}:443?transport=udp",
    "auto-tcp": f"turn:{lab.SERVER}:443?transport=tcp",
    "auto-tls": f"turns:{lab.SERVER_NAME}:443?transport=tcp",
}


class Browsers(meeting.Meeting):
    def change(self, sections):
        sections["turnd"].append(("listen", f"auto://{lab.SERVER}:443"))

    def meet(self, caller_kind, callee_kind, uris):
        """All pairs of a transport and itself, in the same two browsers."""
        caller = self.open("caller", self.net.a, caller_kind)
        callee = self.open("callee", self.net.b, callee_kind)
        for transport, uri in uris.items():
            for page in {caller.program: caller, callee.program: callee}:
                self.row(page, transport)
            meeting.introduce(caller, meeting.relay_only(uri), callee)
            meeting.talk(caller, callee)
            for page in (caller, callee):
                self.is_relayed(page, transport.split("-")[-1])

    def is_relayed(self, page, transport):
        peer = page.peer()
        local, remote = peer["local"], peer["remote"]
        self.assertEqual(
            (local["candidateType"], local["relayProtocol"],
             local["address"]), ("relay", transport, lab.SERVER), page.name)
        self.assertEqual(remote["address"], lab.SERVER, page.name)

    def test_chromium(self):
        self.meet("chromium", "chromium", URIS)

    def test_firefox(self):
        self.meet("firefox", "firefox", URIS)

    def test_chromium_calls_firefox_by_one_port(self):
        self.meet("chromium", "firefox", ONE_PORT)
