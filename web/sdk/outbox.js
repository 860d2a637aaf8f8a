// SPDX-License-Identifier: BSD-3-Clause
// outbox: texts and files on their way to the server. Each is kept on the device first
// and sent until the server has answered for its `mid`, in the order they were
// written, one at a time for each conversation.
//
// Exactly once follows from the `mid`: the server answers a repeat with the
// first answer, so whenever in doubt (timeout, lost link, crash) it is sent
// again.

import { Backoff } from "./backoff.js";
import { FloeError, isFinal } from "./errors.js";
import { plainTimers } from "./timers.js";
import { needsUpload, Uploads } from "./uploads.js";

/** Conversations are worked on side by side, each in its own order. */
function queueOf(entry) {
  return entry.to ? `to ${entry.to}` : `conv ${entry.conv}`;
}

function wire(entry) {
  const { to, conv, mid, type, reply, mentions } = entry;
  const { size, type: kind, ...said } = entry.body; // the server knows these
  const body = type === "file" ? said : entry.body;
  return { ...to ? { to } : { conv }, mid, type, body, ...reply && { reply },
    ...mentions && { mentions } };
}

export class Outbox {
  #store;
  #request;
  #author;
  #changed;
  #timers;
  #random;
  #entries = new Map(); // mid -> entry, in the order they were written
  #unkept = new Set(); // mids whose writing to the store is under way
  #sent = new Set(); // mids whose sending is under way
  #uploads;
  #queues = new Map(); // queue -> { busy, timer, backoff }
  #online = false;

  /**
   * @param {object} env
   * @param {{putOutbox: Function, dropOutbox: Function, settle: Function}} env.store
   * @param {(op: string, args: object) => Promise<object>} env.request
   * @param {{from: string, device: string}} env.author of what is sent here
   * @param {(entry: object, row?: object) => void} env.changed an entry has
   *   another state; `row`: the conversation it has become a message of
   * @param {(entry: object, progress: Function, signal: AbortSignal) =>
   *   Promise<{file: string}>} [env.upload] of the `blob` of an entry
   * @param {(entry: object, sent: number, total: number) => void} [env.progress]
   * @param {typeof plainTimers} [env.timers]
   * @param {() => number} [env.random]
   */
  constructor({ store, request, author, changed, upload, progress = () => {},
    timers = plainTimers, random = Math.random }) {
    this.#store = store;
    this.#request = request;
    this.#author = author;
    this.#changed = changed;
    this.#timers = timers;
    this.#random = random;
    this.#uploads = new Uploads({ upload, progress, timers, random,
      done: (entry, told) => this.#uploaded(entry, told),
      refused: (entry, error) => this.#refuse(entry, error) });
  }

  /** What an earlier life of this page left. */
  load(entries) {
    for (const entry of [...entries].sort((a, b) => a.order - b.order))
      this.#entries.set(entry.mid, entry);
    for (const entry of this.list())
      this.#forward(entry);
  }

  /** @returns {object[]} not yet acknowledged, in the order they were written */
  list() {
    return [...this.#entries.values()];
  }

  /**
   * Takes its place in the order; keep() has to follow.
   * @param {object} entry `{mid, to|conv, type, body, ts}`
   * @returns {object} the entry with its state
   */
  enter(entry) {
    const last = this.list().at(-1);
    const order = Math.max(this.#timers.now(), (last?.order || 0) + 1);
    const entered = { ...entry, order, state: "sending" };
    this.#entries.set(entered.mid, entered);
    this.#unkept.add(entered.mid);
    return entered;
  }

  /**
   * Keeps an entered one on the device, then sends it.
   * @returns {Promise<void>} once it is kept
   * @throws {FloeError} `storage`: the device could not keep it; not sent
   */
  async keep(entry) {
    try {
      await this.#store.putOutbox(entry);
    } catch (cause) {
      this.#entries.delete(entry.mid);
      entry.state = "discarded";
      this.#changed(entry);
      throw new FloeError("storage", `outbox: ${cause.message}`);
    } finally {
      this.#unkept.delete(entry.mid);
      if (this.#entries.has(entry.mid))
        this.#forward(entry);
    }
  }

  /** A file goes up first; texts behind it need not wait for it. */
  #forward(entry) {
    if (entry.state === "sending" && needsUpload(entry))
      this.#uploads.add(entry);
    else
      this.#work(queueOf(entry));
  }

  async #uploaded(entry, { file, size, type }) {
    entry.body = { ...entry.body, file, size, type };
    this.#changed(entry);
    await this.#store.putOutbox(entry).catch(() => {}); // at worst once more
    this.#work(queueOf(entry));
  }

  /**
   * Takes back a file that is not with the server yet.
   * @throws {FloeError} `not_found`, when there is none, or it was sent
   */
  async cancel(mid) {
    const entry = this.#entries.get(mid);
    if (!entry?.blob || this.#sent.has(mid))
      throw new FloeError("not_found", `no file ${mid} is on its way`);
    this.#uploads.cancel(mid);
    this.#entries.delete(mid);
    entry.state = "discarded";
    this.#changed(entry);
    await this.#store.dropOutbox(mid);
  }

  /** @throws {FloeError} `not_found`, when no failed text has this `mid` */
  async resend(mid) {
    const entry = this.#failed(mid);
    entry.state = "sending";
    if (entry.blob) { // the server may have dropped it meanwhile
      const { file, ...body } = entry.body;
      entry.body = body;
    }
    delete entry.error;
    this.#changed(entry);
    await this.#store.putOutbox(entry);
    this.#forward(entry);
  }

  /** @throws {FloeError} `not_found`, when no failed text has this `mid` */
  async discard(mid) {
    const entry = this.#failed(mid);
    this.#entries.delete(mid);
    await this.#store.dropOutbox(mid);
    entry.state = "discarded";
    this.#changed(entry);
  }

  #failed(mid) {
    const entry = this.#entries.get(mid);
    if (entry?.state !== "failed")
      throw new FloeError("not_found", `no failed message ${mid}`);
    return entry;
  }

  start() {
    this.#online = true;
    this.#uploads.start();
    for (const entry of this.list())
      this.#work(queueOf(entry));
  }

  stop() {
    this.#online = false;
    this.#uploads.stop();
    for (const queue of this.#queues.values()) {
      this.#timers.clear(queue.timer);
      queue.timer = null;
    }
  }

  /** The page goes; what is kept stays. */
  close() {
    this.stop();
    this.#uploads.close();
  }

  /**
   * A push showed that the server has it: the answer may never come.
   * @returns {boolean} whether it was waiting here
   */
  seen(mid) {
    return this.#entries.delete(mid);
  }

  #work(name) {
    if (!this.#queues.has(name))
      this.#queues.set(name, { busy: false, timer: null,
        backoff: new Backoff(this.#random) });
    const queue = this.#queues.get(name);
    if (!this.#online || queue.busy || queue.timer)
      return;
    const entry = this.list().find((e) =>
      queueOf(e) === name && e.state === "sending" && !needsUpload(e));
    if (entry && !this.#unkept.has(entry.mid))
      this.#send(name, queue, entry);
  }

  async #send(name, queue, entry) {
    queue.busy = true;
    this.#sent.add(entry.mid);
    let waitMs = 0;
    try {
      const answer = await this.#request("message.send", wire(entry));
      await this.#settle(entry, answer);
      queue.backoff.reset();
    } catch (error) {
      if (isFinal(error))
        await this.#refuse(entry, error);
      else
        waitMs = Math.max(queue.backoff.next(), error.retryMs || 0);
    }
    queue.busy = false;
    this.#sent.delete(entry.mid);
    if (waitMs === 0) {
      this.#work(name);
    } else if (this.#online) {
      queue.timer = this.#timers.set(() => {
        queue.timer = null;
        this.#work(name);
      }, waitMs);
    }
  }

  async #settle(entry, { conv, seq, id, ts }) {
    if (!this.#entries.has(entry.mid))
      return; // a push has shown it meanwhile
    const { mid, type, body, to, reply, mentions } = entry;
    const message = { conv, seq, id, ts, ...this.#author, mid, type, body,
      ...reply && { reply }, ...mentions && { mentions } };
    const row = await this.#store.settle(message, to);
    if (this.#entries.delete(mid))
      this.#changed({ ...message, to, state: "sent" }, row);
  }

  async #refuse(entry, error) {
    if (!this.#entries.has(entry.mid))
      return; // a push has shown it meanwhile
    entry.state = "failed";
    entry.error = { code: error.code, message: error.message };
    this.#changed(entry);
    await this.#store.putOutbox(entry).catch(() => {}); // at worst sent again
  }
}
