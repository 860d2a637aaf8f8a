// SPDX-License-Identifier: BSD-3-Clause
// Rooms in front of a server in memory: who offers, who is told, who goes.
import assert from "node:assert/strict";
import test from "node:test";

import { FloeError } from "../../../web/sdk/errors.js";
import { Connection, installMedia } from "./media.mjs";
import { settle, VirtualTimers } from "./virtual.mjs";

installMedia();

const { Rooms } = await import("../../../web/sdk/rooms.js");
const MEDIA = { audio: true, video: true };
const ID = "r-1";

/** The server's side of one room, as doc/protocol/signaling.md has it. */
class Server {
  members = []; // { number, user, rooms, media }
  log = []; // "op from to"
  timers = new VirtualTimers(); // of all
  gone = false;
  #last = 0;
  #again = false;

  restart() {
    this.members = [];
    this.#last = 0;
    this.#again = true;
  }

  join(user, { media, member: wanted }, rooms) {
    const known = this.members.find((m) => m.rooms === rooms);
    const number = this.#again && wanted || this.#last + 1;
    const member = known || { number, user, rooms, media };
    this.#last = Math.max(this.#last, member.number);
    const entry = (m) => ({ member: m.number, user: m.user, device: "d", away: false,
      media: m.media });
    const others = this.members.filter((m) => m !== member).map(entry);
    if (!known) {
      this.tell(member, { push: "room.joined", ...entry(member) });
      this.members.push(member);
    }
    return { room: ID, member: member.number, members: others,
      ...this.#again && { again: true } };
  }

  tell(from, push) {
    for (const { rooms } of this.members.filter((m) => m !== from))
      rooms.push({ room: ID, ...push });
  }

  leave(member, reason) {
    this.members = this.members.filter((m) => m !== member);
    this.tell(member, { push: "room.left", member: member.number, reason });
  }

  ask(user, rooms, op, args) {
    const member = this.members.find((m) => m.rooms === rooms);
    if (op === "room.create" || (op === "room.join" && !this.gone &&
        (member || args.member || this.members.length > 0)))
      return this.join(user, args, rooms);
    if (!member)
      throw new FloeError("not_found", "room: not in it");
    this.log.push(`${op} ${member.number} ${args.to ?? ""}`.trim());
    if (op === "room.leave")
      this.leave(member, "left");
    else if (op === "room.media")
      this.tell(member, { push: op, member: member.number,
        media: member.media = args.media });
    else
      this.members.find((m) => m.number === args.to)?.rooms.push(
        { push: op, room: ID, from: member.number, sdp: args.sdp,
          candidates: args.candidates });
    return {};
  }

  /** Somebody's Rooms. */
  person(user) {
    const rooms = new Rooms({
      request: async (op, args) => this.ask(user, rooms, op, args),
      servers: async () => [],
      config: {},
      timers: this.timers,
      mostCandidates: () => 64,
    });
    return rooms;
  }
}

/** Three people in a room, in the order of their joining. */
async function three() {
  const server = new Server();
  const people = ["alice", "bob", "carol"].map((user) => server.person(user));
  const rooms = [await people[0].join(null, MEDIA)];
  for (const person of people.slice(1))
    rooms.push(await person.join(ID, MEDIA));
  await settle();
  return { server, people, rooms };
}

test("each is connected with each, and who came later has offered", async () => {
  const { server, rooms } = await three();
  assert.deepEqual(rooms.map(({ id, number, state }) => [id, number, state]),
    [[ID, 1, "joined"], [ID, 2, "joined"], [ID, 3, "joined"]]);
  for (const room of rooms) {
    assert.deepEqual(room.members.map((m) => [m.connected, m.stream !== null]),
      [[true, true], [true, true]]);
  }
  assert.deepEqual(rooms[1].members.map((m) => m.user), ["alice", "carol"]);
  assert.deepEqual(server.log.sort(), ["room.answer 1 2", "room.answer 1 3",
    "room.answer 2 3", "room.offer 2 1", "room.offer 3 1", "room.offer 3 2"]);
});

test("a newcomer without camera or microphone still asks for the others'", async () => {
  const server = new Server();
  const alice = await server.person("alice").join(null, MEDIA);
  const bob = await server.person("bob").join(ID, { audio: false, video: false });
  await settle();
  assert.deepEqual(bob.members[0].connection.kinds, ["audio recvonly", "video recvonly"]);
  assert.equal(bob.members[0].connected, true);
  assert.equal(alice.members[0].media.audio, false);
});

test("one who leaves is gone everywhere, and everybody from there", async () => {
  const { server, rooms } = await three();
  const left = [];
  rooms[0].addEventListener("left", ({ detail }) =>
    left.push([detail.member.user, detail.reason]));
  const connections = rooms[1].members.map((m) => m.connection);
  const [track] = rooms[1].localStream.getTracks();
  rooms[1].leave();
  await settle();
  assert.deepEqual(left, [["bob", "left"]]);
  assert.deepEqual([rooms[1].state, rooms[1].reason, rooms[1].members], ["ended", "left", []]);
  assert.ok(connections.every((pc) => pc.connectionState === "closed"));
  assert.ok(track.stopped);
  assert.deepEqual(rooms[0].members.map((m) => m.user), ["carol"]);
  server.leave(server.members[1], "lost");
  assert.deepEqual(left.at(-1), ["carol", "lost"]);
  assert.deepEqual(rooms[0].members, []);
});

test("what is sent is told once, and heard by all", async () => {
  const { server, rooms } = await three();
  const heard = [];
  rooms[2].addEventListener("member", ({ detail: { member } }) =>
    heard.push([member.user, member.media.audio]));
  rooms[0].setMuted(true);
  rooms[0].setMuted(true);
  await settle();
  assert.deepEqual(heard, [["alice", false]]);
  await rooms[0].setScreen(true);
  await settle();
  assert.deepEqual(rooms[2].members[0].media,
    { audio: false, video: true, screen: true, hold: false });
  for (const { connection } of rooms[0].members) {
    const sender = connection.getSenders().find((s) => s.kind === "video");
    assert.equal(sender.track.label, "screen");
  }
  assert.equal(server.log.filter((line) => line === "room.media 1").length, 2);
  // Who joins now gets the screen too.
  const dave = await server.person("dave").join(ID, MEDIA);
  await settle();
  const connection = rooms[0].members.find((m) => m.user === "dave").connection;
  assert.equal(connection.getSenders().find((s) => s.kind === "video").track.label, "screen");
  assert.equal(dave.members[0].media.screen, true);
});

test("away and back: told by a push, and as it stands after one's own gap", async () => {
  const { people, rooms } = await three();
  const [room] = rooms;
  people[0].push({ push: "room.peer", room: ID, member: 2, state: "away" });
  assert.deepEqual(room.members.map((m) => m.away), [true, false]);
  assert.equal(room.members[0].connected, true, "only the link was away");
  const bob = room.members[0];
  people[0].push({ push: "room.members", room: ID, members: [
    { member: 2, user: "bob", device: "d", away: false,
      media: { audio: false, video: true, screen: false, hold: true } }] });
  assert.deepEqual(room.members, [bob], "carol has gone, bob is the same");
  assert.deepEqual([bob.away, bob.media.hold], [false, true]);
});

test("pushes that come before the answer has been looked at are not lost", async () => {
  const asked = [];
  const rooms = new Rooms({
    request: (op, args) => new Promise((ok, fail) => asked.push({ op, args, ok, fail })),
    servers: async () => [], config: {}, timers: new VirtualTimers(),
    mostCandidates: () => 64,
  });
  const joining = rooms.join(null, MEDIA);
  await settle();
  assert.deepEqual(asked[0].args.media,
    { audio: true, video: true, screen: false, hold: false });
  asked[0].ok({ room: ID, member: 1, members: [] });
  rooms.push({ push: "room.joined", room: ID, member: 2, user: "bob", device: "d",
    away: false, media: MEDIA });
  rooms.push({ push: "room.offer", room: ID, from: 2, sdp: "offer x" });
  const room = await joining;
  await settle();
  assert.deepEqual(room.members.map((m) => m.user), ["bob"]);
  assert.deepEqual(asked.slice(1).map(({ op, args }) => [op, args.to]),
    [["room.answer", 2]]);
  // Left before the answer: the server hears of it then.
  const late = rooms.join("r-2", MEDIA);
  await settle();
  const join = asked.at(-1);
  rooms.leaveAll();
  join.ok({ room: "r-2", member: 5, members: [] });
  await late;
  assert.deepEqual(asked.at(-1).op, "room.leave");
  assert.deepEqual(asked.at(-1).args, { room: "r-2" });
});

test("a refused join ends with its reason and lets the camera go", async () => {
  const server = new Server();
  const rooms = server.person("alice");
  await assert.rejects(rooms.join("r-9", MEDIA), { code: "not_found" });
  rooms.leaveAll(); // nothing is left to leave
  assert.deepEqual(server.log, []);
});

test("the same room once on one device", async () => {
  const { people, rooms } = await three();
  assert.equal(await people[1].join(ID, MEDIA), rooms[1]);
});

test("a restart of the server: made anew by who comes back, with the same connections", async () => {
  const { server, people, rooms } = await three();
  const connections = () => rooms.map(({ members }) => members.map((m) => m.connection));
  const before = connections();
  people[0].restarted(); // the room is still there
  await settle();
  assert.deepEqual(connections(), before);
  server.restart();
  people[2].restarted();
  await settle();
  assert.deepEqual([rooms[2].number, rooms[2].state], [3, "joined"]);
  assert.deepEqual(rooms[2].members.map((m) => m.away), [true, true]);
  people[0].restarted();
  await settle();
  assert.deepEqual(rooms[2].members.map((m) => [m.user, m.away]),
    [["alice", false], ["bob", true]]);
  assert.deepEqual(connections(), before);
  assert.equal(server.log.filter((line) => line.startsWith("room.offer")).length, 3);
  // Bob does not come back, and somebody else gets his number.
  await server.timers.elapse(59_000);
  assert.equal(rooms[0].members.length, 2);
  await server.timers.elapse(2_000);
  assert.deepEqual(rooms[0].members.map((m) => m.user), ["carol"]);
  assert.deepEqual(rooms[2].members.map((m) => m.user), ["alice"]);
  people[1].sessionLost();
  assert.deepEqual([rooms[1].state, rooms[1].reason], ["ended", "lost"]);
});

test("a number that another one has after a restart is another one", async () => {
  const { server, people, rooms } = await three();
  server.restart();
  people[0].restarted();
  await settle();
  people[0].push({ push: "room.joined", room: ID, member: 2, user: "mallory", device: "d",
    away: false, media: MEDIA });
  await settle();
  assert.deepEqual(rooms[0].members.map((m) => m.user).sort(), ["carol", "mallory"]);
  server.members = []; // and there is no room any more
  server.gone = true;
  people[2].restarted();
  await settle();
  assert.deepEqual([rooms[2].state, rooms[2].reason], ["ended", "lost"]);
});

test("offers that cross later: who came later stands", async () => {
  const { people, rooms } = await three();
  const { connection } = rooms[0].members[0]; // alice's with bob
  await connection.setLocalDescription(); // alice has offered too
  people[0].push({ push: "room.offer", room: ID, from: 2, sdp: "offer bob" });
  await settle();
  assert.equal(connection.remoteDescription.sdp, "offer bob", "alice gives way");
  assert.equal(connection.signalingState, "stable");
  const theirs = rooms[1].members[0].connection; // bob's with alice
  await theirs.setLocalDescription();
  const before = theirs.remoteDescription;
  people[1].push({ push: "room.offer", room: ID, from: 1, sdp: "offer alice" });
  await settle();
  assert.equal(theirs.remoteDescription, before, "bob stands");
  assert.ok(Connection.last);
});
