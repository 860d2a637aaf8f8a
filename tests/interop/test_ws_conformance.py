# SPDX-License-Identifier: BSD-3-Clause
"""
signald's WebSocket, clause by clause of RFC 6455 and RFC 7692.

A case is what a client sends and what must come back, frame by frame, on
/echo.  Each runs three times: all bytes at once, a frame a write, and byte by
byte, since no border between reads may matter.
"""

import socket
import struct
import zlib

import case
import floe

ADDRESS = "127.0.0.1"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PROTOCOL, BAD_DATA, TOO_BIG = 1002, 1007, 1009
BYTEWISE_MAX = 3000  # bytes; more take too long one by one
ECHO_MAX = 32 << 20
MASK = bytes([0x37, 0xfa, 0x21, 0x3d])
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def masked(payload):
    whole = MASK * (len(payload) // 4 + 1)
    return (int.from_bytes(payload, "big")
            ^ int.from_bytes(whole[:len(payload)], "big")).to_bytes(
                len(payload), "big")


def head(first, size, mask=0x80, form=None):
    """A frame's head; form: the bytes of an extended length."""
    form = form or (0 if size < 126 else 2 if size < 65536 else 8)
    if form == 0:
        return struct.pack("!BB", first, mask | size)
    if form == 2:
        return struct.pack("!BBH", first, mask | 126, size)
    return struct.pack("!BBQ", first, mask | 127, size)


def frame(opcode, payload=b"", fin=True, rsv=0, form=None):
    """As a client sends it."""
    if isinstance(payload, str):
        payload = payload.encode()
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    return head(first, len(payload), form=form) + MASK + masked(payload)


def part(opcode, payload, **more):
    return frame(opcode, payload, fin=False, **more)


def close(code=None, reason=b""):
    if isinstance(reason, str):
        reason = reason.encode()
    return frame(CLOSE, b"" if code is None else
                 struct.pack("!H", code) + reason)


def text(payload):
    return TEXT, payload.encode() if isinstance(payload, str) else payload


def ended(code):
    """A close with this code (None: without one), then the end."""
    return CLOSE, b"" if code is None else struct.pack("!H", code)


DONE = close(1000)
BYE = ended(1000)
LONG = "κόσμε" * 20000
# Of the reasons that a close may give: section 7.4.
CODES_GOOD = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000,
              3999, 4000, 4999)
CODES_BAD = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
             65535)

# (clause and name, what the client sends, what comes back)
CASES = [
    # Section 5.2: the frame
    *((f"5.2 a message of {size} bytes, {kind}",
       [frame(opcode, b"*" * size), DONE], [(opcode, b"*" * size), BYE])
      for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20)
      for kind, opcode in (("text", TEXT), ("binary", BINARY))),
    ("5.2 RSV1 that nothing gave a meaning",
     [frame(TEXT, "a", rsv=4)], [ended(PROTOCOL)]),
    *((f"5.2 RSV bits {rsv:03b} on opcode {opcode}",
       [frame(TEXT, "before"), frame(opcode, b"", rsv=rsv)],
       [text("before"), ended(PROTOCOL)])
      for rsv in (1, 2, 3, 5, 6, 7) for opcode in (TEXT, BINARY, PING)),
    *((f"5.2 the reserved opcode {opcode}",
       [frame(TEXT, "before"), frame(opcode, b"a")],
       [text("before"), ended(PROTOCOL)])
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ("5.2 a length of 2 bytes that needs none",
     [frame(TEXT, "a", form=2)], [ended(PROTOCOL)]),
    ("5.2 a length of 8 bytes that needs 2",
     [frame(TEXT, "a" * 200, form=8)], [ended(PROTOCOL)]),
    ("5.2 a length with its highest bit set",
     [b"\x81\xff\x80" + bytes(7) + MASK], [ended(PROTOCOL)]),
    # Section 5.1
    ("5.1 a frame without a mask", [b"\x81\x01a"], [ended(PROTOCOL)]),
    # Section 5.4: fragments
    ("5.4 two fragments", [part(TEXT, "frag"), frame(CONT, "ment"), DONE],
     [text("fragment"), BYE]),
    ("5.4 empty fragments",
     [part(TEXT, ""), part(CONT, ""), frame(CONT, ""), DONE],
     [text(""), BYE]),
    ("5.4 an empty one among others",
     [part(BINARY, b"a"), part(CONT, b""), frame(CONT, b"b"), DONE],
     [(BINARY, b"ab"), BYE]),
    ("5.4 many fragments",
     [part(TEXT, "a"), *[part(CONT, "b")] * 300, frame(CONT, "c"), DONE],
     [text("a" + "b" * 300 + "c"), BYE]),
    ("5.4 a ping between fragments",
     [part(TEXT, "frag"), frame(PING, b"?"), frame(CONT, "ment"), DONE],
     [(PONG, b"?"), text("fragment"), BYE]),
    ("5.4 a pong between fragments is not answered",
     [part(TEXT, "frag"), frame(PONG, b"!"), frame(CONT, "ment"), DONE],
     [text("fragment"), BYE]),
    ("5.4 a close between fragments",
     [part(TEXT, "frag"), close(1000)], [BYE]),
    ("5.4 a continuation of nothing",
     [frame(CONT, "a")], [ended(PROTOCOL)]),
    ("5.4 a continuation after the end",
     [part(TEXT, "a"), frame(CONT, "b"), frame(CONT, "c")],
     [text("ab"), ended(PROTOCOL)]),
    ("5.4 a new message within one",
     [part(TEXT, "a"), frame(TEXT, "b")], [ended(PROTOCOL)]),
    ("5.4 two messages woven together",
     [part(TEXT, "a"), part(BINARY, b"b"), frame(CONT, "c")],
     [ended(PROTOCOL)]),
    # Section 5.5: control frames
    ("5.5.2 a ping without payload", [frame(PING), DONE],
     [(PONG, b""), BYE]),
    ("5.5.2 a ping of 125 bytes", [frame(PING, bytes(range(125))), DONE],
     [(PONG, bytes(range(125))), BYE]),
    ("5.5 a ping of 126 bytes", [frame(PING, b"a" * 126)],
     [ended(PROTOCOL)]),
    ("5.5 a close of 126 bytes", [close(1000, "a" * 124)],
     [ended(PROTOCOL)]),
    ("5.5 a ping in fragments", [part(PING, b"a"), frame(CONT, b"b")],
     [ended(PROTOCOL)]),
    ("5.5 a close in fragments", [part(CLOSE, struct.pack("!H", 1000))],
     [ended(PROTOCOL)]),
    ("5.5.2 ten pings", [*(frame(PING, bytes([i])) for i in range(10)), DONE],
     [*((PONG, bytes([i])) for i in range(10)), BYE]),
    ("5.5.3 a pong that nobody asked for", [frame(PONG, b"here"), DONE],
     [BYE]),
    ("5.5.2 a ping of no UTF-8", [frame(PING, b"\xff\xfe"), DONE],
     [(PONG, b"\xff\xfe"), BYE]),
    # Section 5.5.1 and 7: closing
    ("5.5.1 a close without a code", [close()], [ended(None)]),
    ("5.5.1 a close of one byte", [frame(CLOSE, b"\x03")],
     [ended(PROTOCOL)]),
    ("5.5.1 a close with the longest reason", [close(1000, "a" * 123)],
     [(CLOSE, None)]),
    ("5.5.1 nothing counts after a close",
     [close(1000), frame(TEXT, "late"), frame(PING)], [BYE]),
    ("5.5.1 a reason that is no UTF-8", [close(1000, b"\xce\xba\xff")],
     [ended(BAD_DATA)]),
    *((f"7.4 code {code}", [close(code)], [ended(code)])
      for code in CODES_GOOD),
    *((f"7.4 code {code}, which nobody may send", [close(code)],
       [ended(PROTOCOL)]) for code in CODES_BAD),
    # Section 5.6 and 8.1: text is UTF-8
    ("8.1 text in several scripts", [frame(TEXT, LONG), DONE],
     [text(LONG), BYE]),
    ("8.1 a character over the border of fragments",
     [part(TEXT, "κ".encode()[:1]), frame(CONT, "κ".encode()[1:]), DONE],
     [text("κ"), BYE]),
    ("8.1 four bytes in four fragments",
     [part(TEXT, b"\xf0"), part(CONT, b"\x9f"), part(CONT, b"\x98"),
      frame(CONT, b"\x80"), DONE], [text("😀"), BYE]),
    *((f"8.1 {what}", [frame(TEXT, bad)], [ended(BAD_DATA)])
      for what, bad in (
          ("a lone continuation byte", b"\x80"),
          ("an overlong NUL", b"\xc0\x80"),
          ("an overlong slash", b"\xe0\x80\xaf"),
          ("an overlong of four", b"\xf0\x80\x80\x80"),
          ("a surrogate", b"\xed\xa0\x80"),
          ("a pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
          ("above U+10FFFF", b"\xf4\x90\x80\x80"),
          ("five bytes", b"\xf8\x88\x80\x80\x80"),
          ("six bytes", b"\xfc\x84\x80\x80\x80\x80"),
          ("0xfe", b"\xfe"), ("0xff", b"\xff"),
          ("a cut character", b"\xce\xba\xe1\xbd"),
          ("latin-1", b"caf\xe9"))),
    ("8.1 the largest characters of each length",
     [frame(TEXT, "\x7f\u07ff\uffff\U0010ffff"), DONE],
     [text("\x7f\u07ff\uffff\U0010ffff"), BYE]),
    ("8.1 binary need not be UTF-8", [frame(BINARY, b"\xff\xfe"), DONE],
     [(BINARY, b"\xff\xfe"), BYE]),
    # ... and what is not is told before the message is whole
    ("8.1 fail fast, within fragments",
     [part(TEXT, "κόσμε"), part(CONT, b"\xf4\x90\x80\x80")],
     [ended(BAD_DATA)]),
    ("8.1 fail fast, within a frame",
     [frame(TEXT, "κόσμε".encode() + b"\xed\xa0\x80" + b"edited")[:-6]],
     [ended(BAD_DATA)]),
    ("8.1 fail fast, with the first byte that cannot be",
     [frame(TEXT, b"\xf4\x90" + b"a" * 100)[:-100]],
     [ended(BAD_DATA)]),
    # Limits
    ("10.4 a message that is too long is refused by its first byte",
     [head(0x82, ECHO_MAX + 1) + MASK + b"a"], [ended(TOO_BIG)]),
    ("10.4 so is one in fragments",
     [part(BINARY, b"a"), head(0x00, ECHO_MAX) + MASK + b"a"],
     [ended(TOO_BIG)]),
    ("5.2 a length of an exabyte",
     [head(0x82, 1 << 60) + MASK + b"a"], [ended(TOO_BIG)]),
]


def packed(payload, bits=15, last=False):
    """A message as DEFLATE without what all end with."""
    if isinstance(payload, str):
        payload = payload.encode()
    one = zlib.compressobj(9, zlib.DEFLATED, -bits)
    if last:  # section 7.2.3.4: a block that calls itself the last
        return one.compress(payload) + one.flush(zlib.Z_FINISH) + b"\0"
    return one.compress(payload) + one.flush(zlib.Z_SYNC_FLUSH)[:-4]


HELLO = packed("Hello")
# Of RFC 7692; what comes back is unpacked before it is compared.
PACKED = [
    ("7.2.3.1 a packed message", [frame(TEXT, HELLO, rsv=4), DONE],
     [text("Hello"), BYE]),
    ("6.1 one that is not packed", [frame(TEXT, "Hello"), DONE],
     [text("Hello"), BYE]),
    ("7.2.3.1 in fragments, RSV1 on the first alone",
     [part(TEXT, HELLO[:3], rsv=4), part(CONT, b""), frame(CONT, HELLO[3:]),
      DONE], [text("Hello"), BYE]),
    ("7.2.3.2 a reference to the message before",
     [frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4),
      frame(TEXT, bytes.fromhex("f200110000"), rsv=4), DONE],
     [text("Hello"), text("Hello"), BYE]),
    ("7.2.3.3 a block without compression",
     [frame(TEXT, bytes.fromhex("000500faff48656c6c6f00"), rsv=4), DONE],
     [text("Hello"), BYE]),
    ("7.2.3.4 a block that is the last",
     [frame(TEXT, packed("Hello", last=True), rsv=4),
      frame(TEXT, HELLO, rsv=4), DONE],
     [text("Hello"), text("Hello"), BYE]),
    ("7.2.3.5 two blocks",
     [frame(TEXT, bytes.fromhex("f248050000 00ffffcac9c90700"), rsv=4), DONE],
     [text("Hello"), BYE]),
    ("7.2.3.6 nothing, packed", [frame(BINARY, b"\0", rsv=4), DONE],
     [(BINARY, b""), BYE]),
    ("7.2.2 a megabyte of zeros",
     [frame(BINARY, packed(bytes(1 << 20)), rsv=4), DONE],
     [(BINARY, bytes(1 << 20)), BYE]),
    ("7.2.2 noise", [frame(BINARY, packed(MASK * 20000), rsv=4), DONE],
     [(BINARY, MASK * 20000), BYE]),
    ("5.5 a packed ping", [frame(PING, HELLO, rsv=4)], [ended(PROTOCOL)]),
    ("6.1 RSV1 on a continuation",
     [part(TEXT, HELLO[:3], rsv=4), frame(CONT, HELLO[3:], rsv=4)],
     [ended(PROTOCOL)]),
    ("7.2.2 no DEFLATE", [frame(TEXT, b"\xff\xff\xff", rsv=4)],
     [ended(BAD_DATA)]),
    ("8.1 packed text that is no UTF-8",
     [frame(TEXT, packed(b"\xc0\x80"), rsv=4)], [ended(BAD_DATA)]),
    ("10.4 a bomb", [frame(BINARY, packed(bytes(ECHO_MAX + 1)), rsv=4)],
     [ended(TOO_BIG)]),
]
# What a client may ask for, and what the answer must hold: section 7.1.
OFFERS = [
    ("", ()),
    ("client_max_window_bits", ()),
    *((f"client_max_window_bits={bits}", (f"client_max_window_bits={bits}",))
      for bits in range(8, 16)),
    *((f"server_max_window_bits={bits}", (f"server_max_window_bits={bits}",))
      for bits in range(9, 16)),
    ("server_no_context_takeover", ("server_no_context_takeover",)),
    ("client_no_context_takeover", ("client_no_context_takeover",)),
    ("server_no_context_takeover; client_no_context_takeover; "
     "server_max_window_bits=10; client_max_window_bits=9",
     ("server_no_context_takeover", "client_no_context_takeover",
      "server_max_window_bits=10", "client_max_window_bits=9")),
]
DECLINED = (
    "server_max_window_bits", "server_max_window_bits=7",
    "server_max_window_bits=16", "server_max_window_bits=08",
    "client_max_window_bits=7", "client_max_window_bits=x",
    "server_no_context_takeover=1", "no_such_parameter",
    "server_no_context_takeover; server_no_context_takeover",
)


class Link:
    """A client's connection to /echo.  Owns its socket."""

    def __init__(self, offer=None):
        self.sock = socket.create_connection(
            (ADDRESS, floe.PAGE_PORT), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        extensions = ("" if offer is None else
                      f"Sec-WebSocket-Extensions: {offer}\r\n")
        self.sock.sendall((
            f"GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n{extensions}\r\n").encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.sock.recv(4096)
        top, self.data = self.data.split(b"\r\n\r\n", 1)
        self.answer = top.decode()
        self.unpacker = None
        if "permessage-deflate" in self.answer:
            self.unpacker = zlib.decompressobj(-15)
        self.alone = "server_no_context_takeover" in self.answer

    def need(self, size):
        while len(self.data) < size:
            more = self.sock.recv(1 << 20)
            if not more:
                raise EOFError(f"after {self.data!r:.80}")
            self.data += more

    def take(self, size):
        self.need(size)
        got, self.data = self.data[:size], self.data[size:]
        return got

    def unpack(self, payload):
        plain = self.unpacker.decompress(payload + b"\0\0\xff\xff")
        if self.alone:
            self.unpacker = zlib.decompressobj(-15)
        return plain

    def read(self):
        """(opcode, payload) of the next frame."""
        first, size = self.take(2)
        if size == 126:
            size = struct.unpack("!H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.take(8))[0]
        payload = self.take(size)
        assert first & 0xb0 == 0x80 and size < 1 << 40, hex(first)
        if first & 0x40:
            payload = self.unpack(payload)
        return first & 0x0f, payload

    def at_end(self):
        try:
            return not self.data and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True  # of what was sent after the close


def at_once(link, writes):
    link.sock.sendall(b"".join(writes))


def by_frame(link, writes):
    for data in writes:
        link.sock.sendall(data)


def by_byte(link, writes):
    for data in writes:
        for i in range(len(data)):
            try:
                link.sock.sendall(data[i:i + 1])
            except (BrokenPipeError, ConnectionResetError):
                return  # the server has heard enough


class Conformance(case.Case):
    def setUp(self):
        super().setUp()
        sections = floe.sections(self, ADDRESS)
        sections["signald"].append(("test-echo", "yes"))
        floe.start(self, "signald", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def run_case(self, writes, wanted, send, offer=None):
        link = Link(offer)
        try:
            send(link, writes)
            for opcode, payload in wanted:
                got = link.read()
                self.assertEqual(got[0], opcode, got)
                if payload is not None:
                    self.assertEqual(got[1][:2 if opcode == CLOSE else None],
                                     payload)
            self.assertTrue(link.at_end())
        finally:
            link.sock.close()

    def run_table(self, table, offer=None):
        failed = []
        for name, writes, wanted in table:
            for send in at_once, by_frame, by_byte:
                if send is by_byte and sum(map(len, writes)) > BYTEWISE_MAX:
                    continue
                try:
                    self.run_case(writes, wanted, send, offer)
                except (AssertionError, OSError, EOFError) as error:
                    failed.append(f"{name}, {send.__name__}: {error}")
        self.assertFalse(failed, "\n".join(failed))

    def test_rfc6455(self):
        self.run_table(CASES)

    def test_rfc7692(self):
        self.run_table(PACKED, "permessage-deflate")

    def test_rfc7692_parameters(self):
        for offer, wanted in OFFERS:
            with self.subTest(offer):
                link = Link("permessage-deflate" + ("; " + offer if offer
                                                    else ""))
                for parameter in wanted:
                    self.assertIn(parameter, link.answer)
                self.every_size(link, offer)

    def every_size(self, link, offer):
        """Both ends pack with the window that was agreed on."""
        bits = 15
        for parameter in offer.split("; "):
            if parameter.startswith("client_max_window_bits="):
                bits = max(int(parameter.split("=")[1]), 9)
        packer = zlib.compressobj(6, zlib.DEFLATED, -bits)
        for size in (0, 1, 100, 1000, 40000, 300000):
            plain = (b"floe %d " % size * (size // 6 + 1))[:size]
            data = (packer.compress(plain)
                    + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
            link.sock.sendall(frame(BINARY, data, rsv=4))
            self.assertEqual(link.read(), (BINARY, plain))
            if "client_no_context" in offer:
                packer = zlib.compressobj(6, zlib.DEFLATED, -bits)
        link.sock.close()

    def test_rfc7692_declined(self):
        for offer in DECLINED:
            with self.subTest(offer):
                link = Link("permessage-deflate; " + offer)
                self.assertIn(" 101 ", link.answer)
                self.assertNotIn("permessage-deflate", link.answer)
                link.sock.close()
                # A client that has a second wish gets it.
                link = Link(f"permessage-deflate; {offer}, "
                            "permessage-deflate")
                self.assertIn("permessage-deflate", link.answer)
                link.sock.close()
