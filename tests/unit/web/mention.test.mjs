// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { candidatesFor, complete, mentionsIn, queryAt, split }
  from "../../../web/page/mention.js";

const MEMBERS = [{ user: "bob", nick: "Bob Baker" }, { user: "bo.b", nick: "Bo" },
  { user: "carol", nick: "Carol" }];
const users = (list) => list.map(({ user }) => user);

test("an @ at the beginning of a word asks for a name", () => {
  assert.equal(queryAt("hi @bo", 6), "bo");
  assert.equal(queryAt("@", 1), "");
  assert.equal(queryAt("(@ca", 4), "ca");
  assert.equal(queryAt("hi @bo there", 6), "bo");
  assert.equal(queryAt("a@bo", 4), null);
  assert.equal(queryAt("hi @bo ", 7), null);
});

test("candidates begin so, by user name or a word of the nick", () => {
  assert.deepEqual(users(candidatesFor("bo", MEMBERS, false)), ["bob", "bo.b"]);
  assert.deepEqual(users(candidatesFor("BAK", MEMBERS, false)), ["bob"]);
  assert.deepEqual(users(candidatesFor("a", MEMBERS, true)), ["all"]);
  assert.deepEqual(users(candidatesFor("a", MEMBERS, false)), []);
});

test("the chosen name takes the place of what was typed", () => {
  assert.deepEqual(complete("hi @bo", 6, "bob"), { text: "hi @bob ", caret: 8 });
  assert.deepEqual(complete("hi @bo there", 6, "bob"),
    { text: "hi @bob there", caret: 8 });
});

test("a text calls members only, each once, and everybody if one may", () => {
  assert.deepEqual(mentionsIn("@bob, @Carol. and @bob @dave x@carol", MEMBERS, false),
    ["bob", "carol"]);
  assert.deepEqual(mentionsIn("@bo.b.", MEMBERS, false), ["bo.b"]);
  assert.deepEqual(mentionsIn("@all!", MEMBERS, true), ["*"]);
  assert.deepEqual(mentionsIn("@all!", MEMBERS, false), []);
});

test("a text is cut where it calls somebody, and nowhere else", () => {
  assert.deepEqual(split("hi @bob. @carol", ["bob"]),
    ["hi ", { user: "bob" }, ". @carol"]);
  assert.deepEqual(split("@all", ["*"]), [{ user: "all" }]);
  assert.deepEqual(split("hi @bob"), ["hi @bob"]);
});
