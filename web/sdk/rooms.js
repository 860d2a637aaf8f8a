// SPDX-License-Identifier: BSD-3-Clause
// rooms: brings the server's pushes to the room they are about, also when they
// come before the answer that names the room has been looked at.

import { Room } from "./room.js";

const MOST_EARLY = 256;

export class Rooms {
  #env;
  #live = new Set();
  #asking = 0;
  #early = [];

  /** @param {object} env request, servers, config, timers, mostCandidates */
  constructor(env) {
    this.#env = { ...env, ended: (room) => this.#live.delete(room) };
  }

  /**
   * @param {string|null} id null: a new room
   * @param {{audio: boolean, video: boolean}} media
   * @returns {Promise<Room>} once in it
   * @throws {FloeError} `media`, `not_found`, `conflict` (full), `too_large`
   *   (in too many), `link_lost`
   */
  async join(id, media) {
    const here = [...this.#live].find((room) => id !== null && room.id === id);
    if (here)
      return here;
    const room = new Room(this.#env, id);
    this.#live.add(room);
    try {
      await room.openLocal(media);
      await this.#ask(room);
    } catch (error) {
      room.finish(error.code || "internal");
      throw error;
    }
    return room;
  }

  async #ask(room) {
    const media = room.wish;
    this.#asking++;
    try {
      const ok = await (room.id === null
        ? this.#env.request("room.create", { media }, { keep: true })
        : this.#env.request("room.join", { room: room.id, media }, { keep: true }));
      room.joined(ok);
    } finally {
      this.#asking--;
      for (const push of this.#early.splice(0))
        this.push(push);
    }
  }

  /** A push named `room.*`. */
  push(push) {
    const room = [...this.#live].find((live) => live.id === push.room);
    if (room && room.state === "joined")
      room.push(push);
    else if (this.#asking > 0 && this.#early.length < MOST_EARLY)
      this.#early.push(push);
    // else: of a room that was left
  }

  /** The session is a new one: it is in no room. */
  sessionLost() {
    for (const room of [...this.#live])
      room.finish("lost");
  }

  /** The session went on through a restart of the server. */
  restarted() {
    for (const room of [...this.#live]) {
      if (room.state === "joined")
        room.rejoin();
    }
  }

  useServers(iceServers) {
    for (const room of this.#live)
      room.useServers(iceServers);
  }

  networkChanged() {
    for (const room of this.#live)
      room.networkChanged();
  }

  /** Best effort when the page goes. */
  leaveAll() {
    for (const room of [...this.#live])
      room.leave();
  }
}
