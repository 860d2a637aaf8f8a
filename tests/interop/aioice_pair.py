# SPDX-License-Identifier: BSD-3-Clause
"""
aioice_pair: two aioice agents that may use nothing but relayed candidates.

    aioice_pair.py SERVER PORT TRANSPORT USER PASSWORD

Prints the pair they chose and what each heard from the other.
"""

import asyncio
import sys

import aioice


async def gather(controlling, server, transport, username, password):
    agent = aioice.Connection(
        ice_controlling=controlling, turn_server=server,
        turn_transport="udp" if transport == "udp" else "tcp",
        turn_ssl=transport == "tls",
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


async def main(host, port, *options):
    server = (host, int(port))
    one = await gather(True, server, *options)
    other = await gather(False, server, *options)
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
