# SPDX-License-Identifier: BSD-3-Clause
"""coturn's own tools against stund and turnd, over UDP, TCP, TLS and DTLS."""

import re

import case
import certs
import floe
import lab

MESSAGES = 20
CLIENTS = 3
# coturn's uclient plays both sides: its allocations talk to each other's
# relayed addresses on the very server under test.
UCLIENT = ["turnutils_uclient", "-y", "-p", str(floe.TURN_PORT), "-n",
           str(MESSAGES), "-m", str(CLIENTS), "-l", "160", "-z", "20"]
STATIC = ["-u", floe.TURN_USER[0], "-w", floe.TURN_USER[1]]


class Turnutils(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab("symmetric", "port-restricted")
        tls = certs.Authority(self.folder).issue(lab.SERVER)
        conf = floe.daemon.write_conf(
            self.path("floe.conf"), floe.sections(self, lab.SERVER, tls))
        for name in ("stund", "turnd"):
            floe.start(self, name, conf, self.net.server)

    def relay(self, *options):
        """Run uclient; every message it sent must have come back."""
        text = self.net.a.run([*UCLIENT, *options, lab.SERVER]).stdout
        totals = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
        self.assertTrue(totals, text)
        sent, received = map(int, totals[-1])
        self.assertGreaterEqual(sent, MESSAGES, text)
        self.assertEqual(sent, received, text)
        self.assertIn("Total lost packets 0 ", text)
        return text

    def test_channels(self):
        self.relay(*STATIC)

    def test_indications(self):
        self.relay("-s", *STATIC)

    def test_channels_over_tcp(self):
        self.relay("-t", *STATIC)

    def test_indications_over_tcp(self):
        self.relay("-t", "-s", *STATIC)

    def test_channels_over_tls(self):
        self.relay("-t", "-S", "-p", str(floe.TURNS_PORT), *STATIC)

    def test_channels_over_dtls(self):
        self.relay("-S", "-p", str(floe.TURNS_PORT), *STATIC)

    def test_indications_over_dtls(self):
        self.relay("-S", "-s", "-p", str(floe.TURNS_PORT), *STATIC)

    def test_dont_fragment(self):
        self.relay("-s", "-g", *STATIC)

    def tcp_relay(self, *options):
        """TCP allocations: each client connects to all the others."""
        text = self.relay("-T", *options, *STATIC)
        # It goes on with fewer connections than it wanted, after 35 s.
        self.assertNotIn("not enough", text)

    def test_tcp_allocations(self):
        self.tcp_relay()

    def test_tcp_allocations_over_tls(self):
        self.tcp_relay("-S", "-p", str(floe.TURNS_PORT))

    def test_one_client_to_itself(self):
        self.relay("-c", *STATIC)

    def test_rest_secret(self):
        self.relay("-u", "alice", "-W", floe.TURN_SECRET)

    def test_wrong_password_is_refused(self):
        done = self.net.a.run([*UCLIENT, "-u", "alice", "-w", "wrong",
                               lab.SERVER], check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("Total lost packets", done.stdout)

    def test_stunclient_learns_the_mapped_address(self):
        for port in (floe.STUN_PORT, floe.TURN_PORT):
            text = self.net.a.run(["turnutils_stunclient", "-p", str(port),
                                   lab.SERVER]).stdout
            self.assertIn(f"UDP reflexive addr: {lab.PUBLIC_NET}.21:", text)
