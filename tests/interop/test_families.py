# SPDX-License-Identifier: BSD-3-Clause
"""coturn's uclient over each family with relays of each (RFC 6156), through
several listeners of one turnd."""

import re
import subprocess

import case
import floe
import wait

V4, V4_TOO, V6 = "11.0.0.10", "11.0.0.11", "2a00:61::10"
MESSAGES = 20
CLIENTS = 2
RELAYS = {"v4": ("-X", r"11\.0\.0\.10:"), "v6": ("-x", r"\[2a00:61::10\]:")}
TRANSPORTS = {"udp": (), "tcp": ("-t",), "indications": ("-s",)}


def url(scheme, host, port):
    return f"{scheme}://[{host}]:{port}" if ":" in host else \
        f"{scheme}://{host}:{port}"


class Families(case.Case):
    def setUp(self):
        super().setUp()
        for address in (V4, V4_TOO, V6):
            for verb in ("replace", "del"):
                argv = ["ip", "addr", verb,
                        address + ("/128" if ":" in address else "/32"),
                        "dev", "lo"]
                if verb == "replace":
                    subprocess.run(argv, check=True)
                else:
                    self.addCleanup(subprocess.run, argv, check=True)
        sections = floe.sections(self, V4)
        sections["turnd"] += [
            ("listen", url(scheme, host, floe.TURN_PORT))
            for host in (V4_TOO, V6) for scheme in ("udp", "tcp")]
        sections["turnd"].append(("relay-address", V6))
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def start(self, host, relay, transport):
        process = subprocess.Popen(
            ["turnutils_uclient", "-y", "-c", RELAYS[relay][0],
             *TRANSPORTS[transport], "-p", str(floe.TURN_PORT), "-n",
             str(MESSAGES), "-m", str(CLIENTS), "-l", "300", "-z", "20", "-u",
             floe.TURN_USER[0], "-w", floe.TURN_USER[1], host], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.kill)
        return process

    def ended(self, host, relay):
        """Allocations that have relayed all they were given."""
        client = re.escape(f"[{host}]:" if ":" in host else f"{host}:")
        return len(re.findall(
            f"allocation_ended .*client={client}.*"
            f"relayed={RELAYS[relay][1]}.*to_peer_packets={MESSAGES} ",
            self.turnd.log()))

    def test_every_pair(self):
        running = {
            (host, relay, transport): self.start(host, relay, transport)
            for host in (V4, V4_TOO, V6) for relay in RELAYS
            for transport in TRANSPORTS}
        for which, process in running.items():
            text = process.communicate(timeout=120)[0]
            with self.subTest(which):
                totals = re.findall(
                    r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
                self.assertTrue(totals, text)
                self.assertEqual(*totals[-1], text)
                self.assertGreaterEqual(int(totals[-1][0]), MESSAGES, text)
        for host in (V4, V4_TOO, V6):
            for relay in RELAYS:
                wait.until("its allocations have ended", lambda: self.ended(
                    host, relay) >= CLIENTS * len(TRANSPORTS))
