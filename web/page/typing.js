// SPDX-License-Identifier: BSD-3-Clause
// typing: who is writing in which conversation. Event: `typing` (detail: conv).

const ENDS_MS = 6000;

export class Typing extends EventTarget {
  #writers = new Map(); // conv -> Map(user -> the timer that ends it)

  constructor(client) {
    super();
    client.addEventListener("typing", ({ detail }) => this.#heard(detail));
    // Who sends what was typed has stopped.
    client.addEventListener("message", ({ detail: { message } }) =>
      this.#heard({ conv: message.conv, user: message.from, on: false }));
  }

  /** @returns {string[]} users */
  in(conv) {
    return [...this.#writers.get(conv)?.keys() || []];
  }

  #heard({ conv, user, on }) {
    const writers = this.#writers.get(conv) || new Map();
    const before = writers.size;
    clearTimeout(writers.get(user));
    writers.delete(user);
    if (on) {
      writers.set(user, setTimeout(
        () => this.#heard({ conv, user, on: false }), ENDS_MS));
      this.#writers.set(conv, writers);
    }
    if (before !== writers.size)
      this.dispatchEvent(new CustomEvent("typing", { detail: { conv } }));
  }
}
