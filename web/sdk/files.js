// SPDX-License-Identifier: BSD-3-Clause
// files: what was sent as a file, fetched with the token and handed out as
// blob: addresses. Owns: those addresses.

import { FloeError, fromWire } from "./errors.js";

const MOST = 64; // kept at a time; the oldest goes
// What a page of this origin may show. Anything else is bytes to be saved.
const SHOWN = /^(image\/(png|jpeg|gif|webp|avif)|(audio|video)\/[a-z0-9.+-]+|application\/pdf)$/;
const HASH = /^[0-9a-f]{64}$/;

export class Files {
  #server;
  #token;
  #urls = new Map(); // file -> promise of its address

  /** @param {string} server @param {() => string} token */
  constructor(server, token) {
    this.#server = server;
    this.#token = token;
  }

  /**
   * @param {string} file its hash
   * @returns {Promise<Blob>}
   * @throws {FloeError} `not_found`, `unauthorized`, `network`
   */
  async blob(file) {
    if (!HASH.test(file))
      throw new FloeError("bad_request", "this message names no file");
    let response;
    try {
      response = await fetch(new URL(`/api/v1/files/${file}`, this.#server), {
        headers: { Authorization: `Bearer ${this.#token()}` },
        credentials: "omit",
      });
      if (response.ok)
        return this.#safe(await response.blob());
    } catch (cause) {
      throw new FloeError("network", `file: ${cause.message}`);
    }
    const answer = await response.json().catch(() => ({}));
    throw fromWire(answer.err ||
      { code: "network", msg: `file: HTTP ${response.status}` });
  }

  #safe(blob) {
    const type = SHOWN.test(blob.type) ? blob.type : "application/octet-stream";
    return blob.slice(0, blob.size, type);
  }

  /** @returns {Promise<string>} good until 64 others were asked for */
  url(file) {
    const known = this.#urls.get(file);
    if (known) {
      this.#urls.delete(file); // it is the newest again
      this.#urls.set(file, known);
      return known;
    }
    const made = this.blob(file).then((blob) => URL.createObjectURL(blob));
    this.#urls.set(file, made);
    made.catch(() => this.#urls.delete(file));
    const [oldest] = this.#urls.keys();
    if (this.#urls.size > MOST)
      this.#drop(oldest);
    return made;
  }

  #drop(file) {
    this.#urls.get(file).then((url) => URL.revokeObjectURL(url), () => {});
    this.#urls.delete(file);
  }

  close() {
    for (const file of [...this.#urls.keys()])
      this.#drop(file);
  }
}
