# SPDX-License-Identifier: BSD-3-Clause
"""signald understands the examples of the documents, and refuses what their
schemas refuse: neither is narrower than the other."""

import asyncio
import copy
import itertools
import json
import os
import sys

import websockets

import case
import floe
import root
import signaling

sys.path.append(os.path.join(root.SOURCE, "tools", "check"))
import protocol  # noqa: E402, beside the checkers

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"
NOT_UNDERSTOOD = {"bad_request", "unknown_op", "not_ready"}
VALUES = (None, True, -1, 0, 1.5, 1 << 60, "", "x" * 5000, "a b/c", [], {},
          {"x": 1}, [1])


class Link:
    """A link of alice, opened again whenever it was lost."""

    def __init__(self, token):
        self.token = token
        self.link = None
        self.watch = None
        self.ids = itertools.count(100)

    async def open(self, login=True):
        self.link = await websockets.connect(SOCKET, ping_interval=None)
        self.watch = signaling.Watch()
        if login:
            self.hello = await self.ask({
                "op": "hello", "token": self.token, "device": "d"})

    async def close(self):
        if self.link is not None:
            await self.link.close()
        self.link = None

    async def ask(self, request):
        """The answer, None when the link was closed instead."""
        if self.link is None or self.link.closed:
            await self.open()
        request = {"id": next(self.ids), **request}
        self.watch.said(request)
        try:
            await self.link.send(json.dumps(request))
            while True:
                frame = await asyncio.wait_for(self.link.recv(), 20)
                for line in frame.splitlines():
                    value = json.loads(line)
                    self.watch.heard(value)
                    if value.get("id", 0) in (None, request["id"]):
                        return value
        except websockets.ConnectionClosed:
            return None


def changed(example, required):
    """Requests that are the example but for one thing."""
    yield {**example, "unknown": 1}
    for field in sorted(set(example) - {"op"}):
        if field in required:
            yield {key: value for key, value in example.items()
                   if key != field}
        for value in VALUES:
            yield {**example, field: value}
        if isinstance(example[field], dict):
            inner = copy.deepcopy(example)
            inner[field]["unknown"] = 1
            yield inner


class Protocol(case.Case):
    def begin(self):
        sections = floe.sections(self, ADDRESS)
        sections["signald"] += [("login-rate", "1000")]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "signald", conf)
        for user in ("alice", "bob"):
            token = signaling.rest(BASE, "register", {
                "user": user, "password": PASSWORD})["token"]
            self.tokens = {**getattr(self, "tokens", {}), user: token}

    def test_what_the_schemas_refuse(self):
        self.begin()
        asyncio.run(self.refuses())

    async def refuses(self):
        con, link = signaling.CONTRACT, Link(self.tokens["alice"])
        for op, name in con.requests.items():
            message = con.messages[name]
            required = message["payload"].get("required", [])
            for shown in message["examples"]:
                example = {key: value for key, value in shown["payload"].items()
                           if key != "id"}
                if op == "hello":
                    example["token"] = self.tokens["alice"]
                for request in changed(example, required):
                    with self.subTest(request=json.dumps(request)[:300]):
                        await self.judge(link, op, request)
        await link.close()

    async def judge(self, link, op, request):
        if op == "hello":
            await link.close()
            await link.open(login=False)
        wrong = signaling.CONTRACT.wrong_frame(request)
        answer = await link.ask(request)
        if op == "hello":
            await link.close()
        if wrong:
            self.assertIsNotNone(answer, "the link was closed")
            self.assertIn("err", answer, wrong)
        elif answer is not None and "err" in answer:
            self.assertNotIn(answer["err"]["code"], NOT_UNDERSTOOD, answer)

    def test_examples_of_the_prose(self):
        self.begin()
        asyncio.run(self.understands())

    async def understands(self):
        """Alice says each, and bob what only he can mean."""
        links = [Link(self.tokens[user]) for user in ("alice", "bob")]
        ok = {}
        filled = {'"sync": 58': '"sync": 0'}  # nothing has been pushed yet
        for request in self.examples():
            if request["op"] == "hello":
                continue  # each link says it
            text = json.dumps(request)
            for shown, value in filled.items():
                text = text.replace(shown, value)
            for link in links:
                answer = await link.ask(json.loads(text))
                self.assertIsNotNone(answer, text)
                code = answer.get("err", {}).get("code")
                if code not in NOT_UNDERSTOOD:
                    break
            self.assertNotIn(code, NOT_UNDERSTOOD, f"{text}: {answer}")
            if code is not None:
                continue
            ok[request["op"]] = answer["ok"]
            if request["op"] == "message.send":
                filled['"seq": 12'] = f'"seq": {answer["ok"]["seq"]}'
            if request["op"] == "call.invite":
                filled["c-19"] = answer["ok"]["call"]
        for link in links:
            await link.close()
        for op in ("message.send", "message.edit", "message.retract",
                   "message.history", "conversation.list", "ping",
                   "conversation.read", "conversation.typing", "ice.get",
                   "call.invite", "call.cancel"):
            self.assertIn(op, ok)

    @staticmethod
    def examples():
        """The requests of signaling.md that leave nothing out."""
        found = protocol.tree.Findings()
        path = os.path.join(root.SOURCE, protocol.PROSE)
        with open(path, encoding="utf-8") as prose:
            text = prose.read()
        for line, example in protocol.examples_of(text):
            for _, value in protocol.objects(found, line, example):
                if "op" in value and '"..."' not in json.dumps(value):
                    value.pop("id", None)
                    yield value
