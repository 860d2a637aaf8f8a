// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { MemoryBackend } from "../../../web/sdk/backend.js";
import { Chat } from "../../../web/sdk/chat.js";
import { FloeError } from "../../../web/sdk/errors.js";
import { Store } from "../../../web/sdk/store.js";
import { settle, VirtualTimers } from "./virtual.mjs";

const push = (sync, from = "bob", more = {}) => ({ push: "message", sync,
  conv: "c", seq: sync, id: String(sync), ts: sync, from, device: "d",
  mid: `${from}-${sync}`, type: "text", body: { text: String(sync) }, ...more });

/** Alice's chat on a device; the link is an array of what it was told. */
async function setup(backend = new MemoryBackend()) {
  const acks = [];
  const events = [];
  const answers = { "conversation.list": { conversations: [] } };
  const link = {
    notify: (op, { sync }) => acks.push(sync),
    request: async (op, args) => {
      const answer = answers[op];
      if (!answer)
        throw new FloeError("link_lost", op);
      return typeof answer === "function" ? answer(args) : answer;
    },
  };
  const chat = new Chat({ user: "alice", link, textBytes: () => 20,
    timers: new VirtualTimers(),
    emit: (type, { message, live }) => message &&
      events.push(`${type} ${message.seq ?? message.body.text} ${message.state}` +
        (live ? " live" : "")) });
  const store = new Store(backend, "alice", "0");
  chat.load(store, await store.load());
  return { chat, store, acks, events, answers, backend };
}

/** Long enough for several transactions of the store in memory. */
async function kept() {
  for (let i = 0; i < 10; i++)
    await settle();
}

test("messages are acknowledged after they were kept, cumulatively", async () => {
  const { chat, store, acks, events } = await setup();
  chat.start({ sync: 2, epoch: "e" }, false);
  const order = [];
  const keep = store.keep.bind(store);
  store.keep = async (...args) => {
    assert.deepEqual(acks, order);
    const rows = await keep(...args);
    order.push(args[1]);
    return rows;
  };
  for (const sync of [1, 2, 3])
    chat.push(push(sync));
  await kept();
  assert.equal(acks.at(-1), 3);
  assert.equal((await store.load()).sync, 3);
  assert.deepEqual(events,
    ["message 1 received", "message 2 received", "message 3 received live"]);
});

test("a repeated push is acknowledged again and not shown again", async () => {
  const { chat, acks, events } = await setup();
  chat.start({ sync: 0, epoch: "e" }, false);
  chat.push(push(1));
  await kept();
  chat.push(push(1));
  await kept();
  assert.deepEqual(acks, [1, 1]);
  assert.equal(events.length, 1);
});

test("after a reload the cursor goes on where it was", async () => {
  const { chat, backend } = await setup();
  chat.start({ sync: 0, epoch: "e" }, false);
  chat.push(push(1));
  await kept();
  const again = await setup(backend);
  assert.equal(again.chat.sync, 1);
  again.chat.start({ sync: 2, epoch: "e" }, false);
  again.chat.push(push(1));
  again.chat.push(push(2));
  await kept();
  assert.deepEqual(again.events, ["message 2 received"]);
});

test("what could not be kept is not acknowledged and may come again", async () => {
  const { chat, store, acks, events } = await setup();
  const silent = console.error;
  console.error = () => {};
  chat.start({ sync: 0, epoch: "e" }, false);
  const keep = store.keep;
  store.keep = () => Promise.reject(new Error("quota"));
  chat.push(push(1));
  await kept();
  console.error = silent;
  assert.deepEqual(acks, []);
  store.keep = keep;
  chat.push(push(1));
  await kept();
  assert.deepEqual(acks, [1]);
  assert.equal(events.length, 1);
});

test("a new epoch starts over from nothing", async () => {
  const { chat, store, acks, events } = await setup();
  chat.start({ sync: 0, epoch: "e1" }, false);
  chat.push(push(1));
  chat.push(push(2));
  await kept();
  chat.stop();
  chat.start({ sync: 1, epoch: "e2" }, true);
  assert.equal(chat.sync, 0);
  chat.push(push(1, "bob", { mid: "new" }));
  await kept();
  assert.deepEqual(acks, [2, 1]);
  assert.equal((await store.load()).epoch, "e2");
  assert.equal((await store.messages("c", 99, 9)).length, 1);
  assert.equal(events.length, 3);
});

test("an own text shows at once and changes its state, by its mid", async () => {
  const { chat, store, events, answers } = await setup();
  const { device } = await store.load();
  const sent = await chat.send({ to: "bob" }, "hi");
  assert.equal(sent.state, "sending");
  answers["message.send"] = ({ mid }) =>
    ({ mid, id: "1", conv: "c", seq: 1, sync: 1, ts: 5 });
  chat.start({ sync: 0, epoch: "e" }, false);
  await kept();
  chat.push(push(1, "alice", { mid: sent.mid, device }));
  await kept();
  assert.deepEqual([...new Set(events)],
    ["message hi sending live", "update 1 sent"]);
  assert.deepEqual(chat.unsent(), []);
});

test("a text of the user's other device is a message", async () => {
  const { chat, events } = await setup();
  chat.start({ sync: 0, epoch: "e" }, false);
  chat.push(push(1, "alice", { device: "phone" }));
  await kept();
  assert.deepEqual(events, ["message 1 sent live"]);
});

test("the record of an own call is a message, without a mid", async () => {
  const { chat, store, events } = await setup();
  const { device } = await store.load();
  chat.start({ sync: 0, epoch: "e" }, false);
  chat.push(push(1, "alice", { device, mid: undefined, type: "call",
    body: { outcome: "missed" } }));
  await kept();
  assert.deepEqual(events, ["message 1 sent live"]);
});

test("texts are measured in bytes", async () => {
  const { chat } = await setup();
  await assert.rejects(chat.send({ to: "bob" }, ""), { code: "too_large" });
  await assert.rejects(chat.send({ to: "bob" }, "é".repeat(11)),
    { code: "too_large" });
  await chat.send({ to: "bob" }, "é".repeat(10));
});

test("history comes from the device while there is no connection", async () => {
  const { chat, answers } = await setup();
  chat.start({ sync: 0, epoch: "e" }, false);
  chat.push(push(1));
  await kept();
  const { messages, complete } = await chat.history("c");
  assert.deepEqual(messages.map((m) => m.seq), [1]);
  assert.equal(complete, true);
  answers["message.history"] = { messages: [push(9)], complete: false };
  assert.equal((await chat.history("c", { before: 10 })).messages[0].seq, 9);
});

const G = "main:g:mfrggzdfmztwq2lknnwg23tpoa";

test("a large group is kept by its own cursor, and nothing is acknowledged",
  async () => {
    const { chat, store, acks, events, answers, backend } = await setup();
    const said = (seq, from = "bob") => push(undefined, from,
      { conv: G, seq, mid: `${from}-${seq}`, body: { text: String(seq) } });
    answers["message.history"] = ({ conv, after, limit }) => ({ complete: true,
      messages: [11, 12, 13].filter((seq) => conv === G && seq > after &&
        limit > 0).map((seq) => said(seq)) });
    chat.start({ sync: 0, epoch: "e", large: [{ conv: G, seq: 10 }] }, false);
    chat.push(said(11));
    chat.push(said(13));
    await kept();
    assert.deepEqual(events, ["message 11 received live",
      "message 12 received live", "message 13 received live"]);
    assert.deepEqual(acks, []);
    assert.deepEqual((await store.load()).known, [[G, 13]]);
    assert.equal((await store.conversations())[0].unread, 3);
    // The next life of the page goes on from there.
    const again = await setup(backend);
    again.answers["message.history"] = answers["message.history"];
    again.chat.start({ sync: 0, epoch: "e", large: [{ conv: G, seq: 13 }] }, false);
    again.chat.push(said(13));
    again.chat.push(said(14));
    await kept();
    assert.deepEqual(again.events, ["message 14 received live"]);
  });

test("a device that was away hears all since its user came into a large group",
  async () => {
    const { chat, events, answers } = await setup();
    const said = (seq, body = { text: String(seq) }, sync = undefined) =>
      push(sync, "bob", { conv: G, seq, mid: `bob-${seq}`, body,
        ...body.event && { type: "notice" } });
    const come = { event: "join", users: ["alice"] };
    const role = { event: "role", users: ["alice"], role: "admin" };
    const of = (seq) => said(seq, seq === 11 ? come : seq === 13 ? role : undefined);
    answers["message.history"] = ({ after }) => ({ complete: true,
      messages: [11, 12, 13, 14].filter((seq) => seq > after).map(of) });
    chat.start({ sync: 0, epoch: "e" }, false);
    chat.push(push(1, "bob", { conv: "main:1:alice:bob", seq: 1 }));
    await kept();
    chat.start({ sync: 3, epoch: "e", large: [{ conv: G, seq: 14 }] }, false);
    chat.push(said(11, come, 2));
    chat.push(said(13, role, 3));
    await kept();
    await kept();
    assert.deepEqual(events.map((line) => line.split(" ")[1]).slice(1).sort(),
      ["11", "12", "13", "14"], "each once");
  });

test("a device that was away when its group grew hears what it missed",
  async () => {
    const { chat, events, answers } = await setup();
    const said = (seq, sync = undefined) => push(sync, "bob",
      { conv: G, seq, mid: `bob-${seq}`, body: { text: String(seq) } });
    answers["message.history"] = ({ after }) => ({ complete: true,
      messages: [1, 2, 3, 4, 5].filter((seq) => seq > after).map((seq) => said(seq)) });
    chat.start({ sync: 0, epoch: "e" }, false);
    chat.push(said(1, 1));
    await kept();
    // 2 was the last of the small group.
    chat.start({ sync: 2, epoch: "e", large: [{ conv: G, seq: 4 }] }, false);
    chat.push(said(5)); // live, before the inbox is read
    chat.push(said(2, 2));
    await kept();
    await kept();
    assert.deepEqual(events.map((line) => line.split(" ")[1]), ["1", "2", "3", "4", "5"]);
  });

test("notices name the group and tell who is out", async () => {
  const { chat, store } = await setup();
  const notice = (sync, body) =>
    push(sync, "bob", { conv: G, seq: sync, type: "notice", body });
  chat.start({ sync: 0, epoch: "e" }, false);
  chat.push(notice(1, { event: "create", users: ["alice", "bob"], title: "Hikers" }));
  chat.push(notice(2, { event: "set", title: "Hikers of Bern" }));
  await kept();
  let [row] = await store.conversations();
  assert.deepEqual([row.title, row.unread, row.peer, row.left],
    ["Hikers of Bern", 0, undefined, undefined]);
  chat.push(notice(3, { event: "kick", users: ["alice"] }));
  await kept();
  [row] = await store.conversations();
  assert.equal(row.left, true);
});
