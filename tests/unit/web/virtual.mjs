// SPDX-License-Identifier: BSD-3-Clause
// virtual: time and a WebSocket that tests move by hand, and what every
// browser has but Debian's Node lacks.

import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class extends Event {
  constructor(type, init) {
    super(type);
    this.detail = init?.detail;
  }
};

/** Lets everything that only waits for promises run. */
export async function settle() {
  for (let i = 0; i < 50; i++)
    await Promise.resolve();
}

/** Timers on virtual time, with the interface of web/sdk/timers.js. */
export class VirtualTimers {
  #now = 1000000;
  #next = 1;
  #waiting = new Map();

  now = () => this.#now;

  set = (fn, ms) => {
    this.#waiting.set(this.#next, { fn, at: this.#now + ms });
    return this.#next++;
  };

  clear = (handle) => {
    this.#waiting.delete(handle);
  };

  /** Moves the clock, firing what is due in its order. */
  async elapse(ms) {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#waiting].filter(([, entry]) => entry.at <= until)
        .sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due)
        break;
      this.#waiting.delete(due[0]);
      this.#now = due[1].at;
      due[1].fn();
      await settle();
    }
    this.#now = until;
  }
}

/** A WebSocket class whose instances a test plays the server for. */
export function socketClass() {
  return class Socket {
    static all = [];

    static get last() {
      return this.all.at(-1);
    }

    sent = [];
    closed = false;

    constructor(url) {
      this.url = url;
      Socket.all.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    /** The server says these objects, in one frame. */
    say(...objects) {
      this.onmessage?.({ data: objects.map((o) => JSON.stringify(o)).join("\n") });
    }

    /** The server closes. */
    end(code) {
      this.onclose?.({ code });
    }

    /** What was sent with this op. */
    ops(op) {
      return this.sent.filter((request) => request.op === op);
    }
  };
}
