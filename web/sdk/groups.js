// SPDX-License-Identifier: BSD-3-Clause
// groups: founding groups, letting people in and out, roles and settings. What
// comes of it arrives as `message` of type `notice`, on every device.

import { randomId } from "./store.js";

export class Groups {
  #request;

  /** @param {(op: string, args: object) => Promise<object>} request */
  constructor(request) {
    this.#request = request;
  }

  /** With an own `mid`, so that a repetition does nothing twice. */
  #do(op, args) {
    return this.#request(`group.${op}`, { mid: randomId(), ...args });
  }

  /**
   * @param {object} group
   * @param {string} group.title
   * @param {string[]} [group.users] members beside oneself
   * @param {"invite"|"request"|"open"} [group.join] who lets people in
   * @param {"joined"|"all"} [group.history] what newcomers see
   * @param {string} [group.avatar] @param {string} [group.announcement]
   * @returns {Promise<string>} the conversation
   * @throws {FloeError} `not_found` (one of the users), `bad_request`
   */
  async create(group) {
    return (await this.#do("create", group)).conv;
  }

  /** @throws {FloeError} `forbidden`, `not_found`; likewise all below */
  async set(conv, settings) {
    await this.#do("set", { conv, ...settings });
  }

  async invite(conv, users) {
    await this.#do("invite", { conv, users });
  }

  /** @returns {Promise<"joined"|"asked">} */
  async join(conv, memo) {
    const ok = await this.#do("join", { conv, ...memo && { memo } });
    return ok.state || "joined";
  }

  async leave(conv) {
    await this.#do("leave", { conv });
  }

  async kick(conv, users) {
    await this.#do("kick", { conv, users });
  }

  async setRole(conv, users, role) {
    await this.#do("role", { conv, users, role });
  }

  async transfer(conv, user) {
    await this.#do("transfer", { conv, user });
  }

  /** @param {number} until ms since 1970; 0: they may speak again */
  async mute(conv, users, until) {
    await this.#do("mute", { conv, users, until_ts: until });
  }

  async dissolve(conv) {
    await this.#do("dissolve", { conv });
  }

  get(conv) {
    return this.#request("group.get", { conv });
  }

  /** @param {string} [after] the last user of the page before */
  members(conv, after) {
    return this.#request("group.members", { conv, ...after && { after } });
  }

  requests(conv, after) {
    return this.#request("group.requests", { conv, ...after && { after } });
  }

  async approve(conv, users) {
    await this.#do("approve", { conv, users });
  }

  async reject(conv, users) {
    await this.#request("group.reject", { conv, users });
  }
}
