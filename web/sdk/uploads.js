// SPDX-License-Identifier: BSD-3-Clause
// uploads: the files of the outbox, one after the other, each until the server
// has it, refuses it, or it is cancelled.

import { Backoff } from "./backoff.js";
import { isFinal } from "./errors.js";

/** Whether the server does not have it yet. */
export function needsUpload({ blob, body }) {
  return Boolean(blob) && !body.file;
}

export class Uploads {
  #env;
  #waiting = []; // entries
  #abort = null; // of the one under way
  #timer = null;
  #online = false;
  #backoff;

  /**
   * @param {object} env
   * @param {(entry: object, progress: Function, signal: AbortSignal) =>
   *   Promise<{file: string}>} env.upload
   * @param {(entry: object, told: {file: string}) => Promise<void>} env.done
   * @param {(entry: object, error: FloeError) => Promise<void>} env.refused
   * @param {(entry: object, sent: number, total: number) => void} env.progress
   * @param {object} env.timers @param {() => number} env.random
   */
  constructor(env) {
    this.#env = env;
    this.#backoff = new Backoff(env.random);
  }

  add(entry) {
    this.#waiting.push(entry);
    this.#work();
  }

  /** Nothing more of it is sent. */
  cancel(mid) {
    const at = this.#waiting.findIndex((entry) => entry.mid === mid);
    if (at === 0 && this.#abort)
      this.#abort.abort();
    if (at >= 0)
      this.#waiting.splice(at, 1);
  }

  start() {
    this.#online = true;
    this.#work();
  }

  /** What is under way goes on, if it can: it has a connection of its own. */
  stop() {
    this.#online = false;
    this.#env.timers.clear(this.#timer);
    this.#timer = null;
  }

  /** Nothing goes on. */
  close() {
    this.stop();
    this.#waiting.length = 0;
    this.#abort?.abort();
  }

  async #work() {
    const entry = this.#waiting[0];
    if (!this.#online || !entry || this.#abort || this.#timer)
      return;
    const abort = new AbortController();
    this.#abort = abort;
    let waitMs = 0;
    try {
      const told = await this.#env.upload(entry,
        (sent, total) => this.#env.progress(entry, sent, total), abort.signal);
      await this.#finish(entry, () => this.#env.done(entry, told));
      this.#backoff.reset();
    } catch (error) {
      if (isFinal(error))
        await this.#finish(entry, () => this.#env.refused(entry, error));
      else if (!abort.signal.aborted)
        waitMs = Math.max(this.#backoff.next(), error.retryMs || 0);
    }
    this.#abort = null;
    if (waitMs === 0) {
      this.#work();
    } else if (this.#online) {
      this.#timer = this.#env.timers.set(() => {
        this.#timer = null;
        this.#work();
      }, waitMs);
    }
  }

  /** Unless it was cancelled at the last moment. */
  async #finish(entry, tell) {
    const at = this.#waiting.indexOf(entry);
    if (at < 0)
      return;
    this.#waiting.splice(at, 1);
    await tell();
  }
}
