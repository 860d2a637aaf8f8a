# SPDX-License-Identifier: BSD-3-Clause
"""member: a device that also reads large groups by cursor, as the SDK does."""

import asyncio

import signaling

PAGE = 50
COMES, GOES = {"create", "join"}, {"kick", "leave"}


class Member(signaling.Device):
    """Keeps what it shows, in order, in `view`."""

    def __init__(self, url, user, token, name, refused=None, sync=0):
        super().__init__(url, token, name, sync)
        self.user = user
        self.view = []
        self.known = {}  # conv -> seq up to which there is no hole
        self._refused = refused
        self._seen = set()  # (conv, seq)
        self._wanted = {}  # conv -> seq that exists
        self._reading = {}  # conv -> task

    def refused(self, request):
        if self._refused and "mid" in request:
            self._refused((self.user, request["mid"]))

    def up_to_date(self):
        """Nothing that it has heard of is missing."""
        return (self.hello is not None and self.sync >= self.head
                and not self._reading and
                all(self.known.get(conv, 0) >= seq
                    for conv, seq in self._wanted.items()))

    async def stop(self):
        for task in self._reading.values():
            task.cancel()
        await super().stop()

    async def _greeted(self, value):
        if not await super()._greeted(value):
            return False
        for head in value["ok"].get("large", []):
            self._want(head["conv"], head["seq"])
        return True

    async def _take_message(self, message):
        if "sync" not in message:
            self._enter(message)
            return
        before = self.sync
        await super()._take_message(message)
        if before is not None and self.sync > before:
            self._enter(message)

    def _concerns(self, message, events):
        return (message["type"] == "notice" and
                message["body"]["event"] in events and
                self.user in message["body"]["users"])

    def _enter(self, message):
        conv, seq = message["conv"], message["seq"]
        known = self.known.get(conv, 0)
        comes = self._concerns(message, COMES)
        goes = self._concerns(message, GOES)
        if seq <= known:
            # Read by cursor before it came by the inbox, or the other way.
            if (conv, seq) not in self._seen or "sync" in message:
                self._show(message)
        elif seq == known + 1 or comes or (goes and "sync" in message):
            self.known[conv] = seq
            self._show(message)
        elif "sync" in message:
            self.breaches.append(f"hole in {conv}: {known} then {seq}")
        else:
            self._want(conv, seq)
        if goes and seq >= self.known[conv]:
            self._wanted.pop(conv, None)

    def _show(self, message):
        key = message["conv"], message["seq"]
        if key not in self._seen:
            self._seen.add(key)
            self.view.append(message)
            return
        # The same by the inbox: only its place there is new.
        for shown in reversed(self.view):
            if (shown["conv"], shown["seq"]) == key:
                if "sync" not in shown:
                    self.view.remove(shown)
                    self.view.append(message)
                return

    def _want(self, conv, seq):
        self._wanted[conv] = max(seq, self._wanted.get(conv, 0))
        if seq > self.known.get(conv, 0) and conv not in self._reading:
            self._reading[conv] = asyncio.create_task(self._catch_up(conv))

    async def _catch_up(self, conv):
        try:
            while self._wanted.get(conv, 0) > self.known.get(conv, 0):
                page = await self.request(
                    "message.history", conv=conv, limit=PAGE,
                    after=self.known.get(conv, 0))
                if not page["messages"]:
                    break
                for message in page["messages"]:
                    self._read(message)
        except (ConnectionError, signaling.Refused):
            pass  # the next hello tells how far it is, or it is kicked
        finally:
            self._reading.pop(conv, None)
            self._changed.set()

    def _read(self, message):
        conv, seq = message["conv"], message["seq"]
        known = self.known.get(conv, 0)
        if seq > known + 1 and not self._concerns(message, COMES):
            self.breaches.append(
                f"hole in the history of {conv}: {known} then {seq}")
            self.known[conv] = seq - 1
        if seq > known:
            self._enter(message)
