// SPDX-License-Identifier: BSD-3-Clause
// token: what this client is known by, and a new one before it ends.

export class Token {
  #request;
  #emit;

  /**
   * @param {string} value
   * @param {(op: string, args: object) => Promise<object>} request
   * @param {(type: string, detail: object) => void} emit
   */
  constructor(value, request, emit) {
    this.value = value;
    this.#request = request;
    this.#emit = emit;
  }

  /** It ends soon. One of signald's own is renewed, others are the application's to. */
  async renew() {
    try {
      const { token, expires_ts: expires } = await this.#request("token.refresh", {});
      this.value = token;
      this.#emit("token", { token, expires });
    } catch (error) {
      if (error.code === "forbidden")
        this.#emit("tokenexpiring", {});
      // else: the link went, and the next one is told again
    }
  }
}
