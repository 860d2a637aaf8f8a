// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { contentOf, failureOf, sizeOf, summaryOf, typingOf }
  from "../../../web/page/format.js";
import { boxOf, isPicture } from "../../../web/page/thumbs.js";

test("sizes in words", () => {
  assert.equal(sizeOf(3), "3 bytes");
  assert.equal(sizeOf(1500), "1.5 KB");
  assert.equal(sizeOf(183042), "183 KB");
  assert.equal(sizeOf(16 << 20), "17 MB");
});

test("a message in a line", () => {
  const nickOf = (user) => user.toUpperCase();
  const of = (from, type, body, named) =>
    summaryOf({ from, type, body }, "alice", nickOf, named);
  assert.equal(of("bob", "text", { text: "hi" }, false), "hi");
  assert.equal(of("bob", "text", { text: "hi" }, true), "BOB: hi");
  assert.equal(of("alice", "text", { text: "hi" }, true), "You: hi");
  assert.equal(of("bob", "notice", { event: "leave" }, true), "BOB left");
  assert.equal(of("bob", "file", { name: "a.pdf" }, false), "File: a.pdf");
  assert.equal(contentOf({ type: "file", body: { name: "a", type: "image/png" } }),
    "Picture: a");
  assert.equal(contentOf({ type: "file", body: { name: "a", text: "look" } }), "look");
});

test("who is typing", () => {
  assert.equal(typingOf(["Bob"]), "Bob is typing…");
  assert.equal(typingOf(["Bob", "Carol"]), "Bob and Carol are typing…");
  assert.equal(typingOf(["a", "b", "c", "d"]), "Several people are typing…");
});

test("why a file failed is said as that of a file", () => {
  const of = (type, code) => failureOf({ type, error: { code } });
  assert.match(of("file", "too_large"), /size/);
  assert.match(of("text", "too_large"), /text/);
  assert.equal(of("file", "forbidden"), "Not allowed");
});

test("what is shown as a picture, and in which box", () => {
  assert.ok(isPicture({ type: "image/png", size: 1000 }));
  assert.ok(!isPicture({ type: "image/svg+xml", size: 1000 }));
  assert.ok(!isPicture({ type: "image/png", size: 9 << 20 }));
  assert.deepEqual(boxOf({ width: 1600, height: 1200 }), { ratio: 4 / 3, width: 320 });
  assert.deepEqual(boxOf({ width: 1, height: 1e9 }), { ratio: 1 / 2, width: 160 });
  assert.deepEqual(boxOf({}), { ratio: 4 / 3, width: 320 });
});
