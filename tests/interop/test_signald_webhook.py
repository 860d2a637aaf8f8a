# SPDX-License-Identifier: BSD-3-Clause
"""signald tells a server of the operator's what happens, whatever that does."""

import asyncio
import hashlib
import hmac
import http.server
import json
import threading
import time

import case
import floe
import signaling
import wait

HOOK = ("127.0.0.1", 9000)
URL = f"http://{HOOK[0]}:{HOOK[1]}/events"
SECRET = "a secret between two servers"
BASE = f"http://127.0.0.1:{floe.PAGE_PORT}"
WS = f"ws://127.0.0.1:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it takes; answers self.status, and not before self.go."""

    daemon_threads = True

    def __init__(self):
        super().__init__(HOOK, Taker)
        self.batches = []  # what was taken
        self.attempts = []  # ids of the events of each request
        self.wrong = []
        self.apps = set()
        self.status = 204
        self.go = threading.Event()
        self.go.set()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def events(self):
        with self.lock:
            return [event for batch in self.batches for event in batch]

    def end(self):
        self.go.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, *_):
        """A client that has given up is no error."""


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        hook = self.server
        text = self.rfile.read(int(self.headers["Content-Length"]))
        wrong = self.check(text)
        body = json.loads(text)
        with hook.lock:
            hook.apps.add(body["app"])
            hook.attempts.append([event["id"] for event in body["events"]])
            if wrong:
                hook.wrong.append(wrong)
        hook.go.wait()
        with hook.lock:
            if hook.status < 300:
                hook.batches.append(body["events"])
        self.send_response(hook.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def check(self, text):
        """As doc/protocol/webhook.md tells receivers to."""
        parts = dict(part.split("=") for part in
                     self.headers["Floe-Signature"].split(","))
        if abs(time.time() - int(parts["t"])) > 60:
            return "the time is wrong"
        mac = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + text,
                       hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(mac, parts["v1"]) else "not signed"

    def log_message(self, *_):
        pass


class Webhook(case.Case):
    def begin(self, receives=True, **options):
        self.receiver = None
        if receives:
            self.listen()
        self.addCleanup(lambda: self.receiver and self.receiver.end())
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")
        sections = floe.sections(self, "127.0.0.1")
        sections["floe"].append(("workers", "2"))
        rows = {"webhook": URL, "webhook-secret-file": self.path("secret"),
                "resume": "1s", "webhook-timeout": "500ms"}
        rows.update({key.replace("_", "-"): value
                     for key, value in options.items()})
        sections["signald"] += [row for row in rows.items() if row[1]]
        floe.start(self, "signald", floe.daemon.write_conf(
            self.path("floe.conf"), sections))

    def listen(self):
        self.receiver = Receiver()

    def user(self, name):
        return signaling.rest(BASE, "register", {
            "user": name, "password": PASSWORD})["token"]

    def talk(self, token, to, mids):
        """One device comes, sends, and leaves."""
        async def run():
            device = signaling.Device(WS, token, "d1")
            await device.start()
            await device.until(lambda it: it.hello)
            try:
                for mid in mids:
                    await asyncio.wait_for(
                        device.send_text(to, mid, f"says {mid}"), 20)
            finally:
                await device.stop()
        asyncio.run(run())

    def until_taken(self, n, timeout_s=30):
        wait.until(f"{n} events", lambda: len(self.receiver.events()) >= n,
                   timeout_s)
        self.assertEqual(self.receiver.wrong, [])
        return self.receiver.events()

    def check_order(self, events):
        numbers = []
        for event in events:
            prefix, _, number = event["id"].rpartition("-")
            self.assertRegex(prefix, "^[0-9a-f]{16}$")
            numbers.append(int(number))
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_events(self):
        self.begin()
        alice, _ = self.user("alice"), self.user("bob")
        floe.ask("signald", "POST", "/v1/users", {
            "user": "carol", "password": PASSWORD})
        self.talk(alice, "bob", ["m-1", "m-2"])
        events = self.until_taken(7)
        self.check_order(events)
        self.assertEqual(
            [(event["event"], event.get("user")) for event in events],
            [("user.registered", "alice"), ("user.registered", "bob"),
             ("user.registered", "carol"), ("user.online", "alice"),
             ("message.stored", None), ("message.stored", None),
             ("user.offline", "alice")])
        self.assertEqual(
            [event["message"]["mid"] for event in events[4:6]],
            ["m-1", "m-2"])
        self.assertNotIn("body", events[4]["message"])
        self.assertEqual(floe.metric(
            "signald", "signald_webhook_events_total"), 7)

    def test_chosen_with_bodies(self):
        self.begin(webhook_event="message.stored", webhook_bodies="yes")
        alice, _ = self.user("alice"), self.user("bob")
        self.talk(alice, "bob", ["m-1"])
        event, = self.until_taken(1)
        self.assertEqual(event["message"]["body"], {"text": "says m-1"})

    def test_fails_and_comes_back(self):
        """Nothing is lost, nothing out of order, and no client notices."""
        self.begin(receives=False)
        alice, _ = self.user("alice"), self.user("bob")
        mids = [f"m-{i}" for i in range(300)]
        self.talk(alice, "bob", mids)
        wait.until("it has tried", lambda: floe.metric(
            "signald", "signald_webhook_failures_total") >= 2)
        self.listen()
        self.receiver.status = 503
        wait.until("it is told 503", lambda: len(self.receiver.attempts) >= 1)
        # Slow: given up after the time-out, and the same batch comes again.
        self.receiver.go.clear()
        self.receiver.status = 204
        seen = len(self.receiver.attempts)
        wait.until("it tries on", lambda:
                   len(self.receiver.attempts) >= seen + 2, 60)
        first = self.receiver.attempts[seen:seen + 2]
        self.assertEqual(first[0][0], first[1][0])
        self.receiver.go.set()
        mine = {}
        # What the receiver took but was too slow to say comes twice.
        wait.until("all are there", lambda: len({
            event["id"] for event in self.receiver.events()}) == 304, 60)
        for event in self.receiver.events():
            mine.setdefault(event["id"], event)
        events = list(mine.values())
        self.check_order(events)
        self.assertEqual([event["message"]["mid"] for event in events
                          if event["event"] == "message.stored"], mids)
        self.assertEqual(self.receiver.wrong, [])

    def test_what_is_refused_holds_nothing_up(self):
        self.begin()
        self.receiver.status = 400
        alice = self.user("alice")
        wait.until("it is refused", lambda: floe.metric(
            "signald", "signald_webhook_refused_total") == 1)
        self.receiver.status = 200
        self.user("bob")
        self.talk(alice, "bob", ["m-1"])
        names = [event["event"] for event in self.until_taken(3)]
        self.assertEqual(names[0], "user.registered")

    def test_bounded(self):
        """A receiver that hangs costs its queue, and the oldest events."""
        self.begin(webhook_queue="64k", webhook_timeout="60s")
        self.receiver.go.clear()
        alice, _ = self.user("alice"), self.user("bob")
        began = time.monotonic()
        self.talk(alice, "bob", [f"m-{i}" for i in range(600)])
        self.assertLess(time.monotonic() - began, 30)
        dropped = floe.metric("signald", "signald_webhook_dropped_total")
        self.assertGreater(dropped, 100)
        self.receiver.go.set()
        wait.until("the rest is taken", lambda: floe.metric(
            "signald", "signald_webhook_waiting") == 0)
        stored = [event["message"]["mid"] for event in self.receiver.events()
                  if event["event"] == "message.stored"]
        self.assertEqual(stored[-1], "m-599")
        self.check_order(self.receiver.events())

    def test_too_old(self):
        self.begin(receives=False, webhook_age="1s")
        self.user("alice")
        wait.until("it is dropped", lambda: floe.metric(
            "signald", "signald_webhook_expired_total") == 1)

    def test_ends_while_it_hangs(self):
        """Stopping does not wait for somebody else's server."""
        self.begin(webhook_timeout="60s")
        self.receiver.go.clear()
        self.user("alice")
        wait.until("it is asked", lambda: self.receiver.attempts)
        began = time.monotonic()
        self.assertEqual(self.daemons[-1].stop(), 0)
        self.assertLess(time.monotonic() - began, 10)
