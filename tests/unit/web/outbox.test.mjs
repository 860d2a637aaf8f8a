// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { MemoryBackend } from "../../../web/sdk/backend.js";
import { FloeError } from "../../../web/sdk/errors.js";
import { Outbox } from "../../../web/sdk/outbox.js";
import { Store } from "../../../web/sdk/store.js";
import { settle, VirtualTimers } from "./virtual.mjs";

/** A server that stores each mid once, and says what the test tells it to. */
class Server {
  stored = [];
  asked = [];
  next = []; // functions that answer instead

  request = async (op, args) => {
    assert.equal(op, "message.send");
    this.asked.push(args.mid);
    const instead = this.next.shift();
    if (instead)
      return instead(args);
    return this.store(args);
  };

  store(args) {
    if (!this.stored.some((one) => one.mid === args.mid))
      this.stored.push(args);
    const seq = this.stored.findIndex((one) => one.mid === args.mid) + 1;
    return { mid: args.mid, id: String(7000 + seq), conv: "c", seq, sync: seq, ts: 1 };
  }
}

/** One life of the page; `backend` outlives it. */
async function page(server, backend = new MemoryBackend()) {
  const store = new Store(backend, "alice", "0");
  const timers = new VirtualTimers();
  const changes = [];
  const outbox = new Outbox({
    store, timers, request: server.request, random: () => 0,
    author: { from: "alice", device: "web-1" },
    changed: ({ mid, state }) => changes.push(`${mid} ${state}`),
  });
  outbox.load((await store.load()).outbox);
  return { outbox, store, timers, changes, backend };
}

const text = (mid, to = "bob") =>
  ({ mid, to, type: "text", body: { text: mid }, ts: 1 });
async function add(outbox, entry) {
  const entered = outbox.enter(entry);
  await outbox.keep(entered);
  return entered;
}
const refuse = (code, retryMs) => () => {
  throw new FloeError(code, code, retryMs);
};

test("offline texts are kept and sent in their order", async () => {
  const server = new Server();
  const { outbox, changes } = await page(server);
  for (const mid of ["m1", "m2", "m3"])
    assert.equal((await add(outbox, text(mid))).state, "sending");
  await settle();
  assert.deepEqual(server.asked, []);
  outbox.start();
  await settle();
  await settle();
  assert.deepEqual(server.asked, ["m1", "m2", "m3"]);
  assert.deepEqual(changes, ["m1 sent", "m2 sent", "m3 sent"]);
  assert.deepEqual(outbox.list(), []);
});

test("a text of before a crash is sent with the same mid, once", async () => {
  const server = new Server();
  const first = await page(server);
  server.next = [(args) => {
    server.store(args); // it arrived, but the page died before the answer
    return new Promise(() => {});
  }];
  first.outbox.start();
  await add(first.outbox, text("m1"));
  await settle();
  const second = await page(server, first.backend);
  assert.deepEqual(second.outbox.list().map((e) => e.mid), ["m1"]);
  second.outbox.start();
  await settle();
  assert.deepEqual(server.asked, ["m1", "m1"]);
  assert.equal(server.stored.length, 1);
  assert.deepEqual(second.changes, ["m1 sent"]);
  const third = await page(server, first.backend);
  assert.deepEqual(third.outbox.list(), []);
});

test("a passing trouble is tried again, later texts wait behind it", async () => {
  const server = new Server();
  server.next = [refuse("overloaded", 3000), refuse("timeout")];
  const { outbox, timers, changes } = await page(server);
  outbox.start();
  await add(outbox, text("m1"));
  await add(outbox, text("m2"));
  await settle();
  assert.deepEqual(server.asked, ["m1"]);
  await timers.elapse(2999);
  assert.deepEqual(server.asked, ["m1"]);
  await timers.elapse(1);
  assert.deepEqual(server.asked, ["m1", "m1"]);
  await timers.elapse(1000);
  await settle();
  assert.deepEqual(server.asked, ["m1", "m1", "m1", "m2"]);
  assert.deepEqual(changes, ["m1 sent", "m2 sent"]);
});

test("a refusal fails one text; the next goes on; it can be sent again", async () => {
  const server = new Server();
  server.next = [refuse("not_found")];
  const { outbox, store, changes } = await page(server);
  outbox.start();
  await add(outbox, text("m1"));
  await add(outbox, text("m2"));
  await settle();
  await settle();
  assert.deepEqual(changes, ["m1 failed", "m2 sent"]);
  assert.equal((await store.load()).outbox[0].error.code, "not_found");
  await outbox.resend("m1");
  await settle();
  assert.deepEqual(changes.slice(2), ["m1 sending", "m1 sent"]);
  await assert.rejects(outbox.resend("m1"), { code: "not_found" });
});

test("a failed text can be thrown away, for good", async () => {
  const server = new Server();
  server.next = [refuse("forbidden")];
  const { outbox, store, changes } = await page(server);
  outbox.start();
  await add(outbox, text("m1"));
  await settle();
  await outbox.discard("m1");
  assert.deepEqual(changes, ["m1 failed", "m1 discarded"]);
  assert.deepEqual((await store.load()).outbox, []);
});

test("conversations do not wait for one another", async () => {
  const server = new Server();
  server.next = [() => new Promise(() => {})];
  const { outbox } = await page(server);
  outbox.start();
  await add(outbox, text("m1", "bob"));
  await add(outbox, text("m2", "carol"));
  await settle();
  assert.deepEqual(server.asked, ["m1", "m2"]);
});

test("a push may come before the answer, or instead of it", async () => {
  const server = new Server();
  let answer;
  server.next = [(args) => new Promise((resolve) => {
    answer = () => resolve(server.store(args));
  })];
  const { outbox, changes } = await page(server);
  outbox.start();
  await add(outbox, text("m1"));
  await settle();
  assert.equal(outbox.seen("m1"), true);
  answer();
  await settle();
  assert.deepEqual(changes, []);
  assert.equal(outbox.seen("m1"), false);
});

test("a text that the device cannot keep is not sent", async () => {
  const server = new Server();
  const { outbox, store, changes } = await page(server);
  store.putOutbox = () => Promise.reject(new Error("quota"));
  outbox.start();
  await assert.rejects(add(outbox, text("m1")), { code: "storage" });
  await settle();
  assert.deepEqual(server.asked, []);
  assert.deepEqual(outbox.list(), []);
  assert.deepEqual(changes, ["m1 discarded"]);
});
