# SPDX-License-Identifier: BSD-3-Clause
"""Messages that are kept for a few seconds."""

import asyncio
import hashlib
import json

import floe
import signaling
import test_signald_files
import wait

WS = f"ws://127.0.0.1:{floe.PAGE_PORT}/ws"
CONV = "main:1:alice:bob"
PAGE = f"/api/v1/conversations/{CONV}/messages"


class Retention(test_signald_files.Files):
    def get(self, token, path):
        answer, body = self.ask("GET", path, None, token)
        return answer.status, json.loads(body)

    def say(self, token, mid, kind="text", **body):
        answer, text = self.ask(
            "POST", "/api/v1/messages", json.dumps({
                "to": "bob", "mid": mid, "type": kind, "body": body}),
            token, Content_Type="application/json")
        self.assertEqual(answer.status, 200)
        return json.loads(text)["seq"]

    def seqs(self, token):
        status, page = self.get(token, PAGE)
        self.assertEqual(status, 200)
        self.assertTrue(page["messages"] or page["complete"])
        return [row["seq"] for row in page["messages"]]

    def test_a_device_that_was_away_longer(self):
        server = self.begin(retention="4s", file_keep="1s")
        alice, bob = self.enter("alice"), self.enter("bob")
        data = b"bytes of a file"
        digest = hashlib.sha256(data).hexdigest()
        answer, _ = self.ask("POST", "/api/v1/files?name=a.txt", data, alice,
                             Content_Type="text/plain")
        self.assertIn(answer.status, (200, 201))
        self.say(alice, "f-1", "file", file=digest, name="a.txt")

        async def first():
            device = signaling.Device(WS, bob, "b1")
            await device.start()
            await device.until(lambda d: d.sync == 1)
            await device.stop()
            return device
        away = asyncio.run(first())
        for i in range(300):
            self.say(alice, f"m-{i}", text="hello")
        wait.until("all messages are gone", lambda: not self.seqs(bob), 30)
        status, listed = self.get(bob, "/api/v1/conversations")
        self.assertEqual(status, 200)
        row, = listed["conversations"]
        self.assertNotIn("last", row)
        self.assertEqual(row["unread"], 0)
        wait.until("the file is gone", lambda: self.ask(
            "GET", f"/api/v1/files/{digest}", None, alice)[0].status == 404, 30)
        server.stop()
        floe.start(self, "signald", self.conf)
        self.assertEqual(self.say(alice, "new", text="hello"), 302)

        async def second():
            device = signaling.Device(WS, bob, "b1", away.sync)
            await device.start()
            await device.until(lambda d: d.sync == 302)
            await device.stop()
            return device
        back = asyncio.run(second())
        self.assertEqual(list(back.shown), [(CONV, 302)])
        self.assertEqual(back.shown[CONV, 302]["after"], 1)
        self.assertEqual(back.breaches, [])
