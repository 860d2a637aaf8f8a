// SPDX-License-Identifier: BSD-3-Clause
// ice: the current iceServers, renewed before their credentials end.

import { plainTimers } from "./timers.js";

const RETRY_MS = 30000;

export class IceServers {
  #request;
  #timers;
  #onfresh;
  #list = [];
  #renewAt = 0;
  #timer = null;

  /**
   * @param {(op: string) => Promise<object>} request
   * @param {(list: RTCIceServer[]) => void} onfresh new credentials came
   * @param {typeof plainTimers} [timers]
   */
  constructor(request, onfresh, timers = plainTimers) {
    this.#request = request;
    this.#onfresh = onfresh;
    this.#timers = timers;
  }

  /** @param {{iceServers?: RTCIceServer[], ice_ttl_s?: number}} ok */
  set({ iceServers = [], ice_ttl_s: ttlS = 3600 }) {
    this.#list = iceServers;
    // A fifth of the life is left for a renewal that fails at first.
    const ms = ttlS * 800;
    this.#renewAt = this.#timers.now() + ms;
    this.#arm(ms);
    this.#onfresh(iceServers);
  }

  /** @returns {Promise<RTCIceServer[]>} never throws: stale beats none */
  async current() {
    if (this.#timers.now() >= this.#renewAt)
      await this.#renew();
    return this.#list;
  }

  stop() {
    this.#timers.clear(this.#timer);
  }

  async #renew() {
    try {
      this.set(await this.#request("ice.get"));
    } catch {
      this.#arm(RETRY_MS);
    }
  }

  #arm(ms) {
    this.#timers.clear(this.#timer);
    // setTimeout takes 31 bits
    this.#timer = this.#timers.set(() => this.#renew(), Math.min(ms, 2 ** 31 - 1));
  }
}
