// SPDX-License-Identifier: BSD-3-Clause
// model: what the page shows, put together from the SDK's events. One entry a
// peer; its thread holds what is loaded of the conversation, in order.
//
// Events: `list` (anything in the conversation list), `thread` (detail: peer),
// `presence`.

const PAGE = 50;

/** Own texts are known by their mid from the first moment on. */
function keyOf(message, me) {
  const own = message.from === me && message.mid;
  return own ? `mid ${message.mid}` : `seq ${message.seq}`;
}

/** Sent ones by position, then what is on its way as it was written. */
function inOrder(a, b) {
  if (a.seq && b.seq)
    return a.seq - b.seq;
  if (a.seq || b.seq)
    return a.seq ? -1 : 1;
  return a.order - b.order;
}

function newEntry(peer) {
  return { peer, nick: peer, conv: undefined, last: undefined, unread: 0,
    peerRead: 0,    draft: "", thread: new Map(), oldest: Infinity, loaded: false,
    complete: false, loading: false };
}

export class Model extends EventTarget {
  #client;
  #entries = new Map(); // peer -> entry
  #current = null;

  constructor(client) {
    super();
    this.#client = client;
    const on = (type, fn) =>
      client.addEventListener(type, ({ detail }) => fn.call(this, detail));
    on("message", this.#message);
    on("update", this.#message);
    on("conversation", ({ conversation }) => this.#conversations([conversation]));
    on("conversations", ({ conversations }) => this.#conversations(conversations));
    on("presence", () => this.#tell("presence", {}));
    on("reset", this.#reset);
    on("state", this.#state);
  }

  get me() {
    return this.#client.user;
  }

  /** The open entry, or null. */
  get current() {
    return this.#current;
  }

  /** What the device has kept; works before there is a connection. */
  async load() {
    this.#conversations(await this.#client.conversations());
    for (const message of await this.#client.unsent())
      this.#message({ message });
  }

  /** Entries with something in them and the open one, the latest first. */
  list() {
    const at = (entry) => this.lastOf(entry)?.ts || Infinity;
    return [...this.#entries.values()]
      .filter((entry) => entry === this.#current || entry.draft ||
        this.lastOf(entry))
      .sort((a, b) => at(b) - at(a));
  }

  /** The last message, also one still on its way. */
  lastOf(entry) {
    const waiting = [...entry.thread.values()].filter((m) => !m.seq).at(-1);
    return waiting || entry.last;
  }

  get unread() {
    let total = 0;
    for (const entry of this.#entries.values())
      total += entry.unread;
    return total;
  }

  entry(peer) {
    if (!this.#entries.has(peer))
      this.#entries.set(peer, newEntry(peer));
    return this.#entries.get(peer);
  }

  nickOf(peer) {
    return this.#entries.get(peer)?.nick || peer;
  }

  /** @returns {object[]} what is loaded, in order */
  thread(entry) {
    return [...entry.thread.values()].sort(inOrder);
  }

  open(peer) {
    this.#current = this.entry(peer);
    this.#tell("list");
    this.#tell("thread", { peer });
    if (!this.#current.loaded)
      this.older(this.#current);
    this.seen();
  }

  close() {
    this.#current = null;
    this.#tell("list");
  }

  /** The user looks at the open conversation. */
  seen() {
    const { conv, unread } = this.#current || {};
    if (conv && unread > 0 && document.hasFocus())
      this.#client.markRead(conv);
  }

  /** Loads the page of history above what is loaded. */
  async older(entry) {
    if (!entry.conv || entry.loading || entry.complete)
      return;
    entry.loading = true;
    const above = entry.loaded && entry.oldest !== Infinity;
    try {
      const { messages, complete } = await this.#client.history(entry.conv,
        above ? { before: entry.oldest, limit: PAGE } : { limit: PAGE });
      for (const message of messages)
        this.#put(entry, message);
      entry.loaded = true;
      entry.complete = complete;
    } catch (error) {
      console.warn("floe: history:", error.message);
    }
    entry.loading = false;
    this.#tell("thread", { peer: entry.peer });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #put(entry, message) {
    const key = keyOf(message, this.me);
    if (message.state === "discarded") {
      entry.thread.delete(key);
      return;
    }
    entry.thread.set(key, { ...entry.thread.get(key), ...message });
    entry.oldest = Math.min(entry.oldest, message.seq ?? Infinity);
  }

  /** Whether it goes into the loaded part; the rest is left to the history. */
  #belongs(entry, message) {
    if (!message.seq || entry.thread.has(keyOf(message, this.me)))
      return true;
    const first = entry.oldest === Infinity;
    return (entry.loaded || entry.loading) &&
      (first || message.seq > entry.oldest);
  }

  #peerOf(message) {
    if (message.from !== this.me)
      return message.from;
    const known = [...this.#entries.values()]
      .find((entry) => entry.conv && entry.conv === message.conv);
    return known?.peer || message.to;
  }

  #message({ message }) {
    const peer = this.#peerOf(message);
    if (!peer)
      return; // comes again with the history, once the list tells the peer
    const entry = this.entry(peer);
    entry.conv ??= message.conv;
    if (this.#belongs(entry, message))
      this.#put(entry, message);
    this.#tell("list");
    this.#tell("thread", { peer });
  }

  #conversations(rows) {
    for (const row of rows) {
      if (!row.peer)
        continue;
      const entry = this.entry(row.peer);
      const { conv, nick, last, unread, peerRead = 0 } = row;
      const seen = peerRead !== entry.peerRead;
      Object.assign(entry,
        { conv, nick: nick || row.peer, last, unread, peerRead });
      if (seen)
        this.#tell("thread", { peer: row.peer });
      if (entry === this.#current && !entry.loaded)
        this.older(entry);
    }
    this.#tell("list");
    this.seen();
  }

  #state({ state }) {
    this.#tell("presence", {}); // nobody's is known without a connection
    if (state === "online" && this.#current && !this.#current.loaded)
      this.older(this.#current);
  }

  #reset() {
    for (const entry of this.#entries.values()) {
      const unsent = [...entry.thread].filter(([, m]) => !m.seq);
      Object.assign(entry, { thread: new Map(unsent), conv: undefined,
        last: undefined, unread: 0, oldest: Infinity, loaded: false,
        complete: false });
    }
    this.#tell("list");
    if (this.#current)
      this.#tell("thread", { peer: this.#current.peer });
  }
}
