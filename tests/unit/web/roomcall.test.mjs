// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { isOpen, lastRoom, roomIn, textOfRoom } from "../../../web/page/roomcall.js";

const ROOM = "r-5fWqLm0Zx1c8Yt2Rk4Hs7g";
const HOUR = 3600000;
const says = (text, seq, ts = 0) => ({ type: "text", body: { text }, seq, ts });

test("a text that names a room, and nothing beside it, calls into it", () => {
  assert.equal(roomIn(says(textOfRoom(ROOM), 1)), ROOM);
  assert.equal(roomIn(says(`${textOfRoom(ROOM)} now`, 1)), null);
  assert.equal(roomIn(says("Group call: <b>", 1)), null);
  assert.equal(roomIn({ ...says(textOfRoom(ROOM), 1), retracted_ts: 5 }), null);
  assert.equal(roomIn({ type: "file", body: { text: textOfRoom(ROOM) } }), null);
});

test("the last one counts, while it is not too old", () => {
  const messages = [says(textOfRoom("r-aaaaaaaa"), 1), says(textOfRoom(ROOM), 2),
    says("hello", 3), says(textOfRoom("r-unsent00"), undefined)];
  assert.equal(lastRoom(messages, HOUR), ROOM);
  assert.equal(lastRoom(messages, 13 * HOUR), null);
  assert.equal(lastRoom([says("hello", 1)], 0), null);
  assert.equal(isOpen({ ts: 0 }, 13 * HOUR), false);
});
