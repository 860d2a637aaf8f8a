# SPDX-License-Identifier: BSD-3-Clause
"""signald's WebSocket, as python3-websockets and raw frames see it."""

import asyncio
import contextlib
import http.client
import json
import os
import socket
import ssl
import struct
import time
import zlib

import websockets
from websockets.extensions import permessage_deflate

import case
import certs
import floe
import signaling
import wait

ADDRESS = "127.0.0.1"
BASE = f"http://{ADDRESS}:{floe.PAGE_PORT}"
SOCKET = f"ws://{ADDRESS}:{floe.PAGE_PORT}/ws"
ECHO = f"ws://{ADDRESS}:{floe.PAGE_PORT}/echo"
PASSWORD = "a password of the tests"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket",
           "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


def frame(text, opcode=1):
    """A masked frame of a client; the mask is zero."""
    return masked(0x80 | opcode, text.encode())


def squeezed(text):
    """The same of a message by itself, compressed (RFC 7692)."""
    zipped = zlib.compressobj(wbits=-15)
    data = zipped.compress(text.encode()) + zipped.flush(zlib.Z_SYNC_FLUSH)
    return masked(0xc1, data.removesuffix(b"\0\0\xff\xff"))


def masked(first, data):
    size = (struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else
            struct.pack("!BH", 0xfe, len(data)))
    return bytes([first]) + size + bytes(4) + data


class WebSocket(case.Case):
    def begin(self, tls=None, **options):
        sections = floe.sections(self, ADDRESS, tls)
        options.setdefault("workers", "3")
        sections["floe"].append(("workers", options.pop("workers")))
        sections["signald"] += [(key.replace("_", "-"), value)
                                for key, value in options.items()]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "signald", conf)

    def register(self, user):
        return signaling.rest(BASE, "register", {
            "user": user, "password": PASSWORD})["token"]

    def upgrade(self, path="/ws", **change):
        """The status of an upgrade, and its answer's fields."""
        fields = dict(UPGRADE)
        fields.update({key.replace("_", "-"): value
                       for key, value in change.items()})
        client = http.client.HTTPConnection(
            ADDRESS, floe.PAGE_PORT, timeout=20)
        try:
            client.request("GET", path, headers={
                key: value for key, value in fields.items() if value})
            answer = client.getresponse()
            return answer.status, answer.headers
        finally:
            client.close()

    def raw(self, *more, fields=""):
        """A socket that has asked for the upgrade and sent more with it."""
        link = socket.create_connection((ADDRESS, floe.PAGE_PORT), timeout=20)
        self.addCleanup(link.close)
        head = "".join(f"{key}: {value}\r\n" for key, value in UPGRADE.items())
        link.sendall(f"GET /ws HTTP/1.1\r\nHost: a\r\n{head}{fields}\r\n"
                     .encode() + b"".join(more))
        return link

    def test_handshake(self):
        self.begin(origin="https://chat.example.org")
        status, fields = self.upgrade()
        self.assertEqual(status, 101)
        self.assertEqual(fields["Sec-WebSocket-Accept"],
                         "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertIsNone(fields["Sec-WebSocket-Protocol"])
        status, fields = self.upgrade(
            Sec_WebSocket_Protocol="chat, floe.v1")
        self.assertEqual(fields["Sec-WebSocket-Protocol"], "floe.v1")
        for wanted, change in (
                (426, {"Sec_WebSocket_Version": "8"}),
                (426, {"Upgrade": None}), (400, {"Sec_WebSocket_Key": "x"}),
                (101, {"Connection": "keep-alive, Upgrade"}),
                (101, {"Origin": BASE}),
                (101, {"Origin": "https://chat.example.org"}),
                (403, {"Origin": "https://evil.example"}),
                (403, {"Origin": "null"}),
                (403, {"Origin": f"{BASE}.evil.example"}),
                (403, {"Origin": "https://chat.example.org.evil.example"}),
                (404, {"path": "/echo"})):
            with self.subTest(change):
                status, fields = self.upgrade(**change)
                self.assertEqual(status, wanted)
                if wanted == 426:
                    self.assertEqual(fields["Sec-WebSocket-Version"], "13")

    def test_what_follows_the_hello_moves_along(self):
        """Everything in one segment, to users of every worker."""
        self.begin(login_rate="1000")
        for user in ("alice", "bob", "carol", "dave", "eve", "frank"):
            token = self.register(user)
            hello = json.dumps({"id": 1, "op": "hello", "token": token,
                                "device": "d"})
            link = self.raw(frame(hello), *(
                frame(json.dumps({"id": i, "op": "ping"}))
                for i in range(2, 40)))
            text = b""
            while b'{"id":39,"ok"' not in text:
                more = link.recv(65536)
                self.assertTrue(more, text)
                text += more
            places = [text.index(b'{"id":%d,"ok"' % i) for i in range(1, 40)]
            self.assertEqual(places, sorted(places))
        self.assertGreater(floe.metric("signald", "signald_moves_total"), 0)

    def closed(self, *frames, fields=""):
        """The code with which signald closes after these bytes."""
        link = self.raw(*frames, fields=fields)
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while more := link.recv(65536):
                data += more
        at = data.rindex(b"\x88")
        return struct.unpack("!H", data[at + 2:at + 4])[0]

    def test_close_codes(self):
        self.begin(hello="500ms")
        for code, name, data in (
                (4000, "no hello", b""),
                (4000, "half a frame", frame("{}")[:4]),
                (4502, "no JSON", frame("hello")),
                (1002, "not masked", b"\x81\x02{}"),
                (1002, "reserved bit", b"\xc1\x80" + bytes(4)),
                (1007, "no UTF-8", b"\x81\x81" + bytes(4) + b"\xff"),
                (1009, "too long", b"\x81\xff" + struct.pack("!Q", 65537) +
                 bytes(4) + b"x"),
                (1009, "too long for a stranger", b"\x81\xfe" +
                 struct.pack("!H", 8193) + bytes(4) + b"x"),
                (1008, "crumbs", b"\x01\x80" + bytes(4) +
                 (b"\x00\x80" + bytes(4)) * 1100),
                (1000, "good-bye", b"\x88\x82" + bytes(4) + b"\x03\xe8")):
            with self.subTest(name):
                self.assertEqual(self.closed(data), code)

    def test_strangers_are_bounded(self):
        """Who says nothing keeps nobody out for long."""
        self.begin(max_strangers="3", hello="1s", workers="1")
        silent = [self.raw() for _ in range(3)]
        wait.until("they are links", lambda: floe.metric(
            "signald", "signald_strangers") == 3)
        self.assertEqual(self.closed(), 4003)
        wait.until("they are gone", lambda: floe.metric(
            "signald", "signald_strangers") == 0)
        del silent
        self.assertEqual(self.closed(), 4000)

    def test_requests_under_way_are_bounded(self):
        """What is sent in one segment waits for the disk all at once."""
        self.begin(pending="2")
        self.register("bob")
        hello = json.dumps({"id": 1, "op": "hello", "device": "d",
                            "token": self.register("alice")})
        link = self.raw(frame(hello))
        text = b""
        while b'{"id":1,"ok"' not in text:
            text += link.recv(65536)
        self.assertIn(b'"pending":2,', text)
        link.sendall(b"".join(frame(json.dumps({
            "id": i, "op": "message.send", "to": "bob", "mid": f"m{i}",
            "type": "text", "body": {"text": "x"}})) for i in range(2, 22)))
        while not all(b'{"id":%d,' % i in text for i in range(2, 22)):
            more = link.recv(65536)
            self.assertTrue(more, text)
            text += more
        self.assertIn(b'{"id":2,"ok"', text)
        self.assertIn(b'"code":"overloaded"', text)

    def test_hello_is_asked_for(self):
        self.begin()
        token = self.register("alice")
        bad = json.dumps({"id": 1, "op": "hello", "token": token + "x",
                          "device": "d"})
        self.assertEqual(self.closed(frame(bad)), 4500)

    def test_a_frame_may_take_its_time(self):
        """A slow uplink is not silence."""
        self.begin(ping="1s", kill="1100ms")
        token = self.register("alice")
        self.register("bob")
        link = self.raw(frame(json.dumps(
            {"id": 1, "op": "hello", "token": token, "device": "d"})))
        large = frame(json.dumps({
            "id": 2, "op": "message.send", "to": "bob", "mid": "m",
            "type": "text", "body": {"text": "x" * 15000}}))
        text = b""
        while b'{"id":1,"ok"' not in text:
            text += link.recv(65536)
        step = len(large) // 8
        for at in range(0, len(large), step):
            time.sleep(0.4)
            link.sendall(large[at:at + step])
        while b'{"id":2,"ok"' not in text:
            more = link.recv(65536)
            self.assertTrue(more, text)
            text += more

    def test_slow_reader_is_closed(self):
        """It gets no more memory than its queue; the rest is in the log."""
        self.begin(send_queue="512k", login_rate="100")
        asyncio.run(self.slow_reader(self.register("alice"),
                                     self.register("bob")))

    async def slow_reader(self, alice, bob):
        sender = signaling.Device(SOCKET, alice, "a")
        await sender.start()
        await sender.until(lambda d: d.hello)
        for i in range(50):
            await sender.send_text("bob", f"m{i}", "x" * 16000)
        link = self.raw(frame(json.dumps(
            {"id": 1, "op": "hello", "token": bob, "device": "slow"})))
        text = b""
        while b'{"id":1,"ok"' not in text:
            text += await asyncio.to_thread(link.recv, 4096)
        for i in range(2, 200):
            link.sendall(frame(json.dumps({
                "id": i, "op": "message.history", "limit": 20,
                "conv": "main:1:alice:bob"})))
        await asyncio.to_thread(
            wait.until, "the link is closed", lambda: floe.metric(
                "signald", "signald_slow_closed_total") == 1)
        reader = signaling.Device(SOCKET, bob, "fast")
        await reader.start()
        await reader.until(lambda d: d.hello and d.sync >= d.head)
        self.assertEqual(len(reader.shown), 50)
        self.assertEqual(reader.breaches, [])
        await reader.stop()
        await sender.stop()

    def test_stop_says_come_back(self):
        signald = self.begin()
        asyncio.run(self.stop_says(signald, self.register("alice")))

    async def stop_says(self, signald, token):
        async with websockets.connect(SOCKET) as link:
            await link.recv()
            await link.send(json.dumps({"id": 1, "op": "hello",
                                        "token": token, "device": "d"}))
            await link.recv()
            self.assertEqual(await asyncio.to_thread(signald.stop), 0)
            with self.assertRaises(websockets.ConnectionClosed):
                while True:
                    await link.recv()
            self.assertEqual(link.close_code, 4003)

    def test_tls(self):
        authority = certs.Authority(self.folder)
        self.begin(tls=authority.issue(ADDRESS), workers="2")
        trust = ssl.create_default_context(cafile=authority.cert)
        asyncio.run(self.over_tls(trust))

    async def over_tls(self, trust):
        client = http.client.HTTPSConnection(
            ADDRESS, floe.PAGE_PORT, context=trust, timeout=20)
        tokens = {}
        for user in ("alice", "bob", "carol", "dave"):
            await asyncio.to_thread(
                client.request, "POST", "/api/v1/register",
                json.dumps({"user": user, "password": PASSWORD}),
                {"Content-Type": "application/json"})
            tokens[user] = json.load(client.getresponse())["token"]
        client.close()
        for user, token in tokens.items():
            async with websockets.connect(
                    SOCKET.replace("ws:", "wss:"), ssl=trust) as link:
                await link.recv()
                await link.send(json.dumps({
                    "id": 1, "op": "hello", "token": token, "device": "d"}))
                answer = json.loads(await link.recv())
                self.assertEqual(answer["ok"]["user"], user)
                text = "x" * 16000
                for i in range(2, 12):
                    await link.send(json.dumps({
                        "id": i, "op": "message.send",
                        "to": "bob" if user == "alice" else "alice",
                        "mid": f"m{i}", "type": "text",
                        "body": {"text": text}}))
                answered = set()
                while len(answered) < 10:
                    value = json.loads(await link.recv())
                    if "push" not in value:
                        self.assertIn("ok", value)
                        answered.add(value["id"])

    def test_pushes_share_a_record(self):
        """A page of the inbox is a few records of TLS, not one a message."""
        authority = certs.Authority(self.folder)
        self.begin(tls=authority.issue(ADDRESS), workers="1")
        trust = ssl.create_default_context(cafile=authority.cert)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trust.wrap_bio(incoming, outgoing, server_hostname=ADDRESS)
        link = socket.create_connection((ADDRESS, floe.PAGE_PORT), timeout=20)
        self.addCleanup(link.close)
        wire = bytearray()

        def exchange(step):
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    done = None
                link.sendall(outgoing.read())
                if done is not None:
                    return done
                data = link.recv(65536)
                self.assertTrue(data)
                wire.extend(data)
                incoming.write(data)

        def talk(data, until):
            tls.write(data)
            text = b""
            while until not in text:
                more = exchange(lambda: tls.read(65536))
                self.assertTrue(more, text)
                text += more
            return text

        exchange(lambda: tls.do_handshake() or True)
        tokens = {}
        for user in ("alice", "bob"):
            body = json.dumps({"user": user, "password": PASSWORD})
            answer = talk((
                "POST /api/v1/register HTTP/1.1\r\nHost: a\r\n"
                "Content-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), b"}")
            tokens[user] = json.loads(
                answer[answer.index(b"\r\n\r\n"):])["token"]
        head = "".join(f"{key}: {value}\r\n" for key, value in UPGRADE.items())
        talk(f"GET /ws HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode(),
             b'"features"')
        talk(frame(json.dumps({"id": 1, "op": "hello", "device": "d",
                               "token": tokens["alice"]})), b'{"id":1,"ok"')
        lines = "\n".join(json.dumps({
            "id": i, "op": "message.send", "to": "bob", "mid": f"m{i}",
            "type": "text", "body": {"text": "x"}}) for i in range(2, 62))
        del wire[:]
        talk(frame(lines), b'"sync":60,"conv"')
        records = 0
        while wire:
            records += 1
            del wire[:5 + struct.unpack("!H", wire[3:5])[0]]
        self.assertLess(records, 30)  # of sixty answers and sixty pushes

    def test_echo(self):
        self.begin(test_echo="yes")
        asyncio.run(self.echo())

    async def echo(self):
        async with websockets.connect(
                ECHO, max_size=None, ping_interval=None) as link:
            for message in ("", "ä" * 1000, b"", os.urandom(126),
                            os.urandom(65536), os.urandom(16 << 20)):
                await link.send(message)
                self.assertEqual(await link.recv(), message)
            await link.send(["a", "b", "", "c"])  # in fragments
            self.assertEqual(await link.recv(), "abc")
            for _ in range(200):
                await link.send(b"x" * 50000)
            for _ in range(200):
                self.assertEqual(len(await link.recv()), 50000)
            pong = await link.ping(b"are you there")
            await asyncio.wait_for(pong, 10)
            await link.close(4321, "enough")
            self.assertEqual(link.close_code, 4321)

    def test_echo_compressed(self):
        self.begin(test_echo="yes")
        for offer in ("", "; client_max_window_bits",
                      "; server_no_context_takeover",
                      "; client_no_context_takeover",
                      "; server_max_window_bits=9; client_max_window_bits=9",
                      "; server_max_window_bits=15"
                      "; client_no_context_takeover"):
            self.assertIn("permessage-deflate" + offer.split(";")[0],
                          self.upgrade("/echo", **{
                              "Sec_WebSocket_Extensions":
                              "permessage-deflate" + offer})[1][
                                  "Sec-WebSocket-Extensions"])
        for options in ({}, {"server_no_context_takeover": True},
                        {"client_no_context_takeover": True},
                        {"server_max_window_bits": 9},
                        {"client_max_window_bits": 10}):
            asyncio.run(self.echo_compressed(options))

    async def echo_compressed(self, options):
        deflate = permessage_deflate.ClientPerMessageDeflateFactory(
            **{"client_max_window_bits": True, **options})
        async with websockets.connect(
                ECHO, max_size=None, ping_interval=None,
                extensions=[deflate]) as link:
            self.assertEqual([one.name for one in link.extensions],
                             ["permessage-deflate"])
            for message in ("", "ä" * 1000, b"", "again", "again",
                            os.urandom(70000), "x" * (16 << 20)):
                await link.send(message)
                self.assertEqual(await link.recv(), message)
            await link.send(["a", "b", "", "c"])
            self.assertEqual(await link.recv(), "abc")

    def test_links_compressed(self):
        for mode, parameters in (("light", "no_context_takeover"),
                                 ("full", "max_window_bits=12")):
            with self.subTest(mode):
                server = self.begin(deflate=mode, workers="2",
                                    login_rate="1000")
                _, fields = self.upgrade(Sec_WebSocket_Extensions=(
                    "permessage-deflate; client_max_window_bits"))
                self.assertIn(parameters, fields["Sec-WebSocket-Extensions"])
                asyncio.run(self.chat_compressed(mode))
                self.assertEqual(server.stop(), 0)

    async def chat_compressed(self, mode):
        """Alice and Bob on as many workers as there are, both compressing."""
        users = [f"{name}.{mode}" for name in ("alice", "bob")]
        links = []
        for user in users:
            link = await websockets.connect(
                SOCKET, compression="deflate", max_queue=None)
            await link.send(json.dumps({
                "id": 1, "op": "hello", "token": self.register(user),
                "device": "d"}))
            links.append(link)
        for n in range(50):
            await links[0].send(json.dumps({
                "id": 2 + n, "op": "message.send", "to": users[1],
                "mid": f"m{n}", "type": "text", "body": {"text": "ä" * n + "!"}}))
        texts = []
        while len(texts) < 50:
            for line in (await asyncio.wait_for(links[1].recv(), 20)).split("\n"):
                push = json.loads(line)
                if push.get("push") == "message":
                    texts.append(push["body"]["text"])
        self.assertEqual(texts, ["ä" * n + "!" for n in range(50)])
        for link in links:
            await link.close()

    def test_bombs(self):
        """What a message inflates to is bounded, and less so before the
        log-in, like a message that comes as it is."""
        self.begin(deflate="light", hello="1s")
        offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        hello = json.dumps({"id": 1, "op": "hello", "device": "d",
                            "token": self.register("alice")})

        def code(*texts):
            return self.closed(*map(squeezed, texts), fields=offer)

        self.assertEqual(code(hello.ljust(8192) + "x"), 1009)
        # Of the right size it is read: no hello follows.
        self.assertEqual(code('{"op":"ping"}'.ljust(8192)), 4000)
        self.assertEqual(code(" " * (40 << 20)), 1009)
        asyncio.run(self.inflates_to_the_limit(hello))

    async def inflates_to_the_limit(self, hello):
        async with websockets.connect(SOCKET, compression="deflate") as link:
            await link.recv()
            await link.send(hello)
            await link.recv()
            await link.send('{"id":2,"op":"ping"}'.ljust(65536))
            self.assertIn('{"id":2,"ok"', await link.recv())
            await link.send('{"id":3,"op":"ping"}'.ljust(65537))
            with self.assertRaises(websockets.ConnectionClosed):
                await link.recv()
            self.assertEqual(link.close_code, 1009)

    def test_no_compression_by_default(self):
        self.begin()
        _, fields = self.upgrade(
            Sec_WebSocket_Extensions="permessage-deflate")
        self.assertNotIn("Sec-WebSocket-Extensions", fields)

    def test_many_links_come_and_go(self):
        self.begin(login_rate="1000")
        token = self.register("alice")
        hello = frame(json.dumps({"id": 1, "op": "hello", "token": token,
                                  "device": "d"}))
        for i in range(300):
            link = self.raw(hello)
            if i % 3 == 0:
                link.recv(1)
            if i % 3 == 1:  # RST
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
            link.close()
        wait.until("all are gone", lambda: floe.metric(
            "signald", "signald_connections") == 0, 20)
        self.assertEqual(floe.metric("signald", "signald_links"), 0)
