# SPDX-License-Identifier: BSD-3-Clause
"""Files over signald's REST: up, down, who may, and what a crash leaves."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import case
import certs
import floe
import wait

ADDRESS = ("127.0.0.1", floe.PAGE_PORT)
PASSWORD = "a password of the tests"
MIB = 1 << 20


def named(data):
    return hashlib.sha256(data).hexdigest()


class Files(case.Case):
    tls = None

    def begin(self, **options):
        sections = floe.sections(self, ADDRESS[0], self.tls)
        sections["floe"].append(("workers", options.pop("workers", "2")))
        rows = dict(sections["signald"])
        rows.update({key.replace("_", "-"): value
                     for key, value in options.items()})
        sections["signald"] = list(rows.items())
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "signald", self.conf)

    def enter(self, user):
        return self.post_json("/api/v1/register", {
            "user": user, "password": PASSWORD})["token"]

    def client(self):
        if self.tls:
            trust = ssl.create_default_context(cafile=self.authority.cert)
            client = http.client.HTTPSConnection(
                *ADDRESS, timeout=30, context=trust)
        else:
            client = http.client.HTTPConnection(*ADDRESS, timeout=30)
        self.addCleanup(client.close)
        return client

    def ask(self, method, path, body=None, token=None, **fields):
        """(answer, its body) of a request on a connection of its own."""
        client = self.client()
        headers = {name.replace("_", "-"): value
                   for name, value in fields.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer, answer.read()
        finally:
            client.close()

    def post_json(self, path, value, token=None):
        answer, body = self.ask("POST", path, json.dumps(value), token,
                                Content_Type="application/json")
        self.assertIn(answer.status, (200, 201), body)
        return json.loads(body)

    def up(self, token, data, kind="image/png", path="/api/v1/files"):
        answer, body = self.ask("POST", path, data, token, Content_Type=kind)
        return answer.status, json.loads(body)

    def down(self, token, name, **fields):
        return self.ask("GET", f"/api/v1/files/{name}", None, token, **fields)

    def on_disk(self):
        """(kept, under construction): names of files."""
        kept, new = [], []
        for folder, _, files in os.walk(self.path("files")):
            last = os.path.basename(folder)
            (new if last == "new" else kept).extend(
                files if last == "new" else [last + file for file in files])
        return sorted(kept), new

    def refused(self, status, answer):
        self.assertEqual(answer[0], status, answer)
        return answer[1]["err"]["code"]


class Plain(Files):
    def test_up_and_down(self):
        self.begin()
        alice = self.enter("alice")
        data = os.urandom(3 * MIB + 17)
        status, made = self.up(alice, data, path="/api/v1/files?name=a%20b.png")
        self.assertEqual(status, 201)
        self.assertEqual(made, {"file": named(data), "size": len(data),
                                "type": "image/png"})
        answer, body = self.down(alice, made["file"])
        self.assertEqual(answer.status, 200)
        self.assertTrue(body == data)
        for field, value in (
                ("Content-Type", "image/png"),
                ("Content-Disposition", "attachment"),
                ("X-Content-Type-Options", "nosniff"),
                ("ETag", f'"{made["file"]}"')):
            self.assertEqual(answer.headers[field], value)
        self.assertIn("sandbox", answer.headers["Content-Security-Policy"])
        head, body = self.ask("HEAD", f"/api/v1/files/{made['file']}",
                              token=alice)
        self.assertEqual((head.status, body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(len(data)))
        again, body = self.down(alice, made["file"],
                                If_None_Match=answer.headers["ETag"])
        self.assertEqual((again.status, body), (304, b""))
        self.assertEqual(floe.metric("signald", "signald_uploads_total"), 1)

    def test_same_bytes_are_kept_once(self):
        self.begin()
        alice, bob = self.enter("alice"), self.enter("bob")
        data = os.urandom(50000)
        for token in (alice, bob, alice):
            status, made = self.up(token, data)
            self.assertEqual((status, made["file"]), (201, named(data)))
        self.assertEqual(self.on_disk(), ([named(data)], []))
        for token in (alice, bob):
            self.assertTrue(self.down(token, named(data))[1] == data)

    def test_types_that_run_are_not_told(self):
        self.begin()
        alice = self.enter("alice")
        for i, (kind, told) in enumerate((
                ("text/html", "application/octet-stream"),
                ("image/svg+xml", "application/octet-stream"),
                ("IMAGE/PNG; charset=x", "image/png"),
                ("video/mp4", "video/mp4"),
                ("image/png\t<script>", "image/png"),
                ("imagepng", "application/octet-stream"))):
            with self.subTest(kind):
                status, made = self.up(alice, b"<script>%d" % i, kind)
                self.assertEqual((status, made["type"]), (201, told))
                answer, _ = self.down(alice, made["file"])
                self.assertEqual(answer.headers["Content-Type"], told)

    def test_nobody_else_learns_of_it(self):
        self.begin()
        alice, bob = self.enter("alice"), self.enter("bob")
        _, made = self.up(alice, b"a secret")
        unknown = self.down(bob, named(b"never uploaded"))
        hidden = self.down(bob, made["file"])
        self.assertEqual(hidden[0].status, 404)
        self.assertEqual(hidden[1], unknown[1])
        self.assertEqual(sorted(hidden[0].headers.keys()),
                         sorted(unknown[0].headers.keys()))
        for token in (None, "x", bob + "x"):
            self.assertEqual(self.down(token, made["file"])[0].status, 401)
            self.assertEqual(self.up(token, b"x")[0], 401)

    def test_path_tricks(self):
        self.begin()
        alice = self.enter("alice")
        _, made = self.up(alice, b"in place")
        name = made["file"]
        for trick in ("", "..", "../new", "%2e%2e", "%2e%2e/token.key",
                      "..%2f..%2ftoken.key", name.upper(), name + "/",
                      name + "%00", name[:-1], name + "0",
                      f"{name[:2]}/{name[2:]}", "%6" + name[1:],
                      "new/1", "." + name[1:], "/" + name):
            with self.subTest(trick):
                answer, body = self.down(alice, trick)
                self.assertIn(answer.status, (400, 404))
                self.assertNotIn(b"in place", body)
        self.assertEqual(self.down(alice, name)[0].status, 200)

    def test_ranges(self):
        self.begin()
        alice = self.enter("alice")
        data = os.urandom(200000)
        size = len(data)
        _, made = self.up(alice, data, "video/mp4")
        for field, first, last in (
                ("bytes=0-0", 0, 0), ("bytes=0-99", 0, 99),
                ("bytes=100000-", 100000, size - 1),
                (f"bytes=199990-{size * 9}", 199990, size - 1),
                ("bytes=-10", size - 10, size - 1),
                (f"bytes=-{size * 2}", 0, size - 1)):
            with self.subTest(field):
                answer, body = self.down(alice, made["file"], Range=field)
                self.assertTrue(body == data[first:last + 1])
                if len(body) < size:
                    self.assertEqual(answer.status, 206)
                    self.assertEqual(answer.headers["Content-Range"],
                                     f"bytes {first}-{last}/{size}")
        for field in (f"bytes={size}-", f"bytes={size}-{size}", "bytes=-0"):
            with self.subTest(field):
                answer, body = self.down(alice, made["file"], Range=field)
                self.assertEqual((answer.status, body), (416, b""))
                self.assertEqual(answer.headers["Content-Range"],
                                 f"bytes */{size}")
        for field in ("bytes=", "bytes=a-b", "bytes=5-4", "bytes=0-1,4-5",
                      "bytes=99999999999999999999999-", "lines=0-1"):
            with self.subTest(field):
                answer, body = self.down(alice, made["file"], Range=field)
                self.assertEqual((answer.status, len(body)), (200, size))
        answer, body = self.down(alice, made["file"], Range="bytes=0-9",
                                 If_Range='"another"')
        self.assertEqual((answer.status, len(body)), (200, size))

    def test_limits(self):
        self.begin(file_max="64k", file_quota="96k")
        alice = self.enter("alice")
        self.assertEqual(self.up(alice, os.urandom(65536))[0], 201)
        self.assertEqual(
            self.refused(413, self.up(alice, os.urandom(65537))), "too_large")
        self.assertEqual(
            self.refused(413, self.up(alice, os.urandom(32769))), "too_large")
        self.assertEqual(self.up(alice, os.urandom(32768))[0], 201)
        self.assertEqual(
            self.refused(413, self.up(alice, b"x")), "too_large")
        self.refused(400, self.up(alice, b""))
        for name in ("a%2fb", "%0a", "..", "%ff", "x" * 256, "%zz"):
            self.refused(400, self.up(
                self.enter(f"u{named(name.encode())[:8]}"), b"x",
                path=f"/api/v1/files?name={name}"))
        kept, new = self.on_disk()
        self.assertEqual((len(kept), new), (2, []))

    def test_room_of_all(self):
        self.begin(files_max="64k")
        self.assertEqual(self.up(self.enter("alice"), os.urandom(40000))[0],
                         201)
        bob = self.enter("bob")
        self.assertEqual(
            self.refused(503, self.up(bob, os.urandom(40000))), "storage")
        self.assertEqual(self.up(bob, os.urandom(20000))[0], 201)

    def test_parallel_uploads_at_the_quota(self):
        self.begin(file_quota="1m", workers="4")
        alice = self.enter("alice")
        # All pass the look at the head; the log lets two in.
        gate = threading.Barrier(6)

        def upload(i):
            data = bytes([i]) * 400000
            client = self.client()
            client.putrequest("POST", "/api/v1/files")
            client.putheader("Authorization", f"Bearer {alice}")
            client.putheader("Content-Length", str(len(data)))
            client.endheaders()
            client.send(data[:1000])
            gate.wait(20)
            client.send(data[1000:])
            return client.getresponse().status

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            codes = sorted(pool.map(upload, range(6)))
        self.assertEqual(codes, [201, 201, 413, 413, 413, 413])
        kept, new = self.on_disk()
        self.assertEqual((len(kept), new), (2, []))
        # What was refused is free again, to the byte.
        self.assertEqual(self.up(alice, os.urandom(
            (1 << 20) - 2 * 401408))[0], 201)
        self.assertEqual(self.up(alice, b"x")[0], 413)

    def test_aborted_uploads_leave_nothing(self):
        server = self.begin()
        alice = self.enter("alice")
        before = floe.descriptors("signald", server)
        for _ in range(20):
            link = self.begin_upload(alice, 5 * MIB, os.urandom(100000))
            link.close()
        wait.until("the uploads are gone", lambda: self.on_disk() == ([], []))
        wait.until("and their descriptors", lambda: floe.descriptors(
            "signald", server) <= before)
        self.assertEqual(self.up(alice, b"x")[0], 201)

    def begin_upload(self, token, size, data=b""):
        link = socket.create_connection(ADDRESS, timeout=30)
        self.addCleanup(link.close)
        link.sendall(b"POST /api/v1/files HTTP/1.1\r\nHost: a\r\n"
                     b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
                     % (token.encode(), size) + data)
        return link

    def test_few_uploads_of_one_user_at_once(self):
        self.begin()
        alice = self.enter("alice")
        links = [self.begin_upload(alice, MIB, b"x" * 10) for _ in range(8)]
        wait.until("all are under way",
                   lambda: len(self.on_disk()[1]) == 8)
        self.assertEqual(self.refused(429, self.up(alice, b"x")),
                         "rate_limited")
        self.assertEqual(self.up(self.enter("bob"), b"x")[0], 201)
        links[0].close()
        wait.until("one has gone", lambda: len(self.on_disk()[1]) == 7)
        self.assertEqual(self.up(alice, b"x")[0], 201)

    def test_slow_uploads_are_cut(self):
        self.begin(hello="500ms", ping="1s", kill="2s")
        link = self.begin_upload(self.enter("alice"), MIB, b"x")
        began = time.monotonic()
        try:
            while link.send(b"x"):
                if wait_end(link, 0.1):
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertLess(time.monotonic() - began, 10)
        wait.until("nothing is left", lambda: self.on_disk() == ([], []))

    def test_a_crash_leaves_no_half_file(self):
        server = self.begin()
        alice = self.enter("alice")
        whole = os.urandom(MIB)
        self.assertEqual(self.up(alice, whole)[0], 201)
        self.begin_upload(alice, 5 * MIB, os.urandom(2 * MIB))
        wait.until("half a file is there", lambda: any(
            os.path.getsize(self.path(f"files/new/{name}")) >= MIB
            for name in self.on_disk()[1]))
        server.kill()
        self.assertEqual(len(self.on_disk()[1]), 1)
        # Complete, but the log has not heard of it; and the reverse.
        stray = named(b"stray")
        with open(self.path(f"files/new/{stray}-7"), "wb") as file:
            file.write(b"stray")
        kept = self.path(f"files/{named(whole)[:2]}/{named(whole)[2:]}")
        os.rename(kept, self.path(f"files/new/{named(whole)}-9"))
        floe.start(self, "signald", self.conf)
        self.assertEqual(self.on_disk(), ([named(whole)], []))
        self.assertTrue(self.down(alice, named(whole))[1] == whole)
        self.assertEqual(self.down(alice, stray)[0].status, 404)

    def test_files_in_no_message_are_swept(self):
        self.begin(file_keep="1s", file_quota="64k")
        alice = self.enter("alice")
        for _ in range(3):
            data = os.urandom(60000)
            self.assertEqual(self.up(alice, data)[0], 201)
            wait.until("it is swept", lambda: self.on_disk() == ([], []))
            self.assertEqual(self.down(alice, named(data))[0].status, 404)

    def test_one_connection_for_many(self):
        self.begin()
        alice = self.enter("alice")
        client = self.client()
        fields = {"Authorization": f"Bearer {alice}"}
        for size in (1, 8192, 8193, 65536, 300000, 16384):
            data = os.urandom(size)
            client.request("POST", "/api/v1/files", data, fields)
            answer = client.getresponse()
            made = json.load(answer)
            self.assertEqual((answer.status, made["file"]),
                             (201, named(data)))
            client.request("GET", f"/api/v1/files/{made['file']}", None,
                           fields)
            self.assertTrue(client.getresponse().read() == data)
        # Requests right behind a body belong to the next in turn.
        head = (b"POST /api/v1/files HTTP/1.1\r\nHost: a\r\n"
                b"Authorization: Bearer %s\r\nContent-Length: 5\r\n\r\n"
                % alice.encode())
        last = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        link = socket.create_connection(ADDRESS, timeout=20)
        self.addCleanup(link.close)
        link.sendall((head + b"hello") * 3 + last)
        answer = b""
        while more := link.recv(65536):
            answer += more
        self.assertEqual(answer.count(b"HTTP/1.1 201 Created\r\n"), 3)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 1)

    def test_curl(self):
        """It asks for 100 Continue before a large body."""
        self.begin()
        alice = self.enter("alice")
        path, out = self.path("body"), self.path("out")
        data = os.urandom(4 * MIB)
        with open(path, "wb") as file:
            file.write(data)
        auth = ["-H", f"Authorization: Bearer {alice}"]
        base = f"http://127.0.0.1:{floe.PAGE_PORT}/api/v1/files"
        made = json.loads(subprocess.run(
            ["curl", "-fsS", *auth, "-H", "Content-Type: application/pdf",
             "-H", "Expect: 100-continue", "-H",
             'Content-Disposition: attachment; filename="a b.pdf"',
             "--data-binary", f"@{path}", base],
            check=True, capture_output=True).stdout)
        self.assertEqual(made, {"file": named(data), "size": len(data),
                                "type": "application/pdf"})
        subprocess.run(["curl", "-fsS", *auth, "-o", out,
                        f"{base}/{made['file']}"], check=True)
        with open(out, "rb") as file:
            self.assertTrue(file.read() == data)

    def test_node(self):
        self.begin()
        alice = self.enter("alice")
        program = """
const [base, token] = process.argv.slice(1);
const headers = { authorization: `Bearer ${token}`,
                  "content-type": "audio/ogg" };
const body = new Uint8Array(300000).map((_, i) => i * 7);
const made = await (await fetch(base, { method: "POST", headers, body }))
    .json();
const got = new Uint8Array(await (await fetch(`${base}/${made.file}`,
    { headers })).arrayBuffer());
console.log(JSON.stringify({ ...made, same: Buffer.compare(got, body) }));
"""
        made = json.loads(subprocess.run(
            [shutil.which("node"), "--input-type=module", "-e", program,
             f"http://127.0.0.1:{floe.PAGE_PORT}/api/v1/files", alice],
            check=True, capture_output=True, timeout=60).stdout)
        self.assertEqual((made["size"], made["type"], made["same"]),
                         (300000, "audio/ogg", 0))


class Sent(Files):
    def send(self, token, to, mid, made):
        return self.post_json("/api/v1/messages", {
            "to": to, "mid": mid, "type": "file",
            "body": {"file": made["file"], "name": "a.png"}}, token)

    def test_members_may_read_what_was_sent(self):
        self.begin(file_keep="1s", workers="4")
        alice, bob, carol = map(self.enter, ("alice", "bob", "carol"))
        data = os.urandom(100000)
        _, made = self.up(alice, data)
        sent = self.send(alice, "bob", "m-1", made)
        self.assertTrue(self.down(bob, made["file"])[1] == data)
        self.assertEqual(self.down(carol, made["file"])[0].status, 404)
        page = json.loads(self.ask(
            "GET", f"/api/v1/conversations/{sent['conv']}/messages",
            token=bob)[1])
        self.assertEqual(page["messages"][0]["body"], {
            "file": made["file"], "name": "a.png", "size": len(data),
            "type": "image/png"})
        # Older than file-keep and still there, for it is in a message.
        _, other = self.up(alice, b"in no message")
        wait.until("the other is swept", lambda: self.down(
            alice, other["file"])[0].status == 404)
        self.assertTrue(self.down(bob, made["file"])[1] == data)
        self.post_json("/api/v1/op/message.retract", {
            "conv": sent["conv"], "seq": sent["seq"], "mid": "t-1"}, alice)
        self.assertEqual(self.down(bob, made["file"])[0].status, 404)
        wait.until("it is swept too", lambda: self.on_disk() == ([], []))

    def test_a_group_sees_files_as_it_sees_messages(self):
        self.begin(workers="4")
        alice, bob, carol = map(self.enter, ("alice", "bob", "carol"))

        def op(name, **fields):
            return self.post_json(f"/api/v1/op/{name}", fields, alice)

        def share(mid):
            op("message.send", conv=conv, mid=mid, type="file", body={
                "file": made["file"], "name": "a.png"})

        def codes():
            return [self.down(token, made["file"])[0].status
                    for token in (alice, bob, carol)]

        conv = op("group.create", mid="g", title="three", users=["bob"],
                  history="joined")["conv"]
        _, made = self.up(alice, b"for those who are here")
        self.assertEqual(codes(), [200, 404, 404])
        share("m-1")
        self.assertEqual(codes(), [200, 200, 404])
        op("group.invite", conv=conv, mid="i", users=["carol"])
        self.assertEqual(codes(), [200, 200, 404])
        share("m-2")
        self.assertEqual(codes(), [200, 200, 200])
        op("group.kick", conv=conv, mid="k", users=["carol"])
        self.assertEqual(codes(), [200, 200, 404])


class Secure(Files):
    def test_a_large_download_lets_others_be_served(self):
        self.authority = certs.Authority(self.folder)
        self.tls = self.authority.issue(ADDRESS[0])
        self.begin(workers="1")
        alice = self.enter("alice")
        data = os.urandom(16 * MIB)
        self.assertEqual(self.up(alice, data)[0], 201)
        done = threading.Event()
        bodies = []

        def load():
            try:
                for _ in range(4):
                    bodies.append(self.down(alice, named(data))[1] == data)
            finally:
                done.set()

        thread = threading.Thread(target=load)
        thread.start()
        self.addCleanup(thread.join)
        waits = []
        client = self.client()
        while not done.is_set():
            began = time.monotonic()
            client.request("GET", "/healthz")
            self.assertEqual(client.getresponse().read(), b'{"status":"ok"}')
            waits.append(time.monotonic() - began)
        self.assertEqual(bodies, [True] * 4)
        self.assertGreater(len(waits), 20)
        self.assertLess(sorted(waits)[len(waits) // 2], 0.1)
        self.assertLess(max(waits), 1)


def wait_end(link, seconds):
    """Whether the peer has ended the connection by then."""
    link.settimeout(seconds)
    try:
        return link.recv(1) == b""
    except TimeoutError:
        return False
