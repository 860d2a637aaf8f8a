// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { Large } from "../../../web/sdk/large.js";
import { settle } from "./virtual.mjs";

const entry = (seq, conv = "g") => ({ conv, seq });

/** A group of `head` entries, and what was let through of it. */
function setup(head) {
  const group = { head, asked: [], through: [], fail: false };
  group.large = new Large(async (conv, after, limit) => {
    group.asked.push(after);
    if (group.fail)
      throw new Error("link_lost");
    const messages = [];
    for (let seq = after + 1; seq <= Math.min(group.head, after + limit); seq++)
      messages.push(entry(seq, conv));
    return { messages, complete: after + limit >= group.head };
  }, (messages) => group.through.push(...messages.map(({ seq }) => seq)));
  return group;
}

const range = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("entries come through once and in order", async () => {
  const g = setup(9);
  g.large.load([["g", 6]]);
  for (const seq of [7, 7, 8, 6, 9])
    g.large.take(entry(seq));
  await settle();
  assert.deepEqual(g.through, [7, 8, 9]);
  assert.deepEqual(g.asked, []);
});

test("a hole is read from the history, whatever comes meanwhile", async () => {
  const g = setup(12);
  g.large.load([["g", 6]]);
  g.large.take(entry(9));
  g.large.take(entry(10));
  await settle();
  g.large.take(entry(13));
  g.head = 13;
  await settle();
  assert.deepEqual(g.through, range(7, 13));
});

test("after an absence all of it is read, page by page", async () => {
  const g = setup(1000);
  g.large.load([["g", 100]]);
  g.large.start([{ conv: "g", seq: 1000 }]);
  for (let i = 0; i < 10; i++)
    await settle();
  assert.deepEqual(g.through, range(101, 1000));
  assert.deepEqual(g.asked, [100, 300, 500, 700, 900]);
});

test("to a new device a group begins at its end", async () => {
  const g = setup(50);
  g.large.start([{ conv: "g", seq: 50 }], true);
  g.large.take(entry(51));
  g.large.take(entry(3, "other")); // joined meanwhile
  await settle();
  assert.deepEqual(g.through, [51, 3]);
  assert.deepEqual(g.asked, []);
});

test("to one that was away it begins where the inbox says", async () => {
  const g = setup(50);
  g.large.start([{ conv: "g", seq: 49 }, { conv: "other", seq: 7 }], false);
  g.large.take(entry(50)); // does not say where it begins
  await settle();
  assert.deepEqual([g.through, g.asked], [[], []]);
  assert.deepEqual(g.large.waiting, ["g", "other"]);
  g.large.begin("g", 45);
  g.large.begin("g", 3); // it has begun
  g.large.begin("other"); // nobody knows
  await settle();
  assert.deepEqual(g.through, range(46, 50));
  g.large.take(entry(8, "other"));
  assert.deepEqual(g.through.slice(-1), [8]);
});

test("what a lost link cost is read after the next hello", async () => {
  const g = setup(9);
  g.large.load([["g", 6]]);
  g.fail = true;
  g.large.take(entry(9));
  await settle();
  assert.deepEqual(g.through, []);
  g.fail = false;
  g.large.start([{ conv: "g", seq: 9 }]);
  await settle();
  assert.deepEqual(g.through, [7, 8, 9]);
});

test("what retention took is not waited for", async () => {
  const asked = [], through = [];
  const kept = [];
  const large = new Large(async (conv, after) => {
    asked.push(after);
    return { messages: kept.filter(({ seq }) => seq > after), complete: true };
  }, (messages) => through.push(...messages.map(({ seq }) => seq)));
  large.load([["g", 2]]);
  large.start([{ conv: "g", seq: 9 }]);
  await settle();
  assert.deepEqual(asked, [2]);
  large.take(entry(10));
  await settle();
  assert.deepEqual(through, [10]);
  assert.deepEqual(asked, [2]);
  kept.push(entry(20), entry(21));
  large.take(entry(21));
  await settle();
  assert.deepEqual(through, [10, 20, 21]);
});
