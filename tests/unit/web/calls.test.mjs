// SPDX-License-Identifier: BSD-3-Clause
// Calls without their media: which push belongs to which call, and glare.
import assert from "node:assert/strict";
import test from "node:test";

import { FloeError } from "../../../web/sdk/errors.js";
import { Connection, installMedia } from "./media.mjs";
import { settle, VirtualTimers } from "./virtual.mjs";

installMedia();

const { Calls } = await import("../../../web/sdk/calls.js");
const MEDIA = { audio: true, video: true };

/** Calls in front of a server whose answers the test gives. */
function setup() {
  const asked = []; // { op, args, ok, fail }
  const rang = [];
  const timers = new VirtualTimers();
  const calls = new Calls({
    request: (op, args) => new Promise((ok, fail) =>
      asked.push({ op, args, ok,
        fail: (code, retryMs) => fail(new FloeError(code, code, retryMs)) })),
    servers: async () => [],
    config: {},
    timers,
    mostCandidates: () => 64,
  }, (call) => rang.push(call));
  const ops = () => asked.map(({ op, args }) => `${op} ${args.call || args.to}`);
  return { calls, asked, rang, ops, timers };
}

const invite = (call, from) => ({ push: "call.invite", call, from, media: MEDIA });

test("a caller's way: inviting, ringing, connecting, ended", async () => {
  const { calls, asked, ops } = setup();
  const call = await calls.invite("bob", MEDIA);
  assert.deepEqual([call.state, call.role, calls.current], ["inviting", "caller", call]);
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  calls.push({ push: "call.ringing", call: "c-1" });
  assert.equal(call.state, "ringing");
  calls.push({ push: "call.accept", call: "c-1", device: "d" });
  assert.equal(call.state, "connecting");
  calls.push({ push: "call.ended", call: "c-1", reason: "hangup", duration_ms: 5 });
  assert.deepEqual([call.state, call.reason, call.durationMs], ["ended", "hangup", 5]);
  assert.equal(calls.current, null);
  assert.deepEqual(ops(), ["call.invite bob"]);
});

test("a callee's way: rings, accepts, hangs up", async () => {
  const { calls, asked, rang, ops } = setup();
  calls.push(invite("c-1", "alice"));
  const [call] = rang;
  assert.deepEqual([call.state, call.role, calls.current], ["ringing", "callee", null]);
  calls.push(invite("c-1", "alice")); // again after a hello
  assert.equal(rang.length, 1);
  const accepted = call.accept();
  await settle();
  asked[1].ok({});
  await accepted;
  assert.deepEqual([call.state, calls.current], ["connecting", call]);
  call.hangup();
  assert.deepEqual(ops(), ["call.ringing c-1", "call.accept c-1", "call.hangup c-1"]);
});

test("both invite at once: the answer makes it the other's call", async () => {
  const { calls, asked, rang } = setup();
  const call = await calls.invite("alice", MEDIA);
  calls.push(invite("c-1", "alice")); // theirs came first, the answer is not here yet
  assert.deepEqual(rang, []);
  asked[0].ok({ call: "c-1", state: "active" });
  await settle();
  assert.deepEqual([call.id, call.role, call.state], ["c-1", "callee", "connecting"]);
  assert.deepEqual(rang, []);
});

test("theirs rings while our camera opens: joined as well, told once", async () => {
  const { calls, asked, rang } = setup();
  const invited = calls.invite("alice", MEDIA);
  calls.push(invite("c-1", "alice"));
  assert.equal(rang.length, 1);
  const call = await invited;
  asked[1].ok({ call: "c-1", state: "active" });
  await settle();
  assert.deepEqual([rang[0].state, call.state, call.role],
    ["ended", "connecting", "callee"]);
  calls.push({ push: "call.ended", call: "c-1", reason: "hangup" });
  assert.deepEqual([call.state, call.reason], ["ended", "hangup"]);
});

test("an invitation of somebody else meanwhile still rings", async () => {
  const { calls, asked, rang } = setup();
  await calls.invite("bob", MEDIA);
  calls.push(invite("c-2", "carol"));
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  assert.equal(rang[0].user, "carol");
});

test("a push before the answer that names its call is kept for it", async () => {
  const { calls, asked } = setup();
  const call = await calls.invite("bob", MEDIA);
  calls.push({ push: "call.ringing", call: "c-1" });
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  assert.equal(call.state, "ringing");
});

test("hanging up before the answer cancels once it is there", async () => {
  const { calls, asked, ops } = setup();
  const call = await calls.invite("bob", MEDIA);
  call.hangup();
  assert.deepEqual([call.state, call.reason], ["ended", "cancelled"]);
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  assert.deepEqual(ops(), ["call.invite bob", "call.cancel c-1"]);
  calls.push({ push: "call.ended", call: "c-1", reason: "cancelled" });
});

test("a cancel that crossed with the accept becomes a hang-up", async () => {
  const { calls, asked, ops } = setup();
  const call = await calls.invite("bob", MEDIA);
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  call.hangup();
  asked[1].fail("conflict");
  await settle();
  assert.deepEqual(ops(), ["call.invite bob", "call.cancel c-1", "call.hangup c-1"]);
});

test("what an overloaded server refuses is said again when it asks for it", async () => {
  const { calls, asked, rang, ops, timers } = setup();
  calls.push(invite("c-1", "alice"));
  const accepted = rang[0].accept();
  await settle();
  asked[1].fail("overloaded", 500);
  await settle();
  assert.equal(ops().length, 2);
  await timers.elapse(500);
  assert.equal(ops()[2], "call.accept c-1");
  asked[2].ok({});
  await accepted;
});

/** A call of each role that the server says is active. */
async function active(role) {
  const it = setup();
  if (role === "caller") {
    it.call = await it.calls.invite("bob", MEDIA);
    it.asked[0].ok({ call: "c-1", state: "inviting" });
    await settle();
    it.calls.push({ push: "call.accept", call: "c-1", device: "d" });
  } else {
    it.calls.push(invite("c-1", "alice"));
    it.call = it.rang[0];
    const accepted = it.call.accept();
    await settle();
    it.asked[1].ok({});
    await accepted;
  }
  await settle();
  it.told = () => it.asked.filter(({ op }) => op === "call.media").map(({ args }) => args);
  return it;
}

test("the other side is told what is sent, when that changes", async () => {
  for (const role of ["caller", "callee"]) {
    const { call, told, asked } = await active(role);
    assert.deepEqual(told(), [], "all is as invited");
    call.setMuted(true);
    call.setMuted(true);
    assert.deepEqual(told(), [{ call: "c-1", audio: false, video: true, screen: false,
      hold: false }]);
    call.setHold(true);
    assert.deepEqual(call.localStream.getTracks().map((t) => t.enabled), [false, false]);
    call.setHold(false);
    call.setMuted(false);
    assert.deepEqual(told().at(-1), { call: "c-1", audio: true, video: true,
      screen: false, hold: false });
    assert.deepEqual(call.localStream.getTracks().map((t) => t.enabled), [true, true]);
    // What the server did not take is told with the next change.
    asked.at(-1).fail("conflict");
    await settle();
    call.setMuted(false);
    assert.equal(told().length, 5);
  }
});

test("muted before the accept: told after it", async () => {
  const { calls, asked, rang, ops } = setup();
  calls.push(invite("c-1", "alice"));
  rang[0].setMuted(true);
  const accepted = rang[0].accept({ video: false });
  await settle();
  assert.deepEqual(ops(), ["call.ringing c-1", "call.accept c-1"]);
  asked[1].ok({});
  await accepted;
  assert.deepEqual(asked[2].args, { call: "c-1", audio: false, video: false,
    screen: false, hold: false });
});

test("a screen takes the camera's place, and gives it back", async () => {
  const { call, told } = await active("caller");
  await call.setScreen(true);
  assert.equal(call.screenOn, true);
  const [camera] = call.localStream.getVideoTracks();
  const sender = Connection.last.getSenders().find((s) => s.kind === "video");
  assert.equal(sender.track.label, "screen");
  assert.deepEqual([told().at(-1).screen, told().at(-1).video], [true, true]);
  sender.track.onended(); // stopped in the browser's own bar
  await settle();
  assert.equal(sender.track, camera);
  assert.equal(told().at(-1).screen, false);
});

test("how the other side is: away, back, muted", async () => {
  const { calls, call } = await active("caller");
  const events = [];
  call.addEventListener("peer", ({ detail }) => events.push(detail.away));
  call.addEventListener("peermedia", ({ detail }) => events.push(detail.media));
  assert.deepEqual([call.peerAway, call.peerMedia.audio], [false, true]);
  calls.push({ push: "call.peer", call: "c-1", state: "away" });
  assert.equal(call.peerAway, true);
  calls.push({ push: "call.peer", call: "c-1", state: "back" });
  const media = { audio: false, video: true, screen: true, hold: false };
  calls.push({ push: "call.media", call: "c-1", ...media });
  assert.deepEqual(events, [true, false, media]);
  assert.deepEqual([call.peerAway, call.peerMedia], [false, media]);
  assert.equal(call.state, "connecting", "only the link was away");
});

test("one call at a time from this device", async () => {
  const { calls } = setup();
  await calls.invite("bob", MEDIA);
  await assert.rejects(calls.invite("carol", MEDIA), { code: "state" });
});

test("an invitation that the server refuses ends with its reason", async () => {
  const { calls, asked } = setup();
  const call = await calls.invite("nobody", MEDIA);
  asked[0].fail("not_found");
  await settle();
  assert.deepEqual([call.state, call.reason], ["ended", "not_found"]);
  assert.equal(calls.current, null);
});

test("another device answered; refusing is for ringing calls only", async () => {
  const { calls, rang, ops } = setup();
  calls.push(invite("c-1", "alice"));
  calls.push({ push: "call.ended", call: "c-1", reason: "answered_elsewhere" });
  assert.equal(rang[0].reason, "answered_elsewhere");
  assert.throws(() => rang[0].refuse(), { code: "state" });
  await assert.rejects(rang[0].accept(), { code: "state" });
  calls.push(invite("c-2", "alice"));
  rang[1].refuse();
  assert.equal(rang[1].reason, "refused");
  assert.deepEqual(ops().slice(1), ["call.ringing c-2", "call.refuse c-2"]);
});

test("signals for a call that a reload ended are answered by a hang-up, once", () => {
  const { calls, ops } = setup();
  calls.push({ push: "call.offer", call: "c-9", sdp: "v=0" });
  calls.push({ push: "call.candidate", call: "c-9", candidates: [null] });
  calls.push({ push: "call.ended", call: "c-8", reason: "hangup" });
  assert.deepEqual(ops(), ["call.hangup c-9"]);
});

test("a lost session ends its calls", async () => {
  const { calls, asked } = setup();
  const call = await calls.invite("bob", MEDIA);
  calls.sessionLost();
  asked[0].fail("link_lost");
  await settle();
  assert.deepEqual([call.state, call.reason], ["ended", "lost"]);
});

test("a refused camera ends the attempt before anybody is called", async () => {
  const { calls, ops } = setup();
  const { getUserMedia } = navigator.mediaDevices;
  navigator.mediaDevices.getUserMedia = async () => {
    throw Object.assign(new Error("no"), { name: "NotAllowedError" });
  };
  await assert.rejects(calls.invite("bob", MEDIA), { code: "media" });
  navigator.mediaDevices.getUserMedia = getUserMedia;
  assert.deepEqual(ops(), []);
  assert.equal(calls.current, null);
});

test("after a restart of the server its list says which calls go on", async () => {
  const { calls, asked, rang } = setup();
  const call = await calls.invite("bob", MEDIA);
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  calls.push(invite("c-2", "carol"));
  calls.restarted(["c-1"]);
  assert.equal(call.state, "inviting");
  assert.deepEqual([rang[0].state, rang[0].reason], ["ended", "lost"]);
  calls.push({ push: "call.accept", call: "c-1", device: "d" });
  await settle();
  call.connection.signalingState = "have-local-offer";
  call.connection.localDescription = { sdp: "v=0" };
  const before = asked.length;
  calls.restarted(["c-1"]);
  await settle();
  assert.deepEqual(asked.slice(before).map(({ op, args }) => [op, args.sdp]),
    [["call.offer", "v=0"]]);
  calls.restarted([]);
  assert.deepEqual([call.state, call.reason], ["ended", "lost"]);
});

test("an invitation without an answer outlives the restart", async () => {
  const { calls, asked } = setup();
  const call = await calls.invite("bob", MEDIA);
  calls.restarted([]);
  asked[0].ok({ call: "c-1", state: "inviting" });
  await settle();
  assert.deepEqual([call.id, call.state], ["c-1", "inviting"]);
});
