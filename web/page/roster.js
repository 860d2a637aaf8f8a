// SPDX-License-Identifier: BSD-3-Clause
// roster: settings, members and open requests of the groups that were looked
// at; read again when a notice says that something changed.
//
// Event: `roster` (detail: conv).

import { coalesced } from "./dom.js";
import { rightsOf } from "./rights.js";

const MOST = 500; // of the members; a large group tells the first ones
const NOTHING = { info: null, members: [], complete: true, requests: [] };

export class Roster extends EventTarget {
  #client;
  #model;
  #groups = new Map(); // conv -> what of() tells

  constructor(client, model) {
    super();
    this.#client = client;
    this.#model = model;
    const again = coalesced(() => this.#load(this.#current));
    client.addEventListener("message", ({ detail: { message } }) =>
      message.type === "notice" && message.conv === this.#current && again());
    client.addEventListener("update", ({ detail: { message } }) =>
      message.type === "notice" && message.conv === this.#current && again());
    client.addEventListener("grouprequest", ({ detail: { conv } }) =>
      conv === this.#current && again());
    client.addEventListener("state", ({ detail: { state } }) =>
      state === "online" && this.#current && again());
  }

  get #current() {
    const entry = this.#model.current;
    return entry?.group && !entry.left ? entry.conv : null;
  }

  /** @returns {{info: object|null, members: object[], complete: boolean,
   *   requests: object[]}} as far as known */
  of(entry) {
    return this.#groups.get(entry?.conv) || NOTHING;
  }

  /** A group is opened, or something was changed here. */
  refresh() {
    return this.#load(this.#current);
  }

  async #load(conv) {
    if (!conv || this.#client.state !== "online")
      return;
    try {
      const info = await this.#client.groups.get(conv);
      const { members, complete } = await this.#members(conv);
      const requests = rightsOf(info).decide
        ? (await this.#client.groups.requests(conv)).requests : [];
      this.#groups.set(conv, { info, members, complete, requests });
      this.#model.learn(members);
      this.#model.learn(requests);
    } catch (error) {
      console.warn("floe: group:", error.message); // left meanwhile, or no link
      return;
    }
    this.dispatchEvent(new CustomEvent("roster", { detail: { conv } }));
  }

  async #members(conv) {
    const all = [];
    for (;;) {
      const { members, complete } =
        await this.#client.groups.members(conv, all.at(-1)?.user);
      all.push(...members);
      if (complete || members.length === 0 || all.length >= MOST)
        return { members: all, complete };
    }
  }
}
