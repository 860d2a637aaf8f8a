# SPDX-License-Identifier: BSD-3-Clause
"""signald's public port as HTTP: the page, the REST calls, and bad requests."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import socket
import statistics
import time
import urllib.error

import case
import floe
import root
import signaling
import wait

ADDRESS = ("127.0.0.1", floe.PAGE_PORT)
BASE = f"http://127.0.0.1:{floe.PAGE_PORT}"
PASSWORD = "a password of the tests"
SO_RCVBUFFORCE = 33  # of Linux; Python has no name for it
HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"


class Http(case.Case):
    def begin(self, **options):
        sections = floe.sections(self, ADDRESS[0])
        sections["floe"].append(("workers", options.pop("workers", "2")))
        rows = dict(sections["signald"])
        rows.update({key.replace("_", "-"): value
                     for key, value in options.items()})
        sections["signald"] = list(rows.items())
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "signald", conf)

    def connect(self):
        link = socket.create_connection(ADDRESS, timeout=20)
        self.addCleanup(link.close)
        return link

    def raw(self, data):
        """All that comes back until signald ends the connection."""
        link = self.connect()
        link.sendall(data)
        answer = b""
        while more := link.recv(65536):
            answer += more
        return answer

    def status(self, data):
        return int(self.raw(data).split(b" ", 2)[1])

    def ask(self, method, path, body=None, **fields):
        client = http.client.HTTPConnection(*ADDRESS, timeout=20)
        try:
            client.request(method, path, body, {
                name.replace("_", "-"): value
                for name, value in fields.items()})
            answer = client.getresponse()
            return answer, answer.read()
        finally:
            client.close()

    def refused(self, path, body):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            signaling.rest(BASE, path, body)
        self.addCleanup(caught.exception.close)
        error = json.load(caught.exception)["err"]
        return caught.exception.code, error["code"], error

    def test_page(self):
        self.begin()
        for path, kind, name in (
                ("/", "text/html", "index.html"),
                ("/floe.js", "text/javascript", "floe.js"),
                ("/sdk/link.js", "text/javascript", "sdk/link.js"),
                ("/app.css", "text/css", "app.css")):
            with self.subTest(path):
                answer, body = self.ask("GET", path)
                self.assertEqual(answer.status, 200)
                with open(os.path.join(root.SOURCE, "web", name), "rb") as f:
                    self.assertEqual(body, f.read())
                self.assertTrue(answer.headers["Content-Type"].startswith(kind))
                self.assertEqual(
                    answer.headers["X-Content-Type-Options"], "nosniff")
                policy = answer.headers["Content-Security-Policy"]
                self.assertIn("default-src 'self'", policy)
                self.assertNotIn("unsafe", policy)
                again, body = self.ask(
                    "GET", path, If_None_Match=answer.headers["ETag"])
                self.assertEqual((again.status, body), (304, b""))
                head, body = self.ask("HEAD", path)
                self.assertEqual((head.status, body), (200, b""))
                self.assertEqual(head.headers["Content-Length"],
                                 answer.headers["Content-Length"])

    def test_a_file_may_be_longer_than_the_queue(self):
        folder = self.path("web")
        os.mkdir(folder)
        text = os.urandom(1 << 20).hex()
        with open(os.path.join(folder, "large.js"), "w",
                  encoding="ascii") as file:
            file.write(text)
        self.begin(web_dir=folder, send_queue="512k")
        answer, body = self.ask("GET", "/large.js")
        self.assertEqual(answer.status, 200)
        self.assertTrue(body.decode() == text)

    def test_connections_are_bounded(self):
        self.begin(workers="4", max_connections="10", hello="60s")
        links = [self.connect() for _ in range(40)]

        def alive():
            for link in links:
                link.setblocking(False)
                try:
                    if link.recv(1) == b"":
                        links.remove(link)
                        return None  # the list has changed under our hands
                except BlockingIOError:
                    pass
            return len(links)

        wait.until("the others are closed", lambda: alive() == 10)
        self.assertEqual(floe.metric("signald", "signald_connections"), 10)
        for link in links:
            link.close()
        wait.until("there is room again", lambda: floe.metric(
            "signald", "signald_connections") == 0)
        self.assertEqual(self.ask("GET", "/healthz")[0].status, 200)

    def test_connections_of_one_address(self):
        """One more ends, whichever worker takes it; others get in."""
        self.begin(workers="4", max_per_address="3", hello="60s")
        kept = [self.connect() for _ in range(3)]
        wait.until("all are let in", lambda: floe.metric(
            "signald", "signald_connections") == 3)
        for _ in range(10):
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(self.connect().recv(1), b"")
        other = socket.create_connection(
            ADDRESS, timeout=20, source_address=("127.0.0.2", 0))
        self.addCleanup(other.close)
        other.sendall(HEAD + b"\r\n")
        self.assertTrue(other.recv(65536).startswith(b"HTTP/1.1 200 "))
        kept[0].close()
        wait.until("it is gone", lambda: floe.metric(
            "signald", "signald_connections") == 3)
        self.assertEqual(self.ask("GET", "/healthz")[0].status, 200)

    def test_no_way_out_of_the_folder(self):
        self.begin()
        for path in ("/../floe.conf", "/..%2ffloe.conf", "/sdk/../../Makefile",
                     "//etc/passwd", "/etc/passwd", "/%2e%2e/Makefile.am",
                     "/README.md", "/sdk", "/sdk/", "/.git/config", "/nothing"):
            with self.subTest(path):
                self.assertEqual(self.ask("GET", path)[0].status, 404)

    def test_methods(self):
        self.begin()
        answer, _ = self.ask("DELETE", "/")
        self.assertEqual(answer.status, 405)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD")
        answer, _ = self.ask("GET", "/api/v1/login")
        self.assertEqual(answer.status, 405)
        self.assertEqual(answer.headers["Allow"], "POST")

    def test_malformed_requests(self):
        self.begin()
        post = b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\n"
        for status, data in (
                (400, b"nonsense\r\n\r\n"),
                (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
                (400, HEAD + b"Host: b\r\n\r\n"),
                (400, HEAD + b"X: 1\r\n folded\r\n\r\n"),
                (400, post + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
                (411, post + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                (413, post + b"Content-Length: 8193\r\n\r\n"),
                (431, HEAD + b"X: " + b"x" * 9000 + b"\r\n\r\n"),
                (431, HEAD + b"X: 1\r\n" * 70 + b"\r\n"),
                (505, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n")):
            with self.subTest(data[:60]):
                self.assertEqual(self.status(data), status)

    def test_requests_one_after_the_other(self):
        self.begin()
        last = HEAD + b"Connection: close\r\n\r\n"
        answer = self.raw((HEAD + b"\r\n") * 500 + last)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 501)
        # In pieces of one byte, with a body in between.
        body = b'{"user":"x","password":"y"}'
        text = (b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\n"
                b"Content-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body + last
        link = self.connect()
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(text)):
            link.sendall(text[i:i + 1])
        answer = b""
        while more := link.recv(65536):
            answer += more
        self.assertIn(b"HTTP/1.1 401 ", answer)
        self.assertIn(b"HTTP/1.1 200 OK", answer)

    def test_expect_continue(self):
        self.begin()
        body = b'{"user":"x","password":"y"}'
        link = self.connect()
        link.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\n"
                     b"Content-Type: application/json\r\n"
                     b"Expect: 100-continue\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body))
        self.assertIn(b"HTTP/1.1 100 Continue\r\n\r\n", link.recv(4096))
        link.sendall(body)
        self.assertIn(b"HTTP/1.1 401 ", link.recv(4096))

    def test_slow_request_is_ended(self):
        self.begin(hello="500ms", ping="1s", kill="2s")
        for start in (b"", b"GET / HT", HEAD,
                      b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\n"
                      b"Content-Type: application/json\r\n"
                      b"Content-Length: 10\r\n\r\n{"):
            with self.subTest(start):
                link = self.connect()
                link.sendall(start)
                began = time.monotonic()
                self.assertEqual(link.recv(1), b"")
                self.assertLess(time.monotonic() - began, 10)

    def test_half_a_request_behind_an_answer_is_ended(self):
        self.begin(hello="500ms", ping="1s", kill="2s")
        body = b'{"user":"x","password":"y"}'
        link = self.connect()
        link.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\n"
                     b"Content-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%sGET /he"
                     % (len(body), body))
        answer = b""
        while more := link.recv(4096):
            answer += more
        self.assertIn(b"HTTP/1.1 401 ", answer)

    def test_a_flood_of_requests_lets_others_in(self):
        self.begin(workers="1")
        requests = 2000

        def overtaken():
            flood, other = self.connect(), self.connect()
            flood.setsockopt(
                socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            flood.sendall((HEAD + b"\r\n") * requests)
            other.sendall(HEAD + b"\r\n")
            self.assertIn(b"200 OK", other.recv(4096))
            got = flood.recv(8 << 20).count(b"200 OK")
            self.assertLessEqual(got, requests)
            flood.close()
            return got < requests

        # A segment that came alone makes a turn of its own, and we may be
        # slower than signald; but neither often.
        self.assertGreaterEqual(sum(overtaken() for _ in range(20)), 15)

    def test_accounts(self):
        self.begin(login_rate="1000")
        form = {"user": "alice", "password": PASSWORD, "nick": "Älice"}
        made = signaling.rest(BASE, "register", form)
        self.assertEqual(made["user"], "alice")
        self.assertGreater(made["expires_ts"], time.time() * 1000)
        self.assertEqual(self.refused("register", form)[:2],
                         (409, "conflict"))
        entered = signaling.rest(BASE, "login", {
            "user": "alice", "password": PASSWORD})
        self.assertEqual(entered["nick"], "Älice")
        self.assertNotEqual(entered["token"], made["token"])
        wrong = self.refused("login", {
            "user": "alice", "password": "not this one"})
        nobody = self.refused("login", {
            "user": "mallory", "password": "not this one"})
        self.assertEqual(wrong, nobody)
        self.assertEqual(wrong[:2], (401, "unauthorized"))
        answer, body = self.ask("GET", "/api/v1/ice",
                                Authorization=f"Bearer {entered['token']}")
        self.assertEqual(answer.status, 200)
        servers = json.loads(body)["iceServers"]
        self.assertTrue(servers[-1]["username"].endswith(":alice"))
        for token in ("", "Bearer x", f"Bearer {entered['token']}x"):
            answer, _ = self.ask("GET", "/api/v1/ice", Authorization=token)
            self.assertEqual(answer.status, 401)

    def test_bad_forms(self):
        self.begin(login_rate="1000")
        good = {"user": "alice", "password": PASSWORD}
        for name, change in (
                ("user", {"user": "Alice"}), ("user", {"user": "a" * 33}),
                ("user", {"user": 7}), ("user", {"user": ".a"}),
                ("password", {"password": "short"}),
                ("password", {"password": "x" * 257}),
                ("nick", {"nick": ""}), ("colour", {"colour": "blue"})):
            with self.subTest(change):
                code, word, error = self.refused("register", good | change)
                self.assertEqual((code, word), (400, "bad_request"))
                self.assertIn(name, error["msg"])
        for kind, body in (("text/plain", json.dumps(good)),
                           ("application/jsonx", json.dumps(good))):
            answer, _ = self.ask("POST", "/api/v1/register", body,
                                 Content_Type=kind)
            self.assertEqual(answer.status, 415)
        for body in ("", "[]", "{", '{"user":"a"}{}'):
            answer, _ = self.ask("POST", "/api/v1/register", body,
                                 Content_Type="application/json")
            self.assertEqual(answer.status, 400)
        answer, _ = self.ask("POST", "/api/v1/register", json.dumps(good),
                             Content_Type="application/json",
                             Origin="https://evil.example")
        self.assertEqual(answer.status, 403)

    def test_unknown_users_take_as_long(self):
        self.begin(login_rate="10000")
        signaling.rest(BASE, "register", {
            "user": "alice", "password": PASSWORD})

        def seconds(user):
            began = time.monotonic()
            self.refused("login", {"user": user, "password": "not this one"})
            return time.monotonic() - began

        pairs = [(seconds("alice"), seconds("mallory")) for _ in range(9)]
        known, unknown = (statistics.median(side) for side in zip(*pairs))
        self.assertLess(known / unknown, 2)
        self.assertLess(unknown / known, 2)

    def test_registration_is_closed(self):
        self.begin(open_registration="no")
        self.assertEqual(self.refused("register", {
            "user": "alice", "password": PASSWORD})[:2], (403, "forbidden"))

    def test_rate_of_log_ins(self):
        self.begin(login_rate="5")
        form = {"user": "alice", "password": PASSWORD}
        codes = [self.refused("login", form) for _ in range(6)]
        self.assertEqual([code for code, _, _ in codes], [401] * 5 + [429])
        self.assertEqual(codes[5][1], "rate_limited")
        self.assertTrue(0 < codes[5][2]["retry_ms"] <= 12000)

    def test_many_at_once(self):
        self.begin(login_rate="100000")

        def enter(i):
            form = {"user": f"u{i % 4}", "password": PASSWORD}
            for _ in range(200):
                try:
                    return signaling.rest(BASE, "register", form)["user"]
                except urllib.error.HTTPError as refused:
                    with refused:
                        if refused.code == 409:
                            return form["user"]
                        self.assertEqual(refused.code, 503)
                time.sleep(0.05)
            return None

        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            names = set(pool.map(enter, range(100)))
        self.assertEqual(names, {"u0", "u1", "u2", "u3"})

    def test_no_thread_gains_privileges(self):
        """Not those either that run before the account is changed."""
        tasks = f"/proc/{self.begin().process.pid}/task"
        names = {}
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/status", encoding="ascii") as file:
                status = dict(line.split(":\t", 1) for line in file)
            names[status["Name"].strip()] = status["NoNewPrivs"].strip()
        self.assertLessEqual({"hasher", "log-writer", "signald"}, set(names))
        self.assertEqual(set(names.values()), {"1"}, names)

    def test_second_instance_is_refused(self):
        first = self.begin()
        sections = floe.sections(self, ADDRESS[0])
        sections["signald"] = [
            (key, value) for key, value in sections["signald"]
            if key not in ("listen", "admin")]
        sections["signald"].append(("listen", "http://127.0.0.1:8081"))
        conf = floe.daemon.write_conf(self.path("second.conf"), sections)
        second = floe.daemon.Daemon(
            "second", [floe.daemon.program("signald"), "-c", conf],
            self.folder)
        with self.assertRaises(RuntimeError) as ended:
            second.start(lambda: False)
        self.assertEqual(second.process.returncode, 1)
        self.assertIn("in use by another signald "
                      f"(pid {first.process.pid})", str(ended.exception))
        self.assertTrue(floe.healthy("signald"))

    def test_admin_makes_friends(self):
        self.begin()
        for user in ("alice", "bob"):
            status, _ = floe.ask("signald", "POST", "/v1/users",
                                 {"user": user, "password": PASSWORD})
            self.assertEqual(status, 201)
        for users, status in ((["alice", "bob"], 200),
                              (["bob", "alice"], 200),  # as they are
                              (["alice", "nobody"], 404),
                              (["alice", "alice"], 400),
                              (["alice"], 400), (["alice", 7], 400),
                              (["alice", "NOBODY"], 400)):
            with self.subTest(users):
                told, _ = floe.ask("signald", "POST", "/v1/contacts",
                                   {"users": users})
                self.assertEqual(told, status)

    def test_admin_makes_users(self):
        self.begin(open_registration="no")
        client = http.client.HTTPConnection(
            "127.0.0.1", floe.ADMIN_PORTS["signald"], timeout=20)
        self.addCleanup(client.close)
        for status in (201, 409):
            client.request(
                "POST", "/v1/users",
                json.dumps({"user": "alice", "password": PASSWORD}),
                {"Authorization": f"Bearer {floe.ADMIN_TOKEN}"})
            answer = client.getresponse()
            answer.read()
            self.assertEqual(answer.status, status)
        self.assertEqual(signaling.rest(BASE, "login", {
            "user": "alice", "password": PASSWORD})["nick"], "alice")
        self.assertEqual(floe.metric("signald", "signald_commits_total"), 1)
        wait.until("the connection is gone", lambda: floe.metric(
            "signald", "signald_connections") == 0)
