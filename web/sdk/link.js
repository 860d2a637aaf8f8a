// SPDX-License-Identifier: BSD-3-Clause
// link: one WebSocket that comes back. Knows envelopes, hello, the heartbeat
// and close codes; knows nothing of messages or calls.
// Owns: the socket, its timers, the requests under way.

import { Backoff, closePolicy } from "./backoff.js";
import { FloeError, fromWire } from "./errors.js";
import { plainTimers } from "./timers.js";

const PROTOCOL = "floe.v1";
const OPEN_MS = 10000; // connect + welcome + hello
const STABLE_MS = 5000; // a link that lived this long was a good one
const REQUEST_MS = 10000;
const KEPT_MS = 60000; // the resume window: past it the session is gone

/**
 * @typedef {object} LinkHandlers
 * @property {() => object} hello the fields of the next `hello` request
 * @property {(ok: object, welcome: object) => void} ready hello was answered
 * @property {(push: object) => void} push
 * @property {(state: string, detail: {reason?: string, retryAt?: number}) => void} state
 */

export class Link {
  #url;
  #on;
  #timers;
  #random;
  #WebSocket;
  #backoff;
  #ws = null;
  #state = "idle";
  #nextId = 1;
  #helloId = 0;
  #pending = new Map();
  #welcome = null;
  #spreadMs; // of the last welcome
  #beat = null; // { pingMs, waitMs, sentAt, heardAt, pingAt, timer }
  #moveTimer = null;
  #openTimer = null;
  #retryTimer = null;
  #stableTimer = null;

  /**
   * @param {string|URL} url of the WebSocket, without any secret
   * @param {LinkHandlers} on
   * @param {object} [env] what tests replace
   */
  constructor(url, on, env = {}) {
    this.#url = String(url);
    this.#on = on;
    this.#timers = env.timers || plainTimers;
    this.#random = env.random || Math.random;
    this.#WebSocket = env.WebSocket || globalThis.WebSocket;
    this.#backoff = new Backoff(this.#random);
  }

  /** @returns {"idle"|"connecting"|"online"|"waiting"|"closed"} */
  get state() {
    return this.#state;
  }

  open() {
    if (this.#state === "idle" || this.#state === "closed")
      this.#connect();
  }

  /** Ends the wait between two attempts: the network just came back. */
  wake() {
    if (this.#state !== "waiting")
      return;
    this.#backoff.reset();
    this.#connect();
  }

  /** Ends the link for good (until open() is called again). */
  close(reason = "closed") {
    this.#detach(1000);
    this.#end(reason);
  }

  /**
   * @param {string} op
   * @param {object} [args]
   * @param {{keep?: boolean, timeoutMs?: number}} [how] `keep`: hold the
   *   request over a broken link and send it again on the resumed session;
   *   only for requests whose repetition the contract calls harmless
   * @returns {Promise<object>} the `ok` of the answer
   * @throws {FloeError} the server's `err`, `timeout`, `link_lost`, `closed`
   */
  request(op, args = {}, how = {}) {
    const keep = Boolean(how.keep);
    const online = this.#state === "online";
    if (this.#state === "closed" || this.#state === "idle")
      return Promise.reject(new FloeError("closed", `${op}: not connected`));
    if (!online && !keep)
      return Promise.reject(new FloeError("link_lost", `${op}: offline`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const text = JSON.stringify({ id, op, ...args });
      const ms = how.timeoutMs || (keep ? KEPT_MS : REQUEST_MS);
      const timer = this.#timers.set(() => {
        this.#pending.delete(id);
        reject(new FloeError("timeout", `${op}: no answer in ${ms} ms`));
      }, ms);
      this.#pending.set(id, { op, text, keep, timer, resolve, reject });
      if (online)
        this.#write(text);
    });
  }

  /**
   * A request nobody waits for.
   * @returns {boolean} whether it was written
   */
  notify(op, args = {}) {
    if (this.#state !== "online")
      return false;
    this.#write(JSON.stringify({ op, ...args }));
    return true;
  }

  #connect() {
    this.#timers.clear(this.#retryTimer);
    this.#setState("connecting");
    this.#welcome = null;
    const ws = new this.#WebSocket(this.#url);
    this.#ws = ws;
    ws.onmessage = (event) => {
      if (this.#ws === ws)
        this.#frame(event.data);
    };
    ws.onclose = (event) => {
      if (this.#ws === ws)
        this.#lost(event.code);
    };
    this.#openTimer = this.#timers.set(() => this.#drop(), OPEN_MS);
  }

  #write(text) {
    if (this.#beat)
      this.#beat.sentAt = this.#timers.now();
    this.#ws.send(text);
  }

  #frame(data) {
    if (typeof data !== "string")
      return; // signald sends text only
    if (this.#beat)
      this.#beat.heardAt = this.#timers.now();
    const ws = this.#ws;
    for (const line of data.split("\n")) {
      if (line.trim() === "")
        continue;
      let object;
      try {
        object = JSON.parse(line);
      } catch {
        this.#drop();
        return;
      }
      this.#object(object);
      if (this.#ws !== ws)
        return; // that object ended the link
    }
  }

  #object(object) {
    if (object.push === "welcome")
      this.#greet(object);
    else if (object.push === "pong")
      this.#moveIn(object.move);
    else if (object.push !== undefined)
      this.#on.push(object);
    else if (object.id === this.#helloId)
      this.#helloAnswer(object);
    else
      this.#answer(object);
  }

  /** The server would rather have us elsewhere, or soon stops. */
  #moveIn(move) {
    if (move)
      this.#moveTimer ??= this.#timers.set(() => this.#move(), move.after_ms);
  }

  #move() {
    this.#detach(1000);
    this.#stopTimers();
    this.#failPlain();
    this.#connect();
  }

  #greet(welcome) {
    if (welcome.protocol !== PROTOCOL) {
      this.close("protocol");
      return;
    }
    this.#welcome = welcome;
    this.#spreadMs = welcome.reconnect?.spread_ms;
    this.#helloId = this.#nextId++;
    this.#write(JSON.stringify(
      { id: this.#helloId, op: "hello", ...this.#on.hello() }));
  }

  #helloAnswer({ ok, err }) {
    this.#helloId = 0;
    if (!ok) {
      const final = err.code === "unauthorized" || err.code === "forbidden";
      this.#detach(1000);
      this.#lost(final ? 4500 : 1006, err.retry_ms);
      return;
    }
    this.#timers.clear(this.#openTimer);
    this.#stableTimer = this.#timers.set(() => this.#backoff.reset(), STABLE_MS);
    this.#startBeat(ok.heartbeat || {});
    this.#state = "online"; // handlers of ready may send at once
    this.#settleKept(ok.resumed);
    this.#on.ready(ok, this.#welcome);
    this.#on.state("online", {});
  }

  /** What waited over the gap goes out again, or ends with its session. */
  #settleKept(resumed) {
    for (const [id, request] of [...this.#pending]) {
      if (resumed)
        this.#write(request.text);
      else
        this.#fail(id, new FloeError("link_lost",
          `${request.op}: the session it belonged to is gone`));
    }
  }

  #answer({ id, ok, err }) {
    const request = this.#pending.get(id);
    if (!request)
      return; // timed out before
    this.#pending.delete(id);
    this.#timers.clear(request.timer);
    if (err)
      request.reject(fromWire(err));
    else
      request.resolve(ok || {});
  }

  #fail(id, error) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    this.#timers.clear(request.timer);
    request.reject(error);
  }

  #startBeat({ ping_ms: pingMs = 5000, kill_ms: killMs = 7000,
    wait_ms: waitMs = killMs }) {
    const now = this.#timers.now();
    this.#beat = { pingMs, waitMs, sentAt: now, heardAt: now, pingAt: 0 };
    this.#beat.timer = this.#timers.set(() => this.#tick(), pingMs);
  }

  #tick() {
    const beat = this.#beat;
    const now = this.#timers.now();
    const unheard = beat.pingAt > 0 && beat.heardAt < beat.pingAt;
    if (unheard && now - beat.pingAt >= beat.waitMs) {
      this.#drop();
      return;
    }
    if (now - beat.sentAt >= beat.pingMs) {
      if (!unheard)
        beat.pingAt = now;
      this.#write('{"op":"ping"}');
    }
    const waiting = beat.heardAt < beat.pingAt;
    const next = Math.min(beat.sentAt + beat.pingMs,
      waiting ? beat.pingAt + beat.waitMs : Infinity);
    beat.timer = this.#timers.set(() => this.#tick(), Math.max(10, next - now));
  }

  /** Gives the socket up without waiting for the other side to agree. */
  #drop() {
    this.#detach(undefined);
    this.#lost(1006);
  }

  #detach(code) {
    const ws = this.#ws;
    this.#ws = null;
    if (!ws)
      return;
    ws.onmessage = ws.onclose = null;
    ws.close(code);
  }

  #lost(code, retryMs = 0) {
    const policy = closePolicy(code, this.#spreadMs);
    this.#ws = null;
    this.#stopTimers();
    if (!policy.retry) {
      this.#end(policy.reason);
      return;
    }
    this.#failPlain();
    const wait = policy.spreadMs > 0
      ? Math.round(this.#random() * policy.spreadMs) : this.#backoff.next();
    const ms = Math.max(wait, retryMs);
    this.#retryTimer = this.#timers.set(() => this.#connect(), ms);
    this.#setState("waiting",
      { reason: policy.reason, retryAt: this.#timers.now() + ms });
  }

  /** Requests that do not wait for the next link. */
  #failPlain() {
    for (const [id, request] of [...this.#pending]) {
      if (!request.keep)
        this.#fail(id, new FloeError("link_lost", `${request.op}: link lost`));
    }
  }

  #end(reason) {
    this.#stopTimers();
    this.#timers.clear(this.#retryTimer);
    this.#helloId = 0;
    for (const [id, request] of [...this.#pending])
      this.#fail(id, new FloeError("closed", `${request.op}: ${reason}`));
    this.#setState("closed", { reason });
  }

  #stopTimers() {
    this.#timers.clear(this.#openTimer);
    this.#timers.clear(this.#stableTimer);
    this.#timers.clear(this.#moveTimer);
    this.#moveTimer = null;
    if (this.#beat)
      this.#timers.clear(this.#beat.timer);
    this.#beat = null;
  }

  #setState(state, detail = {}) {
    this.#state = state;
    this.#on.state(state, detail);
  }
}
