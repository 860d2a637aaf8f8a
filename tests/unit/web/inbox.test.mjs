// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { Inbox } from "../../../web/sdk/inbox.js";

const push = (sync, conv = "c", seq = sync) => ({ sync, conv, seq });
const syncs = (list) => list.map((one) => one.sync);

test("pushes in order go straight through", () => {
  const inbox = new Inbox(5);
  assert.deepEqual(syncs(inbox.take(push(6))), [6]);
  assert.deepEqual(syncs(inbox.take(push(7))), [7]);
  assert.equal(inbox.sync, 7);
});

test("one that comes early waits for those before it", () => {
  const inbox = new Inbox();
  assert.deepEqual(inbox.take(push(3)), []);
  assert.deepEqual(inbox.take(push(2)), []);
  assert.equal(inbox.sync, 0);
  assert.deepEqual(syncs(inbox.take(push(1))), [1, 2, 3]);
  assert.equal(inbox.sync, 3);
});

test("a push that was sent again is let through once", () => {
  const inbox = new Inbox();
  inbox.take(push(1));
  assert.deepEqual(inbox.take(push(1)), []);
  assert.deepEqual(inbox.take(push(3)), []);
  assert.deepEqual(inbox.take(push(3)), []);
  assert.deepEqual(syncs(inbox.take(push(2))), [2, 3]);
});

test("what the cursor covers was kept before", () => {
  const inbox = new Inbox(40);
  assert.deepEqual(inbox.take(push(40)), []);
  assert.deepEqual(syncs(inbox.take(push(41))), [41]);
});

test("a message is shown once per conversation and seq, the cursor moves on", () => {
  const inbox = new Inbox();
  assert.equal(inbox.take(push(1, "a", 1)).length, 1);
  assert.equal(inbox.take(push(2, "a", 1)).length, 0);
  assert.equal(inbox.sync, 2);
  assert.equal(inbox.take(push(3, "b", 1)).length, 1);
});

test("a flood of pushes far ahead does not grow without limit", () => {
  const inbox = new Inbox();
  for (let sync = 5000; sync > 1; sync--)
    assert.deepEqual(inbox.take(push(sync)), []);
  assert.deepEqual(syncs(inbox.take(push(1))), [1]);
});

test("a push tells what lies before it where retention took the rest", () => {
  const inbox = new Inbox(3);
  const jump = (sync, after) => ({ ...push(sync), after });
  assert.deepEqual(inbox.take(jump(20, 4)), []);
  assert.deepEqual(syncs(inbox.take(push(4))), [4, 20]);
  assert.equal(inbox.sync, 20);
  assert.deepEqual(syncs(inbox.take(jump(30, 18))), [30]);
  assert.deepEqual(syncs(inbox.take(push(31))), [31]);
});
