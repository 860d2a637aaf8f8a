// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { listOf, noticeOf } from "../../../web/page/notice.js";

const NICKS = { alice: "Alice", bob: "Bob", carol: "Carol" };

/** What alice reads. */
const says = (from, body) =>
  noticeOf({ from, body }, "alice", (user) => NICKS[user] || user);

test("names make a list, and many of them a short one", () => {
  assert.equal(listOf([]), "");
  assert.equal(listOf(["Bob"]), "Bob");
  assert.equal(listOf(["Bob", "Carol"]), "Bob and Carol");
  assert.equal(listOf(["a", "b", "c", "d"]), "a, b, c and d");
  assert.equal(listOf(["a", "b", "c", "d", "e"]), "a, b, c and 2 others");
});

test("who came and went", () => {
  assert.equal(says("bob", { event: "create", users: ["bob", "alice", "carol"] }),
    "Bob made the group with you and Carol");
  assert.equal(says("alice", { event: "create", users: ["alice"] }),
    "You made the group");
  assert.equal(says("alice", { event: "join", users: ["carol"] }),
    "You added Carol");
  assert.equal(says("carol", { event: "join", users: ["carol"] }), "Carol joined");
  assert.equal(says("bob", { event: "kick", users: ["alice"] }), "Bob removed you");
  assert.equal(says("alice", { event: "leave", users: ["alice"] }), "You left");
  assert.equal(says("bob", { event: "dissolve" }), "Bob dissolved the group");
});

test("roles and who may speak", () => {
  assert.equal(says("bob", { event: "role", users: ["alice"], role: "admin" }),
    "Bob made you admin");
  assert.equal(says("bob", { event: "role", users: ["alice"], role: "member" }),
    "You are no longer admin");
  assert.equal(says("bob", { event: "role", users: ["carol"], role: "member" }),
    "Carol is no longer admin");
  assert.equal(says("alice", { event: "transfer", users: ["bob"] }),
    "You gave the group to Bob");
  assert.equal(says("bob", { event: "mute", users: ["carol"], until_ts: 5 }),
    "Bob muted Carol");
  assert.equal(says("bob", { event: "mute", users: ["carol"], until_ts: 0 }),
    "Carol may speak again");
});

test("settings, several in a sentence", () => {
  assert.equal(says("bob", { event: "set", title: "New" }),
    "Bob named the group “New”");
  assert.equal(says("bob", { event: "set", announcement: "" }),
    "Bob took the announcement down");
  assert.equal(says("bob", { event: "set", title: "New", history: "all" }),
    "Bob named the group “New” and lets newcomers see the whole history");
});

test("what a newer server tells is a sentence too", () => {
  assert.equal(says("bob", { event: "paint" }), "Something changed in the group");
});
