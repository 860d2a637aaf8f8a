# SPDX-License-Identifier: BSD-3-Clause
"""
Which engine turnd's sockets are read and written by, and the room that they
have for datagrams.
"""

import re
import socket
import subprocess
import sys

from aioice import stun

import case
import floe
import forbidden

UDP = 17 << 24  # REQUESTED-TRANSPORT


class Io(case.Case):
    """A turnd with settings of its own, and a client that asks it."""

    def start(self, *settings, command=()):
        sections = floe.sections(self, "127.0.0.1")
        sections["floe"].append(("workers", "2"))
        sections["turnd"] += [("no-auth", "yes"), ("allow-peer", "127.0.0.1"),
                              *settings]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.turnd = self.daemon(
            "turnd", [*command, floe.daemon.program("turnd"), "-c", conf],
            ready=lambda: floe.healthy("turnd"))

    def logged(self, event):
        return [line for line in self.turnd.log().splitlines()
                if f" {event} " in line]

    def allocate(self):
        """The relayed address that a new client gets."""
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(("127.0.0.1", floe.TURN_PORT))
        request = stun.Message(message_method=stun.Method.ALLOCATE,
                               message_class=stun.Class.REQUEST)
        request.attributes["REQUESTED-TRANSPORT"] = UDP
        client.send(bytes(request))
        answer = stun.parse_message(client.recv(2048))
        self.assertEqual(answer.message_class, stun.Class.RESPONSE)
        return answer.attributes["XOR-RELAYED-ADDRESS"]

    def test_refused_by_a_seccomp_filter(self):
        """Said once, however many workers; epoll serves."""
        self.start(("io-engine", "io_uring"), command=[
            sys.executable, forbidden.__file__])
        refused, = self.logged("io_uring_refused")
        self.assertIn(" warn ", refused)
        self.assertIn("instead=epoll", refused)
        self.assertIn("name=epoll", self.logged("io_engine")[0])
        self.allocate()

    def test_auto_says_nothing_of_it(self):
        self.start(("io-engine", "auto"), command=[
            sys.executable, forbidden.__file__])
        self.assertEqual(self.logged("io_uring_refused"), [])
        self.assertIn("name=epoll", self.logged("io_engine")[0])
        self.allocate()

    def test_epoll_where_it_is_asked_for(self):
        self.start(("io-engine", "epoll"))
        self.assertIn("name=epoll", self.logged("io_engine")[0])
        self.allocate()

    def test_ports_are_free_when_it_has_ended(self):
        """The kernel lets go of what io_uring read, before turnd is gone."""
        for _ in range(3):
            self.start()
            for _ in range(60):
                self.allocate()
            self.assertEqual(self.turnd.stop(), 0)

    def room(self, address):
        """Bytes of the receive buffer of the socket there, as ss tells: the
        kernel counts as many of its own."""
        told = subprocess.run(
            ["ss", "-Huanm", "src", "%s:%d" % address],
            capture_output=True, text=True, check=True).stdout
        return int(re.search(r"\brb(\d+)", told).group(1)) // 2

    def test_buffers_are_as_asked_for(self):
        self.start(("udp-buffer", "100k"), ("relay-buffer", "50k"))
        self.assertEqual(len(self.logged("socket_buffers")), 2)
        for line in self.logged("socket_buffers"):
            self.assertIn(" info ", line)
        for kind, address, wanted in (
                ("listener", ("127.0.0.1", floe.TURN_PORT), 100 << 10),
                ("relay", self.allocate(), 50 << 10)):
            self.assertEqual(self.room(address), wanted)
            self.assertEqual(floe.metric(
                "turnd", "turnd_udp_receive_buffer_bytes",
                label=f'socket="{kind}"'), wanted)

    def test_less_than_was_asked_for_is_told(self):
        self.start(("udp-buffer", "1g"))
        line, = (line for line in self.logged("socket_buffers")
                 if "option=udp-buffer" in line)
        self.assertIn(" warn ", line)
        self.assertIn("net.core.rmem_max", line)
        given = int(re.search(r"receive=(\d+)", line).group(1))
        self.assertEqual(
            self.room(("127.0.0.1", floe.TURN_PORT)), given)
        self.assertEqual(floe.metric(
            "turnd", "turnd_udp_receive_buffer_bytes",
            label='socket="listener"'), given)

