# SPDX-License-Identifier: BSD-3-Clause
"""Two apps in one signald: main, and club, whose host is another address."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import jwt
import websockets

import case
import floe
import signaling
import test_signald_webhook
import wait

MAIN, CLUB = "127.0.0.1", "127.0.0.2"
HOSTS = {"main": MAIN, "club": CLUB}
PASSWORDS = {"main": "a password of main", "club": "a password of club"}
SECRETS = {"main": b"a secret of main, of 32 bytes ok",
           "club": b"a secret of club, of 32 bytes ok"}
KEYS = {"main": "a key of main's program", "club": "a key of club's program"}


class Apps(case.Case):
    def begin(self, club=(), main=(), workers=3, state_dir=None):
        """club, main: rows beside what each has anyway."""
        sections = floe.sections(self, MAIN)
        sections["floe"] = [
            (key, state_dir if state_dir and key == "state-dir" else value)
            for key, value in sections["floe"]] + [("workers", str(workers))]
        sections["signald"] = [
            (key, value) for key, value in sections["signald"]
            if key != "listen"] + [
                ("listen", f"http://0.0.0.0:{floe.PAGE_PORT}"),
                ("app", f"club {self.path('club.conf')}"),
                ("login-rate", "1000"), *main]
        self.sections = sections
        self.write_club(club)
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "signald", self.conf)

    def write_club(self, rows=()):
        rows = list(rows)
        floe.daemon.write_conf(self.path("club.conf"), {"signald": [
            ("host", CLUB), *rows,
            *((key, value) for key, value in (
                ("open-registration", "yes"), ("login-rate", "1000"))
              if key not in dict(rows))]})

    def keys(self, app):
        """The rows of an identity service of the app."""
        path = self.path(f"{app}.key")
        with open(path, "wb") as file:
            file.write(SECRETS[app] + b"\n")
        return [("jwt-key", f"k HS256 {path}")]

    def ask(self, app, method, path, body=None, token=None, client=None,
            host=None):
        """(status, body: parsed when it is JSON) of a request to an app."""
        headers = {"Host": f"{host or HOSTS[app]}:{floe.PAGE_PORT}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, dict):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        one = client or http.client.HTTPConnection(
            MAIN, floe.PAGE_PORT, timeout=60)
        one.request(method, path, body, headers)
        answer = one.getresponse()
        text = answer.read()
        if client is None:
            one.close()
        if answer.headers.get_content_type() == "application/json":
            text = json.loads(text)
        return answer.status, text

    def enter(self, app, user):
        status, made = self.ask(app, "POST", "/api/v1/register", {
            "user": user, "password": PASSWORDS[app]})
        self.assertEqual(status, 201, made)
        return made["token"]

    @contextlib.asynccontextmanager
    async def device(self, app, token, name="d1", sync=0):
        one = signaling.Device(f"ws://{HOSTS[app]}:{floe.PAGE_PORT}/ws",
                               token, name, sync)
        await one.start()
        try:
            await one.until(lambda it: it.hello)
            yield one
        finally:
            await one.stop()

    async def refused(self, device, code, op, **arguments):
        try:
            answer = await device.request(op, **arguments)
        except signaling.Refused as err:
            self.assertEqual(err.code, code, f"{op} {arguments}: {err}")
        else:
            self.fail(f"{op} {arguments}: {answer}")

    async def hello(self, app, token):
        """The code of what is wrong with a hello, None: nothing."""
        url = f"ws://{HOSTS[app]}:{floe.PAGE_PORT}/ws"
        async with websockets.connect(url, subprotocols=["floe.v1"]) as link:
            await link.recv()
            await link.send(json.dumps({
                "id": 1, "op": "hello", "token": token, "device": "h"}))
            answer = json.loads(await link.recv())
            return answer["err"]["code"] if "err" in answer else None


class Apart(Apps):
    def test_users_and_conversations(self):
        self.begin()
        tokens = {app: {user: self.enter(app, user)
                        for user in ("alice", "bob", f"{app}-only")}
                  for app in HOSTS}
        for app, other in (("main", "club"), ("club", "main")):
            status, answer = self.ask(app, "POST", "/api/v1/login", {
                "user": "alice", "password": PASSWORDS[other]})
            self.assertEqual((status, answer["err"]["code"]),
                             (401, "unauthorized"))
            self.assertEqual(self.ask(app, "POST", "/api/v1/login", {
                "user": "alice", "password": PASSWORDS[app]})[0], 200)
        asyncio.run(self.talk_apart(tokens))

    async def talk_apart(self, tokens):
        async with contextlib.AsyncExitStack() as stack:
            devices = {(app, user): await stack.enter_async_context(
                self.device(app, tokens[app][user]))
                for app in HOSTS for user in ("alice", "bob")}
            for app in HOSTS:
                alice = devices[app, "alice"]
                sent = await alice.send_text("bob", "m-1", f"hello of {app}")
                self.assertEqual(sent["conv"], f"{app}:1:alice:bob")
            for app, other in (("main", "club"), ("club", "main")):
                bob, alice = devices[app, "bob"], devices[app, "alice"]
                await bob.until(lambda it: it.sync == 1)
                (message,) = bob.shown.values()
                self.assertEqual(message["body"]["text"], f"hello of {app}")
                await self.strangers(alice, app, other)
                group = await alice.request(
                    "group.create", title=app, mid="g-1", users=["bob"])
                self.assertTrue(group["conv"].startswith(f"{app}:g:"), group)
                await self.refused(
                    devices[other, "alice"], "not_found", "message.send",
                    conv=group["conv"], mid="g-2", type="text",
                    body={"text": "in"})
                await self.refused(
                    devices[other, "bob"], "not_found", "group.get",
                    conv=group["conv"])
            for one in devices.values():
                self.assertEqual(one.breaches, [])

    async def strangers(self, alice, app, other):
        """Who is only in the other app is nobody."""
        name = f"{other}-only"
        await self.refused(alice, "not_found", "message.send", to=name,
                           mid="m-9", type="text", body={"text": "hi"})
        await self.refused(alice, "not_found", "call.invite", to=name,
                           media={"audio": True})
        await self.refused(alice, "not_found", "contact.request", user=name)
        self.assertEqual((await alice.request(
            "contact.search", q=name))["users"], [])
        found = await alice.request("contact.search", q=f"{app}-only")
        self.assertEqual(len(found["users"]), 1)
        for op, more in (("message.history", {}),
                         ("conversation.read", {"seq": 1})):
            await self.refused(alice, "not_found", op,
                               conv=f"{other}:1:alice:bob", **more)
        listed = (await alice.request("conversation.list"))["conversations"]
        self.assertEqual([row["conv"] for row in listed],
                         [f"{app}:1:alice:bob"])

    def test_a_room_is_its_apps(self):
        self.begin()
        tokens = {app: self.enter(app, "alice") for app in HOSTS}

        async def run():
            async with self.device("main", tokens["main"]) as main, \
                    self.device("main", tokens["main"], "d2") as second, \
                    self.device("club", tokens["club"]) as club:
                for one in (main, second, club):
                    await one.request("chatroom.join", room="lobby")
                await main.request("chatroom.send", room="lobby",
                                   body={"text": "anybody?"})
                await second.until(lambda it: any(
                    push["push"] == "chatroom.message" for push in it.pushes))
                for one, members in ((main, 2), (club, 1)):
                    there = await one.request("chatroom.members",
                                              room="lobby", after=0)
                    self.assertEqual(len(there["members"]), members, there)
                self.assertFalse([push for push in club.pushes
                                  if push["push"].startswith("chatroom.")])

        asyncio.run(run())

    def test_links_that_move(self):
        """With five workers most hellos move their link to another one."""
        self.begin(workers=5)
        users = [f"user-{i}" for i in range(12)]
        tokens = {(app, user): self.enter(app, user)
                  for app in HOSTS for user in users}

        async def run():
            async with contextlib.AsyncExitStack() as stack:
                devices = {(app, user): await stack.enter_async_context(
                    self.device(app, tokens[app, user]))
                    for app, user in tokens}
                for (app, user), one in devices.items():
                    sent = await one.send_text(users[0], f"m-{user}", app) \
                        if user != users[0] else None
                    if sent:
                        self.assertTrue(sent["conv"].startswith(f"{app}:1:"))
                for app in HOSTS:
                    first = devices[app, users[0]]
                    await first.until(lambda it: len(it.shown) == 11)
                    self.assertEqual({message["body"]["text"] for message
                                      in first.shown.values()}, {app})
                    listed = floe.ask(
                        "signald", "GET", f"/v1/sessions?app={app}")[1]
                    self.assertEqual(sorted(row["user"] for row
                                            in listed["sessions"]),
                                     sorted(users))

        asyncio.run(run())
        self.assertGreater(floe.metric("signald", "signald_moves_total"), 0)

    def test_tokens(self):
        self.begin(club=self.keys("club"), main=self.keys("main"))
        own = {app: self.enter(app, "alice") for app in HOSTS}
        outside = {app: jwt.encode(
            {"sub": "alice", "iat": int(time.time()),
             "exp": int(time.time()) + 600}, SECRETS[app], "HS256",
            {"kid": "k"}) for app in HOSTS}
        for app, other in (("main", "club"), ("club", "main")):
            for tokens in (own, outside):
                self.assertEqual(asyncio.run(
                    self.hello(app, tokens[other])), "unauthorized")
                self.assertIsNone(asyncio.run(self.hello(app, tokens[app])))
                for method, path in (("GET", "/api/v1/conversations"),
                                     ("GET", "/api/v1/ice"),
                                     ("GET", "/api/v1/export"),
                                     ("POST", "/api/v1/files"),
                                     ("DELETE", "/api/v1/account")):
                    status, answer = self.ask(
                        app, method, path, "x" if method == "POST" else None,
                        tokens[other])
                    self.assertEqual(
                        (status, answer["err"]["code"]),
                        (401, "unauthorized"), f"{app} {method} {path}")
                self.assertEqual(self.ask(
                    app, "GET", "/api/v1/conversations", None,
                    tokens[app])[0], 200)
            self.assertEqual(self.ask(app, "POST", "/api/v1/refresh", None,
                                      own[app])[0], 200)

    def test_files(self):
        self.begin()
        tokens = {app: self.enter(app, "alice") for app in HOSTS}
        data = os.urandom(100000)
        name = hashlib.sha256(data).hexdigest()
        status, made = self.ask("main", "POST", "/api/v1/files", data,
                                tokens["main"])
        self.assertEqual((status, made["file"]), (201, name))
        path = f"/api/v1/files/{name}"
        self.assertEqual(self.ask("main", "GET", path, None, tokens["main"]),
                         (200, data))
        self.assertEqual(self.ask("club", "GET", path, None,
                                  tokens["club"])[0], 404)
        # The same bytes are its own there, in a folder of its own.
        status, made = self.ask("club", "POST", "/api/v1/files", data,
                                tokens["club"])
        self.assertEqual((status, made["file"]), (201, name))
        self.assertEqual(self.ask("club", "GET", path, None, tokens["club"]),
                         (200, data))
        for folder in ("files", "apps/club/files"):
            self.assertTrue(os.path.exists(os.path.join(
                self.folder, folder, name[:2], name[2:])), folder)

    def test_turn_credentials(self):
        self.begin(club=[("turn-rest-key", KEYS["club"])],
                   main=[("turn-rest-key", KEYS["main"])])
        for app, user in (("main", "alice"), ("club", "alice@club")):
            token = self.enter(app, "alice")
            key = KEYS[app].replace(" ", "%20")
            for path in ("/api/v1/turn", "/_matrix/client/v3/voip/turnServer",
                         f"/api/v1/turn?username=alice&key={key}"):
                status, answer = self.ask(
                    app, "GET", path, None, None if "key=" in path else token)
                self.assertEqual(status, 200, answer)
                self.assertEqual(answer["username"].partition(":")[2], user)
        wrong = KEYS["main"].replace(" ", "%20")
        self.assertEqual(self.ask(
            "club", "GET", f"/api/v1/turn?username=alice&key={wrong}")[0], 401)


class Hosts(Apps):
    def test_whose_a_request_is(self):
        """One connection, a request after the other."""
        self.begin()
        tokens = {app: self.enter(app, "alice") for app in HOSTS}
        client = http.client.HTTPConnection(MAIN, floe.PAGE_PORT, timeout=20)
        self.addCleanup(client.close)
        for host, app in ((CLUB, "club"), (MAIN, "main"), (CLUB, "club"),
                          ("nobody.example", "main"), (CLUB + ".", "club"),
                          ("club", "main")):
            for other, token in tokens.items():
                status, _ = self.ask(app, "GET", "/api/v1/conversations",
                                     None, token, client, host)
                self.assertEqual(status, 200 if other == app else 401, host)
            for path in ("/", "/floe.js", "/healthz", "/readyz"):
                self.assertEqual(self.ask(app, "GET", path, client=client,
                                          host=host)[0], 200)

    def test_absolute_form(self):
        self.begin()
        tokens = {app: self.enter(app, "alice") for app in HOSTS}
        for app, host in HOSTS.items():
            for other, token in tokens.items():
                with socket.create_connection((MAIN, floe.PAGE_PORT)) as one:
                    one.settimeout(20)
                    one.sendall(
                        f"GET http://{host}:1/api/v1/conversations HTTP/1.1"
                        f"\r\nHost: {HOSTS[other]}\r\nConnection: close\r\n"
                        f"Authorization: Bearer {token}\r\n\r\n".encode())
                    status = one.recv(4096).split()[1]
                self.assertEqual(status, b"200" if app == other else b"401")

    def test_pages_of_the_other_app(self):
        """Only the host's own pages, or those that its app names."""
        self.begin(club=[("origin", "https://club.example")])

        def upgrade(app, origin):
            with socket.create_connection((MAIN, floe.PAGE_PORT)) as one:
                one.settimeout(20)
                one.sendall((
                    f"GET /ws HTTP/1.1\r\nHost: {HOSTS[app]}:{floe.PAGE_PORT}"
                    f"\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                ).encode())
                return int(one.recv(4096).split()[1])

        for app, host in HOSTS.items():
            for other in HOSTS:
                self.assertEqual(
                    upgrade(other, f"http://{host}:{floe.PAGE_PORT}"),
                    101 if app == other else 403)
        self.assertEqual(upgrade("club", "https://club.example"), 101)
        self.assertEqual(upgrade("main", "https://club.example"), 403)


class Limits(Apps):
    def test_differ(self):
        self.begin(club=[("file-max", "2k"), ("strangers", "no"),
                         ("group-members", "2")])
        tokens = {(app, user): self.enter(app, user)
                  for app in HOSTS for user in ("alice", "bob", "carol")}
        for app, status in (("main", 201), ("club", 413)):
            self.assertEqual(self.ask(app, "POST", "/api/v1/files",
                                      b"x" * 4096, tokens[app, "alice"])[0],
                             status)

        async def run():
            async with self.device("main", tokens["main", "alice"]) as main, \
                    self.device("club", tokens["club", "alice"]) as club:
                await main.send_text("bob", "m-1", "hi")
                await self.refused(club, "forbidden", "message.send",
                                   to="bob", mid="m-1", type="text",
                                   body={"text": "hi"})
                for user in ("bob", "carol"):
                    for app in HOSTS:
                        self.assertEqual(floe.ask(
                            "signald", "POST", f"/v1/contacts?app={app}",
                            {"users": ["alice", user]})[0], 200)
                await club.send_text("bob", "m-2", "hi, friend")
                users = ["bob", "carol"]
                await main.request("group.create", title="t", mid="g",
                                   users=users)
                await self.refused(club, "too_large", "group.create",
                                   title="t", mid="g", users=users)

        asyncio.run(run())

    def test_links_of_an_app(self):
        self.begin(club=[("max-connections", "2")])

        def link(app):
            one = socket.create_connection((MAIN, floe.PAGE_PORT))
            self.addCleanup(one.close)
            one.settimeout(20)
            one.sendall((
                f"GET /ws HTTP/1.1\r\nHost: {HOSTS[app]}\r\n"
                "Upgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ).encode())
            return one, int(one.recv(4096).split()[1])

        first, status = link("club")
        self.assertEqual(status, 101)
        self.assertEqual([link("club")[1] for _ in range(3)],
                         [101, 503, 503])
        self.assertEqual(link("main")[1], 101)
        # Requests of no link are not counted among them.
        self.assertEqual(self.ask("club", "GET", "/healthz")[0], 200)
        first.close()
        wait.until("there is room again", lambda: link("club")[1] == 101)

    def test_closed_registration(self):
        self.begin(club=[("open-registration", "no")])
        self.enter("main", "alice")
        status, answer = self.ask("club", "POST", "/api/v1/register", {
            "user": "alice", "password": PASSWORDS["club"]})
        self.assertEqual((status, answer["err"]["code"]), (403, "forbidden"))


class Operator(Apps):
    def admin(self, method, path, body=None, app=None):
        return floe.ask("signald", method,
                        path + (f"?app={app}" if app else ""), body)

    def test_per_app(self):
        self.begin()
        for app in (None, "club"):
            for user in ("alice", "bob"):
                status, _ = self.admin("POST", "/v1/users", {
                    "user": user, "password": PASSWORDS[app or "main"]}, app)
                self.assertEqual(status, 201)
        self.assertEqual(self.admin("POST", "/v1/users", {
            "user": "clara", "password": PASSWORDS["club"]}, "club")[0], 201)
        names = {app: [row["user"] for row in self.admin(
            "GET", "/v1/users", None, app)[1]["users"]] for app in HOSTS}
        self.assertEqual(names, {"main": ["alice", "bob"],
                                 "club": ["alice", "bob", "clara"]})
        self.assertEqual(self.admin("GET", "/v1/users/clara")[0], 404)
        self.assertEqual(self.admin("GET", "/v1/users/clara", app="club")[0],
                         200)
        # A ban, a role and a password of one are nothing to the other.
        self.assertEqual(self.admin("POST", "/v1/users/alice/ban",
                                    app="club")[0], 200)
        for app, status in (("main", 200), ("club", 403)):
            self.assertEqual(self.ask(app, "POST", "/api/v1/login", {
                "user": "alice", "password": PASSWORDS[app]})[0], status)
        self.assertEqual(self.admin(
            "POST", "/v1/users/bob/password", {"password": "another one"},
            "club")[0], 200)
        for app, password in (("main", PASSWORDS["main"]),
                              ("club", "another one")):
            self.assertEqual(self.ask(app, "POST", "/api/v1/login", {
                "user": "bob", "password": password})[0], 200)
        self.assertEqual(self.admin("DELETE", "/v1/users/bob", app="club"),
                         (200, {"user": "bob", "role": "deleted"}))
        self.assertEqual(
            self.admin("GET", "/v1/users/bob")[1]["role"], "normal")

    def test_no_such_app(self):
        self.begin()
        for method, path, body in (
                ("GET", "/v1/stats", None), ("GET", "/v1/sessions", None),
                ("DELETE", "/v1/sessions/s-1", None),
                ("GET", "/v1/users", None), ("GET", "/v1/users/a", None),
                ("POST", "/v1/users", {"user": "a", "password": "12345678"}),
                ("POST", "/v1/users/a/ban", None),
                ("DELETE", "/v1/users/a", None),
                ("POST", "/v1/contacts", {"users": ["a", "b"]}),
                ("POST", "/v1/broadcast", {"text": "hi"}),
                ("POST", "/v1/backup", {"dir": "a"})):
            for app in ("shop", "Club", "club2", "%20"):
                status, answer = self.admin(method, path, body, app)
                self.assertEqual(status, 404, f"{method} {path} {app}")
                self.assertIn("app:", answer["err"]["msg"])

    def test_figures(self):
        self.begin(workers=2)
        tokens = {(app, user): self.enter(app, user)
                  for app in HOSTS for user in ("alice", "bob")}

        async def run():
            async with self.device("club", tokens["club", "alice"]) as one, \
                    self.device("main", tokens["main", "alice"]):
                await one.send_text("bob", "m-1", "hi")
                status, told = self.admin("GET", "/v1/apps")
                self.assertEqual(status, 200)
                self.assertEqual(
                    [(app["app"], app["hosts"], app["links"],
                      app["users_online"], app["messages_total"])
                     for app in told["apps"]],
                    [("main", [], 1, 1, 0), ("club", [CLUB], 1, 1, 1)])
                self.assertNotEqual(told["apps"][0]["epoch"],
                                    told["apps"][1]["epoch"])
                self.assertEqual(self.admin(
                    "GET", "/v1/status")[1]["links"], 2)
                for app, sent in (("main", 0), ("club", 1), (None, 0)):
                    stats = self.admin("GET", "/v1/stats", None, app)[1]
                    self.assertEqual(stats["messages_total"], sent)
                    self.assertEqual(stats["links"], 1)
                    self.assertEqual(stats["connections"], 2)
                sessions = {app: self.admin("GET", "/v1/sessions", None, app)[
                    1]["sessions"] for app in HOSTS}
                self.assertEqual([len(rows) for rows in sessions.values()],
                                 [1, 1])
                mine = sessions["club"][0]["session"]
                self.assertEqual(self.admin(
                    "DELETE", f"/v1/sessions/{mine}")[0], 404)
                self.assertEqual(self.admin(
                    "POST", "/v1/broadcast", {"text": "hi"}, "club"),
                    (200, {"links": 1}))
                await one.until(lambda it: any(
                    push["push"] == "notice" for push in it.pushes))
                self.assertEqual(self.admin(
                    "DELETE", f"/v1/sessions/{mine}", app="club")[0], 200)
                self.assertEqual([len(self.admin(
                    "GET", "/v1/sessions", None, app)[1]["sessions"])
                    for app in HOSTS], [1, 0])

        asyncio.run(run())
        for name in ("signald_messages_total", "signald_appends_total",
                     "signald_commit_group_size_count",
                     "signald_store_used_bytes"):
            for app in HOSTS:
                self.assertIsNotNone(floe.metric(
                    "signald", name, label=f'app="{app}"'), name)
        self.assertEqual(floe.metric(
            "signald", "signald_messages_total", label='app="club"'), 1)
        text = floe.get("signald", "/metrics")
        self.assertIn("\nsignald_connections ", text)
        self.assertIn('_bucket{app="club",le="+Inf"}', text)
        self.assertEqual(text.count("# TYPE signald_links "), 1)
        config = floe.get("signald", "/v1/config")
        self.assertIn(f"\n; app club: {self.path('club.conf')}\n", config)

    def test_one_app_has_no_label(self):
        sections = floe.sections(self, MAIN)
        floe.start(self, "signald", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        self.assertNotIn("app=", floe.get("signald", "/metrics"))
        status, told = self.admin("GET", "/v1/apps")
        self.assertEqual([app["app"] for app in told["apps"]], ["main"])

    def test_reload(self):
        server = self.begin(club=self.keys("club"), main=self.keys("main"))

        def token(secret):
            return jwt.encode({"sub": "alice", "exp": int(time.time()) + 600},
                              secret, "HS256", {"kid": "k"})

        def reload(word):
            before = server.log().count(word)
            server.process.send_signal(signal.SIGHUP)
            wait.until(f"the log has {word}",
                       lambda: server.log().count(word) > before)

        fresh = b"another secret of the club's, ok"
        self.assertIsNone(asyncio.run(self.hello("club", token(
            SECRETS["club"]))))
        with open(self.path("club.key"), "wb") as file:
            file.write(fresh)
        self.write_club([("jwt-key", f"k HS256 {self.path('club.key')}"),
                         ("ring", "5s")])
        reload(" reloaded ")
        self.assertIn("reload_needs_restart app=club section=signald key=ring",
                      server.log())
        self.assertIsNone(asyncio.run(self.hello("club", token(fresh))))
        self.assertEqual(asyncio.run(self.hello("club", token(
            SECRETS["club"]))), "unauthorized")
        self.assertIsNone(asyncio.run(self.hello("main", token(
            SECRETS["main"]))))
        # Nothing of a file with a mistake is taken, from no file.
        self.write_club([("workers", "3")])
        reload(" reload_refused ")
        self.assertIn(f"{self.path('club.conf')}:3: [signald] workers",
                      server.log())
        self.assertIsNone(asyncio.run(self.hello("club", token(fresh))))
        # Apps come and go with a restart.
        self.write_club()
        shutil.copy(self.path("club.conf"), self.path("shop.conf"))
        self.sections["signald"] = [
            (key, f"shop {self.path('shop.conf')}" if key == "app" else value)
            for key, value in self.sections["signald"]]
        floe.daemon.write_conf(self.conf, self.sections)
        reload(" reloaded ")
        self.assertIn("app_stays_until_restart app=club", server.log())
        self.assertIn("app_comes_with_restart app=shop", server.log())
        self.assertIsNone(asyncio.run(self.hello("club", token(fresh))))

    def test_webhook_names_the_app(self):
        receiver = test_signald_webhook.Receiver()
        self.addCleanup(receiver.end)
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            file.write(test_signald_webhook.SECRET + "\n")
        self.begin(club=[("webhook", test_signald_webhook.URL),
                         ("webhook-secret-file", self.path("secret"))])
        self.enter("main", "alice")
        self.enter("club", "clara")
        wait.until("an event", receiver.events)
        self.assertEqual([event["user"] for event in receiver.events()],
                         ["clara"])
        self.assertEqual(receiver.wrong, [])
        self.assertEqual(receiver.apps, {"club"})
        text = floe.get("signald", "/metrics")
        self.assertIn('signald_webhook_events_total{app="club"} 1\n', text)
        self.assertNotIn('signald_webhook_events_total{app="main"}', text)


class Kept(Apps):
    def test_kill_and_restart(self):
        server = self.begin()
        tokens = {(app, user): self.enter(app, user)
                  for app in HOSTS for user in ("alice", "bob")}

        async def send():
            async with self.device("main", tokens["main", "alice"]) as main, \
                    self.device("club", tokens["club", "alice"]) as club:
                for i in range(20):
                    await asyncio.gather(
                        main.send_text("bob", f"m-{i}", f"main {i}"),
                        club.send_text("bob", f"m-{i}", f"club {i}"))
                server.kill()
                server.start(lambda: floe.healthy("signald"))
                # The links come back to sessions of the same life.
                for one in (main, club):
                    await one.until(lambda it: it.links == 2 and it.hello)
                    self.assertEqual(one.resumed, 1)
                    await one.send_text("bob", "m-20", "after")

        async def read(app):
            async with self.device(app, tokens[app, "bob"]) as one:
                await one.until(lambda it: len(it.shown) == 21)
                return [message["body"]["text"]
                        for message in one.shown.values()]

        asyncio.run(send())
        for app in HOSTS:
            self.assertEqual(asyncio.run(read(app)), [
                *(f"{app} {i}" for i in range(20)), "after"])

    def test_backup(self):
        folder = self.path("backups")
        os.mkdir(folder)
        server = self.begin(main=[("backup-dir", folder)])
        tokens = {(app, user): self.enter(app, user)
                  for app in HOSTS for user in ("alice", "bob")}

        async def send(app):
            async with self.device(app, tokens[app, "alice"]) as one:
                await one.send_text("bob", "m-1", f"kept of {app}")

        async def read(app):
            async with self.device(app, tokens[app, "bob"], "d2") as one:
                await one.until(lambda it: it.sync == it.head)
                return [message["body"]["text"]
                        for message in one.shown.values()]

        for app in HOSTS:
            asyncio.run(send(app))
        status, told = floe.ask("signald", "POST", "/v1/backup?app=club",
                                {"dir": "one"})
        self.assertEqual((status, told["app"]), (202, "club"))
        wait.until("it is done", lambda: floe.ask(
            "signald", "GET", "/v1/backup")[1]["state"] == "done")
        self.assertEqual(server.stop(), 0)
        restored = self.path("restored")
        os.makedirs(os.path.join(restored, "apps"))
        shutil.copytree(os.path.join(folder, "one"),
                        os.path.join(restored, "apps", "club"))
        self.begin(state_dir=restored)
        self.assertEqual(asyncio.run(read("club")), ["kept of club"])
        self.assertEqual(asyncio.run(self.hello(
            "main", tokens["main", "bob"])), "unauthorized")


class Mistakes(Apps):
    def wrong(self, club, app=None):
        """What signald -T says of club.conf, or of app lines."""
        with open(self.path("club.conf"), "w", encoding="utf-8") as file:
            file.write(club)
        rows = app or [f"club {self.path('club.conf')}"]
        conf = floe.daemon.write_conf(self.path("floe.conf"), {"signald": [
            ("listen", "http://127.0.0.1:8080"),
            *(("app", row) for row in rows)]})
        done = subprocess.run(
            [floe.daemon.program("signald"), "-T", "-c", conf],
            capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""), club)
        return done.stderr

    def test_of_the_file(self):
        head = f"[signald]\nhost = {CLUB}\n"
        at = self.path("club.conf")
        for text, told in (
                (head + "listen = http://127.0.0.1:1\n",
                 f"{at}:3: [signald] listen: not in this file"),
                (head + "app = x y\n", f"{at}:3: [signald] app: not in this"),
                (head + "turn-uri = turn:a\n",
                 f"{at}:3: [signald] turn-uri: not in this file"),
                (head + "admin = http://127.0.0.1:1\n",
                 f"{at}:3: [signald] admin: not in this file"),
                ("[floe]\nworkers = 2\n", f"{at}:1: [floe] not in this file; "
                 "allowed: [signald]"),
                ("[turnd]\n", f"{at}:1: [turnd] not in this file"),
                (head + "file-mx = 1m\n", "did you mean file-max?"),
                (head + "file-max = many\n", f"{at}:3: [signald] file-max"),
                (head + "origin = x\n", f"{at}:3: [signald] origin"),
                (head + "webhook = http://x/\n", f"{at}:3: [signald] webhook"),
                (head + "jwt-issuer = x\n", f"{at}:3: [signald] jwt-issuer"),
                (head + "jwt-key = k HS256 /nowhere\n",
                 f"{at}:3: [signald] jwt-key: cannot read /nowhere"),
                ("[signald]\nopen-registration = yes\n",
                 f"{at}: [signald] host: is needed"),
                ("[signald]\nhost = a:1\n",
                 f"{at}:2: [signald] host: not a host"),
                ("[signald]\nhost = a\nhost = A\n",
                 f"{at}:3: [signald] host: A is there already, in app club")):
            self.assertIn(told, self.wrong(text), text)

    def test_of_the_lines(self):
        good = f"[signald]\nhost = {CLUB}\n"
        conf, at = self.path("club.conf"), f"{self.path('floe.conf')}:3: "
        for rows, told in (
                ([f"Club {conf}"], at + "[signald] app: its name is not"),
                (["x" * 33 + f" {conf}"], at + "[signald] app: its name"),
                (["club"], at + "[signald] app: no file"),
                ([f"main {conf}"], at + "[signald] app: main is there"),
                (["club /nowhere"],
                 at + "[signald] app: cannot read /nowhere: No such file"),
                ([f"a {conf}", f"a {conf}"], ":4: [signald] app: a is there"),
                ([f"a {conf}", f"b {conf}"],
                 f"{conf}:2: [signald] host: {CLUB} is there already, in "
                 "app a")):
            self.assertIn(told, self.wrong(good, rows), rows)

    def test_too_many(self):
        rows = []
        for i in range(64):
            path = self.path(f"{i}.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"[signald]\nhost = h{i}\n")
            rows.append(f"a{i} {path}")
        self.assertIn(":66: [signald] app: too many; 63 are allowed",
                      self.wrong("", rows))
