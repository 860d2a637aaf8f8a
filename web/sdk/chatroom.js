// SPDX-License-Identifier: BSD-3-Clause
// chatroom: talk that is stored nowhere, by the name of the room. Who is not
// there, or has no link just then, does not hear it.

import { FloeError } from "./errors.js";

const KEEP = { keep: true }; // to come, to go and to look may be asked again

/**
 * Events: `message` (detail: member, user, device, ts, body), `joined` `left`
 * (detail: member, user, device), `state` (detail: state, reason).
 *
 * States: `joined`, `joining` (again, since the server forgot us) -> `ended`.
 */
export class Chatroom extends EventTarget {
  #env;

  /** Made by FloeClient.joinChatroom() only. */
  constructor(env, name) {
    super();
    this.#env = env;
    this.name = name;
    this.number = null;
    this.count = 0;
    this.state = "joining";
    this.reason = null;
  }

  /**
   * @param {string|object} what a text, or any object
   * @param {{self?: boolean}} [how] self: one's own `message` event too
   * @returns {Promise<number>} when the server had it, in ms since 1970. That
   *   somebody heard it nobody says.
   * @throws {FloeError} `overloaded` (too much at once), `too_large`,
   *   `link_lost` (said or not: it is not repeated), `state` (ended)
   */
  async send(what, { self = false } = {}) {
    const body = typeof what === "string" ? { text: what } : what;
    return (await this.#ask("send", { body, self })).ts;
  }

  /**
   * Everybody who is there, oneself too, in the order of their coming.
   * @returns {Promise<{member: number, user: string, device: string}[]>}
   * @throws {FloeError} `link_lost`, `state` (ended)
   */
  async members() {
    const all = [];
    for (;;) {
      const page = await this.#ask("members", { after: all.at(-1)?.member ?? 0 }, KEEP);
      all.push(...page.members);
      this.count = page.count;
      if (page.complete || page.members.length === 0)
        return all;
    }
  }

  /** Goes. Does nothing when it has ended. Throws nothing. */
  leave() {
    if (this.state === "ended")
      return;
    this.#ask("leave", {}, KEEP).catch(() => {});
    this.finish("left");
  }

  #ask(what, args, how) {
    if (this.state === "ended")
      return Promise.reject(new FloeError("state", "the chatroom was left"));
    return this.#env.request(`chatroom.${what}`, { room: this.name, ...args }, how);
  }

  #setState(state, reason = null) {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason } }));
  }

  // What follows is called by Chatrooms.

  /** @throws {FloeError} `bad_request`, `too_large`, `conflict`, `link_lost` */
  async join() {
    const { member, count } = await this.#ask("join", {}, KEEP);
    if (this.state === "ended") // left while the answer was on its way
      return;
    this.number = member;
    this.count = count;
    this.#setState("joined");
  }

  /** The server has forgotten that we are here. */
  async rejoin() {
    if (this.state !== "joined")
      return;
    this.#setState("joining");
    await this.join().catch((error) => this.finish(error.code));
  }

  push({ push, room: _, ...detail }) {
    const type = push.slice("chatroom.".length);
    if (this.state === "ended" || !["message", "joined", "left"].includes(type))
      return;
    this.count += { joined: 1, left: -1 }[type] ?? 0;
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Over, here; tells nobody. */
  finish(reason) {
    if (this.state === "ended")
      return;
    this.#setState("ended", reason);
    this.#env.ended(this);
  }
}

/** Those that this client is in. */
export class Chatrooms {
  #env;
  #live = new Map(); // name -> { room, joining }

  /** @param {object} env request */
  constructor(env) {
    this.#env = { request: env.request, ended: ({ name }) => this.#live.delete(name) };
  }

  /**
   * @param {string} name
   * @returns {Promise<Chatroom>} once in it; the same for the same name
   * @throws {FloeError} as Chatroom.join()
   */
  join(name) {
    if (!this.#live.has(name)) {
      const room = new Chatroom(this.#env, name);
      const joining = room.join().then(() => room, (error) => {
        room.finish(error.code || "internal");
        throw error;
      });
      this.#live.set(name, { room, joining });
    }
    return this.#live.get(name).joining;
  }

  push(push) {
    this.#live.get(push.room)?.room.push(push);
  }

  /** A new session, or a restarted server: we are in none of them there. */
  renew() {
    for (const { room } of [...this.#live.values()])
      room.rejoin();
  }

  end(reason) {
    for (const { room } of [...this.#live.values()])
      room.finish(reason);
  }
}
