# SPDX-License-Identifier: BSD-3-Clause
"""
aiortc_pair: two aiortc peer connections with a data channel between them,
that may use nothing but relayed candidates.

    aiortc_pair.py URI USER PASSWORD
"""

import asyncio
import functools
import sys

import aioice
import aiortc
from aiortc import rtcicetransport

ROUNDS = 50
PATIENCE_S = 20

# It has no iceTransportPolicy, the agent below it has.
rtcicetransport.Connection = functools.partial(
    aioice.Connection, transport_policy=aioice.TransportPolicy.RELAY)


def peer(uri, user, password):
    return aiortc.RTCPeerConnection(aiortc.RTCConfiguration(
        [aiortc.RTCIceServer(uri, user, password)]))


async def connect(one, other):
    await one.setLocalDescription(await one.createOffer())
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription(await other.createAnswer())
    await one.setRemoteDescription(other.localDescription)


def print_pair(one):
    agent = one.sctp.transport.transport._connection
    pair = agent._nominated[1]
    print("pair", pair.local_candidate.type, pair.remote_candidate.type)


async def main(*server):
    print("aiortc", aiortc.__version__)
    one, other = peer(*server), peer(*server)
    pongs = asyncio.Queue()

    @other.on("datachannel")
    def announced(theirs):
        theirs.on("message", lambda text: theirs.send(
            text.replace("ping", "pong")))

    channel = one.createDataChannel("test")
    opened = asyncio.Event()
    channel.on("open", opened.set)
    channel.on("message", pongs.put_nowait)
    await connect(one, other)
    await opened.wait()
    print_pair(one)
    for number in range(ROUNDS):
        channel.send(f"ping {number}")
        print(await pongs.get())
    await asyncio.gather(one.close(), other.close())


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), PATIENCE_S))
