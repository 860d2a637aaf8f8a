// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { MemoryBackend } from "../../../web/sdk/backend.js";
import { Store } from "../../../web/sdk/store.js";
import "./virtual.mjs";

const message = (seq, from, more = {}) => ({ conv: "c", seq, id: String(seq),
  ts: seq, from, device: "d", mid: `${from}-${seq}`, type: "text",
  body: { text: "x" }, ...more });
const missed = { type: "call", body: { outcome: "missed" } };
const answered = { type: "call", body: { outcome: "answered" } };

function open(backend = new MemoryBackend(), slot = "0") {
  return new Store(backend, "alice", slot);
}

test("a tab keeps its device over reloads; another tab is another device", async () => {
  const backend = new MemoryBackend();
  const first = await open(backend).load();
  assert.match(first.device, /^web-[0-9a-f]{12}$/);
  assert.equal((await open(backend).load()).device, first.device);
  assert.notEqual((await open(backend, "1").load()).device, first.device);
});

test("messages and their cursor are kept together", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob"), message(2, "bob")], 2);
  assert.equal((await store.load()).sync, 2);
  assert.deepEqual((await store.messages("c", 99, 50)).map((m) => m.seq), [1, 2]);
  assert.deepEqual((await store.messages("c", 2, 50)).map((m) => m.seq), [1]);
  assert.deepEqual((await store.messages("c", 99, 1)).map((m) => m.seq), [2]);
});

test("what others write is unread until it is seen or answered", async () => {
  const store = open();
  await store.load();
  let [row] = (await store.keep([message(1, "bob"), message(2, "bob")], 2)).rows;
  assert.equal(row.unread, 2);
  row = await store.markRead("c");
  assert.equal(row.unread, 0);
  assert.equal(await store.markRead("c"), undefined);
  [row] = (await store.keep([message(3, "bob")], 3)).rows;
  assert.equal(row.unread, 1);
  [row] = (await store.keep([message(4, "alice")], 4)).rows; // from another device
  assert.equal(row.unread, 0);
});

test("two tabs that keep the same message count it once", async () => {
  const backend = new MemoryBackend();
  const [one, two] = [open(backend, "0"), open(backend, "1")];
  await one.load();
  await two.load();
  await one.keep([message(1, "bob")], 1);
  const [row] = (await two.keep([message(1, "bob")], 1)).rows;
  assert.equal(row.unread, 1);
});

test("a missed call is unread, an answered one is not", async () => {
  const store = open();
  await store.load();
  let [row] = (await store.keep([message(1, "bob", answered)], 1)).rows;
  assert.equal(row.unread, 0);
  [row] = (await store.keep([message(2, "bob", missed)], 2)).rows;
  assert.equal(row.unread, 1);
  [row] = (await store.keep([message(3, "alice", { ...missed, mid: undefined })], 3)).rows;
  assert.equal(row.unread, 0);
});

test("an own message that is pushed leaves the outbox", async () => {
  const store = open();
  await store.load();
  await store.putOutbox({ mid: "alice-1", to: "bob" });
  await store.keep([message(1, "alice")], 1);
  assert.deepEqual((await store.load()).outbox, []);
});

test("a settled text is a message; its peer is whom it was written to", async () => {
  const store = open();
  await store.load();
  await store.putOutbox({ mid: "alice-1", to: "bob" });
  const row = await store.settle(message(1, "alice"), "bob");
  assert.equal(row.peer, "bob");
  assert.equal(row.unread, 0);
  const kept = await store.load();
  assert.deepEqual([kept.outbox, kept.sync], [[], 0]);
});

test("a new epoch drops what was kept, the outbox stays", async () => {
  const backend = new MemoryBackend();
  const [one, two] = [open(backend, "0"), open(backend, "1")];
  await one.load();
  await two.load();
  await one.reset("e1");
  await one.keep([message(1, "bob")], 1);
  await one.putOutbox({ mid: "m" });
  await one.reset("e2");
  const kept = await one.load();
  assert.deepEqual([kept.epoch, kept.sync, kept.outbox.length], ["e2", 0, 1]);
  assert.deepEqual(await one.conversations(), []);
  await one.keep([message(1, "bob")], 1);
  await two.reset("e2"); // the other tab hears of it later
  assert.equal((await one.conversations()).length, 1);
});

test("the server's list tells names, conversations and what is unread", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob")], 1);
  const ahead = await store.mergeConversations([
    { conv: "c", peer: "bob", nick: "Bob", last: message(3, "bob"), read: 0,
      peer_read: 0, unread: 3 },
    { conv: "d", peer: "carol", nick: "Carol",
      last: { ...message(1, "carol"), ts: 9 }, read: 1, peer_read: 0, unread: 0 },
  ]);
  assert.deepEqual(ahead, []);
  const rows = await store.conversations();
  assert.deepEqual(rows.map((r) => [r.nick, r.unread, r.last.seq]),
    [["Carol", 0, 1], ["Bob", 3, 3]]);
  // Those three come still, and are counted already.
  await store.keep([message(2, "bob"), message(3, "bob")], 3);
  const [row] = (await store.keep([message(4, "bob")], 4)).rows;
  assert.equal(row.unread, 4);
});

test("what was read here and not told is ahead of the server's list", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob"), message(2, "bob")], 2);
  await store.markRead("c");
  const ahead = await store.mergeConversations([
    { conv: "c", peer: "bob", nick: "Bob", last: message(2, "bob"), read: 0,
      peer_read: 0, unread: 2 },
  ]);
  assert.deepEqual(ahead, [{ conv: "c", seq: 2 }]);
  assert.equal((await store.conversations())[0].unread, 0);
});

test("marks that others tell go forward", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob"), message(2, "alice"), message(3, "bob")], 3);
  let row = await store.heardRead({ conv: "c", user: "bob", read: 2 });
  assert.equal(row.peerRead, 2);
  assert.equal(await store.heardRead({ conv: "c", user: "bob", read: 1 }), undefined);
  row = await store.heardRead({ conv: "c", user: "alice", read: 3, unread: 0 });
  assert.deepEqual([row.read, row.unread], [3, 0]);
  assert.equal(await store.heardRead({ conv: "x", user: "bob", read: 1 }), undefined);
});

test("a conversation keeps a bounded number of messages", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob"), message(2001, "bob")], 2);
  assert.deepEqual((await store.messages("c", 9999, 50)).map((m) => m.seq), [2001]);
});

test("changes are made to the message that is kept, once", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob"), message(2, "alice")], 2);
  const change = (seq, from, type, body) =>
    message(seq, from, { type, body: { seq: 1, ...body } });
  const edit = change(3, "bob", "edit", { text: "better" });
  let kept = await store.keep([edit], 3);
  assert.deepEqual([kept.messages[0].body, kept.messages[0].edits],
    [{ text: "better" }, [3]]);
  assert.deepEqual(kept.rows, []); // it is not the last one
  await store.keep([edit], 3);
  kept = await store.keep([
    change(4, "alice", "reaction", { emoji: "x", on: true }),
    change(5, "bob", "reaction", { emoji: "x", on: true }),
    change(6, "alice", "reaction", { emoji: "x", on: false }),
    change(6, "alice", "reaction", { emoji: "x", on: false })], 6);
  assert.equal(kept.messages.length, 1);
  assert.deepEqual(kept.messages[0].reactions, [{ emoji: "x", users: ["bob"] }]);
  kept = await store.keep([change(7, "bob", "retract", {})], 7);
  assert.deepEqual(kept.messages[0].body, {});
  await store.keep([change(8, "bob", "edit", { text: "late" })], 8);
  const all = await store.messages("c", 99, 50);
  assert.deepEqual(all.map((m) => [m.seq, m.body.text]), [[1, undefined], [2, "x"]]);
});

test("the list shows the last message as it was edited", async () => {
  const store = open();
  await store.load();
  await store.keep([message(1, "bob")], 1);
  const { rows } = await store.keep([message(2, "bob",
    { type: "edit", body: { seq: 1, text: "better" } })], 2);
  assert.deepEqual([rows[0].last.body.text, rows[0].unread], ["better", 1]);
});

const GROUP = "main:g:abcdefghijklmnopqrstuvwxyz";
const said = (seq, from, more = {}) => message(seq, from, { conv: GROUP, ...more });
const notice = (seq, from, body) => said(seq, from, { type: "notice", body });

test("unread messages that call the user by name are counted, until read", async () => {
  const store = open();
  await store.load();
  let [row] = (await store.keep([said(1, "bob", { mentions: ["alice"] }),
    said(2, "bob", { mentions: ["carol"] }), said(3, "bob", { mentions: ["*"] })],
  3)).rows;
  assert.deepEqual([row.unread, row.mentions], [3, 2]);
  [row] = (await store.keep([said(3, "bob", { mentions: ["*"] })], 3)).rows;
  assert.equal(row.mentions, 2);
  row = await store.heardRead({ conv: GROUP, user: "alice", read: 3, unread: 0 });
  assert.deepEqual([row.unread, row.mentions], [0, 0]);
});

test("notices keep the count of members and the own role", async () => {
  const store = open();
  await store.load();
  const after = async (seq, from, body) =>
    (await store.keep([notice(seq, from, body)], seq)).rows[0];
  let row = await after(1, "bob", { event: "create", title: "Hikers",
    users: ["bob", "alice", "carol"] });
  assert.deepEqual([row.title, row.members, row.role], ["Hikers", 3, "member"]);
  row = await after(2, "bob", { event: "role", users: ["alice"], role: "admin" });
  assert.equal(row.role, "admin");
  row = await after(3, "bob", { event: "transfer", users: ["alice"] });
  assert.equal(row.role, "owner");
  row = await after(4, "alice", { event: "transfer", users: ["bob"] });
  assert.equal(row.role, "admin");
  row = await after(5, "carol", { event: "leave", users: ["carol"] });
  assert.deepEqual([row.members, row.left], [2, undefined]);
  row = await after(6, "bob", { event: "kick", users: ["alice"] });
  assert.equal(row.left, true);
});

test("what the list has counted already is not counted again", async () => {
  const store = open();
  await store.load();
  await store.mergeConversations([{ conv: GROUP, title: "Hikers", members: 4,
    role: "member", read: 0, unread: 0, last: notice(2, "bob", {}) }]);
  const added = (seq, user) => notice(seq, "bob", { event: "join", users: [user] });
  const [row] = (await store.keep([added(1, "carol"), added(3, "dave")], 2)).rows;
  assert.equal(row.members, 5);
});
