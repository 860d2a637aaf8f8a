# SPDX-License-Identifier: BSD-3-Clause
"""floe-probe: what it says of servers behind each kind of NAT, and of those
that are broken, wrong or dead.  coturn is asked, too: a server by others."""

import json
import os
import subprocess

import case
import certs
import floe
import lab
import root
import wait

PROBE = os.path.join(root.BUILD, "tools/floe-probe/floe-probe")
ALTERNATE_PORT = floe.STUN_PORT + 10
NOBODY = f"{lab.PUBLIC_NET}.99"
STUN = f"stun:{lab.SERVER}:{floe.STUN_PORT}"
TURN = f"turn:{lab.SERVER}:{floe.TURN_PORT}"
TURNS = f"turns:{lab.SERVER}:{floe.TURNS_PORT}"
USER = ("--user", floe.TURN_USER[0], "--password", floe.TURN_USER[1])
INDEPENDENT = "endpoint-independent"
ADDRESS = "address-dependent"
PORT = "address-and-port-dependent"
RELAYED = ("allocate", "relay", "refresh", "close")
REPORT = {"version", "ok", "checks", "nat", "conclusions"}
CHECK = {"uri", "transport", "server", "check", "result", "mapped", "relayed",
         "microseconds", "problem", "code", "words", "advice"}
NAT = {"server", "local", "mapped", "present", "mapping", "filtering"}


class Asks(case.Case):
    """Runs floe-probe and takes its report apart."""

    net = None

    def run_probe(self, *arguments, env=None):
        argv = [PROBE, *arguments]
        if self.net:
            argv = self.net.a.command(argv)
        with open(self.path("stderr"), "w", encoding="utf-8") as err:
            done = subprocess.run(
                argv, stdout=subprocess.PIPE, stderr=err, text=True,
                timeout=120, check=False,
                env={**floe.daemon.environment(), **(env or {})})
        with open(self.path("stderr"), encoding="utf-8") as err:
            self.words = err.read()
        return done.returncode, done.stdout

    def probe(self, *arguments, status=0, env=None):
        """The report, which has to have the form of floe-probe(1)."""
        got, text = self.run_probe("--json", *arguments, env=env)
        self.assertEqual(got, status, text + self.words)
        self.assertEqual(self.words, "")
        report = json.loads(text)
        self.assertEqual(set(report), REPORT)
        self.assertEqual(report["version"], 1)
        self.assertEqual(report["ok"], status == 0)
        for check in report["checks"]:
            self.assertEqual(set(check), CHECK)
            self.assertEqual(check["problem"] is None,
                             check["result"] == "ok")
        if report["nat"]:
            self.assertEqual(set(report["nat"]), NAT)
        return report

    def results(self, report, transport=None):
        """{check: result} of a transport; a later one of a name counts."""
        return {check["check"]: check["result"] for check in report["checks"]
                if transport in (None, check["transport"])}

    def problem(self, report, name, transport=None):
        """The one check with that problem."""
        found = [check for check in report["checks"]
                 if check["problem"] == name
                 and transport in (None, check["transport"])]
        self.assertEqual(len(found), 1, report)
        return found[0]

    def works(self, report, *transports):
        for transport in transports:
            results = self.results(report, transport)
            for check in RELAYED:
                self.assertEqual(results.get(check), "ok",
                                 (transport, check, report))


class Probe(Asks):
    def begin(self, kind="none", tls=None, alternate=True, turnd=()):
        self.net = self.lab(kind, "none")
        sections = floe.sections(self, lab.SERVER, tls)
        sections["turnd"] += turnd
        if alternate:
            sections["stund"].append(
                ("alternate", f"{lab.SERVER_ALTERNATE}:{ALTERNATE_PORT}"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        for name in ("stund", "turnd"):
            floe.start(self, name, conf, self.net.server)

    def behind(self, kind, mapping, filtering):
        self.begin(kind)
        report = self.probe(*USER, STUN, TURN)
        self.works(report, "udp", "tcp")
        nat = report["nat"]
        self.assertEqual((nat["mapping"], nat["filtering"]),
                         (mapping, filtering))
        self.assertEqual(nat["present"], kind != "none")
        self.assertEqual(nat["mapped"].split(":")[0], f"{lab.PUBLIC_NET}.21")
        self.assertIn("The relay works over UDP.", report["conclusions"])
        # What the probe made it has taken away again.
        wait.until("no allocation is left", lambda: floe.metric(
            "turnd", "turnd_allocations", self.net.server) == 0)

    def test_none(self):
        self.behind("none", INDEPENDENT, INDEPENDENT)

    def test_full_cone(self):
        self.behind("full-cone", INDEPENDENT, INDEPENDENT)

    def test_restricted(self):
        self.behind("restricted", INDEPENDENT, ADDRESS)

    def test_port_restricted(self):
        self.behind("port-restricted", INDEPENDENT, PORT)

    def test_address_mapped(self):
        self.behind("address-mapped", ADDRESS, PORT)

    def test_symmetric(self):
        self.behind("symmetric", PORT, PORT)

    def test_two_ports_of_a_server_without_rfc5780(self):
        self.begin("symmetric", alternate=False)
        report = self.probe(*USER, STUN, TURN)
        self.assertEqual(report["nat"]["mapping"], "dependent")
        self.assertEqual(report["nat"]["filtering"], "unknown")
        status, text = self.run_probe(STUN)
        self.assertEqual(status, 0)
        self.assertIn("no second address", text)

    def test_udp_blocked(self):
        self.begin("udp-blocked")
        report = self.probe(*USER, STUN, TURN, status=1)
        self.works(report, "tcp")
        self.assertEqual(
            [check["transport"] for check in report["checks"]
             if check["problem"] == "no-answer"], ["udp", "udp"])
        self.assertTrue(any(
            f"UDP to port {floe.TURN_PORT} of {lab.SERVER} gets no answer" in
            line and "TCP works, so calls will use it" in line
            for line in report["conclusions"]), report)
        self.assertIsNone(report["nat"])

    def test_wrong_password(self):
        self.begin()
        report = self.probe("--user", "alice", "--password", "wrong",
                            TURN + "?transport=udp", status=1)
        check = self.problem(report, "wrong-password")
        self.assertEqual((check["check"], check["code"], check["result"]),
                         ("allocate", 401, "failed"))
        self.assertIn("No relay works: calls that find no direct way will "
                      "fail.", report["conclusions"])

    def test_credentials(self):
        self.begin()
        report = self.probe(TURN, status=1)
        self.assertEqual({check["problem"] for check in report["checks"]} - {None}, {"credentials-needed"})
        self.works(self.probe("--secret", floe.TURN_SECRET, TURN), "udp")
        self.works(self.probe(TURN, env={
            "FLOE_PROBE_SECRET": floe.TURN_SECRET}), "udp")
        self.works(self.probe("--user", floe.TURN_USER[0], TURN, env={
            "FLOE_PROBE_PASSWORD": floe.TURN_USER[1]}), "tcp")
        report = self.probe("--secret", "another", TURN, status=1)
        self.problem(report, "wrong-password", "tcp")

    def test_nobody_there(self):
        self.begin()
        report = self.probe(f"stun:{lab.SERVER}:9", status=1)
        self.problem(report, "port-closed", "udp")
        report = self.probe(f"turn:{NOBODY}", STUN, status=1)
        self.assertEqual(
            self.problem(report, "no-route", "tcp")["result"], "failed")
        report = self.probe("stun:nowhere.invalid", status=1)
        check = self.problem(report, "name-not-found")
        self.assertIsNone(check["server"])

    def test_another_service_on_the_port(self):
        self.begin()
        self.net.server.start(["python3", "-c", (
            "import socketserver as s\n"
            "class H(s.BaseRequestHandler):\n"
            " def handle(self):\n"
            "  self.request.sendall(b'220 mail.example.org ESMTP\\r\\n')\n"
            f"s.TCPServer(('{lab.SERVER}', 25), H).serve_forever()")])
        wait.until("it listens", lambda: self.net.server.listens(25))
        report = self.probe(f"turn:{lab.SERVER}:25?transport=tcp", status=1)
        self.problem(report, "not-stun")
        report = self.probe(f"turns:{lab.SERVER}:25", status=1)
        self.problem(report, "tls-failed")
        report = self.probe(f"ws://{lab.SERVER}:25", status=1)
        self.assertEqual({check["problem"] for check in report["checks"]},
                         {None, "not-http"})

    def test_stun_server_that_is_no_relay(self):
        self.begin()
        report = self.probe(*USER, f"turn:{lab.SERVER}?transport=udp",
                            status=1)
        self.assertEqual(self.results(report)["binding"], "ok")
        self.assertEqual(self.problem(report, "no-turn")["check"], "allocate")

    def test_every_transport_on_one_port(self):
        authority = certs.Authority(self.folder)
        self.begin("port-restricted", tls=authority.issue(lab.SERVER),
                   turnd=[("listen", f"auto://{lab.SERVER}:443")])
        one = f"turns:{lab.SERVER}:443"
        report = self.probe(*USER, "--ca", authority.cert, one,
                            one + "?transport=udp", f"turn:{lab.SERVER}:443")
        self.works(report, "udp", "tcp", "tls", "dtls")

    def test_relay_that_is_cut(self):
        self.begin()
        self.net.server.run(["nft", "-f", "-"], input=(
            "table ip cut {\nchain in {\ntype filter hook input priority 0\n"
            "udp dport 49152-65535 drop\n}\n}\n"))
        report = self.probe(*USER, TURN + "?transport=udp", status=1)
        check = self.problem(report, "relay-silent")
        self.assertEqual(check["check"], "relay")
        self.assertEqual(self.results(report)["allocate"], "ok")

    def test_relay_that_only_its_own_network_reaches(self):
        self.net = self.lab("none", "none")
        self.net.server.run(["ip", "addr", "add", "10.99.0.1/32", "dev", "lo"])
        sections = floe.sections(self, lab.SERVER)
        sections["turnd"] = [row for row in sections["turnd"]
                             if row[0] != "relay-address"]
        sections["turnd"].append(("relay-address", "10.99.0.1"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf, self.net.server)
        report = self.probe(*USER, TURN + "?transport=udp", status=1)
        check = self.problem(report, "private-relay")
        self.assertEqual(check["relayed"].split(":")[0], "10.99.0.1")
        self.assertEqual(self.results(report)["relay"], "ok")

    def test_user_who_may_have_one_allocation(self):
        self.begin(turnd=[("user-quota", "1")])
        report = self.probe(*USER, TURN)
        self.works(report, "udp", "tcp")

    def test_ipv6(self):
        addresses = ("11.0.0.10", "2a00:61::10")
        for address in addresses:
            subprocess.run(["ip", "addr", "replace", address, "dev", "lo"],
                           check=True)
        sections = floe.sections(self, addresses[0])
        for scheme in ("udp", "tcp"):
            sections["turnd"].append(
                ("listen", f"{scheme}://[{addresses[1]}]:{floe.TURN_PORT}"))
        sections["turnd"].append(("relay-address", addresses[1]))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf)
        report = self.probe(*USER, TURN, f"turn:[{addresses[1]}]:"
                                         f"{floe.TURN_PORT}")
        self.assertEqual({check["result"] for check in report["checks"]},
                         {"ok"}, report)
        relayed = {(check["server"][0] == "[", check["relayed"][0] == "[")
                   for check in report["checks"]
                   if check["check"] == "relay"}
        self.assertEqual(len(relayed), 4, report)

    def begin_signaling(self, tls=None):
        self.net = self.lab("port-restricted", "none")
        conf = floe.daemon.write_conf(
            self.path("floe.conf"), floe.sections(self, lab.SERVER, tls))
        floe.start(self, "signald", conf, self.net.server)

    def test_signaling(self):
        self.begin_signaling()
        web = f"ws://{lab.SERVER}:{floe.PAGE_PORT}"
        for path in ("", "/ws"):
            self.assertEqual(self.results(self.probe(web + path)), {
                "connect": "ok", "health": "ok", "websocket": "ok"})
        report = self.probe(web + "/wrong", status=1)
        check = self.problem(report, "http-status")
        self.assertEqual((check["check"], check["code"]), ("websocket", 404))
        # signald's patience with a head is as long as the probe's.
        report = self.probe(web.replace("ws:", "wss:"), status=1)
        self.assertIn(report["checks"][0]["problem"], ("hung-up", "silent"))

    def test_signaling_over_tls(self):
        authority = certs.Authority(self.folder)
        self.begin_signaling(authority.issue(lab.SERVER))
        web = f"wss://{lab.SERVER}:{floe.PAGE_PORT}/ws"
        report = self.probe("--ca", authority.cert, web)
        self.assertEqual(self.results(report, "tls"), {
            "connect": "ok", "health": "ok", "websocket": "ok"})
        self.problem(self.probe(web, status=1),
                     "certificate-unknown-authority")

    def certificate(self, tls, problem, *options, ca=None):
        """It fails as told, and --insecure goes on and notes it."""
        self.begin(tls=tls)
        trust = ("--ca", ca) if ca else ()
        report = self.probe(*USER, *trust, TURNS, status=1)
        check = self.problem(report, problem)
        self.assertEqual((check["check"], check["result"]),
                         ("connect", "failed"))
        self.assertEqual(len(report["checks"]), 1)
        report = self.probe(*USER, *trust, "--insecure", TURNS)
        self.assertEqual(
            {one["result"] for one in report["checks"]
             if one["problem"] == problem}, {"note"})
        self.works(report, "tls")
        return check

    def test_certificate_of_a_known_authority(self):
        authority = certs.Authority(self.folder)
        self.begin(tls=authority.issue(lab.SERVER))
        report = self.probe(*USER, "--ca", authority.cert, TURNS,
                            f"stuns:{lab.SERVER}")
        self.works(report, "tls")

    def test_certificate_of_an_unknown_authority(self):
        authority = certs.Authority(self.folder)
        check = self.certificate(authority.issue(lab.SERVER),
                                 "certificate-unknown-authority")
        self.assertIn("Floe test authority", check["words"])

    def test_certificate_that_is_over(self):
        authority = certs.Authority(self.folder)
        self.certificate(authority.issue_expired(lab.SERVER),
                         "certificate-expired", ca=authority.cert)

    def test_certificate_for_another(self):
        authority = certs.Authority(self.folder)
        check = self.certificate(authority.issue(lab.SERVER_ALTERNATE),
                                 "certificate-wrong-name", ca=authority.cert)
        self.assertIn(lab.SERVER_ALTERNATE, check["words"])

    def test_certificate_by_itself(self):
        authority = certs.Authority(self.folder)
        self.certificate((authority.cert, authority.key),
                         "certificate-self-signed")

    def test_words(self):
        self.begin("port-restricted")
        status, text = self.run_probe(*USER, STUN, TURN)
        self.assertEqual(status, 0, text)
        self.assertIn(f"{STUN}\n  ok      udp ", text)
        self.assertIn("All checks passed.", text)
        self.assertIn("A NAT that direct calls get through.", text)
        status, text = self.run_probe("-u", "alice", "-p", "wrong", TURN)
        self.assertEqual(status, 1)
        self.assertIn("FAILED", text)
        self.assertIn("refused the user name or the password (401)", text)

    def test_usage(self):
        self.net = self.lab("none", "none")
        for wrong in ((), ("stun:",), ("http://a",), ("--user", "a", STUN),
                      ("--colour", STUN), ("stun:a:0",),
                      ("turn:a?transport=sctp",), ("--ca", "/nowhere", STUN),
                      ("--user", "a", "--password", "b", "--secret", "c",
                       STUN)):
            with self.subTest(wrong):
                status, text = self.run_probe(*wrong)
                self.assertEqual((status, text), (2, ""))
                self.assertIn("floe-probe: ", self.words)
        status, text = self.run_probe("--help")
        self.assertEqual(status, 0)
        self.assertIn("usage: floe-probe", text)
        status, text = self.run_probe("--version")
        self.assertEqual((status, text.split()[0]), (0, "floe-probe"))


class Coturn(Asks):
    """The same questions to a server that nobody here wrote."""

    def begin(self, kind="none", tls=None, alternate=True):
        self.net = self.lab(kind, "none")
        addresses = [lab.SERVER, lab.SERVER_ALTERNATE][:1 + alternate]
        argv = ["turnserver", "-n", "-a", "-r", floe.REALM, "-u",
                ":".join(floe.TURN_USER), "--no-cli", "--log-file", "stdout",
                "--pidfile", self.path("turnserver.pid"),
                "--min-port", "50000", "--max-port", "50100"]
        for address in addresses:
            argv += ["-L", address]
        argv += ["-E", lab.SERVER]
        argv += (["--cert", tls[0], "--pkey", tls[1]] if tls
                 else ["--no-tls", "--no-dtls"])
        with open(self.path("turnserver.log"), "w", encoding="utf-8") as log:
            self.net.server.start(argv, stdout=log, stderr=log)
        wait.until("turnserver is up", lambda: self.net.server.listens(
            3478, udp=True) and self.net.server.listens(3478))

    def behaves(self, kind, mapping, filtering):
        self.begin(kind)
        report = self.probe(*USER, f"stun:{lab.SERVER}", f"turn:{lab.SERVER}")
        self.works(report, "udp", "tcp")
        self.assertEqual(
            (report["nat"]["mapping"], report["nat"]["filtering"]),
            (mapping, filtering))

    def test_full_cone(self):
        self.behaves("full-cone", INDEPENDENT, INDEPENDENT)

    def test_symmetric(self):
        self.behaves("symmetric", PORT, PORT)

    def test_tls_and_dtls(self):
        authority = certs.Authority(self.folder)
        self.begin(tls=authority.issue(lab.SERVER), alternate=False)
        uri = f"turns:{lab.SERVER}"
        report = self.probe(*USER, "--ca", authority.cert, uri,
                            uri + "?transport=udp")
        self.works(report, "tls", "dtls")
        report = self.probe(*USER, uri, uri + "?transport=udp", status=1)
        self.problem(report, "certificate-unknown-authority", "tls")
        self.problem(report, "certificate-unknown-authority", "dtls")

    def test_wrong_password(self):
        self.begin(alternate=False)
        report = self.probe("-u", "alice", "-p", "wrong",
                            f"turn:{lab.SERVER}", status=1)
        self.problem(report, "wrong-password", "udp")
        self.problem(report, "wrong-password", "tcp")
