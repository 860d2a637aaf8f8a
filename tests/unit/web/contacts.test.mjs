// SPDX-License-Identifier: BSD-3-Clause
// The page's contacts: in which order they stand, what one may do with each.
import assert from "node:assert/strict";
import test from "node:test";

import "./virtual.mjs";
import { Contacts } from "../../../web/page/contacts.js";

/** With the lists that the server would tell. */
async function begin(lists) {
  const client = new EventTarget();
  client.people = { list: async (which) => lists[which] || [] };
  const nicks = {};
  const model = { learn: (all) => all.forEach(({ user, nick }) => {
    nicks[user] = nick;
  }), remark() {}, nickOf: (user) => nicks[user] || user };
  const contacts = new Contacts(client, model);
  const say = (type, detail) =>
    client.dispatchEvent(new CustomEvent(type, { detail }));
  say("contacts", {});
  await new Promise(setImmediate);
  return { contacts, say };
}

const contact = (user, state) => ({ user, nick: user.toUpperCase(), state });
const shown = (contacts) => contacts.list().map(({ user }) => user);
const offered = (contacts, user) => contacts.items(user).map(({ label }) => label);

test("who asks stands first, then contacts by name, then who was asked", async () => {
  const { contacts, say } = await begin({
    friends: [contact("zoe", "friend"), contact("bob", "one_sided")],
    incoming: [contact("carol", "incoming")],
    outgoing: [contact("dave", "outgoing")],
    removed: [contact("eve", "removed")],
  });
  assert.deepEqual(shown(contacts), ["carol", "bob", "zoe", "dave"]);
  assert.equal(contacts.waiting, 1);
  say("contact", { contact: contact("carol", "friend") });
  say("contact", { contact: contact("dave", "none") });
  assert.deepEqual(shown(contacts), ["bob", "carol", "zoe"]);
  assert.equal(contacts.waiting, 0);
});

test("each state offers what the server would do", async () => {
  const { contacts } = await begin({ friends: [contact("zoe", "friend"),
    contact("bob", "one_sided")], incoming: [contact("carol", "incoming")],
  outgoing: [contact("dave", "outgoing"), contact("fred", "refused")] });
  assert.deepEqual(offered(contacts, "nobody"), ["Add to the contacts"]);
  assert.deepEqual(offered(contacts, "carol"), ["Accept", "Refuse"]);
  assert.deepEqual(offered(contacts, "dave"), ["Cancel the request"]);
  assert.deepEqual(offered(contacts, "zoe"),
    ["Rename for me", "Remove from the contacts"]);
  assert.deepEqual(offered(contacts, "bob"),
    ["Add to the contacts", "Rename for me", "Remove from the contacts"]);
  assert.deepEqual(offered(contacts, "fred"), ["Remove from the contacts"]);
});
