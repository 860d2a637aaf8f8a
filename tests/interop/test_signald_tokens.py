# SPDX-License-Identifier: BSD-3-Clause
"""Tokens of an identity service, as PyJWT makes them, at signald."""

import asyncio
import json
import signal
import time
import urllib.error
import urllib.request

import jwt
import websockets
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import case
import floe
import signaling
import wait

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"
SECRET = b"a secret of the tests, 32 bytes."


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo)


class Service:
    """Keys of all four algorithms; the files are the case's."""

    def __init__(self, test):
        self.private = {
            "HS256": SECRET,
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate()}
        self.rows = []
        for alg, key in self.private.items():
            path = test.path(f"{alg}.key")
            with open(path, "wb") as file:
                file.write(key + b"\n" if alg == "HS256" else pem(key))
            self.rows.append(("jwt-key", f"k-{alg} {alg} {path}"))

    def token(self, alg, user="alice", kid=None, key=None, **claims):
        body = {"iss": "https://id.example", "aud": "floe", "sub": user,
                "iat": int(time.time()), "exp": int(time.time()) + 600}
        body.update(claims)
        return jwt.encode(body, key or self.private[alg], alg,
                          {"kid": kid or f"k-{alg}"})


async def hello(token, device="d"):
    """(the answer to a hello, the code the link was closed with or None)"""
    async with websockets.connect(SOCKET, subprotocols=["floe.v1"]) as link:
        await link.recv()
        await link.send(json.dumps({
            "id": 1, "op": "hello", "token": token, "device": device}))
        answer = json.loads(await link.recv())
        if "ok" in answer:
            return answer["ok"], None
        await link.wait_closed()
        return answer["err"], link.close_code


class Tokens(case.Case):
    def begin(self, rows):
        self.sections = floe.sections(self, ADDRESS)
        self.sections["floe"].append(("workers", "3"))
        self.common = list(self.sections["signald"])
        self.configure(rows)
        return floe.start(self, "signald", self.path("floe.conf"))

    def configure(self, rows):
        self.sections["signald"] = self.common + [
            ("login-rate", "1000"), *rows, *([
                ("jwt-issuer", "https://id.example"),
                ("jwt-audience", "floe")] if rows else [])]
        floe.daemon.write_conf(self.path("floe.conf"), self.sections)

    def bearer(self, token, path="ice", method="GET"):
        request = urllib.request.Request(
            f"{BASE}/api/v1/{path}", method=method,
            headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def refused(self, token, word):
        answer, code = asyncio.run(hello(token))
        self.assertEqual((answer["code"], code), ("unauthorized", 4500))
        self.assertIn(word, answer["msg"])
        status, answer = self.bearer(token)
        self.assertEqual(status, 401)
        self.assertIn(word, answer["err"]["msg"])

    def test_a_fresh_token_deletes(self):
        service = Service(self)
        self.begin(service.rows)
        old = service.token("EdDSA", iat=int(time.time()) - 400)
        fresh = service.token("EdDSA")
        asyncio.run(hello(old))
        status, answer = self.bearer(old, "account", "DELETE")
        self.assertEqual((status, answer["err"]["code"]), (403, "forbidden"))
        self.assertEqual(self.bearer(fresh, "account", "DELETE"),
                         (200, {"user": "alice"}))
        answer, code = asyncio.run(hello(fresh))
        self.assertEqual((answer["code"], code), ("banned", 4501))

    def test_every_algorithm(self):
        service = Service(self)
        self.begin(service.rows)
        for alg in service.private:
            with self.subTest(alg):
                token = service.token(alg, user=f"user-{alg.lower()}")
                self.assertEqual(self.bearer(token)[0], 401)
                answer, _ = asyncio.run(hello(token))
                self.assertEqual(answer["user"], f"user-{alg.lower()}")
                status, answer = self.bearer(token)
                self.assertEqual(status, 200)
                self.assertTrue(answer["iceServers"][-1]["username"]
                                .endswith(f":user-{alg.lower()}"))

    def test_what_is_refused(self):
        service = Service(self)
        self.begin(service.rows)
        good = service.token("HS256")
        asyncio.run(hello(good))
        now = int(time.time())
        for word, token in (
                ("expired", service.token("HS256", exp=now - 60)),
                ("not good yet", service.token("HS256", nbf=now + 600)),
                ("issuer", service.token("HS256", iss="https://evil")),
                ("audience", service.token("HS256", aud="others")),
                ("audience", service.token("HS256", aud=["a", "b"])),
                ("no name", service.token("HS256", user="alice@id")),
                ("signature", service.token("HS256", key=b"x" * 32)),
                ("key is not known", service.token("HS256", kid="other")),
                ("algorithm", service.token("ES256", kid="k-RS256")),
                ("algorithm", service.token("HS256", kid="k-RS256")),
                ("algorithm", jwt.encode(
                    {"sub": "alice", "exp": now + 60}, None, "none",
                    {"kid": "k-HS256"})),
                ("bad or expired", "f1." + good[3:])):
            with self.subTest(word=word):
                self.refused(token, word)
        # A second audience beside ours is fine.
        answer, _ = asyncio.run(hello(service.token(
            "HS256", aud=["others", "floe"])))
        self.assertEqual(answer["user"], "alice")

    def test_no_way_in_by_password(self):
        """A user that a token made has no password, and none opens it."""
        service = Service(self)
        self.begin(service.rows)
        asyncio.run(hello(service.token("EdDSA", user="zoe")))
        errors = []
        for user, password in (("zoe", "x"), ("zoe", PASSWORD),
                               ("nobody", PASSWORD)):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                signaling.rest(BASE, "login", {
                    "user": user, "password": password})
            with caught.exception as answer:
                errors.append((answer.code, answer.read()))
        self.assertEqual([code for code, _ in errors], [401] * 3)
        self.assertEqual(len(set(errors)), 1)

    def test_keys_are_changed_by_a_reload(self):
        service = Service(self)
        server = self.begin(service.rows[:1])
        old, new = service.token("HS256"), service.token("EdDSA")
        self.assertEqual(asyncio.run(hello(old))[0]["user"], "alice")
        self.refused(new, "key is not known")
        self.configure(service.rows[:1] + service.rows[3:])
        server.process.send_signal(signal.SIGHUP)
        wait.until("both keys are taken", lambda:
                   "user" in asyncio.run(hello(new))[0])
        self.assertEqual(asyncio.run(hello(old))[0]["user"], "alice")
        self.configure(service.rows[3:])
        server.process.send_signal(signal.SIGHUP)
        wait.until("the old key is gone", lambda:
                   "user" not in asyncio.run(hello(old))[0])
        self.assertEqual(asyncio.run(hello(new))[0]["user"], "alice")
        # A file that is no key leaves everything as it was.
        with open(self.path("EdDSA.key"), "wb") as file:
            file.write(b"nonsense")
        server.process.send_signal(signal.SIGHUP)
        wait.until("the reload is refused", lambda:
                   "not a key for this algorithm" in server.log())
        self.assertEqual(asyncio.run(hello(new))[0]["user"], "alice")

    def test_refresh(self):
        service = Service(self)
        self.begin(service.rows)
        own = signaling.rest(BASE, "register", {
            "user": "bob", "password": PASSWORD})["token"]
        status, fresh = self.bearer(own, "refresh", "POST")
        self.assertEqual((status, fresh["user"]), (200, "bob"))
        self.assertNotEqual(fresh["token"], own)
        self.assertGreater(fresh["expires_ts"], time.time() * 1000)
        answer, _ = asyncio.run(hello(fresh["token"]))
        self.assertEqual(answer["expires_ts"], fresh["expires_ts"])
        outside = service.token("ES256")
        asyncio.run(hello(outside))
        self.assertEqual(self.bearer(outside, "refresh", "POST")[0], 403)
        self.assertEqual(self.bearer("x", "refresh", "POST")[0], 401)

    def test_a_link_ends_with_its_token(self):
        """What is longest here is the leeway, thirty seconds."""
        service = Service(self)
        self.begin(service.rows)

        async def live():
            async with websockets.connect(SOCKET) as link:
                await link.recv()
                end = int(time.time()) - 25
                await link.send(json.dumps({
                    "id": 1, "op": "hello", "device": "d",
                    "token": service.token("EdDSA", exp=end)}))
                answer = json.loads(await link.recv())["ok"]
                self.assertEqual(answer["expires_ts"], (end + 30) * 1000)
                self.assertEqual(
                    json.loads(await link.recv()),
                    {"push": "token.expiring",
                     "expires_ts": (end + 30) * 1000})
                # A new one of the same user keeps the link.
                end += 3
                await link.send(json.dumps({
                    "id": 2, "op": "token.refresh",
                    "token": service.token("RS256", exp=end)}))
                self.assertEqual(
                    json.loads(await link.recv()),
                    {"id": 2, "ok": {"expires_ts": (end + 30) * 1000}})
                await link.send('{"op":"ping"}')
                await link.recv()
                await link.wait_closed()
                self.assertEqual(link.close_code, 4500)
                self.assertGreaterEqual(time.time(), end + 30)

        asyncio.run(live())

    def change(self, **form):
        """(status, answer) of a change of password."""
        try:
            return 200, signaling.rest(BASE, "password", form)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def test_another_password(self):
        self.begin([])
        new = PASSWORD + ", another one"
        old_token = signaling.rest(BASE, "register", {
            "user": "bob", "password": PASSWORD})["token"]
        wrong = self.change(user="bob", password="x", new_password=new)
        nobody = self.change(user="nobody", password="x", new_password=new)
        self.assertEqual(wrong, nobody)
        self.assertEqual(wrong[0], 401)
        for field, value in (("new_password", "short"), ("password", "")):
            form = {"user": "bob", "password": PASSWORD, "new_password": new}
            status, answer = self.change(**(form | {field: value}))
            self.assertEqual(status, 400)
            self.assertIn(field, answer["err"]["msg"])
        self.assertEqual(self.bearer(old_token)[0], 200)

        async def live():
            async with websockets.connect(SOCKET) as link:
                await link.recv()
                await link.send(json.dumps({
                    "id": 1, "op": "hello", "device": "d",
                    "token": old_token}))
                await link.recv()
                status, answer = await asyncio.to_thread(
                    self.change, user="bob", password=PASSWORD,
                    new_password=new)
                self.assertEqual((status, answer["user"]), (200, "bob"))
                await link.wait_closed()
                self.assertEqual(link.close_code, 4500)
                return answer["token"]

        fresh = asyncio.run(live())
        self.refused(old_token, "void")
        self.assertEqual(asyncio.run(hello(fresh))[0]["user"], "bob")
        self.assertEqual(self.bearer(fresh)[0], 200)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            signaling.rest(BASE, "login", {
                "user": "bob", "password": PASSWORD})
        caught.exception.close()
        again = signaling.rest(BASE, "login", {
            "user": "bob", "password": new})["token"]
        self.assertEqual(asyncio.run(hello(again))[0]["user"], "bob")
