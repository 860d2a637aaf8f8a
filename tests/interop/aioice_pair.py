# SPDX-License-Identifier: BSD-3-Clause
"""
aioice_pair: two aioice agents that may use nothing but relayed candidates.

    aioice_pair.py URI USER PASSWORD
"""

import asyncio
import re
import sys

import aioice

URI = re.compile(r"(turns?):([\d.]+):(\d+)\?transport=(udp|tcp)")


async def gather(controlling, uri, username, password):
    scheme, host, port, transport = URI.fullmatch(uri).groups()
    agent = aioice.Connection(
        ice_controlling=controlling, turn_server=(host, int(port)),
        turn_transport=transport, turn_ssl=scheme == "turns",
        turn_username=username, turn_password=password,
        stun_server=None, transport_policy=aioice.TransportPolicy.RELAY)
    await agent.gather_candidates()
    return agent


async def introduce(one, other):
    for candidate in one.local_candidates:
        await other.add_remote_candidate(candidate)
    await other.add_remote_candidate(None)
    other.remote_username = one.local_username
    other.remote_password = one.local_password


async def main(*server):
    print("aioice", aioice.__version__)
    one = await gather(True, *server)
    other = await gather(False, *server)
    await introduce(one, other)
    await introduce(other, one)
    await asyncio.gather(one.connect(), other.connect())
    pair = one._nominated[1]
    print("pair", pair.local_candidate.type, pair.remote_candidate.type)
    for number in range(50):
        await one.send(b"ping %d" % number)
        heard = await asyncio.wait_for(other.recv(), 5)
        await other.send(heard.replace(b"ping", b"pong"))
        print((await asyncio.wait_for(one.recv(), 5)).decode())
    await asyncio.gather(one.close(), other.close())


asyncio.run(main(*sys.argv[1:]))
