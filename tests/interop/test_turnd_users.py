# SPDX-License-Identifier: BSD-3-Clause
"""Users of turnd that its operator makes while it runs."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import threading
import unittest.mock

import case
import floe
import turn
import wait

SERVER = ("127.0.0.1", floe.TURN_PORT)
REALM = floe.REALM


def user_path(name, realm=REALM):
    return f"/v1/users/{realm}/{name}"


class UserStore(case.Case):
    def setUp(self):
        super().setUp()
        sections = floe.sections(self, SERVER[0])
        sections["floe"] += [("workers", "4")]
        sections["turnd"] += [("user-store", "yes"), ("user-quota", "4")]
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.turnd = floe.start(self, "turnd", self.conf)

    def put(self, name, status=201, **fields):
        got, answer = floe.ask("turnd", "PUT", user_path(name), fields)
        self.assertEqual(got, status, answer)
        return answer

    def allocates(self, user, password):
        """The error code, or 0: this user has an allocation for a moment."""
        client = turn.Client(SERVER, user, password)
        try:
            client.allocate()
            client.release()
        except turn.Refused as refused:
            return refused.args[0]
        finally:
            client.close()
        return 0

    def test_next_request_on_every_worker_sees_a_change(self):
        self.assertEqual(self.allocates("bob", "builder"), 401)
        self.put("bob", password="builder")
        # Each client has a port of its own, so the workers take turns.
        for _ in range(16):
            self.assertEqual(self.allocates("bob", "builder"), 0)
        self.assertEqual(self.allocates("bob", "wrong"), 401)
        self.put("bob", status=200, password="new")
        for _ in range(16):
            self.assertEqual(self.allocates("bob", "builder"), 401)
        self.assertEqual(self.allocates("bob", "new"), 0)
        self.assertEqual(
            floe.ask("turnd", "DELETE", user_path("bob")), (204, None))
        for _ in range(16):
            self.assertEqual(self.allocates("bob", "new"), 401)
        self.assertEqual(
            floe.ask("turnd", "DELETE", user_path("bob"))[0], 404)
        # The static user and the secret are there as before.
        self.assertEqual(self.allocates(*floe.TURN_USER), 0)

    def test_key_instead_of_password(self):
        text = f"carl:{REALM}:cave".encode()
        self.put("carl", key=hashlib.md5(text).hexdigest() +
                 hashlib.sha256(text).hexdigest())
        self.assertEqual(self.allocates("carl", "cave"), 0)

    def test_coturn_client(self):
        self.put("dora", password="map", quota=20)
        out = subprocess.run(
            ["turnutils_uclient", "-y", "-u", "dora", "-w", "map", "-n", "5",
             "-m", "1", "-p", str(SERVER[1]), SERVER[0]],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(out.returncode, 0, out.stdout + out.stderr)
        self.assertIn("Total lost packets 0 ", out.stdout)

    def test_quota_and_end(self):
        self.put("erin", password="p", quota=1)
        first = turn.Client(SERVER, "erin", "p")
        self.addCleanup(first.close)
        first.allocate()
        self.assertEqual(self.allocates("erin", "p"), 486)
        self.put("erin", status=200, password="p", quota=2)
        self.assertEqual(self.allocates("erin", "p"), 0)
        self.put("erin", status=200, password="p", expires=1700000000)
        self.assertEqual(self.allocates("erin", "p"), 401)

    def test_list(self):
        names = [f"user{n:02}" for n in range(25)]
        for name in names:
            self.put(name, password="p", bandwidth=125000)
        seen, after = [], ""
        while after is not None:
            status, answer = floe.ask(
                "turnd", "GET", f"/v1/users?limit=10&after={after}")
            self.assertEqual(status, 200)
            seen += answer["users"]
            after = answer.get("next")
        self.assertEqual([u["name"] for u in seen], names)
        self.assertEqual(seen[3], {"realm": REALM, "name": "user03",
                                   "bandwidth": 125000})
        self.assertEqual(floe.ask("turnd", "GET", user_path("user03")),
                         (200, seen[3]))
        self.assertEqual(floe.ask("turnd", "GET", "/v1/users?limit=0")[0], 400)

    def test_bad_requests_change_nothing(self):
        for fields in ({}, {"password": ""}, {"password": "p", "key": "00"},
                       {"key": "00"}, {"key": "g" * 96}, {"pasword": "p"},
                       {"password": "p", "quota": -1},
                       {"password": "p", "expires": "soon"}, [], "p"):
            status, answer = floe.ask(
                "turnd", "PUT", user_path("mallory"), fields)
            self.assertEqual(status, 400, fields)
            self.assertIn("msg", answer["err"])
        for path, status in ((user_path("x", "other.realm"), 404),
                             (user_path("n" * 384), 400),
                             ("/v1/users/" + REALM, 400),
                             (user_path("%ff"), 400), (user_path(""), 400)):
            self.assertEqual(floe.ask(
                "turnd", "PUT", path, {"password": "p"})[0], status, path)
        self.assertEqual(floe.ask("turnd", "GET", "/v1/users"),
                         (200, {"users": []}))
        with unittest.mock.patch.object(floe, "ADMIN_TOKEN", "wrong"):
            self.assertEqual(floe.ask("turnd", "GET", "/v1/users")[0], 401)

    def test_nothing_secret_is_told_or_kept(self):
        password = "a word that nobody else says"
        answer = self.put("frank", password=password)
        self.assertEqual(answer, {"realm": REALM, "name": "frank"})
        self.assertEqual(self.allocates("frank", password), 0)
        self.assertEqual(self.allocates("frank", "wrong"), 401)
        text = f"frank:{REALM}:{password}".encode()
        with open(os.path.join(
                self.folder, "turnd-users", "data.mdb"), "rb") as file:
            data = file.read()
        self.assertNotIn(password.encode(), data)
        self.assertIn(hashlib.md5(text).digest(), data)
        self.assertNotIn(password, self.turnd.log())
        self.assertNotIn(hashlib.md5(text).hexdigest(), self.turnd.log())

    def test_kill_after_the_answer(self):
        """What was answered with 2xx is there after kill -9, three times."""
        kept = []
        for life in range(3):
            stop = threading.Event()

            def write(prefix, stop=stop):
                number = 0
                while not stop.is_set():
                    name = f"{prefix}n{number}"
                    try:
                        status, _ = floe.ask("turnd", "PUT", user_path(name),
                                             {"password": name})
                    except OSError:
                        return
                    if status == 201:
                        kept.append(name)
                    number += 1

            before = len(kept)
            writers = [threading.Thread(target=write, args=(f"l{life}w{n}",))
                       for n in range(4)]
            for writer in writers:
                writer.start()
            wait.until("users are made", lambda b=before: len(kept) > b + 40)
            self.turnd.kill()
            stop.set()
            for writer in writers:
                writer.join()
            self.turnd.start(lambda: floe.healthy("turnd"))
            for name in kept:
                self.assertEqual(
                    floe.ask("turnd", "GET", user_path(name))[0], 200, name)
            self.assertEqual(self.allocates(kept[-1], kept[-1]), 0)


class DefaultQuota(case.Case):
    """Without any setting a call fits and nobody takes everything."""

    def most(self, ports):
        sections = floe.sections(self, SERVER[0])
        sections["turnd"] += [("relay-ports", f"50000-{50000 + ports - 1}")]
        one = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        clients = []
        try:
            for _ in range(ports):
                clients.append(turn.Client(SERVER, *floe.TURN_USER))
                clients[-1].allocate()
            return ports
        except turn.Refused as refused:
            self.assertEqual(refused.args[0], 486)
            return len(clients) - 1
        finally:
            for client in clients:
                client.close()
            one.stop()

    def test_share(self):
        self.assertEqual(self.most(100), 18)
        self.assertEqual(self.most(400), 40)


class NoUserStore(case.Case):
    def test_routes_say_so(self):
        sections = floe.sections(self, SERVER[0])
        floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))
        for method, path in (("GET", "/v1/users"), ("PUT", user_path("bob"))):
            status, answer = floe.ask("turnd", method, path)
            self.assertEqual(status, 404)
            self.assertIn("user-store", answer["err"]["msg"])
        self.assertFalse(os.path.exists(self.path("turnd-users")))


class Realms(case.Case):
    """Two tenants by address, a third by ORIGIN, on one turnd."""

    SECOND = ("127.0.0.2", floe.TURN_PORT)
    ORIGIN = "https://c.example"

    def setUp(self):
        super().setUp()
        sections = floe.sections(self, SERVER[0])
        sections["turnd"] += [
            ("listen", "udp://%s:%d" % self.SECOND), ("user-store", "yes"),
            ("listen", f"udp://0.0.0.0:{floe.TURN_PORT + 10}"),
            ("realm-for", "b.example " + self.SECOND[0]),
            ("realm-for-origin", f"c.example {self.ORIGIN}"),
            ("realm-secret", "b.example:of b alone"), ("realm-quota", "20"),
            # uclient goes on with a wrong password until it is answered.
            ("auth-failures", "0")]
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        self.turnd = floe.start(self, "turnd", self.conf)
        for realm in ("b.example", "c.example", REALM):
            self.assertEqual(floe.ask(
                "turnd", "PUT", user_path("bob", realm),
                {"password": "of " + realm})[0], 201)

    def realm_at(self, server, user, password):
        """The realm that lets this user in, or None."""
        client = turn.Client(server, user, password)
        self.addCleanup(client.close)
        try:
            client.allocate()
        except turn.Refused as refused:
            self.assertEqual(refused.args[0], 401)
            return None
        return client.realm.decode()

    def test_by_address(self):
        wild = floe.TURN_PORT + 10
        for server, realm in ((SERVER, REALM), (self.SECOND, "b.example"),
                              (("127.0.0.1", wild), REALM),
                              (("127.0.0.2", wild), "b.example")):
            for of in (REALM, "b.example", "c.example"):
                self.assertEqual(
                    self.realm_at(server, "bob", "of " + of),
                    realm if realm == of else None, (server, of))
        self.assertEqual(self.realm_at(SERVER, *floe.TURN_USER), REALM)
        self.assertIsNone(self.realm_at(self.SECOND, *floe.TURN_USER))
        told = json.loads(floe.get("turnd", "/v1/allocations"))["allocations"]
        self.assertEqual(sorted({one["realm"] for one in told}),
                         ["b.example", REALM])

    def test_secrets(self):
        name = "4000000000:carol"
        for secret, server, realm in (
                (floe.TURN_SECRET, SERVER, REALM),
                (floe.TURN_SECRET, self.SECOND, None),
                ("of b alone", SERVER, None),
                ("of b alone", self.SECOND, "b.example")):
            password = base64.b64encode(hmac.digest(
                secret.encode(), name.encode(), "sha256")).decode()
            self.assertEqual(
                self.realm_at(server, name, password), realm, secret)

    def test_by_origin_of_coturns_client(self):
        def relay(*options):
            out = subprocess.run(
                ["turnutils_uclient", "-y", "-u", "bob", *options, "-n", "5",
                 "-m", "1", "-p", str(SERVER[1]), SERVER[0]],
                capture_output=True, text=True, timeout=60, check=False)
            return "Total lost packets 0 " in out.stdout
        self.assertTrue(relay("-o", self.ORIGIN, "-w", "of c.example"))
        self.assertFalse(relay("-o", self.ORIGIN, "-w", "of " + REALM))
        self.assertTrue(relay("-w", "of " + REALM))

    def test_bad_rows_are_named(self):
        for key, value, said in (
                ("realm-for", "b.example", "not a realm"),
                ("realm-for", "b.example nowhere", "not an address"),
                ("realm-for-origin", "c.example", "not a realm"),
                ("realm-for", "r" * 128 + " 127.0.0.1", "not a realm"),
                ("realm-secret", "d.example:x", "no such realm")):
            sections = floe.sections(self, SERVER[0])
            sections["turnd"].append((key, value))
            conf = floe.daemon.write_conf(self.path("bad.conf"), sections)
            out = subprocess.run(
                [floe.daemon.program("turnd"), "-T", "-c", conf],
                capture_output=True, text=True, timeout=10, check=False)
            self.assertEqual(out.returncode, 2)
            self.assertRegex(
                out.stderr, rf"bad\.conf:\d+: \[turnd\] {key}: {said}")

    def test_dump_tells_no_secret(self):
        out = subprocess.run(
            [floe.daemon.program("turnd"), "-T", "-c", self.conf],
            capture_output=True, text=True, timeout=10, check=True)
        self.assertNotIn("of b alone", out.stdout)
        self.assertIn("realm-secret = b.example:(set)", out.stdout)
        self.assertIn("realm-for = b.example 127.0.0.2", out.stdout)
