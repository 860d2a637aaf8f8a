// SPDX-License-Identifier: BSD-3-Clause
// people: contacts, how they are, and what oneself tells others. Counts the
// changes of the contacts, so that a missed one is noticed.

const PAGE = 200;

export class People {
  #request;
  #emit;
  #presence = new Map();
  #version = null; // of the contacts as the application was told of them
  #privacy = null;
  #said = {}; // of the own state, to say it again in a new session

  /**
   * @param {(op: string, args: object) => Promise<object>} request
   * @param {(type: string, detail: object) => void} emit
   */
  constructor(request, emit) {
    this.#request = request;
    this.#emit = emit;
  }

  /** What `hello` says of the own state. */
  get hello() {
    return this.#said.state ? { state: this.#said.state } : {};
  }

  /** The link is up. @param {object} ok of hello */
  start(ok) {
    this.#presence.clear();
    for (const peer of ok.peers || [])
      this.#present(peer);
    this.#privacy = ok.privacy || null;
    if (!ok.resumed && this.#said.status_text)
      this.#request("presence.set", this.#said).catch(() => {
        // Said again with the next session, or by the application.
      });
    if (this.#version !== ok.contacts_version) {
      this.#version = ok.contacts_version;
      this.#emit("contacts", {});
    }
  }

  /** A push; false: it is somebody else's business. */
  push(push) {
    if (push.push === "presence")
      this.#present(push);
    else if (push.push === "contact")
      this.#changed(push);
    else if (push.push === "privacy")
      this.#keepPrivacy(push);
    else
      return false;
    return true;
  }

  presence(user) {
    return this.#presence.get(user);
  }

  #present({ user, state, last_seen: lastSeen, status_text: statusText }) {
    const known = { state, lastSeen, ...statusText && { statusText } };
    this.#presence.set(user, known);
    this.#emit("presence", { user, ...known });
  }

  /** The next change is told as it is; after a missed one all is to be read. */
  #changed({ version, contact }) {
    if (version <= this.#version)
      return;
    const next = contact && version === this.#version + 1;
    this.#version = version;
    if (next)
      this.#emit("contact", { contact });
    else
      this.#emit("contacts", {});
  }

  #keepPrivacy({ last_seen: lastSeen, presence, findable }) {
    this.#privacy = { last_seen: lastSeen, presence, findable };
    this.#emit("privacy", { privacy: this.privacy });
  }

  async #do(op, user, more) {
    const answer = await this.#request(`contact.${op}`, { user, ...more });
    this.#changed(answer);
    return answer.contact;
  }

  /**
   * People by their user name or the beginning of their nick.
   * @param {string} text @param {number} [limit]
   * @returns {Promise<{users: import("../floe.d.ts").Contact[],
   *   complete: boolean}>}
   * @throws {FloeError} `rate_limited`
   */
  search(text, limit = 20) {
    return this.#request("contact.search", { q: text, limit });
  }

  /**
   * All of a list, page by page.
   * @param {"friends"|"incoming"|"outgoing"|"removed"|"blocked"} which
   * @returns {Promise<import("../floe.d.ts").Contact[]>}
   */
  async list(which) {
    const all = [];
    for (;;) {
      const after = all.length > 0 ? { after: all.at(-1).user } : {};
      const { contacts, complete } = await this.#request("contact.list",
        { which, limit: PAGE, ...after });
      all.push(...contacts);
      if (complete || contacts.length === 0)
        return all;
    }
  }

  /**
   * Asks somebody. What comes of it arrives as `contact`.
   * @param {string} user @param {string} [memo]
   * @returns {Promise<import("../floe.d.ts").Contact>}
   * @throws {FloeError} `not_found`, `conflict` (friends already; refused less
   *   than a day ago), `too_large`, `rate_limited`
   */
  request(user, memo) {
    return this.#do("request", user, memo ? { memo } : {});
  }

  /** @throws {FloeError} `not_found`: no such request; likewise all below */
  accept(user) {
    return this.#do("accept", user);
  }

  refuse(user) {
    return this.#do("refuse", user);
  }

  cancel(user) {
    return this.#do("cancel", user);
  }

  remove(user) {
    return this.#do("remove", user);
  }

  /** Keeps somebody away, who does not learn of it. Resolves with the contact,
   * `blocked` and in whatever state. */
  block(user) {
    return this.#do("block", user);
  }

  unblock(user) {
    return this.#do("unblock", user);
  }

  /** One's own name for a contact; "" for none. */
  remark(user, remark) {
    return this.#do("remark", user, { remark });
  }

  /**
   * How available this device is; said again by itself in a new session.
   * @param {"online"|"busy"|"away"|"invisible"} state
   * @param {string} [statusText] stays as it is when left out
   * @returns {Promise<string>} the state of the user, of all devices
   * @throws {FloeError} `bad_request`, `too_large`, `rate_limited`
   */
  async setState(state, statusText) {
    this.#said.state = state;
    if (statusText !== undefined)
      this.#said.status_text = statusText;
    const text = statusText === undefined ? {} : { status_text: statusText };
    return (await this.#request("presence.set", { state, ...text })).state;
  }

  /** What others are told; null before the first connection. */
  get privacy() {
    return this.#privacy && {
      lastSeen: this.#privacy.last_seen,
      presence: this.#privacy.presence,
      findable: this.#privacy.findable,
    };
  }

  /**
   * @param {{lastSeen?: "contacts"|"nobody", presence?: "contacts"|"nobody",
   *   findable?: boolean}} settings
   * @returns {Promise<void>}
   */
  async setPrivacy({ lastSeen, presence, findable }) {
    this.#keepPrivacy(await this.#request("privacy.set", {
      ...lastSeen !== undefined && { last_seen: lastSeen },
      ...presence !== undefined && { presence },
      ...findable !== undefined && { findable },
    }));
  }
}
