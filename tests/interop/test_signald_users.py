# SPDX-License-Identifier: BSD-3-Clause
"""The operator's side of users: lists, bans, roles, passwords, sessions."""

import asyncio
import json
import statistics
import time
import urllib.error
import urllib.request

import websockets

import case
import floe
import signaling

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"


def admin(method, path, body=None):
    return floe.ask("signald", method, path, body)


def login(user, password=PASSWORD):
    """(status, the bytes of the answer)"""
    request = urllib.request.Request(
        f"{BASE}/api/v1/login",
        json.dumps({"user": user, "password": password}).encode(),
        {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


async def enter(token, device="d"):
    """(link, answer) of a hello"""
    link = await websockets.connect(SOCKET)
    await link.recv()
    await link.send(json.dumps({"id": 1, "op": "hello", "token": token,
                                "device": device}))
    return link, json.loads(await link.recv())


async def code(link):
    await asyncio.wait_for(link.wait_closed(), 20)
    return link.close_code


class Users(case.Case):
    def begin(self):
        sections = floe.sections(self, ADDRESS)
        sections["floe"].append(("workers", "3"))
        sections["signald"].append(("login-rate", "10000"))
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.server = floe.start(self, "signald", self.conf)

    def register(self, user):
        return signaling.rest(BASE, "register", {
            "user": user, "password": PASSWORD})["token"]

    def ice(self, token):
        request = urllib.request.Request(
            f"{BASE}/api/v1/ice", headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, None
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)["err"]["code"]

    def test_lists(self):
        self.begin()
        for name in ("alice", "alicia", "bob", "carol"):
            status, _ = admin("POST", "/v1/users", {
                "user": name, "password": PASSWORD, "nick": name.title()})
            self.assertEqual(status, 201)
        self.assertEqual(admin("POST", "/v1/users", {
            "user": "bob", "password": PASSWORD})[0], 409)

        def names(query):
            status, answer = admin("GET", f"/v1/users{query}")
            self.assertEqual(status, 200)
            return [u["user"] for u in answer["users"]], answer["complete"]

        self.assertEqual(names(""), (["alice", "alicia", "bob", "carol"], True))
        self.assertEqual(names("?limit=2"), (["alice", "alicia"], False))
        self.assertEqual(names("?limit=2&after=alicia"),
                         (["bob", "carol"], True))
        self.assertEqual(names("?prefix=ali"), (["alice", "alicia"], True))
        self.assertEqual(names("?prefix=x"), ([], True))
        for query in ("?limit=0", "?limit=1001", "?limit=x", "?prefix=A",
                      "?after=%20"):
            self.assertEqual(admin("GET", f"/v1/users{query}")[0], 400)
        status, one = admin("GET", "/v1/users/bob")
        self.assertEqual(status, 200)
        self.assertAlmostEqual(one.pop("created_ts"), time.time() * 1000,
                               delta=60000)
        self.assertEqual(one, {
            "user": "bob", "nick": "Bob", "role": "normal", "last_seen": 0,
            "password": True})
        for path in ("/v1/users/bo", "/v1/users/zoe", "/v1/users/", "/v1/users/B",
                     "/v1/users/bob/x"):
            self.assertEqual(admin("GET", path)[0], 404, path)

    def leave(self, token, body):
        """(status, code of the refusal) of a deletion of one's own."""
        request = urllib.request.Request(
            f"{BASE}/api/v1/account",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {token}",
             "Content-Type": "application/json"}, method="DELETE")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)["err"]["code"]

    def test_delete(self):
        self.begin()
        alice, bob = self.register("alice"), self.register("bob")
        self.assertEqual(admin("POST", "/v1/contacts", {
            "users": ["alice", "bob"]})[0], 200)
        for body in (None, {}, {"password": PASSWORD, "user": "bob"}):
            self.assertEqual(self.leave(alice, body), (400, "bad_request"))
        self.assertEqual(self.leave(alice, {"password": "wrong"}),
                         (401, "unauthorized"))
        self.assertEqual(self.leave("f2.x", {"password": PASSWORD}),
                         (401, "unauthorized"))

        async def live():
            device = signaling.Device(SOCKET, bob, "b")
            await device.start()
            author = signaling.Device(SOCKET, alice, "a")
            await author.start()
            for i in range(300):
                await author.send_text("bob", f"m-{i}", "a secret")
            await device.until(lambda d: len(d.shown) == 300)
            await author.stop()
            link, _ = await enter(alice)
            self.assertEqual(
                await asyncio.to_thread(
                    self.leave, alice, {"password": PASSWORD}),
                (200, {"user": "alice"}))
            with self.assertRaises(websockets.ConnectionClosed):
                while True:
                    await link.recv()
            self.assertEqual(await code(link), 4501)
            await device.until(lambda d: any(
                push["push"] == "contact" and
                push["contact"]["state"] == "none" for push in d.pushes))
            # Killed on the way, it goes on.
            self.server.kill()
            self.server.start(lambda: floe.healthy("signald"))
            seen = {}
            for _ in range(100):
                await device.until(lambda d: d.hello is not None)
                try:
                    page = await device.request(
                        "message.history", conv="main:1:alice:bob", limit=200)
                except (asyncio.TimeoutError, ConnectionError):
                    continue
                seen = page["messages"]
                if not any(message["body"] for message in seen):
                    break
                await asyncio.sleep(0.1)
            self.assertTrue(all("retracted_ts" in m for m in seen))
            await device.stop()

        asyncio.run(live())
        self.assertEqual(login("alice")[0], 401)
        self.assertEqual(self.ice(alice), (403, "banned"))
        self.assertEqual(admin("GET", "/v1/users/alice")[1]["role"], "deleted")
        self.assertEqual(admin("POST", "/v1/users", {
            "user": "alice", "password": PASSWORD, "nick": "A"})[0], 409)
        for deed in ("unban", "ban"):
            self.assertEqual(
                admin("POST", f"/v1/users/alice/{deed}")[0], 404)
        self.assertEqual(admin("DELETE", "/v1/users/bob"),
                         (200, {"user": "bob", "role": "deleted"}))
        self.assertEqual(self.ice(bob), (403, "banned"))

    def test_ban(self):
        self.begin()
        alice, bob = self.register("alice"), self.register("bob")

        async def live():
            links = [(await enter(alice, f"a{i}"))[0] for i in range(3)]
            other, _ = await enter(bob)
            status, answer = await asyncio.to_thread(
                admin, "POST", "/v1/users/alice/ban")
            self.assertEqual((status, answer),
                             (200, {"user": "alice", "role": "banned"}))
            self.assertEqual([await code(link) for link in links], [4501] * 3)
            link, answer = await enter(alice)
            self.assertEqual(answer["err"]["code"], "banned")
            self.assertEqual(await code(link), 4501)
            await other.send('{"id":2,"op":"ping"}')
            self.assertIn("ok", json.loads(await other.recv()))
            await other.close()

        asyncio.run(live())
        self.check_banned(alice)
        # It survives a restart.
        self.assertEqual(self.server.stop(), 0)
        self.server.start(lambda: floe.healthy("signald"))
        self.check_banned(alice)
        self.assertEqual(admin("POST", "/v1/users/alice/unban"),
                         (200, {"user": "alice", "role": "normal"}))
        self.assertEqual(self.ice(alice), (401, "unauthorized"))
        status, answer = login("alice")
        self.assertEqual(status, 200)

        async def back():
            link, answer_ = await enter(json.loads(answer)["token"])
            await link.close()
            return answer_

        self.assertIn("ok", asyncio.run(back()))

    def check_banned(self, token):
        """Only the right password learns of the ban."""
        status, answer = login("alice")
        self.assertEqual((status, json.loads(answer)["err"]["code"]),
                         (403, "banned"))
        self.assertEqual(login("alice", "not this one"),
                         login("nobody", "not this one"))
        self.assertEqual(login("alice", "not this one")[0], 401)
        self.assertEqual(self.ice(token), (403, "banned"))
        self.assertEqual(
            admin("GET", "/v1/users/alice")[1]["role"], "banned")

    def test_banned_users_take_as_long(self):
        self.begin()
        self.register("alice")
        self.register("bob")
        self.assertEqual(admin("POST", "/v1/users/alice/ban")[0], 200)

        def seconds(user):
            began = time.monotonic()
            self.assertEqual(login(user, "not this one")[0], 401)
            return time.monotonic() - began

        rounds = [tuple(map(seconds, ("alice", "bob", "nobody")))
                  for _ in range(9)]
        medians = [statistics.median(side) for side in zip(*rounds)]
        self.assertLess(max(medians) / min(medians), 2)

    def test_roles_and_passwords(self):
        self.begin()
        token = self.register("alice")
        for role in ("admin", "normal"):
            self.assertEqual(
                admin("POST", "/v1/users/alice/role", {"role": role}),
                (200, {"user": "alice", "role": role}))
            self.assertEqual(admin("GET", "/v1/users/alice")[1]["role"], role)
        self.assertEqual(self.ice(token), (200, None))
        for body in ({"role": "king"}, {}, {"role": 1}, {"x": 1}, None):
            self.assertEqual(
                admin("POST", "/v1/users/alice/role", body)[0], 400)
        for path in ("zoe/ban", "zoe/role", "alice/", "alice", "alice/x",
                     "Zoe/ban"):
            self.assertEqual(admin("POST", f"/v1/users/{path}",
                                   {"role": "normal"})[0], 404, path)
        self.assertEqual(admin("POST", "/v1/users/alice/password",
                               {"password": "short"})[0], 400)
        self.assertEqual(admin("POST", "/v1/users/alice/password",
                               {"password": PASSWORD + "!"})[0], 200)
        self.assertEqual(self.ice(token), (401, "unauthorized"))
        self.assertEqual(login("alice")[0], 401)
        self.assertEqual(login("alice", PASSWORD + "!")[0], 200)

    def test_sessions(self):
        self.begin()
        token = self.register("alice")

        async def live():
            one, answer = await enter(token, "one")
            two, _ = await enter(token, "two")
            session = answer["ok"]["session"]
            path = f"/v1/sessions/{session}"
            self.assertEqual(await asyncio.to_thread(admin, "DELETE", path),
                             (200, {"session": session}))
            self.assertEqual(await code(one), 4501)
            self.assertEqual(
                (await asyncio.to_thread(admin, "DELETE", path))[0], 404)
            # The token is as good as before.
            one, answer = await enter(token, "one")
            self.assertFalse(answer["ok"]["resumed"])
            status, _ = await asyncio.to_thread(
                admin, "DELETE", "/v1/users/alice/sessions")
            self.assertEqual(status, 200)
            self.assertEqual([await code(one), await code(two)], [4500] * 2)
            link, answer = await enter(token)
            self.assertEqual(answer["err"]["code"], "unauthorized")
            self.assertEqual(await code(link), 4500)

        asyncio.run(live())
        self.assertEqual(
            admin("GET", "/v1/sessions"), (200, {"sessions": []}))
        self.assertEqual(login("alice")[0], 200)
        self.assertEqual(admin("DELETE", "/v1/users/alice/links")[0], 404)
        self.assertEqual(admin("DELETE", "/v1/users/zoe/sessions")[0], 404)
