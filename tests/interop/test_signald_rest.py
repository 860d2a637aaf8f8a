# SPDX-License-Identifier: BSD-3-Clause
"""The ops of floe.v1 as REST, beside a link of the same user."""

import asyncio
import concurrent.futures
import http.client
import json
import socket
import subprocess
import threading

import floe
import signaling
import test_signald_files

WS = f"ws://127.0.0.1:{floe.PAGE_PORT}/ws"
CONV = "main:1:alice:bob"


class Rest(test_signald_files.Files):
    def get(self, token, path):
        answer, body = self.ask("GET", path, None, token)
        return answer.status, json.loads(body)

    def post(self, token, path, value):
        body = value if isinstance(value, bytes) else json.dumps(value)
        answer, body = self.ask("POST", path, body, token,
                                Content_Type="application/json")
        return answer.status, json.loads(body)

    def say(self, token, to, mid, text="hello"):
        return self.post(token, "/api/v1/messages", {
            "to": to, "mid": mid, "type": "text", "body": {"text": text}})

    def test_messages(self):
        self.begin(workers="4")
        alice, bob = self.enter("alice"), self.enter("bob")
        status, first = self.say(alice, "bob", "m-1")
        self.assertEqual(status, 200)
        self.assertEqual((first["conv"], first["seq"], first["mid"]),
                         (CONV, 1, "m-1"))
        self.assertEqual(self.say(alice, "bob", "m-1"), (200, first))
        for i in range(2, 8):
            self.assertEqual(self.say(bob, "alice", f"b-{i}")[0], 200)
        status, listed = self.get(alice, "/api/v1/conversations")
        self.assertEqual(status, 200)
        one, = listed["conversations"]
        self.assertEqual((one["conv"], one["unread"]), (CONV, 6))
        path = f"/api/v1/conversations/{CONV}/messages"
        for query, seqs in (
                ("", [1, 2, 3, 4, 5, 6, 7]), ("?limit=2", [6, 7]),
                ("?before=3", [1, 2]), ("?after=5&limit=1", [6])):
            with self.subTest(query):
                status, page = self.get(alice, path + query)
                self.assertEqual(status, 200)
                self.assertEqual([row["seq"] for row in page["messages"]],
                                 seqs)
        self.assertEqual(self.get(
            alice, path.replace(":", "%3A"))[0], 200)
        self.assertEqual(self.post(
            alice, f"/api/v1/conversations/{CONV}/read", {"seq": 7}),
            (200, {"conv": CONV, "read": 7, "unread": 0}))
        self.assertEqual(self.post(alice, "/api/v1/op/message.react", {
            "conv": CONV, "seq": 2, "mid": "r", "emoji": "+"})[0], 200)
        _, page = self.get(bob, path + "?before=3&limit=1")
        self.assertEqual(page["messages"][0]["reactions"],
                         [{"emoji": "+", "users": ["alice"]}])

    def test_links_hear_of_it(self):
        self.begin(workers="4")
        alice, bob = self.enter("alice"), self.enter("bob")

        async def run():
            device = signaling.Device(WS, bob, "b1")
            await device.start()
            await device.until(lambda d: d.hello is not None)
            status, sent = await asyncio.to_thread(
                self.say, alice, "bob", "m-1", "by rest")
            self.assertEqual(status, 200)
            await device.until(lambda d: len(d.shown) == 1)
            shown = device.shown[(CONV, sent["seq"])]
            self.assertEqual(shown["body"], {"text": "by rest"})
            self.assertNotIn("device", shown)
            self.assertEqual(device.breaches, [])
            await device.stop()

        asyncio.run(run())
        self.assertEqual(floe.metric("signald", "signald_sessions"), 1)

    def test_every_op_that_needs_no_session(self):
        self.begin()
        alice = self.enter("alice")
        self.enter("bob")
        status, ice = self.post(alice, "/api/v1/op/ice.get", {})
        self.assertEqual(status, 200)
        self.assertIn("iceServers", ice)
        self.assertEqual(self.post(alice, "/api/v1/op/ice.get", b"")[0], 200)
        self.assertEqual(self.post(alice, "/api/v1/op/ice.get",
                                   b" { \n } ")[0], 200)
        self.assertEqual(self.post(alice, "/api/v1/op/contact.request", {
            "user": "bob", "memo": "it is me"})[0], 200)
        for op in ("hello", "ping", "sync.ack", "call.invite",
                   "conversation.typing", "token.refresh"):
            status, refused = self.post(alice, f"/api/v1/op/{op}", {})
            self.assertEqual((status, refused["err"]["code"]),
                             (409, "not_ready"))

    def test_others_conversations(self):
        """Who is no member learns not even that they are there."""
        self.begin()
        alice, _, carol = map(self.enter, ("alice", "bob", "carol"))
        self.assertEqual(self.say(alice, "bob", "m")[0], 200)
        _, group = self.post(alice, "/api/v1/op/group.create", {
            "mid": "g", "title": "Hikers", "users": ["bob"]})
        for conv in (CONV, group["conv"]):
            _, page = self.get(
                alice, f"/api/v1/conversations/{conv}/messages")
            self.assertEqual(len(page["messages"]), 1)
            about = {"conv": conv, "seq": 1, "mid": "x"}
            for answer in (
                    self.get(carol, f"/api/v1/conversations/{conv}/messages"),
                    self.post(carol, f"/api/v1/conversations/{conv}/read",
                              {"seq": 1}),
                    self.post(carol, "/api/v1/messages", {
                        "conv": conv, "mid": "x", "type": "text",
                        "body": {"text": "x"}}),
                    self.post(carol, "/api/v1/op/message.retract", about),
                    self.post(carol, "/api/v1/op/message.react", {
                        **about, "emoji": "+"}),
                    self.post(carol, "/api/v1/op/conversation.set", {
                        "conv": conv, "pinned": True}),
                    self.post(carol, "/api/v1/op/group.members", {
                        "conv": conv})):
                self.assertEqual(answer[0], 404, answer)
        status, listed = self.get(carol, "/api/v1/conversations")
        self.assertEqual((status, listed["conversations"]), (200, []))

    def test_refusals(self):
        self.begin()
        alice = self.enter("alice")
        op = "/api/v1/op/"
        for status, code, path, body in (
                (404, "unknown_op", op + "message.sned", {}),
                (404, "not_found", op, {}),
                (404, "not_found", op + "a/b", {}),
                (404, "not_found", "/api/v1/messages/x", {}),
                (404, "not_found", f"/api/v1/conversations/{CONV}/x", {}),
                (404, "not_found",
                 "/api/v1/conversations/main:1:bob:carol/read", {"seq": 1}),
                (400, "bad_request", op + "ice.get", {"x": 1}),
                (400, "bad_request", op + "ice.get", {"id": 2}),
                (400, "bad_request", op + "ice.get", {"op": "ping"}),
                (400, "bad_request", op + "ice.get", b"[]"),
                (400, "bad_request", op + "ice.get", b"{"),
                (400, "bad_request", op + "ice.get", b'{"a":1}{"b":2}'),
                (400, "bad_request", op + "ice.get", b'{"a":1,"a":2}'),
                (400, "bad_request", "/api/v1/messages", {"to": 7}),
                (400, "bad_request",
                 f"/api/v1/conversations/{CONV}/read", {"conv": CONV,
                                                        "seq": 1}),
                (404, "not_found", "/api/v1/messages", {
                    "to": "nobody", "mid": "m", "type": "text",
                    "body": {"text": "x"}}),
                (413, "too_large", "/api/v1/messages", {
                    "to": "bob", "mid": "m", "type": "text",
                    "body": {"text": "x" * 16385}}),
                (413, "too_large", op + "ice.get", b"x" * 70000)):
            with self.subTest((path, body if len(body) < 99 else "long")):
                got, refused = self.post(alice, path, body)
                self.assertEqual((got, refused["err"]["code"]),
                                 (status, code), refused)
        for query in ("?limit=0", "?limit=x", "?limit=1&limit=2", "?x=1",
                      "?limit", "?=1", "?a=%zz", "?a=%ff", "?before=1&after=2"):
            with self.subTest(query):
                got, refused = self.get(
                    alice, f"/api/v1/conversations/{CONV}/messages{query}")
                self.assertEqual((got, refused["err"]["code"]),
                                 (400, "bad_request"))
        self.assertEqual(self.get("x", "/api/v1/conversations")[0], 401)
        self.assertEqual(self.say(None, "bob", "m")[0], 401)
        answer, _ = self.ask("PUT", "/api/v1/conversations", token=alice)
        self.assertEqual(answer.status, 405)
        answer, _ = self.ask("POST", "/api/v1/op/ice.get", "{}", alice,
                             Origin="https://evil.example")
        self.assertEqual(answer.status, 403)

    def test_the_largest_text(self):
        self.begin()
        alice, bob = self.enter("alice"), self.enter("bob")
        text = "\u00e9\"" * 5461  # of 16383 bytes, of more as JSON
        self.assertEqual(self.say(alice, "bob", "m", text)[0], 200)
        _, page = self.get(bob, f"/api/v1/conversations/{CONV}/messages")
        self.assertEqual(page["messages"][0]["body"]["text"], text)

    def test_rate(self):
        self.begin(rest_rate="5")
        alice = self.enter("alice")
        codes = [self.get(alice, "/api/v1/conversations")
                 for _ in range(6)]
        self.assertEqual([code for code, _ in codes], [200] * 5 + [429])
        self.assertEqual(codes[5][1]["err"]["code"], "rate_limited")

    def test_one_connection_for_many_users(self):
        """They live on different workers; the connection does not move."""
        self.begin(workers="4", login_rate="1000")
        tokens = [self.enter(f"u{i}") for i in range(8)]
        client = self.client()
        for i, token in enumerate(tokens):
            client.request("POST", "/api/v1/messages", json.dumps({
                "to": f"u{(i + 1) % 8}", "mid": "m", "type": "text",
                "body": {"text": "x"}}), {"Authorization": f"Bearer {token}"})
            answer = client.getresponse()
            self.assertEqual(answer.status, 200, answer.read())
            answer.read()
        # In a row without waiting.
        text = b"".join(
            b"POST /api/v1/op/conversation.list HTTP/1.1\r\nHost: a\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: 2\r\n\r\n{}"
            % token.encode() for token in tokens)
        link = socket.create_connection(test_signald_files.ADDRESS, 20)
        self.addCleanup(link.close)
        link.sendall(text + b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
                     b"Connection: close\r\n\r\n")
        answer = b""
        while more := link.recv(65536):
            answer += more
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 9)
        self.assertEqual(answer.count(b'"complete":true'), 8)

    def test_many_at_once_are_stored_once(self):
        self.begin(workers="4", rest_rate="1000000")
        alice, bob = self.enter("alice"), self.enter("bob")

        def send(i):
            return self.say(alice, "bob", f"m-{i % 50}")

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            sent = list(pool.map(send, range(200)))
        self.assertEqual({status for status, _ in sent}, {200})
        self.assertEqual(len({row["seq"] for _, row in sent}), 50)
        _, page = self.get(
            bob, f"/api/v1/conversations/{CONV}/messages?limit=200")
        self.assertEqual(len(page["messages"]), 50)
        self.assertEqual(floe.metric("signald", "signald_links"), 0)

    def test_stops_while_requests_come(self):
        server = self.begin(workers="4", rest_rate="1000000")
        alice = self.enter("alice")
        self.enter("bob")
        codes, gate = [], threading.Event()

        def flood(thread):
            try:
                for i in range(100000):
                    codes.append(self.say(alice, "bob", f"{thread}-{i}")[0])
                    if len(codes) > 100:
                        gate.set()
            except (OSError, http.client.HTTPException, ValueError):
                gate.set()

        threads = [threading.Thread(target=flood, args=(i,))
                   for i in range(4)]
        for thread in threads:
            thread.start()
        gate.wait(30)
        self.assertEqual(server.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(codes), {200, 503})

    def test_curl(self):
        self.begin()
        alice = self.enter("alice")
        self.enter("bob")
        base = f"http://127.0.0.1:{floe.PAGE_PORT}/api/v1"
        sent = json.loads(subprocess.run(
            ["curl", "-fsS", "-H", f"Authorization: Bearer {alice}",
             "--json", '{"to":"bob","mid":"m","type":"text",'
             '"body":{"text":"from a shell"}}', base + "/messages"],
            check=True, capture_output=True).stdout)
        self.assertEqual(sent["seq"], 1)
