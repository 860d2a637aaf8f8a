# SPDX-License-Identifier: BSD-3-Clause
"""turn: a TURN client over one UDP socket, for what no outside client does."""

import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import zlib

COOKIE = 0x2112a442
ALLOCATE, REFRESH, SEND = 0x003, 0x004, 0x016
CREATE_PERMISSION, CHANNEL_BIND, ERROR = 0x008, 0x009, 0x110
USERNAME, INTEGRITY, ERROR_CODE, CHANNEL, LIFETIME = 6, 8, 9, 0xc, 0xd
PEER, DATA, REALM, NONCE, RELAYED = 0x12, 0x13, 0x14, 0x15, 0x16
TRANSPORT, FAMILY, FINGERPRINT = 0x19, 0x17, 0x8028
CONNECT, CONNECTION_BIND, CONN = 0x00a, 0x00b, 0x2a
CONNECTION_ATTEMPT = b"\x00\x1c"
TRIES = 3


class Refused(Exception):
    """An error response; args[0] is its code."""


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def walk(message):
    """(type, where the value begins, its size) of each attribute."""
    at = 20
    while at < len(message):
        kind, size = struct.unpack_from("!HH", message, at)
        yield kind, at + 4, size
        at += 4 + size + -size % 4


def xor(value, mask):
    return bytes(a ^ b for a, b in zip(value, mask))


def xor_address(address, port, txid=bytes(12)):
    """Of either family; that of IPv6 depends on the transaction id."""
    ip = ipaddress.ip_address(address).packed
    return (struct.pack("!BBH", 0, 1 if len(ip) == 4 else 2,
                        port ^ (COOKIE >> 16)) +
            xor(ip, COOKIE.to_bytes(4, "big") + txid))


def xor_parse(value, txid=bytes(12)):
    port, = struct.unpack_from("!H", value, 2)
    ip = xor(value[4:], COOKIE.to_bytes(4, "big") + txid)
    return str(ipaddress.ip_address(ip)), port ^ (COOKIE >> 16)


def addresses(message, wanted):
    """Every address of the message in an attribute of that type."""
    return [xor_parse(message[at:at + size], message[8:20])
            for kind, at, size in walk(message) if kind == wanted]


def sized(head, size):
    """The header of a message of so many bytes."""
    return head[:2] + struct.pack("!H", size) + head[4:]


class Client:
    """At most one allocation.  Owns its socket.

    Authenticates as RFC 5389 has it; learn, credentials and sign are for who
    does otherwise.
    """

    def __init__(self, server, user, password):
        self.sock = socket.socket(
            socket.AF_INET6 if ":" in server[0] else socket.AF_INET,
            socket.SOCK_DGRAM)
        self.sock.connect(server)
        self.sock.settimeout(2)
        self.user, self.password = user.encode(), password.encode()
        self.realm = self.nonce = self.key = self.answer = None

    def close(self):
        self.sock.close()

    def learn(self, found):
        """From the attributes of a challenge."""
        self.realm, self.nonce = found[REALM], found[NONCE]
        self.key = hashlib.md5(b":".join(
            (self.user, self.realm, self.password))).digest()

    def credentials(self):
        return ((USERNAME, self.user), (REALM, self.realm),
                (NONCE, self.nonce))

    def sign(self, head, body):
        """The body and its seal."""
        return body + attribute(INTEGRITY, hmac.digest(
            self.key, sized(head, len(body) + 24) + body, hashlib.sha1))

    def message(self, method, attributes, signed=True):
        head = struct.pack("!HHI", method, 0, COOKIE) + os.urandom(12)
        signed = signed and self.key
        if signed:
            attributes = (*attributes, *self.credentials())
        # An address is a pair.
        body = b"".join(
            attribute(kind, xor_address(*value, head[8:])
                      if isinstance(value, tuple) else value)
            for kind, value in attributes)
        if signed:
            body = self.sign(head, body)
        head = sized(head, len(body) + 8)
        crc = zlib.crc32(head + body) ^ 0x5354554e
        return head + body + attribute(FINGERPRINT, struct.pack("!I", crc))

    def exchange(self, request):
        """What comes back for it; relayed data in between is dropped."""
        for _ in range(TRIES):
            self.sock.send(request)
            try:
                while True:
                    answer = self.sock.recv(2048)
                    if answer[8:20] == request[8:20]:
                        return answer
            except socket.timeout:
                continue
        raise TimeoutError("no answer")

    def ask(self, method, *attributes):
        """The attributes of the answer."""
        answer = self.exchange(self.message(method, attributes))
        self.answer = answer
        found = {kind: answer[at:at + size]
                 for kind, at, size in walk(answer)}
        if struct.unpack_from("!H", answer)[0] & ERROR != ERROR:
            return found
        code = found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3]
        if code != 401 or self.key:
            raise Refused(code)
        self.learn(found)
        return self.ask(method, *attributes)

    def allocate(self):
        """The relayed address."""
        return self.allocate_with()[0]

    def allocate_with(self, *attributes):
        """The relayed addresses."""
        self.ask(ALLOCATE, (TRANSPORT, bytes([17, 0, 0, 0])), *attributes)
        return addresses(self.answer, RELAYED)

    def release(self):
        self.ask(REFRESH, (LIFETIME, bytes(4)))

    def permit(self, *peers):
        self.ask(CREATE_PERMISSION,
                 *((PEER, (a, 0)) for a in peers))

    def bind(self, channel, address, port):
        self.ask(CHANNEL_BIND, (CHANNEL, struct.pack("!HH", channel, 0)),
                 (PEER, (address, port)))

    def send(self, address, port, data):
        self.sock.send(self.message(
            SEND, ((PEER, (address, port)), (DATA, data)), False))

    def channel_send(self, channel, data):
        self.sock.send(struct.pack("!HH", channel, len(data)) + data)

    def channel_recv(self):
        """(channel, data); anything else that comes is dropped."""
        while True:
            got = self.sock.recv(2048)
            if got[0] & 0xc0 == 0x40:
                channel, size = struct.unpack_from("!HH", got)
                return channel, got[4:4 + size]


class StreamSocket:
    """A TCP or TLS connection that looks like Client's datagram socket."""

    def __init__(self, server, tls=None):
        self.link = socket.create_connection(server, timeout=20)
        if tls:
            self.link = tls.wrap_socket(self.link, server_hostname=server[0])
        self.have = b""

    def send(self, message):
        self.link.sendall(message + bytes(-len(message) % 4))

    def read(self, size):
        while len(self.have) < size:
            more = self.link.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.have += more
        part, self.have = self.have[:size], self.have[size:]
        return part

    def recv(self, _):
        head = self.read(4)
        size = int.from_bytes(head[2:], "big")
        if head[0] & 0xc0 == 0x40:
            return head + self.read(size + -size % 4)[:size]
        return head + self.read(16 + size)

    def close(self):
        self.link.close()


class TcpClient(Client):
    """A TCP allocation (RFC 6062) by its control connection."""

    def __init__(self, server, user, password, tls=None):
        super().__init__(server, user, password)
        self.sock.close()
        self.server, self.tls = server, tls
        self.sock = StreamSocket(server, tls)

    def allocate_with(self, *attributes):
        self.ask(ALLOCATE, (TRANSPORT, bytes([6, 0, 0, 0])), *attributes)
        return addresses(self.answer, RELAYED)

    def connect(self, address, port):
        """The CONNECTION-ID."""
        return self.ask(CONNECT, (PEER, (address, port)))[CONN]

    def attempt(self):
        """(CONNECTION-ID, peer) of the next connection that comes in."""
        while True:
            got = self.sock.recv(2048)
            if got[:2] == CONNECTION_ATTEMPT:
                found = {kind: got[at:at + size]
                         for kind, at, size in walk(got)}
                return found[CONN], xor_parse(found[PEER])

    def data(self, conn, more=b"", fresh=True):
        """A data connection.  more goes out together with the
        ConnectionBind; not fresh: with the nonce of this one."""
        other = TcpClient(self.server, self.user.decode(),
                          self.password.decode(), self.tls)
        try:
            if fresh:
                other.ask(CREATE_PERMISSION)  # for the challenge
            else:
                other.learn({REALM: self.realm, NONCE: self.nonce})
        except Refused:
            pass
        request = other.message(CONNECTION_BIND, ((CONN, conn),))
        other.sock.link.sendall(request + more)
        answer = other.sock.recv(2048)
        found = {kind: answer[at:at + size]
                 for kind, at, size in walk(answer)}
        if answer[:2] != b"\x01\x0b":
            other.close()
            raise Refused(found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3])
        return other.sock
