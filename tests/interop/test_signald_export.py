# SPDX-License-Identifier: BSD-3-Clause
"""A user takes all that is kept of it along."""

import asyncio
import json
import socket

import floe
import signaling
import test_signald_files
from test_signald_files import ADDRESS

WS = f"ws://127.0.0.1:{floe.PAGE_PORT}/ws"
PATH = "/api/v1/export"
MANY = 800
TEXT = "x" * 4000


class Export(test_signald_files.Files):
    def export(self, token):
        answer, body = self.ask("GET", PATH, None, token)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/x-ndjson")
        self.assertIn("attachment", answer.getheader("Content-Disposition"))
        return self.lines(body)

    def lines(self, body):
        lines = [json.loads(line) for line in body.splitlines()]
        self.assertEqual(lines[-1]["kind"], "end")
        self.assertEqual([line["kind"] for line in lines].count("end"), 1)
        return lines

    def fill(self, alice, bob):
        """Messages both ways, and a group that bob comes to late."""
        async def talk():
            device = signaling.Device(WS, alice, "a")
            other = signaling.Device(WS, bob, "b")
            await device.start()
            await other.start()
            await device.until(lambda d: d.hello)
            await other.until(lambda d: d.hello)
            for i in range(MANY):
                await device.send_text("bob", f"m-{i}", TEXT)
            await other.send_text("alice", "b-1", "an answer")
            made = await device.request(
                "group.create", mid="g", title="Hikers", users=["carol"])
            await device.request(
                "message.send", conv=made["conv"], mid="g-1", type="text",
                body={"text": "before bob"})
            await device.request("group.invite", conv=made["conv"],
                                 mid="g-2", users=["bob"])
            await device.request("contact.request", user="bob", memo="hi")
            await device.stop()
            await other.stop()
            return made["conv"]
        return asyncio.run(talk())

    def test_all_of_ones_own(self):
        self.begin(message_rate="0", request_rate="0")
        alice, bob, carol = map(self.enter, ("alice", "bob", "carol"))
        answer, _ = self.ask("POST", "/api/v1/files?name=a.txt", b"a file",
                             alice, Content_Type="text/plain")
        self.assertEqual(answer.status, 201)
        group = self.fill(alice, bob)
        lines = self.export(alice)
        self.assertEqual(lines[0], {
            "kind": "profile", "user": "alice", "nick": "alice"})

        def of(kind, where=lines):
            return [line for line in where if line["kind"] == kind]
        contact, = of("contact")
        self.assertEqual((contact["user"], contact["state"]),
                         ("bob", "outgoing"))
        self.assertEqual({conv["conv"] for conv in of("conversation")},
                         {"main:1:alice:bob", group})
        seqs = [line["seq"] for line in of("message")
                if line["conv"] == "main:1:alice:bob"]
        self.assertEqual(seqs, list(range(1, MANY + 2)))
        file, = of("file")
        self.assertEqual((file["name"], file["size"]), ("a.txt", 6))
        # Who came later takes along what it may see.
        late = [line["seq"] for line in of("message", self.export(bob))
                if line["conv"] == group]
        self.assertEqual(late, [3])
        self.assertEqual(
            [line["seq"] for line in of("message", self.export(carol))],
            [1, 2, 3])
        self.assertEqual(self.ask("GET", PATH, None, "f2.x")[0].status, 401)
        answer, body = self.ask("HEAD", PATH, None, alice)
        self.assertEqual((answer.status, body), (200, b""))
        self.slow_reader(alice, lines)

    def slow_reader(self, token, lines):
        """It holds nobody up, and gets everything in the end."""
        with socket.socket() as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.settimeout(30)
            link.connect(ADDRESS)
            link.sendall(f"GET {PATH} HTTP/1.1\r\nHost: a\r\n"
                         f"Authorization: Bearer {token}\r\n\r\n".encode())
            body = link.recv(1000)
            for _ in range(20):
                self.assertEqual(
                    self.ask("GET", "/api/v1/conversations", None,
                             token)[0].status, 200)
            while part := link.recv(1 << 16):
                body += part
        again = self.lines(body.split(b"\r\n\r\n", 1)[1])
        self.assertEqual(again[:-1], lines[:-1])
