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

    def start_floe(self, net, authority):
        tls = authority.issue(lab.SERVER)
        conf = floe.daemon.write_conf(
            self.path("floe.conf"), floe.sections(self, lab.SERVER, tls))
        for name in ("stund", "turnd", "signald"):
            floe.start(self, name, conf, net.server)

    def call(self, kind, check):
        """A call behind two NATs of a kind; `check` judges its pairs."""
        net = self.lab(kind, kind)
        authority = certs.Authority(self.folder)
        self.start_floe(net, authority)
        url = f"https://{lab.SERVER}:{floe.PAGE_PORT}/#debug"
        alice = self.browsers.open("alice", url, net.a, authority)
        bob = self.browsers.open("bob", url, net.b, authority)
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

    def is_over_tcp(self, net, *pages):
        self.is_relayed(net, *pages)
        for page in pages:
            local = page.peer()["local"]
            self.assertEqual((local["candidateType"],
                              local.get("relayProtocol")), ("relay", "tcp"))

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
