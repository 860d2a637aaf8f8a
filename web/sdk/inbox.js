// SPDX-License-Identifier: BSD-3-Clause
// inbox: puts `message` pushes into the order of `sync` and lets each through
// once. Pure: no storage, no clock.

const MOST_WAITING = 1024; // far above the server's window of 256

export class Inbox {
  #sync;
  #waiting = new Map(); // sync before it -> push that came before its turn
  #highest = new Map(); // conv -> seq of the last one let through

  /** @param {number} [sync] all up to here is kept already */
  constructor(sync = 0) {
    this.#sync = sync;
  }

  /** The last position that was let through. */
  get sync() {
    return this.#sync;
  }

  /**
   * @param {object} push
   * @returns {object[]} what may be shown now, in order; empty for a repeat and
   *   for one that has to wait for those before it
   */
  take(push) {
    if (push.sync <= this.#sync)
      return [];
    // Where `sync` jumps over what the server has no more, the push says so.
    const { after = push.sync - 1 } = push;
    if (after > this.#sync) {
      // The missing one is on its way or comes again.
      if (this.#waiting.size < MOST_WAITING)
        this.#waiting.set(after, push);
      return [];
    }
    const ready = [];
    for (let next = push; next; next = this.#waiting.get(this.#sync)) {
      this.#waiting.delete(this.#sync);
      this.#sync = next.sync;
      if (next.seq > (this.#highest.get(next.conv) || 0)) {
        this.#highest.set(next.conv, next.seq);
        ready.push(next);
      }
    }
    return ready;
  }
}
