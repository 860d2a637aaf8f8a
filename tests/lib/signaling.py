# SPDX-License-Identifier: BSD-3-Clause
"""
signaling: a floe.v1 client as doc/protocol/signaling.md asks for one.

Keeps what it was shown, resumes its session and its cursor after every loss of
the link, and repeats a request under the same mid until it has an answer.  It
also notes every breach of the protocol it sees, and fails at once when a frame
is not what doc/protocol/asyncapi.yaml says, or when the server takes a request
that this document refuses.
"""

import asyncio
import collections
import json
import os
import socket
import struct
import sys
import urllib.request

import websockets

import answers
import root

sys.path.append(os.path.join(root.SOURCE, "tools", "check"))
import contract  # noqa: E402, beside the checkers

RECONNECT_S = 0.05
REPEAT_CODES = {"storage", "overloaded", "rate_limited"}
REPEAT_S = 0.2
MURMUR_S = 0.5
REST_S = 60  # dozens of memory-hard hashes may be before ours
COME_BACK_CODES = {4000, 4002, 4003}


CONTRACT = contract.Contract.load(
    os.path.join(root.SOURCE, "doc", "protocol", "asyncapi.yaml"))


class Undocumented(AssertionError):
    """The server says or takes what the document does not have."""


class Watch:
    """Holds what passes one link against the document."""

    def __init__(self):
        self._asked = {}

    def said(self, request):
        if "id" in request:
            self._asked[request["id"]] = request

    def heard(self, value):
        request = self._asked.pop(value.get("id"), {})
        wrong = CONTRACT.wrong_frame(value, request.get("op"))
        if not wrong and "ok" in value:
            wrong = CONTRACT.wrong_frame(request)
        if wrong:
            raise Undocumented(f"{wrong}, in {json.dumps(value)[:1000]}")


class Refused(Exception):
    """The server answered with an err that repeating cannot change."""

    def __init__(self, err):
        super().__init__(f"{err['code']}: {err.get('msg', '')}")
        self.code = err["code"]


def rest(base, path, body):
    """POST a JSON body to signald's REST; the decoded answer."""
    request = urllib.request.Request(
        f"{base}/api/v1/{path}", json.dumps(body).encode(),
        {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=REST_S) as answer:
        text = answer.read()
        answers.check("signald", "POST", f"/api/v1/{path}", answer.status,
                      text)
        return json.loads(text)


class Device:
    """One device of a user.  Runs as a task between start() and stop()."""

    def __init__(self, url, token, name, sync=0):
        """With `sync` None the server says where the device had been."""
        self.url = url
        self.token = token
        self.name = name
        self.shown = collections.OrderedDict()  # (conv, seq) -> message
        self.large = []  # messages of groups that are read by cursor
        self.pushes = []  # but messages and pongs
        self.breaches = []
        self.links = 0
        self.resumed = 0
        self.refusals = collections.Counter()  # of what is asked again
        self.sync = sync
        self.head = None
        self.hello = None
        self._session = {}
        self._link = None
        self._watch = Watch()
        self._waiting = {}
        self._unsent = collections.OrderedDict()  # number -> it, its answer
        self._last_unsent = 0
        self._last_id = 0
        self._changed = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._task = None

    async def start(self):
        self._task = asyncio.create_task(self._live())

    async def stop(self):
        # A wait that ends in the moment of its cancelling forgets it.
        while not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)
        ended, = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(ended, Undocumented):
            raise ended

    async def until(self, condition, timeout_s=30):
        """Wait until `condition(self)`, looked at after each event."""
        async def look():
            while not condition(self):
                if self._task.done():
                    self._task.result()
                    raise RuntimeError(f"{self.name} has ended")
                self._changed.clear()
                await self._changed.wait()
        await asyncio.wait_for(look(), timeout_s)

    async def send_text(self, to, mid, text):
        return await self.insist("message.send", to=to, mid=mid, type="text",
                                 body={"text": text})

    async def insist(self, op, **arguments):
        """Ask until it is answered, through as many links as it takes."""
        answer = asyncio.get_running_loop().create_future()
        self._last_unsent += 1
        number = self._last_unsent
        self._unsent[number] = ({"op": op, **arguments}, answer)
        if self.hello is not None:
            await self._transmit(number)
        return await answer

    async def request(self, op, **arguments):
        """One request on the present link; no repeating."""
        answer = asyncio.get_running_loop().create_future()
        self._last_id += 1
        self._waiting[self._last_id] = (answer, None)
        await self._write({"id": self._last_id, "op": op, **arguments})
        return await answer

    async def drop_link(self):
        """Lose the link without a word, as a phone in a tunnel does."""
        if self._link is not None:
            self._link.transport.abort()

    async def reset_link(self):
        """Lose it with an RST, as a crashed machine does."""
        if self._link is not None and self._link.open:
            self._link.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._link.transport.abort()

    def port(self):
        """That of this side's end of the link; None without one."""
        if self._link is None or self._link.local_address is None:
            return None
        return self._link.local_address[1]

    async def read_nothing(self, seconds):
        """Live, and leave all that comes where it is."""
        self._reads.clear()
        try:
            for _ in range(int(seconds / MURMUR_S)):
                await asyncio.sleep(MURMUR_S)
                await self._write({"op": "ping"})
        finally:
            self._reads.set()

    def refused(self, request):
        """It will be asked again under the same mid."""

    async def _transmit(self, number):
        request, answer = self._unsent[number]
        self._last_id += 1
        self._waiting[self._last_id] = (answer, number)
        await self._write({"id": self._last_id, **request})

    async def _repeat(self, number):
        await asyncio.sleep(REPEAT_S)
        under_way = any(number == other for _, other in
                        self._waiting.values())
        # The next link repeats it by itself.
        if number in self._unsent and self.hello and not under_way:
            await self._transmit(number)

    async def _write(self, value):
        self._watch.said(value)
        try:
            await self._link.send(json.dumps(value))
        except (AttributeError, websockets.ConnectionClosed):
            pass  # the reader sees it too and the next link repeats it

    async def _live(self):
        while True:
            try:
                async with websockets.connect(
                        self.url, subprotocols=["floe.v1"],
                        ping_interval=None, close_timeout=1) as link:
                    self._link = link
                    await self._serve(link)
            except websockets.ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else None
                if code and code >= 4000 and code not in COME_BACK_CODES:
                    raise
            except (OSError, websockets.InvalidHandshake,
                    asyncio.TimeoutError):
                pass
            finally:
                self._link = None
                self.hello = None
                self._break_requests()
            await asyncio.sleep(RECONNECT_S)

    def _break_requests(self):
        """What is insisted on waits for the next link; the rest failed."""
        for answer, number in self._waiting.values():
            if number is None and not answer.done():
                answer.set_exception(ConnectionError("the link broke"))
        self._waiting.clear()

    async def _serve(self, link):
        self._watch = Watch()
        welcome = json.loads(await asyncio.wait_for(link.recv(), 10))
        self._watch.heard(welcome)
        if welcome.get("push") != "welcome":
            self.breaches.append(f"first words: {welcome}")
        hello = {"op": "hello", "token": self.token, "device": self.name,
                 **self._session}
        if self.sync is not None:
            hello["sync"] = self.sync
        self._last_id += 1
        hello_id = self._last_id
        await self._write({"id": hello_id, **hello})
        beat_s, kill_s = 1.0, 10.0
        while True:
            await self._reads.wait()
            try:
                frame = await asyncio.wait_for(link.recv(), beat_s)
            except asyncio.TimeoutError:
                await link.send('{"op":"ping"}')
                frame = await asyncio.wait_for(link.recv(), kill_s)
            for line in frame.splitlines():
                value = json.loads(line)
                self._watch.heard(value)
                if value.get("id") == hello_id:
                    if not await self._greeted(value):
                        return
                    beat_s = value["ok"]["heartbeat"]["ping_ms"] / 1000
                    kill_s = value["ok"]["heartbeat"]["kill_ms"] / 1000
                else:
                    await self._take(value)
            self._changed.set()

    async def _greeted(self, value):
        """Whether the server takes this link."""
        if "err" in value:
            code = value["err"]["code"]
            if code not in REPEAT_CODES:
                raise Refused(value["err"])
            self.refusals[code] += 1
            return False
        ok = value["ok"]
        self.links += 1
        self.resumed += ok["resumed"]
        if not ok["recovered"] and self.sync:
            self.breaches.append("the store forgot its epoch")
        self._session = {key: ok[key] for key in
                         ("session", "secret", "epoch")}
        self.head = ok["sync"]
        # Repeat in the old order, and what was added meanwhile after it.
        repeated = set()
        while True:
            rest_of = [number for number in self._unsent
                       if number not in repeated]
            if not rest_of:
                break
            for number in rest_of:
                await self._transmit(number)
                repeated.add(number)
        self.hello = ok
        return True

    async def _take(self, value):
        if value.get("push") == "message":
            await self._take_message(value)
        elif "id" in value:
            self._take_answer(value)
        elif value.get("push") != "pong":
            self.pushes.append(value)

    async def _take_message(self, message):
        if "sync" not in message:  # of a large group
            self.large.append(message)
            return
        position = message["sync"]
        if self.sync is None:
            self.sync = position - 1
        if message.get("after", position - 1) > self.sync:
            self.breaches.append(
                f"hole in sync: {self.sync} then {position}")
        if position > self.sync:
            self.sync = position
            key = (message["conv"], message["seq"])
            if key in self.shown:
                self.breaches.append(f"{key} under a second sync {position}")
            else:
                self.shown[key] = message
        await self._write({"op": "sync.ack", "sync": self.sync})

    def _take_answer(self, value):
        answer, number = self._waiting.pop(value["id"], (None, None))
        if answer is None or answer.done():
            return
        if "err" not in value:
            answer.set_result(value["ok"])
        elif number and value["err"]["code"] in REPEAT_CODES:
            self.refusals[value["err"]["code"]] += 1
            self.refused(self._unsent[number][0])
            asyncio.get_running_loop().create_task(self._repeat(number))
            return
        else:
            answer.set_exception(Refused(value["err"]))
        self._unsent.pop(number, None)
