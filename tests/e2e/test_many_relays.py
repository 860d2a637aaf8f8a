# SPDX-License-Identifier: BSD-3-Clause
"""Two sides of a call hold nine allocations each, all of one user."""

import floe
import lab
import meeting
import wait

EACH = 9  # three servers, three transports
THIRD = f"{lab.PUBLIC_NET}.12"
SERVERS = (lab.SERVER, lab.SERVER_ALTERNATE, THIRD)
LISTEN = {"udp": floe.TURN_PORT, "tcp": floe.TURN_PORT, "tls": floe.TURNS_PORT}


class ManyRelays(meeting.Meeting):
    names = (lab.SERVER_ALTERNATE, THIRD)

    def change(self, sections):
        """As if three servers had their users in common."""
        self.net.server.run(["ip", "addr", "add", f"{THIRD}/24", "dev", "wan"])
        others = [row for row in sections["turnd"] if row[0] != "listen"]
        sections["turnd"] = others + [
            ("listen", f"{scheme}://{address}:{port}")
            for address in SERVERS for scheme, port in LISTEN.items()]

    def test_nine_a_side_are_within_the_quota(self):
        uris = [f"turn:{address}:{floe.TURN_PORT}?transport={transport}"
                for address in SERVERS for transport in ("udp", "tcp")]
        uris += [f"turns:{address}:{floe.TURNS_PORT}?transport=tcp"
                 for address in SERVERS]
        pages = [self.open("alice", self.net.a), self.open("bob", self.net.b)]
        meeting.introduce(pages[0], meeting.relay_only(*uris), pages[1])
        meeting.talk(*pages)
        for page in pages:
            ours = [one for one in page.peer()["candidates"]
                    if one["type"] == "local-candidate"]
            self.assertEqual({one["candidateType"] for one in ours}, {"relay"})
            self.assertEqual(len({one["port"] for one in ours}), EACH, ours)
            self.assertEqual({one["relayProtocol"] for one in ours},
                             {"udp", "tcp", "tls"})
        # The browser asks once more than it keeps.
        wait.until("both hold what they asked for", lambda: self.metric(
            "turnd_allocations") == 2 * EACH)
        self.assertEqual(self.drops("user_quota"), 0)
