// SPDX-License-Identifier: BSD-3-Clause
// Profiles: of the SDK, and the page's that asks for each user once.
import assert from "node:assert/strict";
import test from "node:test";

import "./virtual.mjs";
import { Profiles as Page } from "../../../web/page/profiles.js";
import { Profiles } from "../../../web/sdk/profiles.js";

const bob = { user: "bob", nick: "Bob" };

test("one's own without a user; a change is heard like a push", async () => {
  const asked = [];
  const heard = [];
  const profiles = new Profiles(async (op, args) => {
    asked.push([op, args]);
    return { profile: bob };
  }, (profile) => heard.push(profile));
  assert.deepEqual(await profiles.get(), bob);
  await profiles.get("bob");
  await profiles.set({ signature: null });
  profiles.push({ push: "profile", profile: bob });
  assert.deepEqual(asked, [["profile.get", {}], ["profile.get", { user: "bob" }],
    ["profile.set", { signature: null }]]);
  assert.deepEqual(heard, [bob, bob]);
});

/** The page's, in front of a server that knows everybody but `ghost`. */
function page() {
  const asked = [];
  const client = new EventTarget();
  client.state = "online";
  client.profiles = { get: async (user) => {
    asked.push(user);
    if (client.state !== "online")
      throw Object.assign(new Error("gone"), { code: "link_lost" });
    if (user === "ghost")
      throw Object.assign(new Error("who"), { code: "not_found" });
    return { user, nick: user.toUpperCase() };
  } };
  const learnt = [];
  const model = { learn: ([{ nick }]) => learnt.push(nick), redraw() {} };
  return { profiles: new Page(client, model), client, asked, learnt };
}

const done = () => new Promise(setImmediate);

test("each user is asked for once, and nobody is no reason to stop", async () => {
  const { profiles, asked, learnt } = page();
  profiles.want(["bob", "ghost"]);
  profiles.want(["bob", "carol"]);
  await done();
  assert.deepEqual(asked, ["bob", "ghost", "carol"]);
  assert.deepEqual(learnt, ["BOB", "CAROL"]);
  assert.equal(profiles.of("bob").nick, "BOB");
  assert.equal(profiles.of("ghost"), undefined);
});

test("what a lost link left over is asked for when it is back", async () => {
  const { profiles, client, asked, learnt } = page();
  client.state = "waiting";
  profiles.want(["bob"]);
  await done();
  assert.deepEqual(asked, []);
  client.state = "online";
  client.dispatchEvent(new CustomEvent("state", { detail: { state: "online" } }));
  await done();
  assert.deepEqual(learnt, ["BOB"]);
});
