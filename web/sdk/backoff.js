// SPDX-License-Identifier: BSD-3-Clause
// backoff: when to come back after a link broke, and whether to at all.

const FIRST_MS = 500;
const MOST_MS = 20000;
const SPREAD_MS = 2000; // when the server has not said

/**
 * Waits that double up to a limit, each drawn from the upper half of its range:
 * clients that lost the same server must not return in step, yet none may
 * draw "at once" again and again.
 */
export class Backoff {
  #attempt = 0;
  #random;

  /** @param {() => number} [random] uniform in [0,1) */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** @returns {number} how many ms to wait before the next attempt */
  next() {
    const top = Math.min(MOST_MS, FIRST_MS * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 16);
    return Math.round(top / 2 + this.#random() * top / 2);
  }

  reset() {
    this.#attempt = 0;
  }
}

const REASONS = {
  4000: "silent",
  4001: "taken_over",
  4002: "slow",
  4003: "restart",
  4500: "unauthorized",
  4501: "banned",
  4502: "protocol",
};

/**
 * What a close code asks of the client (doc/protocol/signaling.md, "Close
 * codes"): 4000-4499 come back, 4500-4999 do not; 4001 ends this link only.
 * Whatever is no code of ours is the network's doing: come back.
 * @param {number} code
 * @param {number} [spreadMs] over which clients of a server that stops come back
 * @returns {{retry: boolean, reason: string, spreadMs: number}} `spreadMs`:
 *   wait a random time up to this instead of the usual backoff (0: backoff)
 */
export function closePolicy(code, spreadMs = SPREAD_MS) {
  const ours = code >= 4000 && code <= 4999;
  return {
    retry: !ours || (code < 4500 && code !== 4001),
    reason: REASONS[code] || (ours ? `code_${code}` : "network"),
    spreadMs: code === 4003 ? spreadMs : 0,
  };
}
