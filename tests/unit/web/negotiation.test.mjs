// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { CandidateBatch, Negotiation } from "../../../web/sdk/negotiation.js";
import { VirtualTimers } from "./virtual.mjs";

test("without a collision both sides take an offer", () => {
  for (const polite of [true, false]) {
    const negotiation = new Negotiation(polite);
    assert.equal(negotiation.takesOffer("stable"), true);
    assert.equal(negotiation.ignoring, false);
  }
});

test("when both offer, the callee gives way and the caller stands", () => {
  const callee = new Negotiation(true);
  const caller = new Negotiation(false);
  assert.equal(callee.takesOffer("have-local-offer"), true);
  assert.equal(caller.takesOffer("have-local-offer"), false);
  assert.equal(caller.ignoring, true);
  assert.equal(callee.ignoring, false);
});

test("an offer in the making counts as made", () => {
  const caller = new Negotiation(false);
  caller.makingOffer = true;
  assert.equal(caller.takesOffer("stable"), false);
  caller.makingOffer = false;
  assert.equal(caller.takesOffer("stable"), true);
  assert.equal(caller.ignoring, false, "candidates count again");
});

test("an answer is taken once", () => {
  const negotiation = new Negotiation(false);
  assert.equal(negotiation.takesAnswer("have-local-offer"), true);
  assert.equal(negotiation.takesAnswer("stable"), false);
});

test("candidates share requests, the last one does not wait", async () => {
  const timers = new VirtualTimers();
  const sent = [];
  const batch = new CandidateBatch((list) => sent.push(list), 64, timers);
  batch.add({ candidate: "a" });
  batch.add({ candidate: "b" });
  assert.deepEqual(sent, []);
  await timers.elapse(100);
  assert.deepEqual(sent, [[{ candidate: "a" }, { candidate: "b" }]]);
  batch.add({ candidate: "c" });
  batch.add(null);
  assert.deepEqual(sent[1], [{ candidate: "c" }, null]);
  await timers.elapse(100);
  assert.equal(sent.length, 2);
});

test("a batch never exceeds what one request may carry", () => {
  const sent = [];
  const batch = new CandidateBatch((list) => sent.push(list.length), 3,
    new VirtualTimers());
  for (let i = 0; i < 7; i++)
    batch.add({ candidate: String(i) });
  batch.flush();
  assert.deepEqual(sent, [3, 3, 1]);
});
