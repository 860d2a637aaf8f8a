// SPDX-License-Identifier: BSD-3-Clause
// errors: the one error class that everything public in the SDK throws.

/**
 * `code` is either one of the server's (doc/protocol/signaling.md, "Errors")
 * or one of the SDK's own: `timeout`, `link_lost`, `closed`, `network`,
 * `media`, `state`.
 */
export class FloeError extends Error {
  /**
   * @param {string} code machine-readable reason
   * @param {string} message English, for a developer
   * @param {number} [retryMs] set where trying again later helps
   */
  constructor(code, message, retryMs) {
    super(message);
    this.name = "FloeError";
    this.code = code;
    this.retryMs = retryMs;
  }
}

/**
 * @param {{code?: string, msg?: string, retry_ms?: number}} err as on the wire
 * @returns {FloeError}
 */
export function fromWire(err) {
  const code = err.code || "internal";
  return new FloeError(code, err.msg || code, err.retry_ms);
}

// A refusal that will be the same however often it is asked again.
const FINAL = new Set(["bad_request", "unknown_op", "forbidden", "not_found",
  "conflict", "too_large"]);

/**
 * @param {unknown} error
 * @returns {boolean} whether asking again can never help
 */
export function isFinal(error) {
  return error instanceof FloeError && FINAL.has(error.code);
}
