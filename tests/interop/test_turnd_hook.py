# SPDX-License-Identifier: BSD-3-Clause
"""turnd asks an HTTP server of the operator's who somebody is."""

import base64
import collections
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import socket
import ssl
import threading
import time
import unittest.mock

import case
import certs
import floe
import turn
import wait

SERVER = ("127.0.0.1", floe.TURN_PORT)
HOOK = ("127.0.0.1", 9000)
TOKEN = "a word between two servers"
ROUNDS = 40
FLOOD = 10000


class Hook(http.server.ThreadingHTTPServer):
    """Knows self.users; counts what it is asked, and stops when told to."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context=None):
        super().__init__(HOOK, Answer)
        self.users = {}
        self.connections = []
        self.asked = collections.Counter()
        self.last = None
        self.go = threading.Event()
        self.go.set()
        self.status = None
        self.lock = threading.Lock()
        self.at_once = self.most = 0
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def process_request(self, request, client_address):
        self.connections.append(request)
        super().process_request(request, client_address)

    def end(self):
        """As when the process is killed: open connections end, too."""
        self.go.set()
        self.shutdown()
        self.thread.join()
        self.server_close()
        for one in self.connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_):
        """A client that has given up is no error."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        hook = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with hook.lock:
            hook.last = body, self.headers["Authorization"]
            hook.asked[body["username"]] += 1
            hook.at_once += 1
            hook.most = max(hook.most, hook.at_once)
        hook.go.wait()
        with hook.lock:
            hook.at_once -= 1
        user = hook.users.get((body["realm"], body["username"]))
        status = hook.status or (200 if user else 404)
        text = json.dumps(user or {"error": "nobody"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def sanitized():
    with open(floe.daemon.program("turnd"), "rb") as program:
        return b"__asan_init" in program.read()


class AuthHook(case.Case):
    def start(self, *rows, scheme="http", context=None):
        self.hook = Hook(context)
        self.addCleanup(lambda: self.hook and self.hook.end())
        sections = floe.sections(self, SERVER[0])
        sections["turnd"] += [
            ("auth-hook", f"{scheme}://localhost:{HOOK[1]}/turn-key"),
            ("auth-hook-token", TOKEN), ("auth-hook-cache", "2s"),
            ("auth-hook-negative", "1s"), *rows]
        sections["floe"].append(("workers", "2"))
        self.turnd = floe.start(self, "turnd", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def user(self, name, password, **more):
        self.hook.users[floe.REALM, name] = {"password": password, **more}

    def allocates(self, name, password):
        client = turn.Client(SERVER, name, password)
        try:
            client.allocate()
            client.release()
        except turn.Refused as refused:
            return refused.args[0]
        finally:
            client.close()
        return 0

    def drops(self, reason):
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(f'turnd_drops_total{{reason="{reason}"}} '):
                return int(line.rpartition(" ")[2])
        return self.fail(reason)

    def test_asked_once_and_kept(self):
        self.start()
        self.user("bob", "builder")
        self.assertEqual(self.allocates("bob", "builder"), 0)
        body, bearer = self.hook.last
        self.assertEqual(bearer, "Bearer " + TOKEN)
        self.assertEqual((body["realm"], body["username"], body["listener"]),
                         (floe.REALM, "bob", "udp://%s:%d" % SERVER))
        self.assertEqual(body["client"].split(":")[0], SERVER[0])
        for _ in range(8):
            self.assertEqual(self.allocates("bob", "builder"), 0)
            self.assertEqual(self.allocates("bob", "wrong"), 401)
            self.assertEqual(self.allocates("eve", "x"), 401)
        self.assertEqual(self.hook.asked["bob"], 1)
        self.assertLessEqual(self.hook.asked["eve"], 2)
        # Static users and time-limited names are nobody else's business.
        name = "4000000000:carol"
        self.assertEqual(self.allocates(*floe.TURN_USER), 0)
        self.assertEqual(self.allocates(name, base64.b64encode(hmac.digest(
            floe.TURN_SECRET.encode(), name.encode(), "sha1")).decode()), 0)
        self.assertEqual(set(self.hook.asked), {"bob", "eve"})
        # A change is seen when the time of the answer is over.
        self.user("bob", "new")
        wait.until("the new password counts",
                   lambda: self.allocates("bob", "new") == 0)
        self.assertEqual(self.hook.asked["bob"], 2)

    def test_tcp_allocation(self):
        """What follows a ConnectionBind that waits is no message."""
        self.start(("allow-peer", "127.0.0.9"))
        self.user("bob", "builder")
        client = turn.TcpClient(SERVER, "bob", "builder")
        self.addCleanup(client.close)
        client.allocate()
        with socket.create_server(("127.0.0.9", 0)) as listener:
            conn = client.connect(*listener.getsockname())
            peer, _ = listener.accept()
        self.addCleanup(peer.close)
        peer.settimeout(20)
        asked, began = self.hook.asked["bob"], time.monotonic()
        wait.until("what the hook said is old",
                   lambda: time.monotonic() > began + 2.1)
        data = client.data(conn, b"no message", fresh=False)
        self.addCleanup(data.close)
        self.assertEqual(peer.recv(100), b"no message")
        self.assertEqual(self.hook.asked["bob"], asked + 1)

    def test_keys_quota_and_end(self):
        self.start()
        text = f"carl:{floe.REALM}:cave".encode()
        self.hook.users[floe.REALM, "carl"] = {
            "key_md5": hashlib.md5(text).hexdigest(),
            "key_sha256": hashlib.sha256(text).hexdigest(), "quota": 1}
        first = turn.Client(SERVER, "carl", "cave")
        self.addCleanup(first.close)
        first.allocate()
        self.assertEqual(self.allocates("carl", "cave"), 486)
        self.user("old", "x", expires=1700000000)
        self.assertEqual(self.allocates("old", "x"), 401)

    def test_slow_hook_holds_up_nobody(self):
        """Many wait for one answer; a call that goes on does not notice."""
        self.start(("auth-hook-timeout", "20s"), ("allow-peer", "127.0.0.1"))
        self.user("bob", "builder")
        call = turn.Client(SERVER, *floe.TURN_USER)
        self.addCleanup(call.close)
        relayed = call.allocate()
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        call.bind(0x4000, *peer.getsockname())
        self.hook.go.clear()
        codes = []
        waiting = [threading.Thread(
            target=lambda: codes.append(self.allocates("bob", "builder")))
            for _ in range(12)]
        for one in waiting:
            one.start()
        wait.until("they wait", lambda: self.drops("auth_pending") >= 12)
        for number in range(ROUNDS):
            call.channel_send(0x4000, b"%d" % number)
            self.assertEqual(peer.recvfrom(99), (b"%d" % number, relayed))
            peer.sendto(b"%d" % number, relayed)
            self.assertEqual(call.channel_recv(), (0x4000, b"%d" % number))
        self.assertEqual(codes, [])
        self.hook.go.set()
        for one in waiting:
            one.join()
        self.assertEqual(codes, [0] * 12)
        self.assertEqual(self.hook.asked["bob"], 1)

    def test_hook_that_is_down(self):
        self.start()
        self.user("bob", "builder")
        self.assertEqual(self.allocates("bob", "builder"), 0)
        self.hook.end()
        self.hook = None
        # Who is known goes on, also when it is time to ask again.
        wait.until("asking has failed", lambda: [
            self.assertEqual(self.allocates("bob", "builder"), 0),
            self.failed() > 0][1])
        self.assertEqual(self.allocates("bob", "builder"), 0)
        self.assertEqual(self.allocates("carl", "x"), 500)
        self.assertIn("auth_hook_failed", self.turnd.log())
        self.assertIn("reason=users_unavailable", self.turnd.log())
        self.assertGreater(self.drops("users_unavailable"), 0)
        self.assertNotIn("builder", self.turnd.log())
        self.assertNotIn(TOKEN, self.turnd.log())
        # It is asked again as soon as it is back.
        self.hook = Hook()
        self.user("carl", "x")
        wait.until("it is asked again",
                   lambda: self.allocates("carl", "x") == 0)

    def failed(self):
        for line in floe.get("turnd", "/metrics").splitlines():
            if line.startswith(
                    'turnd_auth_hook_answers_total{result="failed"}'):
                return int(line.rpartition(" ")[2])
        return 0

    def test_bad_answers_are_failures(self):
        self.start()
        for number, answer in enumerate((
                {}, {"password": ""}, {"password": 7}, {"key_md5": "0" * 32},
                {"key_md5": "g" * 32, "key_sha256": "0" * 64},
                {"password": "p", "quota": "x"}, {"password": "x" * 5000})):
            self.hook.users[floe.REALM, f"u{number}"] = answer
            self.assertEqual(self.allocates(f"u{number}", "p"),
                             500 if answer else 401)
        self.user("bob", "builder")
        for status in (204, 302, 401, 500):
            self.hook.status = status
            self.assertEqual(self.allocates(f"b{status}", "p"), 500)

    def test_https(self):
        authority = certs.Authority(self.folder)
        cert, key = authority.issue(HOOK[0], "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.start(("auth-hook-ca", authority.cert), scheme="https",
                   context=context)
        self.user("bob", "builder")
        self.assertEqual(self.allocates("bob", "builder"), 0)

    def test_https_of_somebody_else(self):
        authority = certs.Authority(self.folder)
        cert, key = authority.issue(HOOK[0], "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.start(scheme="https", context=context)
        self.user("bob", "builder")
        self.assertEqual(self.allocates("bob", "builder"), 500)
        self.assertEqual(self.hook.asked, {})

    def test_flood_of_unknown_names(self):
        """10,000 names from one address: few questions, flat memory."""
        # ASan keeps what was freed for a while.
        with unittest.mock.patch.dict(os.environ, ASAN_OPTIONS="exitcode=99:"
                                      "quarantine_size_mb=1"):
            self.start(("auth-hook-entries", "1000"), ("auth-failures", "0"))
        self.user("bob", "builder")
        client = turn.Client(SERVER, "flood", "x")
        self.addCleanup(client.close)
        with self.assertRaises(turn.Refused):
            client.allocate()

        def send(number):
            client.user = b"nobody-%d-%s" % (number, b"x" * 200)
            client.sock.send(client.message(
                turn.ALLOCATE, ((turn.TRANSPORT, bytes([17, 0, 0, 0])),)))
        for number in range(FLOOD // 10):
            send(number)
        wait.until("it is calm", self.calm)
        before = self.turnd.resident_kb()
        started = time.monotonic()
        for number in range(FLOOD):
            send(number)
        wait.until("it is calm", self.calm)
        seconds = time.monotonic() - started
        after = self.turnd.resident_kb()
        asked = sum(self.hook.asked.values())
        print(f"flood: {FLOOD} names in {seconds:.1f} s, {asked} questions, "
              f"at most {self.hook.most} at once, RSS {before} -> {after} kB")
        self.assertLess(after - before, 4096 if sanitized() else 512)
        self.assertLess(asked, 200 + 20 * (seconds + 10))
        self.assertLessEqual(self.hook.most, 16)
        self.assertGreater(self.drops("too_many_lookups"), FLOOD // 2)
        # Others are served: a static user now, and bob when it is his turn.
        self.assertEqual(self.allocates(*floe.TURN_USER), 0)

    def calm(self):
        return floe.metric("turnd", "turnd_auth_hook_asking") == 0
