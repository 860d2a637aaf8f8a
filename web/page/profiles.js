// SPDX-License-Identifier: BSD-3-Clause
// profiles: what users tell of themselves, asked for once, one after another,
// and kept up to date by what is pushed.
//
// Event: `profiles`.

import { keepFace } from "./face.js";

const MOST = 300;

export class Profiles extends EventTarget {
  #client;
  #model;
  #known = new Map(); // user -> profile, or null while it is asked for
  #waiting = [];
  #busy = false;

  constructor(client, model) {
    super();
    this.#client = client;
    this.#model = model;
    client.addEventListener("profile", ({ detail }) => this.#put(detail.profile));
    client.addEventListener("state", ({ detail: { state } }) =>
      state === "online" && this.#work());
  }

  /** @returns {object|undefined} */
  of(user) {
    return this.#known.get(user) || undefined;
  }

  /** @param {string[]} users who are shown */
  want(users) {
    for (const user of users) {
      if (this.#known.has(user) || this.#known.size >= MOST)
        continue;
      this.#known.set(user, null);
      this.#waiting.push(user);
    }
    this.#work();
  }

  async #work() {
    if (this.#busy)
      return;
    this.#busy = true;
    while (this.#waiting.length > 0 && this.#client.state === "online") {
      const [user] = this.#waiting;
      try {
        this.#put(await this.#client.profiles.get(user));
      } catch (error) {
        if (error.code !== "not_found")
          break; // when the link is back
      }
      this.#waiting.shift();
    }
    this.#busy = false;
  }

  #put(profile) {
    this.#known.set(profile.user, profile);
    this.#model.learn([profile]);
    if (keepFace(profile))
      this.#model.redraw();
    this.dispatchEvent(new CustomEvent("profiles"));
  }
}
