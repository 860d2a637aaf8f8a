// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { rightsOf, rightsOver } from "../../../web/page/rights.js";

const allowed = (rights) => Object.keys(rights).filter((name) => rights[name]);
const info = (role, more = {}) => ({ role, join: "invite", members: 3, ...more });
const over = (role, member, user = "bob") =>
  allowed(rightsOver(role, { user, role: member }, "alice"));

test("what a role allows in the group", () => {
  assert.deepEqual(allowed(rightsOf(info("member"))), ["leave"]);
  assert.deepEqual(allowed(rightsOf(info("member", { join: "open" }))),
    ["invite", "leave"]);
  assert.deepEqual(allowed(rightsOf(info("admin"))),
    ["invite", "settings", "decide", "everybody", "leave"]);
  assert.deepEqual(allowed(rightsOf(info("owner"))),
    ["invite", "settings", "decide", "everybody", "dissolve"]);
  assert.ok(rightsOf(info("owner", { members: 1 })).leave);
});

test("what a role allows with a member", () => {
  assert.deepEqual(over("member", "member"), []);
  assert.deepEqual(over("admin", "member"), ["kick", "mute"]);
  assert.deepEqual(over("admin", "admin"), []);
  assert.deepEqual(over("admin", "owner"), []);
  assert.deepEqual(over("owner", "member"), ["kick", "mute", "promote", "transfer"]);
  assert.deepEqual(over("owner", "admin"), ["kick", "mute", "demote", "transfer"]);
  assert.deepEqual(over("owner", "owner", "alice"), []);
});
