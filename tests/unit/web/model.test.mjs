// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import "./virtual.mjs";
import { closedOf } from "../../../web/page/entry.js";
import { Model } from "../../../web/page/model.js";

const GROUP = "main:g:abcdefghijklmnopqrstuvwxyz";
const DIRECT = "main:1:alice:bob";

globalThis.document = { hasFocus: () => false };

const message = (conv, seq, from, more = {}) => ({ conv, seq, from, ts: seq,
  mid: `${from}-${seq}`, type: "text", body: { text: "x" }, state: "received",
  ...more });

/** Alice's page; say() is what the SDK tells it. */
function setup() {
  const client = new EventTarget();
  Object.assign(client, { user: "alice", nick: "Alice", state: "online",
    history: async () => ({ messages: [], complete: true }), markRead() {} });
  const model = new Model(client);
  const say = (type, detail) =>
    client.dispatchEvent(new CustomEvent(type, { detail }));
  return { client, model, say };
}

const row = (conv, more) => ({ conv, unread: 0, read: 0,
  last: message(conv, 1, "bob"), ...more });

test("what is said in a group belongs to the group, not to who says it", () => {
  const { model, say } = setup();
  say("message", { message: message(GROUP, 1, "bob") });
  say("message", { message: message(DIRECT, 1, "bob") });
  say("message", { message: message(GROUP, 2, "alice", { state: "sent" }) });
  assert.equal(model.entryOf(GROUP).group, true);
  assert.equal(model.entryOf(DIRECT).peer, "bob");
  model.open(GROUP);
  say("message", { message: message(GROUP, 3, "carol") });
  assert.deepEqual(model.thread(model.current).map((m) => m.from), ["carol"]);
});

test("an own text to a group waits in the group", () => {
  const { model, say } = setup();
  const waiting = { conv: GROUP, from: "alice", mid: "m", ts: 1, order: 1,
    type: "text", body: { text: "x" }, state: "sending" };
  say("message", { message: waiting });
  assert.equal(model.lastOf(model.entry(GROUP)).mid, "m");
  say("update", { message: { ...waiting, seq: 4, state: "sent" } });
  assert.equal(model.thread(model.entry(GROUP)).length, 1);
});

test("pinned ones stand on top, then the latest", () => {
  const { model, say } = setup();
  say("conversations", { conversations: [
    row(DIRECT, { peer: "bob", nick: "Bob", last: message(DIRECT, 9, "bob") }),
    row(GROUP, { title: "Hikers", last: message(GROUP, 5, "bob") }),
  ] });
  assert.deepEqual(model.list().map(({ nick }) => nick), ["Bob", "Hikers"]);
  say("conversation", { conversation: row(GROUP, { title: "Hikers", pinned: true,
    last: message(GROUP, 5, "bob") }) });
  assert.deepEqual(model.list().map(({ nick }) => nick), ["Hikers", "Bob"]);
});

test("what is muted asks for nothing, unless it calls by name", () => {
  const { model, say } = setup();
  const muted = { title: "Hikers", unread: 5, mutedUntil: Date.now() + 60000 };
  say("conversations", { conversations: [row(GROUP, muted),
    row(DIRECT, { peer: "bob", unread: 2 })] });
  assert.equal(model.unread, 2);
  say("conversation", { conversation: row(GROUP, { ...muted, mentions: 1 }) });
  assert.equal(model.unread, 3);
});

test("nicks are learnt from wherever they are told", () => {
  const { model, say } = setup();
  assert.equal(model.nickOf("carol"), "carol");
  model.learn([{ user: "carol", nick: "Carol" }]);
  say("conversations", { conversations: [row(DIRECT, { peer: "bob", nick: "Bob" })] });
  assert.deepEqual(["carol", "bob", "alice"].map((user) => model.nickOf(user)),
    ["Carol", "Bob", "Alice"]);
});

test("nothing is written in a group that was left, or while one is muted", () => {
  const { model, say } = setup();
  say("conversations", { conversations: [row(GROUP, { title: "Hikers" })] });
  const entry = model.entry(GROUP);
  assert.equal(closedOf(entry, undefined, 10), "");
  assert.notEqual(closedOf(entry, 20, 10), "");
  assert.equal(closedOf(entry, 20, 20), "");
  say("conversation", { conversation: row(GROUP, { title: "Hikers", left: true }) });
  assert.notEqual(closedOf(entry, undefined, 10), "");
});

test("people to choose from are contacts and peers, by one's own names", () => {
  const { model, say } = setup();
  say("conversations", { conversations: [row(DIRECT, { peer: "bob", nick: "Bob" })] });
  const friend = (user, more) => ({ user, nick: user, state: "friend", ...more });
  model.remark([friend("carol", { remark: "Caro" }), friend("bob")]);
  assert.deepEqual(model.people(),
    [{ user: "carol", nick: "Caro" }, { user: "bob", nick: "Bob" }]);
  model.remark([{ user: "carol", nick: "Carol", state: "none" }]);
  assert.deepEqual(model.people().map(({ user }) => user), ["bob"]);
});
