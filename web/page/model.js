// SPDX-License-Identifier: BSD-3-Clause
// model: what the page shows, put together from the SDK's events. One entry a
// conversation, known by the peer's name, or by its `conv` when it is a group;
// its thread holds what is loaded of the conversation, in order.
//
// Events: `list` (anything in the conversation list), `thread` (detail: key),
// `presence`.

import { isGroup } from "../floe.js";
import { inOrder, keyOf, newEntry, rankOf } from "./entry.js";

const PAGE = 50;

export class Model extends EventTarget {
  #client;
  #entries = new Map(); // key -> entry
  #nicks = new Map(); // user -> nick
  #remarks = new Map(); // user -> one's own name for them
  #friends = new Set();
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

  /** Entries with something in them and the open one: pinned, then the latest. */
  list() {
    const at = (entry) => this.lastOf(entry)?.ts || Infinity;
    return [...this.#entries.values()]
      .filter((entry) => entry === this.#current || entry.draft ||
        this.lastOf(entry))
      .sort((a, b) => rankOf(b) - rankOf(a) || at(b) - at(a));
  }

  /** The last message, also one still on its way. */
  lastOf(entry) {
    const waiting = [...entry.thread.values()].filter((m) => !m.seq).at(-1);
    return waiting || entry.last;
  }

  /** What asks for attention: not what is muted, unless it calls by name. */
  get unread() {
    let total = 0;
    for (const entry of this.#entries.values())
      total += entry.mutedUntil > Date.now() ? entry.mentions : entry.unread;
    return total;
  }

  entry(key) {
    if (!this.#entries.has(key))
      this.#entries.set(key, { ...newEntry(key),
        ...!isGroup(key) && { nick: this.nickOf(key) } });
    return this.#entries.get(key);
  }

  /** Of a conversation, if there is an entry. */
  entryOf(conv) {
    return [...this.#entries.values()].find((entry) => entry.conv === conv);
  }

  nickOf(user) {
    return user === this.me ? this.#client.nick
      : this.#remarks.get(user) || this.#nicks.get(user) || user;
  }

  /** What users are called, from wherever it is heard. */
  learn(users) {
    const news = users.filter(({ user, nick }) =>
      nick && this.#nicks.get(user) !== nick);
    for (const { user, nick } of news)
      this.#nicks.set(user, nick);
    this.#renamed(news);
  }

  /** Something that is shown everywhere looks different. */
  redraw() {
    this.#tell("list");
    this.#tell("presence", {});
    this.#tell("thread", { key: this.#current?.key });
  }

  /** Contacts, with the names that the user gave them, or took back. */
  remark(contacts) {
    for (const { user, state } of contacts)
      if (state === "friend")
        this.#friends.add(user);
      else
        this.#friends.delete(user);
    const news = contacts.filter(({ user, remark = "" }) =>
      (this.#remarks.get(user) || "") !== remark);
    for (const { user, remark } of news)
      this.#remarks.set(user, remark);
    this.#renamed(news);
  }

  #renamed(users) {
    for (const { user } of users)
      if (this.#entries.has(user))
        this.#entries.get(user).nick = this.nickOf(user);
    if (users.length > 0) {
      this.#tell("list");
      this.#tell("thread", { key: this.#current?.key });
    }
  }

  /** @returns {{user: string, nick: string}[]} contacts, and whom the user
   *   talks with */
  people() {
    const peers = [...this.#entries.values()].filter((entry) => !entry.group)
      .map(({ peer }) => peer);
    return [...new Set([...this.#friends, ...peers])]
      .map((user) => ({ user, nick: this.nickOf(user) }));
  }

  /** @returns {object[]} what is loaded, in order */
  thread(entry) {
    return [...entry.thread.values()].sort(inOrder);
  }

  open(key) {
    this.#current = this.entry(key);
    this.#tell("list");
    this.#tell("thread", { key });
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
    this.#tell("thread", { key: entry.key });
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

  #entryKeyOf(message) {
    if (message.conv && isGroup(message.conv))
      return message.conv;
    if (message.from !== this.me)
      return message.from;
    return this.entryOf(message.conv ?? null)?.key || message.to;
  }

  #message({ message }) {
    const key = this.#entryKeyOf(message);
    if (!key)
      return; // comes again with the history, once the list tells the peer
    const entry = this.entry(key);
    entry.conv ??= message.conv;
    if (this.#belongs(entry, message))
      this.#put(entry, message);
    this.#tell("list");
    this.#tell("thread", { key });
  }

  #conversations(rows) {
    for (const row of rows) {
      const key = isGroup(row.conv) ? row.conv : row.peer;
      if (!key)
        continue;
      const entry = this.entry(key);
      const { conv, last, unread, mentions = 0, peerRead = 0, pinned = false,
        mutedUntil = 0, members = 0, role, avatar, left = false } = row;
      if (row.peer && row.nick)
        this.#nicks.set(row.peer, row.nick);
      const seen = peerRead !== entry.peerRead || left !== entry.left;
      Object.assign(entry, { conv, last, unread, mentions, peerRead, pinned,
        mutedUntil, members, role, avatar, left,
        nick: entry.group ? row.title || entry.nick : this.nickOf(row.peer) });
      if (seen)
        this.#tell("thread", { key });
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
      Object.assign(entry, { thread: new Map(unsent), last: undefined,
        conv: entry.group ? entry.conv : undefined, unread: 0, mentions: 0,
        oldest: Infinity, loaded: false, complete: false });
    }
    this.#tell("list");
    if (this.#current)
      this.#tell("thread", { key: this.#current.key });
  }
}
