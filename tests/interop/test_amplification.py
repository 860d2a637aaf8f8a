# SPDX-License-Identifier: BSD-3-Clause
"""
How much longer an answer is than what a stranger asked, for each request that
is answered without a password: who forges his address makes us send it to the
victim.  Bytes of UDP payload, and bytes of IP packets, which is what fills a
victim's line.  Prints the table.
"""

import os
import socket
import struct

import case
import certs
import floe
import turn

V4, V6 = "127.0.0.1", "::1"
ALTERNATE = "127.0.0.2:3999"
DTLS_PORT = 5999
BINDING, CONNECT, CONNECTION_BIND = 0x001, 0x00a, 0x00b
CHANGE_REQUEST, RESPONSE_PORT, UNKNOWN = 0x0003, 0x0027, 0x7abc
UDP_HEADERS = {V4: 20 + 8, V6: 40 + 8}

# (payload, packet) at most; IPv6's Binding answer is longer than 1.6 times a
# bare request by its address alone.
BINDING_BOUND = {V4: (1.6, 1.3), V6: (2.2, 1.4)}
# RFC 5780 section 7.4 wants RESPONSE-ORIGIN and OTHER-ADDRESS in it as well.
BEHAVIOUR_BOUND = {V4: (3.4, 2.0)}
REFUSED_BOUND = {V4: (1.6, 1.3), V6: (1.6, 1.3)}
# What RFC 8489 section 9.2.4 wants in it is REALM (here 9 bytes), NONCE with
# its cookie and PASSWORD-ALGORITHMS: 88 bytes.
CHALLENGE_BOUND = {V4: (4.4, 2.5), V6: (4.4, 2.1)}
DTLS_BOUND = {V4: (1.0, 1.0), V6: (1.0, 1.0)}


def stun(method, *attributes, cookie=turn.COOKIE):
    body = b"".join(turn.attribute(*one) for one in attributes)
    return struct.pack("!HHI", method, len(body), cookie) + os.urandom(
        12) + body


def client_hello():
    """The shortest that a DTLS 1.2 server asks back for a cookie."""
    extensions = b"".join((
        struct.pack("!HHHH", 10, 4, 2, 23),  # supported_groups: P-256
        struct.pack("!HHHH", 13, 4, 2, 0x0403)))  # ecdsa_secp256r1_sha256
    body = (b"\xfe\xfd" + os.urandom(32) + b"\0" + b"\0"
            + struct.pack("!HH", 2, 0xc02b) + b"\x01\0"
            + struct.pack("!H", len(extensions)) + extensions)
    handshake = (b"\x01" + len(body).to_bytes(3, "big") + bytes(2) + bytes(3)
                 + len(body).to_bytes(3, "big") + body)
    return (b"\x16\xfe\xff" + bytes(8) + struct.pack("!H", len(handshake))
            + handshake)


TRANSPORT = (turn.TRANSPORT, bytes([17, 0, 0, 0]))
STOLEN = ((turn.USERNAME, b"a"), (turn.REALM, b"a"), (turn.NONCE, b"a"),
          (turn.INTEGRITY, bytes(20)))
FLAGS = (CHANGE_REQUEST, bytes(4))

# daemon, what, request, bound
REQUESTS = [
    ("stund", "Binding", stun(BINDING), BINDING_BOUND),
    ("stund", "Binding of RFC 3489", stun(BINDING, cookie=1), BINDING_BOUND),
    ("stund", "Binding, CHANGE-REQUEST of nothing", stun(BINDING, FLAGS),
     BINDING_BOUND),
    ("stund", "Binding, unknown attribute (420)",
     stun(BINDING, (UNKNOWN, b"")), REFUSED_BOUND),
    ("turnd", "Binding", stun(BINDING), BINDING_BOUND),
    ("turnd", "Binding of RFC 3489", stun(BINDING, cookie=1), BINDING_BOUND),
    ("turnd", "Binding, unknown attribute (420)",
     stun(BINDING, (UNKNOWN, b"")), REFUSED_BOUND),
    ("turnd", "Allocate, bare (401)", stun(turn.ALLOCATE), CHALLENGE_BOUND),
    ("turnd", "Allocate, shortest real one (401)",
     stun(turn.ALLOCATE, TRANSPORT), CHALLENGE_BOUND),
    ("turnd", "Refresh (401)", stun(turn.REFRESH), CHALLENGE_BOUND),
    ("turnd", "CreatePermission (401)", stun(turn.CREATE_PERMISSION),
     CHALLENGE_BOUND),
    ("turnd", "ChannelBind (401)", stun(turn.CHANNEL_BIND), CHALLENGE_BOUND),
    ("turnd", "Connect (401)", stun(CONNECT), CHALLENGE_BOUND),
    ("turnd", "ConnectionBind (401)", stun(CONNECTION_BIND),
     CHALLENGE_BOUND),
    ("turnd", "Allocate, half the credentials (400)",
     stun(turn.ALLOCATE, (turn.INTEGRITY, bytes(20))), REFUSED_BOUND),
    ("turnd", "Allocate, a made-up nonce (438)",
     stun(turn.ALLOCATE, *STOLEN), CHALLENGE_BOUND),
]
BEHAVIOUR = [
    ("stund", "Binding, with alternate", stun(BINDING), BEHAVIOUR_BOUND),
    ("stund", "Binding of RFC 3489, with alternate", stun(BINDING, cookie=1),
     BEHAVIOUR_BOUND),
]
# Those that get nothing at all.
SILENT = [
    b"", b"\0", b"\x40\0\0\0", bytes(20), os.urandom(400),
    stun(BINDING)[:19],
    stun(BINDING | 0x010),  # an indication
    stun(BINDING | 0x100),  # an answer
    stun(turn.SEND | 0x010),
    stun(turn.ALLOCATE, cookie=1),
    stun(0x0fe),
]


class Amplification(case.Case):
    def begin(self, name, tls=None, *more):
        sections = floe.sections(self, V4, tls)
        port = floe.STUN_PORT if name == "stund" else floe.TURN_PORT
        sections[name] += [("listen", f"udp://[{V6}]:{port}"), *more]
        if tls:
            sections[name] += [("listen", f"dtls://{V4}:{DTLS_PORT}"),
                               ("listen", f"dtls://[{V6}]:{DTLS_PORT}")]
        floe.start(self, name, floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        return port

    def link(self, address, port):
        family = socket.AF_INET6 if address == V6 else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(one.close)
        one.settimeout(10)
        one.connect((address, port))
        return one

    def measure(self, rows, name, address, port):
        print(f"  {name} at {address:9}  request  answer  payload   packet")
        for daemon, what, request, bounds in rows:
            if daemon != name or address not in bounds:
                continue
            link = self.link(address, port)
            link.send(request)
            asked, got = len(request), len(link.recv(4096))
            headers = UDP_HEADERS[address]
            factors = (got / asked, (got + headers) / (asked + headers))
            print(f"    {what:36} {asked:4} {got:7} {factors[0]:7.2f}x"
                  f" {factors[1]:7.2f}x")
            for factor, bound in zip(factors, bounds[address]):
                self.assertLessEqual(factor, bound, f"{name}: {what}")

    def check(self, name):
        port = self.begin(name)
        for address in (V4, V6):
            self.measure(REQUESTS, name, address, port)
            link = self.link(address, port)
            for request in SILENT:
                link.send(request)
            # What comes first is the answer to the last one.
            last = stun(BINDING)
            link.send(last)
            self.assertEqual(link.recv(4096)[8:20], last[8:20])

    def test_stund(self):
        self.check("stund")

    def test_turnd(self):
        self.check("turnd")

    def test_stund_with_alternate(self):
        port = self.begin("stund", None, ("alternate", ALTERNATE))
        self.measure(BEHAVIOUR, "stund", V4, port)

    def check_dtls(self, name):
        self.begin(name, certs.Authority(self.folder).issue(V4))
        row = (name, "ClientHello without a cookie", client_hello(),
               DTLS_BOUND)
        for address in (V4, V6):
            self.measure([row], name, address, DTLS_PORT)

    def test_stund_dtls(self):
        self.check_dtls("stund")

    def test_turnd_dtls(self):
        self.check_dtls("turnd")
