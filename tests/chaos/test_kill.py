# SPDX-License-Identifier: BSD-3-Clause
"""signald after a kill -9: acked is kept, and shown once."""

import asyncio

import case
import floe
import signaling

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"


class Kill(case.Case):
    def setUp(self):
        super().setUp()
        conf = floe.daemon.write_conf(
            self.path("floe.conf"), floe.sections(self, ADDRESS))
        self.signald = floe.start(self, "signald", conf)

    def register(self, user):
        return signaling.rest(BASE, "register", {
            "user": user, "password": PASSWORD, "nick": user.title(),
        })["token"]

    def login(self, user):
        return signaling.rest(BASE, "login", {
            "user": user, "password": PASSWORD})["token"]

    async def device(self, token, name, sync=0):
        device = signaling.Device(SOCKET, token, name, sync)
        await device.start()
        return device

    async def kill_and_restart(self):
        self.signald.kill()
        await asyncio.to_thread(
            self.signald.start, lambda: floe.healthy("signald"))

    def test_offline_text_survives_a_kill(self):
        asyncio.run(self.offline_text())

    async def offline_text(self):
        alice = await self.device(self.register("alice"), "alice-1")
        self.register("bob")
        ack = await alice.send_text("bob", "m-1", "are you there?")
        await self.kill_and_restart()

        bob = await self.device(self.login("bob"), "bob-1")
        await bob.until(lambda d: d.hello and d.sync >= d.head)
        self.assertEqual(
            [(m["mid"], m["seq"], m["id"], m["body"])
             for m in bob.shown.values()],
            [("m-1", ack["seq"], ack["id"], {"text": "are you there?"})])
        self.assertEqual(bob.breaches, [])
        # The answer to a later request follows whatever was to be pushed.
        await bob.request("conversation.list")
        await bob.stop()

        again = await self.device(self.login("bob"), "bob-1", sync=None)
        await again.until(lambda d: d.hello)
        await again.request("conversation.list")
        self.assertEqual(list(again.shown), [], "acked and yet shown again")
        repeated = await alice.send_text("bob", "m-1", "are you there?")
        self.assertEqual(repeated, ack)
        await again.request("conversation.list")
        self.assertEqual(list(again.shown), [])
        await again.stop()
        await alice.stop()
