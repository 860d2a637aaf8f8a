# SPDX-License-Identifier: BSD-3-Clause
"""
Two browsers in two networks call each other through the page.

A pair counts as relayed by turnd when one of its candidates is the relay one
that turnd gave out: it says so itself (candidateType relay, at the server's
address).  Behind two symmetric NATs the other end is then prflx: the relay
sees a port that nobody had told.  turnd's own counter must agree.
"""

import browser
import case
import certs
import floe
import lab
import people
import wait

PASSWORD = "a password of the tests"
RELAYED_BYTES = "turnd_relayed_bytes_total"


class Call(case.Case):
    def setUp(self):
        super().setUp()
        self.browsers = browser.Browsers(self.folder)
        self.addCleanup(self.browsers.close)

    def evidence(self):
        return f"{self.browsers.report()}\n{super().evidence()}"

    def start_floe(self, net, authority, only_https):
        sections = floe.sections(self, lab.SERVER, authority.issue(
            lab.SERVER, lab.SERVER_ALTERNATE, lab.SERVER_NAME))
        if only_https:
            self.move_to_443(sections)
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        for name in ("stund", "turnd", "signald"):
            floe.start(self, name, conf, net.server)

    def move_to_443(self, sections):
        """The page on one address, all of TURN on the other."""
        ours = {"turnd": [("listen", f"auto://{lab.SERVER}:443")],
                "signald": [
                    ("listen", f"https://{lab.SERVER_ALTERNATE}:443"),
                    ("turn-uri",
                     f"turns:{lab.SERVER_NAME}:443?transport=tcp")]}
        for name, rows in ours.items():
            sections[name] = rows + [
                row for row in sections[name]
                if row[0] not in ("listen", "turn-uri")]

    def call(self, kind, check, callee="chromium"):
        """A call behind two NATs of a kind; `check` judges its pairs."""
        net = self.lab(kind, kind)
        authority = certs.Authority(self.folder)
        only_https = kind == "only-https"
        self.start_floe(net, authority, only_https)
        host = (f"{lab.SERVER_ALTERNATE}:443" if only_https
                else f"{lab.SERVER}:{floe.PAGE_PORT}")
        url = f"https://{host}/#debug"
        alice = self.browsers.open("alice", url, net.a, authority)
        bob = self.browsers.open("bob", url, net.b, authority, callee)
        people.register(alice, "alice", PASSWORD)
        people.register(bob, "bob", PASSWORD)
        people.open_conversation(alice, "bob")
        people.say(alice, "shall we talk?")
        bob.click("conversation-alice")
        bob.see_text("message", "shall we talk?")
        people.call(alice, bob)
        check(net, alice, bob)
        people.hang_up(bob, alice)

    def test_symmetric_nats_meet_at_the_relay(self):
        self.call("symmetric", self.is_relayed)

    def test_full_cone_nats_meet_directly(self):
        self.call("full-cone", self.is_direct)

    def test_port_restricted_nats_meet_directly(self):
        self.call("port-restricted", self.is_direct)

    def test_without_udp_the_relay_is_reached_over_tcp(self):
        self.call("udp-blocked", self.is_over_tcp)

    def test_with_nothing_but_tcp_443(self):
        self.call("only-https", self.is_over_tls)

    def test_with_nothing_but_tcp_443_to_firefox(self):
        self.call("only-https", self.is_over_tls, "firefox")

    def is_over_tcp(self, net, *pages):
        self.is_over("tcp", net, *pages)

    def is_over_tls(self, net, *pages):
        self.is_over("tls", net, *pages)
        for client in (net.a, net.b):
            # stund is there, but out of reach: curl's word for a time-out.
            done = client.run(["curl", "-m", "1", f"{lab.SERVER}:"
                               f"{floe.STUN_PORT}"], check=False)
            self.assertEqual(done.returncode, 28, done.stdout)

    def is_over(self, transport, net, *pages):
        self.is_relayed(net, *pages)
        for page in pages:
            local = page.peer()["local"]
            self.assertEqual((local["candidateType"], local["relayProtocol"]),
                             ("relay", transport), page.name)

    def is_relayed(self, net, *pages):
        ours = 0
        for page in pages:
            peer = page.peer()
            ends = [peer["local"], peer["remote"]]
            relays = [end for end in ends if end["candidateType"] == "relay"]
            self.assertEqual([end["address"] for end in relays],
                             [lab.SERVER] * len(relays), ends)
            self.assertTrue(relays, f"{page.name} is direct: {ends}")
            ours += peer["local"]["candidateType"] == "relay"
        self.assertGreaterEqual(ours, 1, "nobody holds the relay candidate")
        before = self.relayed_bytes(net)
        self.assertGreater(before, 0)
        wait.until("turnd relays more", lambda:
                   self.relayed_bytes(net) > before + 10000)

    def is_direct(self, net, *pages):
        for page in pages:
            peer = page.peer()
            kinds = {peer["local"]["candidateType"],
                     peer["remote"]["candidateType"]}
            self.assertLessEqual(kinds, {"host", "srflx", "prflx"})
            self.assertNotIn(lab.SERVER, (peer["local"].get("address"),
                                          peer["remote"].get("address")))

    def relayed_bytes(self, net):
        return floe.metric("turnd", RELAYED_BYTES, net.server)
