// SPDX-License-Identifier: BSD-3-Clause
// People: what the application hears of contacts, presence and privacy.
import assert from "node:assert/strict";
import test from "node:test";

import { People } from "../../../web/sdk/people.js";

const PRIVACY = { last_seen: "contacts", presence: "contacts", findable: true };

/** People in front of answers by op; what was asked and heard. */
function begin(answers = {}) {
  const asked = [];
  const heard = [];
  const people = new People(async (op, args) => {
    asked.push([op, args]);
    const answer = answers[op];
    if (answer instanceof Error)
      throw answer;
    return typeof answer === "function" ? answer(args) : answer;
  }, (type, detail) => heard.push([type, detail]));
  return { people, asked, heard };
}

function hello(more) {
  return { contacts_version: 4, privacy: PRIVACY, peers: [], ...more };
}

test("the first connection and a missed change ask for the lists", () => {
  const { people, heard } = begin();
  people.start(hello());
  assert.deepEqual(heard, [["contacts", {}]]);
  people.start(hello({ resumed: true }));
  assert.equal(heard.length, 1);
  people.start(hello({ resumed: true, contacts_version: 5 }));
  assert.deepEqual(heard[1], ["contacts", {}]);
});

test("the next change is told as it is, one after a hole is not", () => {
  const { people, heard } = begin();
  people.start(hello());
  const contact = { user: "bob", nick: "Bob", state: "incoming" };
  assert.equal(people.push({ push: "contact", version: 5, contact }), true);
  assert.deepEqual(heard[1], ["contact", { contact }]);
  people.push({ push: "contact", version: 5, contact });
  assert.equal(heard.length, 2);
  people.push({ push: "contact", version: 7, contact });
  assert.deepEqual(heard[2], ["contacts", {}]);
  people.push({ push: "contact", version: 8 });
  assert.deepEqual(heard[3], ["contacts", {}]);
});

test("an answer counts like a push", async () => {
  const contact = { user: "bob", nick: "Bob", state: "outgoing" };
  const { people, asked, heard } = begin({
    "contact.request": { version: 5, contact },
    "contact.accept": { version: 5, contact },
  });
  people.start(hello());
  assert.deepEqual(await people.request("bob", "hi"), contact);
  assert.deepEqual(asked, [["contact.request", { user: "bob", memo: "hi" }]]);
  assert.deepEqual(heard[1], ["contact", { contact }]);
  await people.accept("bob"); // which changed nothing
  assert.equal(heard.length, 2);
});

test("a refusal changes nothing", async () => {
  const { people, heard } = begin({ "contact.request": new Error("conflict") });
  people.start(hello());
  await assert.rejects(people.request("bob"));
  assert.equal(heard.length, 1);
});

test("a block is a change like any, and a list of its own", async () => {
  const contact = { user: "bob", nick: "Bob", state: "friend", blocked: true };
  const { people, asked, heard } = begin({
    "contact.block": { version: 5, contact },
    "contact.unblock": { version: 6, contact: { ...contact, blocked: undefined } },
    "contact.list": { contacts: [contact], complete: true },
  });
  people.start(hello());
  assert.deepEqual(await people.block("bob"), contact);
  assert.deepEqual(await people.list("blocked"), [contact]);
  assert.equal((await people.unblock("bob")).blocked, undefined);
  assert.deepEqual(asked.map(([op, args]) => [op, args.user || args.which]),
    [["contact.block", "bob"], ["contact.list", "blocked"],
      ["contact.unblock", "bob"]]);
  assert.deepEqual(heard.map(([type]) => type),
    ["contacts", "contact", "contact"]);
});

test("a list is read to its end", async () => {
  const pages = [
    { contacts: [{ user: "a" }, { user: "b" }], complete: false },
    { contacts: [{ user: "c" }], complete: true },
  ];
  const { people, asked } = begin({ "contact.list": () => pages.shift() });
  const all = await people.list("friends");
  assert.deepEqual(all.map((c) => c.user), ["a", "b", "c"]);
  assert.deepEqual(asked.map(([, args]) => args.after), [undefined, "b"]);
});

test("presence is of the connection at hand", () => {
  const { people, heard } = begin();
  people.start(hello({ peers: [{ user: "bob", state: "busy", last_seen: 7,
    status_text: "in a meeting" }] }));
  assert.deepEqual(people.presence("bob"),
    { state: "busy", lastSeen: 7, statusText: "in a meeting" });
  people.push({ push: "presence", user: "bob", state: "offline", last_seen: 9 });
  assert.deepEqual(people.presence("bob"), { state: "offline", lastSeen: 9 });
  assert.equal(heard.filter(([type]) => type === "presence").length, 2);
  people.start(hello());
  assert.equal(people.presence("bob"), undefined);
  assert.equal(people.push({ push: "message" }), false);
});

test("the own state is said again in a new session, not in the same", async () => {
  const { people, asked } = begin({ "presence.set": { state: "busy" } });
  people.start(hello());
  assert.deepEqual(people.hello, {});
  assert.equal(await people.setState("invisible", "shh"), "busy");
  assert.deepEqual(people.hello, { state: "invisible" });
  people.start(hello({ resumed: true }));
  assert.equal(asked.length, 1);
  people.start(hello({ resumed: false }));
  assert.deepEqual(asked[1],
    ["presence.set", { state: "invisible", status_text: "shh" }]);
});

test("privacy", async () => {
  const { people, asked, heard } = begin({
    "privacy.set": { ...PRIVACY, last_seen: "nobody" },
  });
  assert.equal(people.privacy, null);
  people.start(hello());
  assert.deepEqual(people.privacy,
    { lastSeen: "contacts", presence: "contacts", findable: true });
  await people.setPrivacy({ lastSeen: "nobody" });
  assert.deepEqual(asked, [["privacy.set", { last_seen: "nobody" }]]);
  assert.equal(people.privacy.lastSeen, "nobody");
  people.push({ push: "privacy", ...PRIVACY, findable: false });
  assert.equal(people.privacy.findable, false);
  assert.equal(heard.at(-1)[0], "privacy");
});
