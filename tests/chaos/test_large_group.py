# SPDX-License-Identifier: BSD-3-Clause
"""A group of ten thousand: one stored copy, and who is here hears it all."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time

import websockets

import case
import floe

ADDRESS = "127.0.0.1"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
SECRET = b"the secret of an identity service of the tests"
MEMBERS = 10000
ONLINE = 500
BURST = 1000
SENDERS = 10
STEP = 200  # members of one invitation
SEQ = re.compile(rb'^\{"push":"message","conv":"(main:g:[a-z2-7]+)","seq":(\d+)')


def token(user):
    """What the identity service would give the user."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(json.dumps({"alg": "HS256", "kid": "t"}).encode())
    body = part(json.dumps({"sub": user, "exp": int(time.time()) + 3600})
                .encode())
    mac = hmac.new(SECRET, head + b"." + body, hashlib.sha256).digest()
    return (head + b"." + body + b"." + part(mac)).decode()


class Member:
    """Logs in, and keeps the seqs that it is pushed."""

    def __init__(self, user):
        self.user = user
        self.seqs = []
        self.answers = {}
        self.large = []
        self.sync = 0
        self._link = None
        self._task = None
        self._changed = asyncio.Event()

    async def enter(self):
        self._link = await websockets.connect(
            SOCKET, ping_interval=None, compression=None, max_queue=None)
        await self._link.recv()
        ok = await self._ask({"id": 1, "op": "hello", "token": token(self.user),
                              "device": "d"})
        self.large = ok.get("large", [])
        return self

    async def _ask(self, request):
        await self._link.send(json.dumps(request))
        while True:
            value = json.loads(await self._link.recv())
            if value.get("id") == request["id"]:
                assert "ok" in value, value
                return value["ok"]

    async def ask(self, op, **fields):
        return await self._ask({"id": 2, "op": op, **fields})

    async def leave(self):
        if self._task:
            self._task.cancel()
        await self._link.close()

    def listen(self):
        self._task = asyncio.create_task(self._listen())

    async def _listen(self):
        while True:
            text = await self._link.recv()
            found = SEQ.match(text.encode())
            if found:
                self.seqs.append(int(found[2]))
            else:
                value = json.loads(text)
                if "id" in value:
                    self.answers[value["id"]] = value
            self._changed.set()

    async def say(self, conv, n):
        await self._link.send(json.dumps({
            "id": n + 10, "op": "message.send", "conv": conv, "mid": f"m{n}",
            "type": "text", "body": {"text": f"text {n}"}}))

    async def until(self, condition):
        async def look():
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()
        await asyncio.wait_for(look(), 120)


class LargeGroup(case.Case):
    def setUp(self):
        super().setUp()
        sections = floe.sections(self, ADDRESS)
        with open(self.path("jwt.key"), "wb") as file:
            file.write(SECRET)
        sections["signald"] += [
            ("jwt-key", f"t HS256 {self.path('jwt.key')}"),
            # The members here are slower than a browser at the same time.
            ("ping", "60s"), ("kill", "120s")]
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "signald", self.conf)

    async def make_users(self, users):
        """Each exists from its first hello on."""
        async def visit(user):
            async with room:
                await (await Member(user).enter()).leave()
        room = asyncio.Semaphore(50)
        await asyncio.gather(*map(visit, users))

    async def found(self, owner, users):
        """A group of all of them; its conversation."""
        ok = await owner.ask("group.create", mid="g", title="All")
        for at in range(0, len(users), STEP):
            await owner.ask("group.invite", conv=ok["conv"], mid=f"i{at}",
                            users=users[at:at + STEP])
        return ok["conv"]

    async def burst(self, conv, members):
        """Told by several, and acknowledged; the seqs that they became."""
        seqs = []
        for n in range(BURST):
            await members[n % SENDERS].say(conv, n)
        for n in range(BURST):
            sender = members[n % SENDERS]
            await sender.until(lambda m, n=n: n + 10 in m.answers)
            seqs.append(sender.answers[n + 10]["ok"]["seq"])
        return sorted(seqs)

    async def scene(self):
        users = [f"u{n:05}" for n in range(MEMBERS)]
        await self.make_users(users)
        owner = await Member(users[0]).enter()
        conv = await self.found(owner, users[1:])
        info = await owner.ask("group.get", conv=conv)
        self.assertEqual((info["members"], info["large"]), (MEMBERS, True))
        members = [await Member(user).enter() for user in users[1:ONLINE + 1]]
        head = members[0].large
        self.assertEqual([one["conv"] for one in head], [conv])
        for member in members:
            member.listen()
        before = floe.metric("signald", "signald_store_used_bytes")
        seqs = await self.burst(conv, members)
        self.assertEqual(seqs, list(range(head[0]["seq"] + 1,
                                          head[0]["seq"] + 1 + BURST)))
        for member in members:
            await member.until(lambda m: len(m.seqs) >= BURST)
            self.assertEqual(member.seqs, seqs, "once, in order, all of it")
        grown = floe.metric("signald", "signald_store_used_bytes") - before
        # A row of an inbox for each of the members would be 10 million rows.
        self.assertLess(grown, 8 * 1024 * 1024)
        await self.away(conv, users[-1], seqs)
        for member in members:
            await member.leave()
        await owner.leave()

    async def away(self, conv, user, seqs):
        """One who was away reads it by cursor, and counts it unread."""
        late = await Member(user).enter()
        self.assertEqual(late.large, [{"conv": conv, "seq": seqs[-1]}])
        got, after = [], seqs[0] - 1
        while after < seqs[-1]:
            page = (await late.ask("message.history", conv=conv, after=after,
                                   limit=200))["messages"]
            got += [message["seq"] for message in page]
            after = got[-1]
        self.assertEqual(got, seqs)
        row, = (await late.ask("conversation.list"))["conversations"]
        self.assertEqual((row["conv"], row["unread"]), (conv, BURST))
        await late.leave()

    def test_ten_thousand(self):
        asyncio.run(self.scene())
