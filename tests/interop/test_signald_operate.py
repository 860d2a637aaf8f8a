# SPDX-License-Identifier: BSD-3-Clause
"""What an operator does with a signald that runs: backup, drain, a word to all."""

import asyncio
import json
import os
import re
import shutil
import threading
import urllib.error
import urllib.request

import case
import floe
import signaling
import wait

BASE = f"http://127.0.0.1:{floe.PAGE_PORT}"
WS = f"ws://127.0.0.1:{floe.PAGE_PORT}/ws"
PASSWORD = "a password of the tests"


class Operate(case.Case):
    def begin(self, state_dir=None, **options):
        sections = floe.sections(self, "127.0.0.1")
        sections["floe"].append(("workers", "2"))
        if state_dir:
            sections["floe"] = [
                (key, state_dir if key == "state-dir" else value)
                for key, value in sections["floe"]]
        sections["signald"] += [(key.replace("_", "-"), value)
                                for key, value in options.items()]
        self.conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        return floe.start(self, "signald", self.conf)

    def users(self):
        """Tokens of alice and bob, who are made."""
        return [signaling.rest(BASE, "register", {
            "user": name, "password": PASSWORD})["token"]
            for name in ("alice", "bob")]

    def ready(self):
        """(status, text) of both ports; they agree."""
        told = []
        for port in (floe.PAGE_PORT, floe.ADMIN_PORTS["signald"]):
            try:
                with urllib.request.urlopen(
                        f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                    told.append((answer.status, json.load(answer)["status"]))
            except urllib.error.HTTPError as refused:
                with refused:
                    told.append((refused.code, json.load(refused)["status"]))
        self.assertEqual(told[0], told[1])
        return told[0]

    def test_backup_while_writes_go_on(self):
        folder = self.path("backups")
        os.mkdir(folder)
        server = self.begin(backup_dir=folder)
        alice, _ = self.users()
        self.assertEqual(floe.ask("signald", "GET", "/v1/backup"),
                         (200, {"state": "none"}))
        acked, stop = [], threading.Event()

        async def writes():
            device = signaling.Device(WS, alice, "d1")
            await device.start()
            while not stop.is_set():
                mid = f"m-{len(acked)}"
                await device.send_text("bob", mid, f"says {mid}")
                acked.append(mid)
            await device.stop()

        thread = threading.Thread(target=lambda: asyncio.run(writes()))
        thread.start()
        try:
            wait.until("some are stored", lambda: len(acked) > 50)
            before = len(acked)
            status, told = floe.ask(
                "signald", "POST", "/v1/backup", {"dir": "first"})
            self.assertEqual((status, told["dir"]), (202, "first"))
            wait.until("it is done", lambda: floe.ask(
                "signald", "GET", "/v1/backup")[1]["state"] == "done")
            wait.until("writes went on", lambda: len(acked) > before + 50)
        finally:
            stop.set()
            thread.join()
        status, told = floe.ask("signald", "GET", "/v1/backup")
        self.assertEqual((status, told["dir"]), (200, "first"))
        self.assertGreater(told["bytes"], 0)
        self.assertEqual(floe.ask("signald", "POST", "/v1/backup",
                                  {"dir": "first"})[0], 409)
        self.assertEqual(os.listdir(folder), ["first"])
        self.assertEqual(server.stop(), 0)
        # A state directory that starts; alice's token is still good.
        restored = self.path("restored")
        shutil.copytree(os.path.join(folder, "first"), restored)
        self.begin(state_dir=restored)

        async def reads():
            device = signaling.Device(WS, alice, "d2")
            await device.start()
            await device.until(lambda it: it.hello and it.sync == it.head)
            await device.stop()
            return [message["mid"] for message in device.shown.values()]

        mids = asyncio.run(reads())
        self.assertGreaterEqual(len(mids), before)
        self.assertEqual(mids, acked[:len(mids)])

    def test_backup_refused(self):
        self.begin()
        self.assertEqual(floe.ask("signald", "POST", "/v1/backup",
                                  {"dir": "a"})[0], 404)
        self.daemons[-1].stop()
        folder = self.path("backups")
        self.begin(backup_dir=folder)
        for body in ({}, {"dir": ""}, {"dir": ".."}, {"dir": "../x"},
                     {"dir": "/tmp/x"}, {"dir": ".x"}, {"dir": "a" * 65},
                     {"dir": "a", "x": 1}):
            status, told = floe.ask("signald", "POST", "/v1/backup", body)
            self.assertEqual((status, told["err"]["code"]),
                             (400, "bad_request"), body)
        # The folder is not there; nothing is made in its place.
        floe.ask("signald", "POST", "/v1/backup", {"dir": "a"})
        wait.until("it has failed", lambda: floe.ask(
            "signald", "GET", "/v1/backup")[1]["state"] == "failed")
        self.assertFalse(os.path.exists(folder))

    def test_drained_and_back(self):
        self.begin()
        alice, _ = self.users()
        self.assertEqual(self.ready(), (200, "ready"))

        async def run():
            device = signaling.Device(WS, alice, "d1")
            await device.start()
            await device.until(lambda it: it.hello)
            self.assertEqual(floe.ask("signald", "GET", "/v1/status"), (
                200, {"status": "serving", "links": 1}))
            ask = asyncio.to_thread
            status, told = await ask(floe.ask, "signald", "POST", "/v1/drain")
            self.assertEqual((status, told["status"]), (200, "draining"))
            self.assertGreater(told["draining_since"], 1)
            self.assertEqual(await ask(self.ready), (503, "draining"))
            # Over the time of drain, not all in one moment.
            await ask(wait.until, "the links have gone", lambda: floe.ask(
                "signald", "GET", "/v1/status")[1]["links"] == 0)
            status, told = await ask(floe.ask, "signald", "DELETE", "/v1/drain")
            self.assertEqual((status, told["status"]), (200, "serving"))
            self.assertEqual(await ask(self.ready), (200, "ready"))
            # It comes back and goes on.
            await device.until(lambda it: it.hello)
            self.assertEqual(device.resumed, 1)
            await device.send_text("bob", "m-1", "after")
            await device.stop()

        asyncio.run(run())

    def test_a_word_to_all(self):
        self.begin()
        tokens = self.users()

        async def run():
            heard = []
            devices = [signaling.Device(WS, token, "d1") for token in tokens]
            for device in devices:
                take = device._take

                async def also(value, take=take):
                    if value.get("push") == "notice":
                        heard.append(value["text"])
                    await take(value)
                device._take = also
                await device.start()
            for device in devices:
                await device.until(lambda it: it.hello)
            told = await asyncio.to_thread(
                floe.ask, "signald", "POST", "/v1/broadcast",
                {"text": "Gute \"Nacht\""})
            self.assertEqual(told, (200, {"links": 2}))
            for device in devices:
                await device.until(lambda _: len(heard) == 2)
                await device.stop()
            self.assertEqual(set(heard), {"Gute \"Nacht\""})

        asyncio.run(run())
        for body in ({}, {"text": ""}, {"text": 1}, {"text": "x" * 4097},
                     {"text": "x", "to": "alice"}):
            status, told = floe.ask("signald", "POST", "/v1/broadcast", body)
            self.assertEqual((status, told["err"]["code"]),
                             (400, "bad_request"))

    def test_stats_and_config(self):
        self.begin(turn_rest_key="a key nobody should see")
        self.users()
        status, told = floe.ask("signald", "GET", "/v1/stats")
        self.assertEqual((status, told["links"], told["appends_total"]),
                         (200, 0, 2))
        text = floe.get("signald", "/v1/config")
        self.assertIn("[signald]", text)
        self.assertRegex(text, "(?m)^turn-rest-key = \\(set\\)$")
        self.assertNotIn("nobody should see", text)
        self.assertNotIn(floe.TURN_SECRET, text)

    def test_reload(self):
        server = self.begin()
        self.assertEqual(floe.ask("signald", "POST", "/v1/reload"),
                         (202, {"status": "reloading"}))
        wait.until("it is read", lambda: re.search(
            r" reloaded ", server.log()))
        with open(self.conf, "a", encoding="utf-8") as file:
            file.write("nonsense = 1\n")
        status, told = floe.ask("signald", "POST", "/v1/reload")
        self.assertEqual((status, told["err"]["code"]), (400, "bad_request"))
        self.assertIn("nonsense", told["err"]["msg"])
        self.assertEqual(self.ready(), (200, "ready"))
