// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { Link } from "../../../web/sdk/link.js";
import { settle, socketClass, VirtualTimers } from "./virtual.mjs";

const WELCOME = { push: "welcome", protocol: "floe.v1", limits: {} };

/** A link in front of sockets that the test plays the server for. */
function setup(random = () => 0) {
  const Socket = socketClass();
  const timers = new VirtualTimers();
  const log = [];
  const pushes = [];
  const link = new Link("ws://server/ws", {
    hello: () => ({ token: "t", device: "d", sync: 0 }),
    ready: (ok) => log.push(`ready ${ok.resumed}`),
    push: (push) => pushes.push(push),
    state: (state, { reason }) => log.push(reason ? `${state} ${reason}` : state),
  }, { timers, WebSocket: Socket, random });
  const greet = (ok = {}) => {
    Socket.last.say(WELCOME);
    const [{ id }] = Socket.last.ops("hello");
    Socket.last.say({ id, ok: { resumed: false,
      heartbeat: { ping_ms: 5000, kill_ms: 7000 }, ...ok } });
  };
  return { Socket, timers, log, pushes, link, greet };
}

test("says hello after welcome, with the token in the frame only", () => {
  const { Socket, log, link, greet } = setup();
  link.open();
  assert.deepEqual(Socket.last.sent, []);
  greet();
  assert.equal(Socket.last.url, "ws://server/ws");
  assert.deepEqual(Socket.last.sent,
    [{ id: 1, op: "hello", token: "t", device: "d", sync: 0 }]);
  assert.deepEqual(log, ["connecting", "ready false", "online"]);
});

test("answers find their requests in any order; err rejects", async () => {
  const { Socket, link, greet } = setup();
  link.open();
  greet();
  const one = link.request("ice.get");
  const two = link.request("conversation.list");
  Socket.last.say({ id: 3, ok: { n: 2 } },
    { id: 2, err: { code: "overloaded", msg: "later", retry_ms: 70 } });
  assert.deepEqual(await two, { n: 2 });
  await assert.rejects(one, { code: "overloaded", retryMs: 70 });
});

test("a request without an answer times out", async () => {
  const { timers, link, greet } = setup();
  link.open();
  greet({ heartbeat: { ping_ms: 60000, kill_ms: 60000 } });
  const request = assert.rejects(link.request("ice.get"), { code: "timeout" });
  await timers.elapse(10000);
  await request;
});

test("pings after silence only, and drops a link that does not answer", async () => {
  const { Socket, timers, log, link, greet } = setup();
  link.open();
  greet();
  await timers.elapse(4000);
  link.notify("sync.ack", { sync: 1 });
  await timers.elapse(4999);
  assert.equal(Socket.last.ops("ping").length, 0);
  await timers.elapse(1);
  assert.equal(Socket.last.ops("ping").length, 1);
  Socket.last.say({ push: "pong", ts: 1 });
  await timers.elapse(5000);
  assert.equal(Socket.last.ops("ping").length, 2);
  await timers.elapse(6999);
  assert.equal(Socket.last.closed, false);
  await timers.elapse(1);
  assert.equal(Socket.all[0].closed, true);
  assert.equal(log.at(-1), "waiting network");
});

test("any frame counts as life", async () => {
  const { Socket, timers, link, greet } = setup();
  link.open();
  greet();
  for (let i = 0; i < 10; i++) {
    await timers.elapse(5000);
    Socket.last.say({ push: "presence", user: "bob", state: "online" });
  }
  assert.equal(Socket.all.length, 1);
  assert.equal(Socket.last.closed, false);
});

test("comes back after a backoff; kept requests go out again when resumed", async () => {
  const { Socket, timers, link, greet } = setup();
  link.open();
  greet();
  const kept = link.request("call.accept", { call: "c-1" }, { keep: true });
  const plain = link.request("ice.get");
  Socket.last.end(1006);
  await assert.rejects(plain, { code: "link_lost" });
  const later = link.request("call.hangup", { call: "c-1" }, { keep: true });
  await timers.elapse(249);
  assert.equal(Socket.all.length, 1);
  await timers.elapse(1);
  assert.equal(Socket.all.length, 2);
  greet({ resumed: true });
  const calls = Socket.last.sent.slice(1);
  assert.deepEqual(calls.map((r) => r.op), ["call.accept", "call.hangup"]);
  Socket.last.say({ id: calls[0].id, ok: {} }, { id: calls[1].id, ok: {} });
  await Promise.all([kept, later]);
});

test("kept requests end with their session", async () => {
  const { Socket, timers, link, greet } = setup();
  link.open();
  greet();
  const kept = link.request("call.accept", { call: "c-1" }, { keep: true });
  Socket.last.end(1006);
  await timers.elapse(250);
  greet({ resumed: false });
  await assert.rejects(kept, { code: "link_lost" });
  assert.deepEqual(Socket.last.ops("call.accept"), []);
});

test("a final close code ends it; open() begins anew", async () => {
  const { Socket, timers, log, link, greet } = setup();
  link.open();
  greet();
  const request = assert.rejects(link.request("ice.get"), { code: "closed" });
  Socket.last.end(4001);
  await request;
  assert.equal(log.at(-1), "closed taken_over");
  await timers.elapse(60000);
  assert.equal(Socket.all.length, 1);
  link.open();
  assert.equal(Socket.all.length, 2);
});

test("a refused hello with a bad token ends it, an overloaded one waits", async () => {
  const { Socket, timers, log, link } = setup();
  link.open();
  Socket.last.say(WELCOME);
  Socket.last.say({ id: 1, err: { code: "overloaded", retry_ms: 9000 } });
  assert.equal(log.at(-1), "waiting network");
  await timers.elapse(8999);
  assert.equal(Socket.all.length, 1);
  await timers.elapse(1);
  Socket.last.say(WELCOME);
  Socket.last.say({ id: 2, err: { code: "unauthorized" } });
  assert.equal(log.at(-1), "closed unauthorized");
});

test("repeated failures wait longer; a link that held resets that", async () => {
  const { Socket, timers, link, greet } = setup();
  link.open();
  const fail = async (wait) => {
    const before = Socket.all.length;
    Socket.last.end(1006);
    await timers.elapse(wait - 1);
    assert.equal(Socket.all.length, before);
    await timers.elapse(1);
    assert.equal(Socket.all.length, before + 1);
  };
  await fail(250);
  await fail(500);
  greet(); // up, but for a moment only
  await fail(1000);
  greet();
  await timers.elapse(4999);
  Socket.last.say({ push: "pong" });
  await timers.elapse(1);
  await fail(250);
});

test("wake() ends the wait", async () => {
  const { Socket, link } = setup();
  link.open();
  Socket.last.end(1006);
  link.wake();
  assert.equal(Socket.all.length, 2);
  link.wake();
  assert.equal(Socket.all.length, 2);
});

test("a server that says nothing is given up", async () => {
  const { Socket, timers, log, link } = setup();
  link.open();
  await timers.elapse(10000);
  assert.equal(Socket.all[0].closed, true);
  assert.equal(log.at(-1), "waiting network");
});

test("a frame of several objects is taken in order, blank lines are nothing", async () => {
  const { Socket, pushes, link, greet } = setup();
  link.open();
  greet();
  Socket.last.onmessage({ data: '{"push":"a"}\n\n{"push":"b"}\n' });
  assert.deepEqual(pushes.map((p) => p.push), ["a", "b"]);
  Socket.last.onmessage({ data: "no json" });
  await settle();
  assert.equal(Socket.all[0].closed, true);
});

test("another protocol is not spoken to", () => {
  const { Socket, log, link } = setup();
  link.open();
  Socket.last.say({ push: "welcome", protocol: "floe.v9" });
  assert.equal(log.at(-1), "closed protocol");
  assert.deepEqual(Socket.last.sent, []);
});

test("the mobile heartbeat: long silence, a short wait for the answer", async () => {
  const { Socket, timers, link, greet } = setup();
  link.open();
  greet({ heartbeat: { ping_ms: 25000, wait_ms: 8000, kill_ms: 33000 } });
  await timers.elapse(24999);
  assert.equal(Socket.last.ops("ping").length, 0);
  await timers.elapse(1 + 7999);
  assert.equal(Socket.last.ops("ping").length, 1);
  assert.equal(Socket.last.closed, false);
  await timers.elapse(1);
  assert.equal(Socket.all[0].closed, true);
});

test("a pong that says move: leaves at that time and resumes", async () => {
  const { Socket, timers, log, link, greet } = setup();
  link.open();
  greet();
  const kept = link.request("call.accept", { call: "c-1" }, { keep: true });
  Socket.last.say({ push: "pong", ts: 1, move: { after_ms: 1500 } });
  Socket.last.say({ push: "pong", ts: 2, move: { after_ms: 9000 } });
  await timers.elapse(1499);
  assert.equal(Socket.all.length, 1);
  await timers.elapse(1);
  assert.deepEqual([Socket.all.length, Socket.all[0].closed], [2, true]);
  greet({ resumed: true });
  const [again] = Socket.last.ops("call.accept");
  Socket.last.say({ id: again.id, ok: {} });
  await kept;
  await timers.elapse(4000);
  assert.equal(Socket.all.length, 2);
  assert.deepEqual(log, ["connecting", "ready false", "online",
    "connecting", "ready true", "online"]);
});

test("each close code: comes back, when, and what it says; or not", async () => {
  for (const [code, reason, waitMs] of [
    [4000, "silent", 375], [4001, "taken_over"], [4002, "slow", 375],
    [4003, "restart", 1000], [4500, "unauthorized"], [4501, "banned"],
    [4502, "protocol"], [4321, "code_4321", 375], [4999, "code_4999"],
    [1006, "network", 375], [1009, "network", 375]]) {
    const { Socket, timers, log, link, greet } = setup(() => 0.5);
    link.open();
    greet();
    Socket.last.end(code);
    assert.equal(log.at(-1), `${waitMs ? "waiting" : "closed"} ${reason}`);
    await timers.elapse((waitMs || 60000) - 1);
    assert.equal(Socket.all.length, 1, String(code));
    await timers.elapse(1);
    assert.equal(Socket.all.length, waitMs ? 2 : 1, String(code));
  }
});

test("after a stop the welcome's spread says when to come back", async () => {
  const { Socket, timers } = (() => {
    const Socket = socketClass();
    const timers = new VirtualTimers();
    new Link("ws://server/ws", { hello: () => ({}), ready() {}, push() {},
      state() {} }, { timers, WebSocket: Socket, random: () => 0.5 }).open();
    return { Socket, timers };
  })();
  Socket.last.say({ ...WELCOME, reconnect: { spread_ms: 60000 } });
  Socket.last.end(4003);
  await timers.elapse(29999);
  assert.equal(Socket.all.length, 1);
  await timers.elapse(1);
  assert.equal(Socket.all.length, 2);
});
