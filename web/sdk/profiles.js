// SPDX-License-Identifier: BSD-3-Clause
// profiles: what users tell of themselves.

export class Profiles {
  #request;
  #heard;

  /**
   * @param {(op: string, args: object) => Promise<object>} request
   * @param {(profile: object) => void} heard
   */
  constructor(request, heard) {
    this.#request = request;
    this.#heard = heard;
  }

  /**
   * @param {string} [user] oneself without it
   * @returns {Promise<import("../floe.d.ts").Profile>}
   * @throws {FloeError} `not_found`
   */
  async get(user) {
    return (await this.#request("profile.get", user ? { user } : {})).profile;
  }

  /**
   * Changes what is named; null removes it.
   * @param {{nick?: string|null, avatar?: string|null, signature?: string|null,
   *   extend?: object|null}} changes
   * @returns {Promise<import("../floe.d.ts").Profile>} all of it
   * @throws {FloeError} `bad_request`, `rate_limited`
   */
  async set(changes) {
    const { profile } = await this.#request("profile.set", changes);
    this.#heard(profile);
    return profile;
  }

  /** A `profile` push. */
  push({ profile }) {
    this.#heard(profile);
  }
}
