// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { Backoff, closePolicy } from "../../../web/sdk/backoff.js";

test("waits double up to a limit and start over after a reset", () => {
  const backoff = new Backoff(() => 0.999999);
  const waits = Array.from({ length: 8 }, () => backoff.next());
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
  backoff.reset();
  assert.equal(backoff.next(), 500);
});

test("each wait is drawn from the upper half of its range", () => {
  const least = new Backoff(() => 0);
  assert.deepEqual([least.next(), least.next(), least.next()], [250, 500, 1000]);
});

test("close codes say whether to come back", () => {
  const retry = (code) => closePolicy(code).retry;
  for (const code of [1000, 1001, 1006, 1011, 4000, 4002, 4003, 4499])
    assert.equal(retry(code), true, String(code));
  for (const code of [4001, 4500, 4501, 4502, 4999])
    assert.equal(retry(code), false, String(code));
});

test("close codes have reasons; a restart spreads its clients", () => {
  assert.equal(closePolicy(4001).reason, "taken_over");
  assert.equal(closePolicy(4500).reason, "unauthorized");
  assert.equal(closePolicy(4501).reason, "banned");
  assert.equal(closePolicy(4777).reason, "code_4777");
  assert.equal(closePolicy(1006).reason, "network");
  assert.equal(closePolicy(4003).spreadMs, 2000);
  assert.equal(closePolicy(4002).spreadMs, 0);
});
