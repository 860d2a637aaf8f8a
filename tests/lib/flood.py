# SPDX-License-Identifier: BSD-3-Clause
"""
flood: UDP datagrams to a server from addresses that are not the sender's.

    flood.py ADDRESS PORT KIND COUNT A_SECOND

From random addresses of 10.0.0.0/8, or, when KIND begins with "near-", of
10.1.2.0/24.  Ends when all are sent.
"""

import os
import random
import socket
import struct
import sys
import time

STEP_S = 0.005
COOKIE = struct.pack("!I", 0x2112a442)
TRANSPORT = bytes.fromhex("0019000411000000")
# USERNAME, REALM, NONCE and a MESSAGE-INTEGRITY that nobody has made.
CREDENTIALS = bytes.fromhex(
    "0006000161000000" "0014000161000000" "00150004") + b"none" + bytes.fromhex(
    "00080014") + bytes(20)


def stun(method, body=b""):
    return struct.pack("!HH", method, len(body)) + COOKIE + os.urandom(
        12) + body


def garbage():
    return os.urandom(random.randrange(1, 400))


def half_stun():
    """What decoders have most to do with."""
    whole = bytearray(stun(random.choice((1, 3, 4, 8, 9, 0x16, 0x111)),
                           os.urandom(4 * random.randrange(40))))
    return bytes(whole[:random.randrange(4, len(whole) + 1)])


def channel_data():
    return struct.pack("!HH", random.randrange(0x4000, 0x8000),
                       8) + os.urandom(8)


KINDS = {
    "garbage": (garbage, half_stun, channel_data),
    "binding": (lambda: stun(0x001),),
    "allocate": (lambda: stun(0x003, TRANSPORT),
                 lambda: stun(0x003, TRANSPORT + CREDENTIALS)),
}


def source(near):
    if near:
        return bytes((10, 1, 2, random.randrange(1, 255)))
    return bytes((10, *random.randbytes(3)))


def packet(near, server, port, data):
    """IP and UDP headers; the kernel fills the sums, UDP's may be 0."""
    size = 28 + len(data)
    return (struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0, 64, 17, 0)
            + source(near) + server
            + struct.pack("!HHHH", random.randrange(1024, 65536), port,
                          size - 20, 0) + data)


def main():
    address, port, kind, count, rate = sys.argv[1:]
    near = kind.startswith("near-")
    makers = KINDS[kind.removeprefix("near-")]
    server, port, count = socket.inet_aton(address), int(port), int(count)
    step = max(1, round(int(rate) * STEP_S))
    link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    due = time.monotonic()
    for i in range(count):
        if i % step == 0:
            time.sleep(max(0, due - time.monotonic()))
            due += STEP_S
        link.sendto(packet(near, server, port, random.choice(makers)()),
                    (address, 0))


if __name__ == "__main__":
    main()
