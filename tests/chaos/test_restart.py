# SPDX-License-Identifier: BSD-3-Clause
"""signald comes back, killed or stopped: sessions go on, and their calls."""

import asyncio
import time

import case
import floe
import signaling

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"
PAIRS = 12
MEDIA = {"audio": True, "video": False}


def presence(device):
    return [push for push in device.pushes if push["push"] == "presence"]


def told(device):
    """How the friend is, by the hello and by what came after it."""
    return ([peer["state"] for peer in device.hello["peers"]] +
            [push["state"] for push in presence(device)])


class Restart(case.Case):
    def setUp(self):
        super().setUp()
        sections = floe.sections(self, ADDRESS)
        sections["floe"].append(("workers", "3"))
        sections["signald"].append(("login-rate", "1000"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.signald = floe.start(self, "signald", conf)

    def test_killed(self):
        asyncio.run(self.through(self.signald.kill))

    def test_stopped(self):
        asyncio.run(self.through(self.signald.stop))

    def register(self, user):
        return signaling.rest(BASE, "register", {
            "user": user, "password": PASSWORD})["token"]

    async def enter(self, user):
        device = signaling.Device(SOCKET, self.register(user), "d")
        await device.start()
        await device.until(lambda d: d.hello)
        return device

    async def pairs(self):
        """Friends by twos, who have talked and heard of each other."""
        pairs = []
        for n in range(PAIRS):
            a, b = await self.enter(f"a{n}"), await self.enter(f"b{n}")
            await a.request("contact.request", user=f"b{n}")
            await b.request("contact.accept", user=f"a{n}")
            await a.send_text(f"b{n}", "m-1", "hello")
            for device in (a, b):
                await device.until(lambda d: presence(d) and d.sync == 1)
            pairs.append((a, b))
        return pairs

    async def heard(self, device, name):
        await device.until(lambda d: any(
            push["push"] == name for push in d.pushes))
        return next(push for push in device.pushes if push["push"] == name)

    async def ring(self, caller, callee, user):
        call = (await caller.request(
            "call.invite", to=user, media=MEDIA))["call"]
        await self.heard(callee, "call.invite")
        await callee.request("call.ringing", call=call)
        await self.heard(caller, "call.ringing")
        return call

    async def through(self, end):
        pairs = await self.pairs()
        (a, b), (c, d) = pairs[:2]
        rings = await self.ring(a, b, "b0")
        active = await self.ring(c, d, "b1")
        await d.request("call.accept", call=active)
        await self.heard(c, "call.accept")
        # It has logged in and nothing has come to it since.
        fresh = await self.enter("fresh")
        everybody = [device for pair in pairs for device in pair] + [fresh]
        # Bob's last words are on their way.
        text = asyncio.create_task(b.send_text("a0", "m-2", "wait"))
        await asyncio.sleep(0)
        for device in everybody:
            device.pushes.clear()

        await asyncio.to_thread(end)
        began = time.monotonic()
        await asyncio.to_thread(
            self.signald.start, lambda: floe.healthy("signald"))
        for device in everybody:
            await device.until(lambda d: d.resumed == 1 and d.hello)
        back_s = time.monotonic() - began
        print(f"{len(everybody)} sessions resumed in {back_s:.2f} s")
        self.assertEqual(floe.metric("signald", "signald_sessions"),
                         len(everybody))

        await text
        await self.heard(a, "call.ringing")
        self.assertEqual((await self.heard(b, "call.invite"))["call"], rings)
        await b.request("call.accept", call=rings)
        self.assertEqual((await self.heard(a, "call.accept"))["call"], rings)
        self.assertEqual(d.hello["calls"], [active])
        await d.request("call.offer", call=active, sdp="v=0")
        self.assertEqual((await self.heard(c, "call.offer"))["sdp"], "v=0")
        await c.request("call.hangup", call=active)
        await self.heard(d, "call.ended")

        for a, b in pairs:
            for device in (a, b):
                await device.request("conversation.list")
                self.assertEqual(device.breaches, [])
                # Nobody hears that a friend went. A hello waits a second for
                # how friends are: on a busy machine that comes after it.
                await device.until(lambda d: told(d)[-1] == "online")
                self.assertNotIn("offline", told(device)[1:])
        for device in everybody:
            self.assertEqual(device.links, 2)
            await device.stop()
