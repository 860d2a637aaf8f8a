# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of a link whose client reads too slowly, or is not there."""

import asyncio
import contextlib
import json
import socket
import subprocess

import websockets

import case
import floe
import signaling
import wait

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"
WMEM = "/proc/sys/net/ipv4/tcp_wmem"
# Nobody is given up for his silence, nothing is pushed twice.
PATIENT = {"ping": "60s", "kill": "120s", "resend": "60s"}
TALKERS, SAID = 8, 10
TEXT = "x" * 15000


class Client:
    """A client that reads when the test says so, and not before."""

    def __init__(self, token, device):
        self.token = token
        self.device = device
        self.sync = 0
        self.heard = []
        self.session = {}
        self.link = self.port = None

    async def open(self):
        """Connects and says hello; what came with its answer, as `ok`."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((ADDRESS, floe.PAGE_PORT))
        sock.setblocking(False)
        self.port = sock.getsockname()[1]
        self.link = await websockets.connect(
            SOCKET, sock=sock, max_queue=1, read_limit=1024, max_size=None,
            ping_interval=None, close_timeout=1)
        ok = await self.ask("hello", token=self.token, device=self.device,
                            sync=self.sync, **self.session)
        self.session = {key: ok[key]
                        for key in ("session", "secret", "epoch")}
        return ok

    async def ask(self, op, **fields):
        await self.link.send(json.dumps({"id": 1, "op": op, **fields}))
        return (await self.until(lambda value: value.get("id") == 1))["ok"]

    async def until(self, condition):
        """Reads up to what is asked for, and keeps the pushes before it."""
        while True:
            value = json.loads(await asyncio.wait_for(self.link.recv(), 20))
            self.heard.append(value)
            if value.get("push") == "message":
                self.sync = max(self.sync, value["sync"])
                with contextlib.suppress(websockets.ConnectionClosed):
                    await self.link.send(json.dumps(
                        {"op": "sync.ack", "sync": self.sync}))
            if condition(value):
                return value

    async def message(self, mid):
        return await self.until(lambda value: value.get("mid") == mid)

    async def closed(self):
        """Reads to the end: the code of the close."""
        try:
            await self.until(lambda value: False)
        except websockets.ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code

    def shown(self):
        return [value["mid"] for value in self.heard
                if value.get("push") == "message"]


class Links(case.Case):
    def begin(self, **options):
        sections = floe.sections(self, ADDRESS)
        sections["floe"].append(("workers", options.pop("workers", "2")))
        sections["signald"] += [(key.replace("_", "-"), value)
                                for key, value in options.items()]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "signald", conf)
        self.token = {
            user: signaling.rest(BASE, "register", {
                "user": user, "password": PASSWORD})["token"]
            for user in ("alice", "bob")}

    def play(self, scene):
        """A server that serves nobody must not hold the tests up."""
        asyncio.run(asyncio.wait_for(scene, 90))

    def small_buffers(self):
        """The kernel holds little for who does not read."""
        with open(WMEM, encoding="ascii") as file:
            before = file.read()

        def write(text):
            with open(WMEM, "w", encoding="ascii") as file:
                file.write(text)
        self.addCleanup(write, before)
        write("4096 16384 65536")

    def cut(self, port):
        """Packets to and from the client's port are lost from now on."""
        subprocess.run(["nft", "-f", "-"], check=True, text=True, input=(
            "table ip cut {\nchain way {\n"
            "type filter hook input priority 0\n"
            f"tcp sport {port} drop\ntcp dport {port} drop\n}}\n}}\n"))

    def heal(self):
        subprocess.run(["nft", "delete", "table", "ip", "cut"], check=True)

    async def gauge(self, name, value):
        await asyncio.to_thread(
            wait.until, f"{name} is {value}",
            lambda: floe.metric("signald", name) == value, 20)

    async def sender(self, name="a"):
        sender = signaling.Device(SOCKET, self.token["alice"], name)
        await sender.start()
        await sender.until(lambda device: device.hello)
        return sender

    def test_a_slow_reader(self):
        """What is worth nothing later goes first, then the link."""
        self.small_buffers()
        self.begin(send_queue="512k", workers="1", **PATIENT)
        self.play(self.slow())

    async def slow(self):
        bob = Client(self.token["bob"], "slow")
        await bob.open()
        await bob.ask("chatroom.join", room="lobby")
        talkers = [await self.sender(f"a{i}") for i in range(TALKERS)]
        await self.chatter(bob, talkers)
        await self.too_slow(bob, talkers[0])
        for talker in talkers:
            self.assertEqual(talker.breaches, [])
            await talker.stop()

    async def chatter(self, bob, talkers):
        """More talk than the queue holds, which bob does not read; that all
        others are served meanwhile shows in their answers."""
        for talker in talkers:
            await talker.request("chatroom.join", room="lobby")
        for number in range(TALKERS * SAID):
            await talkers[number // SAID].request(
                "chatroom.send", room="lobby",
                body={"number": number, "text": TEXT})
        dropped = floe.metric("signald", "signald_dropped_total")
        self.assertGreater(dropped, 0)
        await talkers[0].send_text("bob", "m", "stored")
        await bob.message("m")
        talk = [value["body"]["number"] for value in bob.heard
                if value.get("push") == "chatroom.message"]
        self.assertEqual(talk, sorted(set(talk)))
        self.assertEqual(
            len(talk) + floe.metric("signald", "signald_dropped_total"),
            TALKERS * SAID)
        self.assertEqual(
            floe.metric("signald", "signald_slow_closed_total"), 0)

    async def too_slow(self, bob, alice):
        """More answers than the queue holds: no text is lost."""
        mids = [f"m{i}" for i in range(60)]
        for mid in mids:
            await alice.send_text("bob", mid, TEXT)
        for number in range(2, 8):
            await bob.link.send(json.dumps({
                "id": number, "op": "message.history", "limit": 20,
                "conv": "main:1:alice:bob"}))
        await self.gauge("signald_slow_closed_total", 1)
        self.assertEqual(await bob.closed(), 4002)
        had = len(bob.shown())
        self.assertLess(had, len(mids))
        self.assertTrue((await bob.open())["resumed"])
        if bob.shown()[-1] != mids[-1]:
            await bob.message(mids[-1])
        self.assertEqual(bob.shown(), ["m", *mids])
        await bob.link.close()

    def test_a_dead_peer(self):
        """Its link is given up; what it was sent is not lost."""
        self.begin(ping="1s", kill="2s")
        self.play(self.dead())

    async def dead(self):
        alice = await self.sender()
        bob = Client(self.token["bob"], "phone")
        await bob.open()
        self.cut(bob.port)
        try:
            await alice.send_text("bob", "m1", "into the dark")
            await self.gauge("signald_links", 1)
            self.assertEqual(floe.metric("signald", "signald_sessions"), 2)
            await alice.send_text("bob", "m2", "nobody there")
            old = bob.link
            self.assertTrue((await bob.open())["resumed"])
        finally:
            self.heal()
        if "m2" not in bob.shown():
            await bob.message("m2")
        # The old link's end comes now; it is the old one's only.
        await asyncio.wait_for(old.wait_closed(), 20)
        await alice.send_text("bob", "m3", "here again")
        await bob.message("m3")
        self.assertEqual(bob.shown(), ["m1", "m2", "m3"])
        await bob.link.close()
        await alice.stop()

    def test_a_dead_link_is_replaced(self):
        """The server learns late that the link before is gone."""
        self.begin(**PATIENT)
        self.play(self.replaced())

    async def replaced(self):
        alice = await self.sender()
        bob = Client(self.token["bob"], "phone")
        await bob.open()
        self.cut(bob.port)
        try:
            self.assertTrue((await bob.open())["resumed"])
            await self.gauge("signald_connections", 2)
        finally:
            self.heal()
        await alice.send_text("bob", "m", "still there?")
        await bob.message("m")
        self.assertEqual(floe.metric("signald", "signald_links"), 2)
        await bob.link.close()
        await alice.stop()

    def test_taken_over(self):
        """A session has one link, the newest; a device may have sessions."""
        self.begin()
        self.play(self.taken_over())

    async def taken_over(self):
        old, new = (Client(self.token["bob"], "tab") for _ in range(2))
        other = Client(self.token["bob"], "tab")
        await old.open()
        await other.open()
        new.session = old.session
        self.assertTrue((await new.open())["resumed"])
        self.assertEqual(await old.closed(), 4001)
        alice = await self.sender()
        await alice.send_text("bob", "m", "to whoever is there")
        for one in (new, other):
            await one.message("m")
            await one.link.close()
        await alice.stop()
