# SPDX-License-Identifier: BSD-3-Clause
"""Rooms and chatrooms of the daemon, over workers that share them."""

import asyncio
import contextlib
import json

import websockets

import case
import floe
import signaling

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"
PATIENCE_S = 20
MEDIA = {"audio": True, "video": True}
ALL_MEDIA = {**MEDIA, "screen": False, "hold": False}


class Member:
    """A link that has said hello; what passes it is held against the
    document."""

    def __init__(self, user, link):
        self.user, self.link = user, link
        self.watch = signaling.Watch()
        self.last_id = 0
        self.answers, self.pushes = {}, []

    async def hello(self, token):
        return await self.ask("hello", token=token, device=f"{self.user}-1")

    async def say(self, op, /, **members):
        self.last_id += 1
        request = {"id": self.last_id, "op": op, **members}
        self.watch.said(request)
        await self.link.send(json.dumps(request))
        return self.last_id

    async def ask(self, op, /, **members):
        """The answer's ok, or the code of its err."""
        number = await self.say(op, **members)
        while number not in self.answers:
            await self.hear()
        answer = self.answers.pop(number)
        return answer["ok"] if "ok" in answer else answer["err"]["code"]

    async def hear(self):
        text = await asyncio.wait_for(self.link.recv(), PATIENCE_S)
        for line in text.splitlines():
            value = json.loads(line)
            self.watch.heard(value)
            if "push" in value:
                self.pushes.append(value)
            else:
                self.answers[value["id"]] = value

    async def pushed(self, name):
        """The first push of this name that has not been taken yet."""
        while True:
            for value in self.pushes:
                if value["push"] == name:
                    self.pushes.remove(value)
                    return value
            await self.hear()


class Rooms(case.Case):
    def begin(self, **options):
        sections = floe.sections(self, ADDRESS)
        sections["floe"].append(("workers", "3"))
        sections["signald"] += [(key.replace("_", "-"), value)
                                for key, value in options.items()]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "signald", conf)

    def with_members(self, scene, *users):
        """Runs the scene with a link of each user."""
        tokens = {user: signaling.rest(BASE, "register", {
            "user": user, "password": PASSWORD})["token"] for user in users}

        async def play():
            async with contextlib.AsyncExitStack() as links:
                members = []
                for user in users:
                    link = await links.enter_async_context(
                        websockets.connect(SOCKET))
                    members.append(Member(user, link))
                    await members[-1].hello(tokens[user])
                await scene(*members)
        asyncio.run(play())

    def test_a_room(self):
        self.begin()
        self.with_members(self.room, "alice", "bob", "carol", "dave")

    async def room(self, alice, bob, carol, dave):
        room = (await alice.ask("room.create", media=MEDIA))["room"]
        there = await bob.ask("room.join", room=room, media=MEDIA)
        self.assertEqual([(m["member"], m["user"]) for m in there["members"]],
                         [(1, "alice")])
        joined = await alice.pushed("room.joined")
        self.assertEqual((joined["user"], joined["media"]), ("bob", ALL_MEDIA))
        there = await carol.ask("room.join", room=room, media=MEDIA)
        self.assertEqual(there["member"], 3)
        for number, other in ((1, alice), (2, bob)):
            self.assertEqual(await carol.ask("room.offer", room=room, to=number,
                                             sdp=f"v=0 {number}"), {})
            offer = await other.pushed("room.offer")
            self.assertEqual((offer["from"], offer["sdp"]), (3, f"v=0 {number}"))
            await other.ask("room.answer", room=room, to=3, sdp="v=0")
            await other.ask("room.candidate", room=room, to=3,
                            candidates=[{"candidate": "x"}, None])
            self.assertEqual((await carol.pushed("room.answer"))["from"], number)
            self.assertEqual((await carol.pushed("room.candidate"))["from"],
                             number)
        await bob.ask("room.media", room=room, media={**MEDIA, "hold": True})
        for other in (alice, carol):
            self.assertTrue((await other.pushed("room.media"))["media"]["hold"])
        self.assertEqual(floe.metric("signald", "signald_rooms"), 1)
        # One who only knows the users is nobody here.
        self.assertEqual(await dave.ask("room.offer", room=room, to=1, sdp="x"),
                         "not_found")
        # A link that breaks is away, and told so.
        await carol.link.close()
        self.assertEqual((await alice.pushed("room.peer"))["state"], "away")
        await bob.ask("room.leave", room=room)
        self.assertEqual((await alice.pushed("room.left"))["member"], 2)
        self.assertFalse([push for push in dave.pushes
                          if push["push"].startswith("room.")])

    def test_a_chatroom(self):
        self.begin(chatroom_members="3")
        self.with_members(self.chatroom, "alice", "bob", "carol", "dave")

    async def chatroom(self, alice, bob, carol, dave):
        for number, one in enumerate((alice, bob, carol), 1):
            self.assertEqual(
                await one.ask("chatroom.join", room="lobby"),
                {"room": "lobby", "member": number, "count": number})
        self.assertEqual(await dave.ask("chatroom.join", room="lobby"),
                         "conflict")
        for _ in (bob, carol):
            await alice.pushed("chatroom.joined")
        there = await carol.ask("chatroom.members", room="lobby")
        self.assertEqual([m["user"] for m in there["members"]],
                         ["alice", "bob", "carol"])
        await bob.ask("chatroom.send", **{
            "room": "lobby", "body": {"text": "hello"}, "self": True})
        for one in (alice, bob, carol):
            said = await one.pushed("chatroom.message")
            self.assertEqual((said["user"], said["body"]),
                             ("bob", {"text": "hello"}))
        await bob.ask("chatroom.leave", room="lobby")
        self.assertEqual((await alice.pushed("chatroom.left"))["user"], "bob")
        self.assertEqual((await dave.ask("chatroom.join", room="lobby"))["member"],
                         4)
        self.assertEqual(floe.metric("signald", "signald_rooms"), 1)
