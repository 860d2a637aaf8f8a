// SPDX-License-Identifier: BSD-3-Clause
// room: one group call as this device sees it: who is in it, and a connection
// with each. Who came later makes the first offer and is the impolite side.
// Owns: the local tracks and the peer connections.

import { FloeError } from "./errors.js";
import { LocalMedia, sameMedia } from "./local.js";
import { Peer } from "./peer.js";
import { summarize } from "./stats.js";

const KEEP = { keep: true }; // the contract: every room request may be repeated
const MOST_TRIES = 5; // against a server that is overloaded
const BACK_MS = 60_000; // for who has not come back after a restart of the server

/** Somebody else in a room. */
export class RoomMember {
  #peer = null;
  missing = null; // the timer until which it may come back

  /** Made by Room only. */
  constructor({ member, user, device, away, media }) {
    this.number = member;
    this.user = user;
    this.device = device;
    this.away = away;
    this.media = media;
    this.stream = null;
    this.connected = false;
  }

  /** The RTCPeerConnection, null before it is made. */
  get connection() {
    return this.#peer?.connection || null;
  }

  /**
   * Which way the connection with this member goes, and how well.
   * @returns {Promise<import("../floe.d.ts").CallStats>}
   * @throws {FloeError} `state`: there is none (yet)
   */
  async stats() {
    if (!this.#peer)
      throw new FloeError("state", "no connection with this member");
    return summarize(await this.#peer.stats());
  }

  /** For Room: the peer, set once. */
  get peer() {
    return this.#peer;
  }

  set peer(peer) {
    this.#peer = peer;
  }
}

/**
 * Events: `state` (detail: state, reason), `joined` `left` `member` (detail:
 * member; `member`: something of it changed), `localstream`.
 *
 * States: `joining` -> `joined` -> `ended`.
 */
export class Room extends EventTarget {
  #env;
  #local = new LocalMedia();
  #members = new Map(); // by number
  #told = null; // what the others believe that we send
  #chain = Promise.resolve();

  /** Made by FloeClient.createRoom() and joinRoom() only. */
  constructor(env, id) {
    super();
    this.#env = env;
    this.id = id;
    this.number = null;
    this.state = "joining";
    this.reason = null;
  }

  /** The others. */
  get members() {
    return [...this.#members.values()];
  }

  get localStream() {
    return this.#local.stream;
  }

  get muted() {
    return this.#local.muted;
  }

  get held() {
    return this.#local.held;
  }

  get cameraOn() {
    return this.#local.cameraOn;
  }

  get screenOn() {
    return this.#local.screen !== null;
  }

  /** Goes. Does nothing when it has ended. Throws nothing. */
  leave() {
    if (this.state === "joined")
      this.#tell("room.leave").catch(() => {});
    this.finish("left");
  }

  /** Turns the microphone off or on. Throws nothing. */
  setMuted(muted) {
    this.#local.setMuted(muted);
    this.#showMedia();
  }

  /** Nothing is sent until it is taken back. Throws nothing. */
  setHold(held) {
    this.#local.setHold(held);
    this.#showMedia();
  }

  /**
   * @param {boolean} on
   * @returns {Promise<void>}
   * @throws {FloeError} `media`, `state` (ended)
   */
  async setCamera(on) {
    this.#expectLive();
    const track = await this.#local.setCamera(on);
    if (track && this.state === "ended")
      track.stop();
    else if (track && !this.screenOn)
      await this.#showPicture();
    this.#emit("localstream");
    this.#showMedia();
  }

  /**
   * Shows a screen or window instead of the camera, or the camera again.
   * @param {boolean} on
   * @returns {Promise<void>}
   * @throws {FloeError} `media`, `state` (ended)
   */
  async setScreen(on) {
    this.#expectLive();
    if (on === this.screenOn)
      return;
    if (on)
      await this.#local.openScreen(() => this.setScreen(false).catch(() => {}));
    else
      this.#local.closeScreen();
    if (this.state === "ended") {
      this.#local.stop();
      return;
    }
    await this.#showPicture();
    this.#emit("localstream");
    this.#showMedia();
  }

  #expectLive() {
    if (this.state === "ended")
      throw new FloeError("state", "the room was left");
  }

  async #showPicture() {
    await Promise.all(this.members.map((member) =>
      member.peer?.sendPicture(this.#local.picture, this.localStream)));
  }

  /** Tells the others what is sent now, when they believe otherwise. */
  #showMedia() {
    const media = this.#local.state;
    if (this.state !== "joined" || sameMedia(media, this.#told))
      return;
    const before = this.#told;
    this.#told = media;
    this.#tell("room.media", { media }).catch(() => {
      if (this.#told === media)
        this.#told = before;
    });
  }

  async #tell(op, args = {}) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#env.request(op, { room: this.id, ...args }, KEEP);
      } catch (error) {
        if (error.retryMs === undefined || tries === MOST_TRIES)
          throw error;
        await new Promise((go) => this.#env.timers.set(go, error.retryMs));
      }
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #setState(state) {
    this.state = state;
    this.#emit("state", { state, reason: this.reason });
  }

  // What follows is called by Rooms.

  /** @throws {FloeError} `media` */
  async openLocal(media) {
    await this.#local.open(media);
    if (this.state === "ended")
      this.#local.stop();
    else
      this.#emit("localstream");
  }

  /** What a join asks for. */
  get wish() {
    this.#told ??= this.#local.state;
    return this.#told;
  }

  /** The server has said yes. We came last, so we make the offers. */
  joined({ room, member, members, again }) {
    this.id = room;
    this.number = member;
    if (this.state === "ended") { // left while the answer was on its way
      this.#tell("room.leave").catch(() => {});
      return;
    }
    if (this.state === "joining")
      this.#setState("joined");
    if (again)
      this.#missAll();
    this.#reconcile(members);
    this.#showMedia();
  }

  /** The server came back and has forgotten the room: we are who we were. */
  async rejoin() {
    const before = this.number;
    try {
      const ok = await this.#tell("room.join",
        { media: this.#local.state, member: before });
      if (ok.member !== before)
        this.#reconcile([]);
      this.joined(ok);
    } catch (error) {
      this.finish(error.code === "not_found" ? "lost" : error.code);
    }
  }

  push(push) {
    const member = this.#members.get(push.member ?? push.from);
    if (this.state !== "joined")
      return;
    switch (push.push) {
    case "room.joined":
      this.#seat(push);
      break;
    case "room.left":
      if (member)
        this.#remove(member, push.reason);
      break;
    case "room.peer":
      this.#update(member, { away: push.state === "away" });
      break;
    case "room.media":
      this.#update(member, { media: push.media });
      break;
    case "room.members":
      this.#reconcile(push.members);
      break;
    case "room.offer":
      this.#signal(member, "offer", push.sdp);
      break;
    case "room.answer":
      this.#signal(member, "answer", push.sdp);
      break;
    case "room.candidate":
      this.#signal(member, "candidates", push.candidates);
      break;
    }
  }

  useServers(iceServers) {
    for (const member of this.members)
      member.peer?.useServers(iceServers);
  }

  networkChanged() {
    for (const member of this.members) {
      if (!member.connected)
        member.peer?.repair();
    }
  }

  #reconcile(list) {
    const there = new Set(list.map((entry) => entry.member));
    for (const member of this.members) {
      if (!there.has(member.number) && !member.missing)
        this.#remove(member, "lost");
    }
    for (const entry of list)
      this.#seat(entry);
  }

  /** Who is there, new or not; a number is the same person's for good. */
  #seat(entry) {
    const known = this.#members.get(entry.member);
    if (known && known.user === entry.user && known.device === entry.device) {
      this.#found(known);
      this.#update(known, { away: entry.away, media: entry.media });
      return;
    }
    if (known)
      this.#remove(known, "lost");
    this.#add(entry);
  }

  /** The others are away until they say that they are back, or never do. */
  #missAll() {
    for (const member of this.members) {
      member.missing ??= this.#env.timers.set(
        () => this.#remove(member, "lost"), BACK_MS);
      this.#update(member, { away: true });
    }
  }

  #found(member) {
    if (member.missing)
      this.#env.timers.clear(member.missing);
    member.missing = null;
  }

  #add(entry) {
    const member = new RoomMember(entry);
    this.#members.set(member.number, member);
    this.#connect(member);
    this.#emit("joined", { member });
  }

  #update(member, facts) {
    if (!member)
      return;
    const same = (facts.away ?? member.away) === member.away &&
      sameMedia(facts.media ?? member.media, member.media);
    Object.assign(member, facts);
    if (!same)
      this.#emit("member", { member });
  }

  #remove(member, reason) {
    this.#found(member);
    this.#members.delete(member.number);
    member.peer?.close();
    this.#emit("left", { member, reason });
  }

  #signal(member, kind, data) {
    if (member)
      this.#chain = this.#chain.then(() => member.peer?.signal(kind, data));
  }

  #connect(member) {
    this.#chain = this.#chain.then(async () => {
      const iceServers = await this.#env.servers();
      if (this.#members.get(member.number) === member)
        member.peer = this.#makePeer(member, iceServers);
      if (this.screenOn)
        await member.peer?.sendPicture(this.#local.picture, this.localStream);
    }).catch((error) => console.error("floe:", error));
  }

  #makePeer(member, iceServers) {
    const tell = (op, args) => this.#tell(op, { to: member.number, ...args })
      .catch(() => {}); // it has left, or we have; a push says so
    return new Peer({
      polite: this.number < member.number,
      config: { ...this.#env.config, iceServers },
      freshServers: this.#env.servers,
      stream: this.localStream,
      receive: ["audio", "video"],
      on: {
        description: (kind, sdp) => tell(`room.${kind}`, { sdp }),
        candidates: (candidates) => tell("room.candidate", { candidates }),
        path: (connected) => {
          member.connected = connected;
          this.#emit("member", { member });
        },
        track: (stream) => {
          member.stream = stream;
          this.#emit("member", { member });
        },
        failed: () => {}, // the others go on; it repairs itself, or leaves
      },
      timers: this.#env.timers,
      mostCandidates: this.#env.mostCandidates(),
    });
  }

  /** Over, here; tells nobody. */
  finish(reason) {
    if (this.state === "ended")
      return;
    this.reason = reason;
    this.#setState("ended");
    for (const member of this.members) {
      this.#found(member);
      member.peer?.close();
    }
    this.#members.clear();
    this.#local.stop();
    this.#env.ended(this);
  }
}
