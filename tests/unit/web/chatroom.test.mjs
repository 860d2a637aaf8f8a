// SPDX-License-Identifier: BSD-3-Clause
// Chatrooms in front of a server in memory.
import assert from "node:assert/strict";
import test from "node:test";

import { FloeError } from "../../../web/sdk/errors.js";
import { settle } from "./virtual.mjs";

const { Chatrooms } = await import("../../../web/sdk/chatroom.js");

/** Answers as doc/protocol/signaling.md has it, and writes down what is asked. */
class Server {
  asked = [];
  here = 0;
  refuse = null;

  request = async (op, args, how) => {
    this.asked.push([op, args, Boolean(how?.keep)]);
    if (this.refuse)
      throw new FloeError(this.refuse, "no");
    const room = args.room;
    switch (op) {
    case "chatroom.join":
      return { room, member: ++this.here, count: this.here };
    case "chatroom.send":
      return { room, ts: 7 };
    case "chatroom.members": {
      const members = [1, 2, 3].filter((n) => n > args.after).slice(0, 2)
        .map((member) => ({ member, user: `u${member}`, device: "d" }));
      return { room, members, count: 3, complete: members.at(-1)?.member === 3 };
    }
    }
    return { room };
  };
}

async function lobby() {
  const server = new Server();
  const rooms = new Chatrooms({ request: server.request });
  const room = await rooms.join("lobby");
  const heard = [];
  for (const type of ["message", "joined", "left", "state"])
    room.addEventListener(type, ({ detail }) => heard.push([type, detail]));
  return { server, rooms, room, heard };
}

test("one comes once, speaks, and looks who is there", async () => {
  const { server, rooms, room } = await lobby();
  assert.equal(await rooms.join("lobby"), room);
  assert.deepEqual([room.number, room.count, room.state], [1, 1, "joined"]);
  assert.equal(await room.send("hello"), 7);
  await room.send({ kind: "wave" }, { self: true });
  assert.deepEqual((await room.members()).map((m) => m.user), ["u1", "u2", "u3"]);
  assert.equal(room.count, 3);
  assert.deepEqual(server.asked, [
    ["chatroom.join", { room: "lobby" }, true],
    ["chatroom.send", { room: "lobby", body: { text: "hello" }, self: false }, false],
    ["chatroom.send", { room: "lobby", body: { kind: "wave" }, self: true }, false],
    ["chatroom.members", { room: "lobby", after: 0 }, true],
    ["chatroom.members", { room: "lobby", after: 2 }, true]]);
});

test("what is pushed is heard in its room, and there only", async () => {
  const { rooms, room, heard } = await lobby();
  const bob = { member: 2, user: "bob", device: "d" };
  rooms.push({ push: "chatroom.joined", room: "lobby", ...bob });
  assert.equal(room.count, 2);
  rooms.push({ push: "chatroom.message", room: "lobby", ...bob, ts: 9, body: { text: "x" } });
  rooms.push({ push: "chatroom.message", room: "attic", ...bob, ts: 9, body: { text: "y" } });
  rooms.push({ push: "chatroom.newer", room: "lobby" });
  rooms.push({ push: "chatroom.left", room: "lobby", ...bob });
  assert.deepEqual(heard, [["joined", bob], ["message", { ...bob, ts: 9, body: { text: "x" } }],
    ["left", bob]]);
  assert.equal(room.count, 1);
});

test("who has gone hears and says nothing", async () => {
  const { server, rooms, room, heard } = await lobby();
  room.leave();
  room.leave();
  rooms.push({ push: "chatroom.message", room: "lobby", member: 2, ts: 9, body: {} });
  assert.deepEqual(heard, [["state", { state: "ended", reason: "left" }]]);
  assert.deepEqual(server.asked.at(-1), ["chatroom.leave", { room: "lobby" }, true]);
  await assert.rejects(room.send("x"), { code: "state" });
  assert.notEqual(await rooms.join("lobby"), room, "to come back is to come anew");
});

test("a server that has forgotten us is asked again", async () => {
  const { server, rooms, room, heard } = await lobby();
  rooms.renew();
  await settle();
  assert.deepEqual([room.state, room.number], ["joined", 2]);
  server.refuse = "conflict";
  rooms.renew();
  await settle();
  assert.deepEqual(heard.map(([, { state, reason }]) => [state, reason]),
    [["joining", null], ["joined", null], ["joining", null], ["ended", "conflict"]]);
  await assert.rejects(rooms.join("lobby"), { code: "conflict" });
  server.refuse = null;
  const next = await rooms.join("lobby");
  rooms.end("closed");
  assert.deepEqual([next.state, next.reason], ["ended", "closed"]);
});
