# SPDX-License-Identifier: BSD-3-Clause
"""signald under kill -9: acked is kept, shown once, in order."""

import asyncio
import os
import random

import case
import floe
import ledger
import signaling

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
LONG = os.environ.get("FLOE_LONG") == "1"
MESSAGES = 20000 if LONG else 2000
KILLS = 200 if LONG else 20
IN_FLIGHT = 4
SEND_S = MESSAGES * 0.06
PASSWORD = "a password of the tests"


class Kill(case.Case):
    def setUp(self):
        super().setUp()
        conf = floe.daemon.write_conf(
            self.path("floe.conf"), floe.sections(self, ADDRESS))
        self.signald = floe.start(self, "signald", conf)
        self.seed = int(os.environ.get("FLOE_SEED", random.randrange(2**32)))
        self.random = random.Random(self.seed)

    def evidence(self):
        return f"FLOE_SEED={self.seed}\n{super().evidence()}"

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

    def test_random_kills_under_load(self):
        asyncio.run(self.random_kills())

    async def random_kills(self):
        users = ["alice", "bob", "carol", "dave"]
        tokens = {user: self.register(user) for user in users}
        devices = [(user, await self.device(tokens[user], f"{user}-{n}"))
                   for user in users for n in (1, 2)]
        book = ledger.Ledger()
        share = MESSAGES // len(devices)
        killer = asyncio.create_task(self.kill_at_random(book))
        await asyncio.gather(
            *(self.send_share(book, users, user, device, share)
              for user, device in devices),
            *(self.lose_links(book, device) for _, device in devices[::3]))
        await killer
        self.assertEqual(len(book.acks), share * len(devices))

        complaints = []
        for user, device in devices:
            await self.caught_up(book, user, device)
            complaints += self.audit(book, user, device)
        # A new device is told the whole story from its beginning.
        for user in users:
            device = await self.device(tokens[user], f"{user}-new")
            await self.caught_up(book, user, device)
            complaints += self.audit(book, user, device)
            await device.stop()
        for _, device in devices:
            await device.stop()
        self.assertEqual(complaints[:20], [], f"{len(complaints)} in all")

    async def send_share(self, book, users, user, device, share):
        """Send `share` messages to random others, some always under way."""
        slots = asyncio.Semaphore(IN_FLIGHT)
        others = [other for other in users if other != user]

        async def one(to, mid):
            answer = await device.send_text(to, mid, f"{mid} from {user}")
            book.acked(user, mid, answer)
            slots.release()

        tasks = []
        for number in range(share):
            await slots.acquire()
            to, mid = self.random.choice(others), f"{device.name}-{number}"
            book.sent(user, device.name, to, mid)
            tasks.append(asyncio.create_task(one(to, mid)))
        await asyncio.wait_for(asyncio.gather(*tasks), SEND_S)

    async def kill_at_random(self, book):
        """Kill when so many messages are acked: random places, no clock."""
        for acked in sorted(self.random.sample(
                range(MESSAGES // 100, MESSAGES * 99 // 100), KILLS)):
            while len(book.acks) < acked:
                await asyncio.sleep(0)
            await self.kill_and_restart()

    async def lose_links(self, book, device):
        for acked in sorted(self.random.sample(range(MESSAGES), 10)):
            while len(book.acks) < acked:
                await asyncio.sleep(0.001)
            await device.drop_link()

    async def caught_up(self, book, user, device):
        due = {key for key, users in book.recipients.items() if user in users}
        try:
            await device.until(
                lambda d: d.hello and len(d.shown) >= len(due), SEND_S)
        except asyncio.TimeoutError:
            pass  # the audit says what has not come
        # Whatever wrongly comes on top comes before this answer.  That a link
        # was lost at the very end is maybe noticed only now.
        while True:
            try:
                await device.until(lambda d: d.hello, SEND_S)
                await device.request("conversation.list")
                return
            except ConnectionError:
                continue

    def audit(self, book, user, device):
        breaches = [f"{device.name}: {text}" for text in device.breaches]
        shown = list(device.shown.values())
        return breaches + book.audit(user, device.name, shown)
