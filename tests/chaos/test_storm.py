# SPDX-License-Identifier: BSD-3-Clause
"""
signald in a storm: killed, links reset, silent or slow, disk and map full,
while people talk, change what they said, read, come and go.

What was acked is there once, in order, as it was changed last, for those whom
it was for, and for nobody else.
"""

import asyncio
import os
import random

import case
import floe
import ledger
import member
import signaling
import weather

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
TIMES = 10 if os.environ.get("FLOE_LONG") == "1" else 1
PASSWORD = "a password of the tests"
USERS = ("alice", "bob", "carol", "dave", "erin", "frank")
STEPS = 150 * TIMES  # of each device
KILLS, RESETS, FINS, SILENCES, SLOW = (
    n * TIMES for n in (50, 25, 25, 16, 6))
MOVES = 12 * TIMES  # of those who come and go, in each group
IN_FLIGHT = 3
FANOUT = 4  # a group of more is read by cursor
HOARDS = 20  # under way
MAP, NEARLY = "16m", 14 * 2**20
REFUSALS = 5  # that a full disk or map lasts
HOARD = 16000  # bytes of a text of which there are many
WAIT_S = 300 * TIMES
# What a device does next, out of a hundred.
ACTIONS = (("one", 45), ("group", 30), ("edit", 12), ("retract", 4),
           ("read", 9))


class Person:
    """One device and what its user does at it."""

    def __init__(self, storm, device):
        self.storm, self.book, self.device = storm, storm.book, device
        self.user = device.user
        self.random = storm.chance(device.name)
        self.mine = []  # (conv, seq) of acked texts that it may change
        self.count = 0

    async def ask(self, op, entry, **fields):
        """The answer to what makes an entry; None when it is refused."""
        self.book.sent(self.device.name, entry)
        try:
            answer = await self.device.insist(op, mid=entry.mid, **fields)
        except signaling.Refused as refused:
            if refused.code != "not_found":
                raise
            self.book.failed(entry.key)  # it was kicked
            return None
        self.book.acked(entry.key, answer)
        return answer

    def entry(self, target, **fields):
        self.count += 1
        return ledger.Entry(
            self.user, f"{self.device.name}-{self.count}", target, **fields)

    async def tell(self, target, text=None):
        entry = self.entry(target)
        entry.text = text or f"{entry.mid} to {target}"
        where = "conv" if target.startswith("main:") else "to"
        answer = await self.ask(
            "message.send", entry, type="text", body={"text": entry.text},
            **{where: target})
        if answer:
            self.mine.append((answer["conv"], answer["seq"]))

    async def one(self):
        await self.tell(self.random.choice(
            [user for user in USERS if user != self.user]))

    async def group(self):
        await self.tell(self.random.choice(self.storm.groups_of(self.user)))

    async def change(self, kind, stays):
        """One at a time of each text, so which is the last one is known."""
        if not self.mine:
            return await self.one()
        conv, seq = self.mine.pop(self.random.randrange(len(self.mine)))
        entry = self.entry(conv, type=kind, about=seq)
        fields = {"conv": conv, "seq": seq}
        if kind == "edit":
            entry.text = f"edited by {entry.mid}"
            fields["body"] = {"text": entry.text}
        if await self.ask(f"message.{kind}", entry, **fields) and stays:
            self.mine.append((conv, seq))

    async def edit(self):
        # Once or twice; after 32 times it would be refused.
        await self.change("edit", self.random.random() < 0.5)

    async def retract(self):
        await self.change("retract", False)

    async def read(self):
        if not self.device.view:
            return
        seen = self.random.choice(self.device.view)
        conv, seq = seen["conv"], seen["seq"]
        try:
            answer = await self.device.insist(
                "conversation.read", conv=conv, seq=seq)
        except signaling.Refused as refused:
            if refused.code != "not_found":
                raise
            return
        self.book.marked(self.user, conv, seq)
        self.storm.expect(answer["read"] >= seq, f"{conv} read to {answer}")

    async def act(self):
        kinds, weights = zip(*ACTIONS)
        await getattr(self, self.random.choices(kinds, weights)[0])()
        self.storm.done += 1

    async def live(self):
        tasks = set()
        for _ in range(STEPS):
            tasks.add(asyncio.create_task(self.act()))
            while len(tasks) >= IN_FLIGHT:
                ended, tasks = await asyncio.wait(
                    tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
        await asyncio.gather(*tasks)


class Storm(case.Case):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("FLOE_SEED", random.randrange(2**32)))
        print(f"  storm: FLOE_SEED={self.seed}", flush=True)
        self.disk = weather.Disk(self, "disk", f"{40 + 20 * TIMES}m")
        self.silence = weather.Silence(self)
        sections = floe.sections(self, ADDRESS)
        sections["floe"] = [
            (key, self.disk.folder if key == "state-dir" else value)
            for key, value in sections["floe"]] + [("workers", "3")]
        sections["signald"] += [
            ("ping", "1s"), ("kill", "3s"), ("resend", "500ms"),
            ("send-queue", "512k"), ("group-fanout", str(FANOUT)),
            ("request-rate", "0"), ("message-rate", "0"),
            ("login-rate", "1000"), ("store-max", MAP)]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.signald = floe.start(self, "signald", conf)
        self.power = weather.Power(self.signald, conf, sections)
        self.book = ledger.Ledger()
        self.people, self.groups, self.troubles = [], {}, []
        self.done = 0

    def evidence(self):
        return f"FLOE_SEED={self.seed}\n{super().evidence()}"

    def chance(self, name):
        """Of each its own, so that they do not disturb each other."""
        return random.Random(f"{self.seed} {name}")

    def expect(self, holds, trouble):
        if not holds:
            self.troubles.append(trouble)

    def groups_of(self, user):
        """Those that it was ever asked into."""
        return [conv for conv, users in self.groups.items() if user in users]

    def test_nothing_is_lost_or_doubled(self):
        asyncio.run(self.scene())

    async def enter(self, user, name):
        device = member.Member(
            SOCKET, user, self.tokens[user], name, self.book.refused)
        await device.start()
        self.people.append(Person(self, device))
        return self.people[-1]

    async def found(self, person, others):
        """A group that exists from now on."""
        entry = person.entry("", type="notice", event="create",
                             subjects=(person.user, *others))
        answer = await person.ask("group.create", entry, title="Storm",
                                  users=list(others))
        self.groups[answer["conv"]] = {person.user, *others}
        if len(others) + 1 > FANOUT:
            self.book.large.add(answer["conv"])
        return answer["conv"]

    async def scene(self):
        try:
            await self.play()
        finally:
            ends = await asyncio.gather(
                *(person.device.stop() for person in self.people),
                return_exceptions=True)
        self.assertEqual([end for end in ends if end], [])

    async def play(self):
        self.tokens = {user: signaling.rest(BASE, "register", {
            "user": user, "password": PASSWORD})["token"]
            for user in (*USERS, "hoarder", "heap")}
        for user in USERS:
            for n in (1, 2):
                await self.enter(user, f"{user}-{n}")
        alice, dave, erin, bob, frank = (
            self.people[USERS.index(user) * 2]
            for user in ("alice", "dave", "erin", "bob", "frank"))
        small = await self.found(alice, ("bob", "carol"))
        other = await self.found(erin, ("frank", "alice"))
        large = await self.found(alice, USERS[1:])
        for conv, user in ((small, "dave"), (other, "bob")):
            self.groups[conv].add(user)
        actors = list(self.people)
        hoarder = await self.enter("hoarder", "hoarder-1")
        await asyncio.gather(*(self.hoard(
            hoarder, lambda: floe.metric(
                "signald", "signald_store_used_bytes") > NEARLY)
            for _ in range(HOARDS)))
        await asyncio.wait_for(asyncio.gather(
            *(person.live() for person in actors),
            self.come_and_go(small, alice, dave, inside=False),
            self.come_and_go(other, erin, bob, inside=False),
            self.come_and_go(large, alice, frank, inside=True),
            self.kills(), self.breaks(), self.silences(), self.slowness(),
            self.full_disk(0.25, False), self.full_disk(0.5, True),
            self.full_map(0.7 / TIMES, hoarder)), WAIT_S)
        self.silence.lift()
        await self.judge()

    async def reached(self, share):
        while self.done < share * STEPS * len(USERS) * 2:
            await asyncio.sleep(0.002)

    async def moments(self, name, times):
        """Yields at random shares of what is to do, in order."""
        chance = self.chance(name)
        for share in sorted(chance.uniform(0.01, 0.99) for _ in range(times)):
            await self.reached(share)
            yield chance

    async def kills(self):
        async for _ in self.moments("kills", KILLS):
            await self.power.cut()

    async def breaks(self):
        async for chance in self.moments("breaks", RESETS + FINS):
            device = chance.choice(self.people).device
            if chance.randrange(RESETS + FINS) < RESETS:
                await device.reset_link()
            else:
                await device.drop_link()

    async def silences(self):
        async for chance in self.moments("silences", SILENCES):
            port = chance.choice(self.people).device.port()
            if port is not None:
                self.silence.fall(port, chance.choice(weather.DIRECTIONS),
                                  chance.uniform(0.5, 6))

    async def slowness(self):
        slow = []
        async for chance in self.moments("slowness", SLOW):
            slow.append(asyncio.create_task(chance.choice(
                self.people).device.read_nothing(chance.uniform(1, 4))))
        await asyncio.gather(*slow)

    async def come_and_go(self, conv, owner, guest, inside):
        async for chance in self.moments(f"guest of {conv}", MOVES):
            users = [guest.user]
            if not inside:
                event, op, by = "join", "group.invite", owner
            elif chance.random() < 0.5:
                event, op, by = "kick", "group.kick", owner
            else:
                event, op, by = "leave", "group.leave", guest
            fields = {} if event == "leave" else {"users": users}
            entry = by.entry(conv, type="notice", event=event,
                             subjects=tuple(users))
            inside = not inside
            answer = await by.ask(op, entry, conv=conv, **fields)
            self.expect(answer, f"{op} of {users}")

    def refusals(self):
        """Of those who only talk."""
        return sum(person.device.refusals["storage"]
                   for person in self.people if person.user in USERS)

    async def refused(self):
        """The daemon has said often enough that it cannot."""
        many = self.refusals() + REFUSALS
        while self.refusals() < many:
            await asyncio.sleep(0.01)

    async def full_disk(self, share, dies):
        await self.reached(share)
        async with self.power.lock:
            self.disk.fill()
            await self.refused()
            if dies:
                self.power.kill()
            self.disk.free()
            if dies:
                await self.power.start()

    async def hoard(self, hoarder, enough):
        while not enough():
            await hoarder.tell("heap", "x" * HOARD)

    async def full_map(self, share, hoarder):
        """One user writes until nobody can; then the operator gives more."""
        await self.reached(share)
        full = asyncio.create_task(self.refused())
        async with self.power.lock:
            hoards = [asyncio.create_task(self.hoard(hoarder, full.done))
                      for _ in range(HOARDS)]
            await full
            self.power.set("store-max", "1g")
            self.power.kill()
            await self.power.start()
        await asyncio.gather(*hoards)

    async def catch_up(self, person):
        """Until it has all that it can know of, by a link of its own."""
        device = person.device
        await device.drop_link()
        links = device.links
        await device.until(lambda d: d.links > links, WAIT_S)
        while True:
            await device.until(lambda d: d.up_to_date(), WAIT_S)
            try:
                # What is wrongly pushed on top comes before the answer.
                await device.request("conversation.list")
            except ConnectionError:
                continue
            if device.up_to_date():
                return

    async def pages(self, device, op, name, follow, **fields):
        """All pages of a list."""
        rows, more = [], {}
        while True:
            page = await device.request(op, **(fields | more))
            rows += page[name]
            if page["complete"]:
                return rows
            more = follow(page)

    async def judge(self):
        for user in (*USERS, "heap"):
            await self.enter(user, f"{user}-new")
        for person in self.people:
            await self.catch_up(person)
        books = self.book.close(person.device.view for person in self.people)
        complaints = self.troubles + books.complaints
        for person in self.people:
            complaints += [f"{person.device.name}: {breach}"
                           for breach in person.device.breaches]
            complaints += books.audit(
                person.user, person.device.name, person.device.view)
        for person in self.people[0:2 * len(USERS):2]:
            complaints += await self.judge_rest(books, person)
        self.tell(books)
        self.assertEqual(len(complaints), 0, "\n".join(complaints[:20]))

    async def judge_rest(self, books, person):
        """Lists, marks and histories."""
        user, device = person.user, person.device
        rows = await self.pages(
            device, "conversation.list", "conversations",
            lambda page: {"before": page["next"]}, limit=5)
        complaints = books.audit_list(user, rows)
        for row in rows:
            messages = await self.pages(
                device, "message.history", "messages",
                lambda page: {"after": page["messages"][-1]["seq"]},
                conv=row["conv"], limit=200, after=0)
            complaints += books.audit_history(user, row["conv"], messages)
        return complaints

    def tell(self, books):
        devices = [person.device for person in self.people]
        print(f"  storm: {len(books.places)} entries, "
              f"{sum(len(device.view) for device in devices)} shown, "
              f"{self.power.kills} kills, "
              f"{sum(device.links for device in devices)} links, "
              f"{self.refusals()} refused for storage, "
              f"{len(self.book.unsure)} after a kick", flush=True)
