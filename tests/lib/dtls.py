# SPDX-License-Identifier: BSD-3-Clause
"""dtls: a DTLS client, which is openssl's s_client with pipes on both sides."""

import os
import select
import socket
import subprocess

WAIT_S = 20


class DtlsSocket:
    """Looks like turn.Client's datagram socket.  Owns the s_client."""

    def __init__(self, server, *options):
        host, port = server
        host = f"[{host}]" if ":" in host else host
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-dtls1_2", "-quiet", "-no_ign_eof",
             "-connect", f"{host}:{port}", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.have = b""

    def send(self, message):
        self.process.stdin.write(message)
        self.process.stdin.flush()

    def read(self, size):
        out = self.process.stdout.fileno()
        while len(self.have) < size:
            if not select.select([out], [], [], WAIT_S)[0]:
                raise socket.timeout("nothing came")
            more = os.read(out, 65536)
            if not more:
                raise ConnectionError("closed")
            self.have += more
        part, self.have = self.have[:size], self.have[size:]
        return part

    def recv(self, _):
        """One message: their records follow each other without a seam."""
        head = self.read(4)
        size = int.from_bytes(head[2:], "big")
        return head + self.read(size if head[0] & 0xc0 else 16 + size)

    def close(self):
        """With a close_notify."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(WAIT_S)

    def kill(self):
        """Without a word."""
        self.process.kill()
        self.close()


def client_hello():
    """The first datagram of s_client, and nobody answers it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.settimeout(WAIT_S)
        client = DtlsSocket(deaf.getsockname())
        hello = deaf.recv(4096)
        client.kill()
    return hello
