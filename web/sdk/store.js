// SPDX-License-Identifier: BSD-3-Clause
// store: what one user keeps on this device: the messages, the conversations
// with their unread counts, the outbox, and for each tab (slot) its device id,
// session and inbox cursor. A message and the cursor that covers it are
// written in one transaction, so the cursor never promises what is not there.

import { IdbBackend, MemoryBackend } from "./backend.js";

const KEEP_PER_CONVERSATION = 2000; // older ones the server still has

/** @returns {string} 128 random bits in hex; also outside secure contexts */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Whether a message from `user`'s view asks to be read. */
function countsAsUnread(message, user) {
  if (message.from === user || message.type === "notice")
    return false;
  return message.type !== "call" || message.body.outcome === "missed" ||
    message.body.outcome === "busy";
}

/** Whether a conversation is a group. */
export function isGroup(conv) {
  return /^[^:]+:g:/.test(conv);
}

/** Entries of the log that are about an earlier message. */
export function isChange({ type }) {
  return type === "edit" || type === "retract" || type === "reaction";
}

/** A message as a change makes it; the same change twice is the same message. */
export function changed(message, { type, seq, ts, from, body }) {
  if (message.retracted_ts)
    return message;
  if (type === "retract")
    return { ...message, body: {}, retracted_ts: ts, reactions: undefined };
  if (type === "edit")
    return (message.edits || []).includes(seq) ? message
      : { ...message, edited_ts: ts,
        body: { ...message.body, text: body.text ?? "" },
        edits: [...message.edits || [], seq] };
  const reactions = (message.reactions || [])
    .map(({ emoji, users }) => ({ emoji,
      users: emoji === body.emoji ? users.filter((u) => u !== from) : users }))
    .filter(({ emoji, users }) => users.length > 0 ||
      (body.on && emoji === body.emoji));
  if (body.on && !reactions.some(({ emoji }) => emoji === body.emoji))
    reactions.push({ emoji: body.emoji, users: [] });
  if (body.on)
    reactions.find(({ emoji }) => emoji === body.emoji).users.push(from);
  return { ...message, reactions };
}

/** Whether it calls the user by name. */
function callsByName({ from, mentions = [] }, user) {
  return from !== user && (mentions.includes(user) || mentions.includes("*"));
}

const COMINGS = ["join", "create"];

/** Whether the body of a notice says that the user is in the group from here. */
export function comesIn({ event, users = [] } = {}, user) {
  return COMINGS.includes(event) && users.includes(user);
}

/** What a notice changes in the row of its group. */
function noticed(row, { from, seq, body }, user) {
  const { event, users = [], title, avatar, role } = body;
  const gone = event === "leave" || event === "kick";
  const came = COMINGS.includes(event);
  if (title !== undefined)
    row.title = title;
  if (avatar !== undefined)
    row.avatar = avatar;
  if (event === "dissolve" || (gone && users.includes(user)))
    row.left = true;
  else if (came && users.includes(user))
    delete row.left;
  if ((came || gone) && seq > (row.listed || 0))
    row.members = (row.members || 0) + (came ? users.length : -users.length);
  if (event === "transfer" && (from === user || users.includes(user)))
    row.role = users.includes(user) ? "owner" : "admin";
  else if (event === "role" && users.includes(user))
    row.role = role;
  else if (came && users.includes(user))
    row.role = event === "create" && from === user ? "owner" : "member";
}

/** The server's count, of all up to seq: what comes later is added to it. */
function count(row, read, unread, seq) {
  return Object.assign(row, { read, unread, counted: seq || 0 });
}

export class Store {
  #backend;
  #user;
  #slot;

  constructor(backend, user, slot) {
    this.#backend = backend;
    this.#user = user;
    this.#slot = `slot:${slot}`;
  }

  /**
   * @param {string} server names the database together with the user
   * @param {string} user
   * @param {string} slot which tab of the browser
   */
  static async open(server, user, slot) {
    let backend;
    try {
      backend = await IdbBackend.open(`floe ${new URL(server).host} ${user}`);
    } catch {
      backend = new MemoryBackend(); // private windows of some browsers
    }
    return new Store(backend, user, slot);
  }

  /**
   * @returns {Promise<{device: string, session?: string, secret?: string,
   *   sync: number, epoch?: string, outbox: object[],
   *   known: [string, number][]}>} known: how far large groups are kept
   */
  load() {
    return this.#backend.run("readwrite", async (t) => {
      const slot = await t.get("meta", this.#slot) ||
        { k: this.#slot, device: `web-${randomId().slice(0, 12)}`, sync: 0 };
      await t.put("meta", slot);
      const epoch = slot.epoch;
      const rows = await t.all("conversations");
      return { ...slot, epoch, outbox: await t.all("outbox"),
        known: rows.filter(({ known }) => known)
          .map(({ conv, known }) => [conv, known]) };
    });
  }

  /** Changes fields of this tab's record. */
  saveSlot(fields) {
    return this.#backend.run("readwrite", async (t) => {
      await t.put("meta", { ...await t.get("meta", this.#slot), ...fields });
    });
  }

  /**
   * The server's store began a new life: nothing kept from the old one holds.
   * What was never acknowledged stays in the outbox; its `mid`s are unknown
   * to the new store, so it is sent there.
   */
  reset(epoch) {
    return this.#backend.run("readwrite", async (t) => {
      const known = await t.get("meta", "epoch");
      if (known?.epoch !== epoch) { // another tab may have done it
        await t.clear("messages");
        await t.clear("conversations");
        await t.put("meta", { k: "epoch", epoch });
      }
      await t.put("meta",
        { ...await t.get("meta", this.#slot), epoch, sync: 0 });
    });
  }

  /**
   * Keeps pushed messages and moves the cursor.
   * @param {object[]} messages in the order of `sync`, or those of a large
   *   group in the order of `seq`
   * @param {number} [sync] the cursor after them; without it theirs is that of
   *   their conversation
   * @returns {Promise<{rows: object[], messages: object[]}>} the conversations
   *   that changed, and the earlier messages that did
   */
  keep(messages, sync) {
    return this.#backend.run("readwrite", async (t) => {
      const rows = new Map();
      const earlier = new Map();
      for (const message of messages) {
        if (isChange(message)) {
          const [target, row] = await this.#change(t, message);
          if (target)
            earlier.set(`${target.conv} ${target.seq}`, target);
          if (row)
            rows.set(row.conv, row);
        } else {
          const row = await this.#add(t, message);
          rows.set(row.conv, row);
        }
        if (message.from === this.#user && message.mid)
          await t.del("outbox", message.mid);
      }
      if (sync === undefined)
        for (const row of rows.values())
          await t.put("conversations",
            Object.assign(row, { known: Math.max(row.known || 0, row.last.seq) }));
      else
        await t.put("meta", { ...await t.get("meta", this.#slot), sync });
      return { rows: [...rows.values()], messages: [...earlier.values()] };
    });
  }

  /** The message that it changes and its conversation, as far as kept here. */
  async #change(t, change) {
    const { conv, body: { seq } } = change;
    const before = await t.get("messages", [conv, seq]);
    if (!before)
      return [];
    const target = changed(before, change);
    await t.put("messages", target);
    const row = await t.get("conversations", conv);
    if (row?.last?.seq !== seq)
      return [target];
    row.last = target;
    await t.put("conversations", row);
    return [target, row];
  }

  /** The server answered for a text of the outbox: it is a message now. */
  settle(message, peer) {
    return this.#backend.run("readwrite", async (t) => {
      await t.del("outbox", message.mid);
      return this.#add(t, message, peer);
    });
  }

  async #add(t, message, peer) {
    const { conv, seq } = message;
    const fresh = !await t.get("messages", [conv, seq]);
    await t.put("messages", message);
    if (seq > KEEP_PER_CONVERSATION)
      await t.delRange("messages", [conv, 0], [conv, seq - KEEP_PER_CONVERSATION]);
    const row = await t.get("conversations", conv) ||
      { conv, read: 0, unread: 0 };
    if (!row.peer && !isGroup(conv))
      row.peer = peer || (message.from !== this.#user ? message.from : undefined);
    if (!row.last || row.last.seq < seq)
      row.last = message;
    if (message.type === "notice" && fresh)
      noticed(row, message, this.#user);
    if (message.from === this.#user && seq > row.read) {
      row.read = seq; // whoever writes has read what is above
      row.unread = row.mentions = 0;
    } else if (fresh && seq > row.read && seq > (row.counted || 0) &&
        countsAsUnread(message, this.#user)) {
      row.unread++;
      if (callsByName(message, this.#user))
        row.mentions = (row.mentions || 0) + 1;
    }
    await t.put("conversations", row);
    return row;
  }

  /** @returns {Promise<object[]>} kept conversations: pinned, then newest */
  conversations() {
    return this.#backend.run("readonly", async (t) => {
      const rows = await t.all("conversations");
      return rows.sort((a, b) => (b.pinned || 0) - (a.pinned || 0) ||
        (b.last?.ts || 0) - (a.last?.ts || 0));
    });
  }

  /**
   * Takes over what the server's list tells.
   * @returns {Promise<{conv: string, seq: number}[]>} what was read on this
   *   device and the server does not know
   */
  mergeConversations(list) {
    return this.#backend.run("readwrite", async (t) => {
      const ahead = [];
      for (const { conv, last, read, peer_read: peerRead, unread,
        muted_until: mutedUntil, ...told } of list) {
        const row = await t.get("conversations", conv) ||
          { conv, read: 0, unread: 0 };
        const newer = !row.last || (last && last.seq > row.last.seq);
        Object.assign(row, { pinned: false, mentions: 0, ...told, peerRead,
          mutedUntil, last: newer ? last : row.last });
        row.listed = last?.seq; // members and role are as they were there
        delete row.left;
        if (row.read > read)
          ahead.push({ conv, seq: row.read });
        else
          count(row, read, unread, last?.seq);
        await t.put("conversations", row);
      }
      return ahead;
    });
  }

  /**
   * The user keeps the conversation so from now on.
   * @returns {Promise<object|undefined>} the row, when there is one
   */
  setConversation({ conv, pinned, muted_until: mutedUntil }) {
    return this.#backend.run("readwrite", async (t) => {
      const row = await t.get("conversations", conv);
      if (!row)
        return undefined;
      Object.assign(row, pinned !== undefined && { pinned },
        mutedUntil !== undefined && { mutedUntil });
      await t.put("conversations", row);
      return row;
    });
  }

  /**
   * Somebody has read, the user on another device or the peer.
   * @returns {Promise<object|undefined>} the row, when it changed
   */
  heardRead({ conv, user, read, unread }) {
    return this.#backend.run("readwrite", async (t) => {
      const row = await t.get("conversations", conv);
      if (!row || read <= (user === this.#user ? row.read : row.peerRead || 0))
        return undefined;
      if (user === this.#user)
        Object.assign(count(row, read, unread, row.last?.seq),
          unread === 0 && { mentions: 0 });
      else
        row.peerRead = read;
      await t.put("conversations", row);
      return row;
    });
  }

  /** @returns {Promise<object|undefined>} the row, when it changed */
  markRead(conv) {
    return this.#backend.run("readwrite", async (t) => {
      const row = await t.get("conversations", conv);
      if (!row?.last || (row.unread === 0 && row.read >= row.last.seq))
        return undefined;
      row.read = row.last.seq;
      row.unread = row.mentions = 0;
      await t.put("conversations", row);
      return row;
    });
  }

  /** The newest `limit` kept messages below `before`, ascending. */
  messages(conv, before, limit) {
    return this.#backend.run("readonly", (t) =>
      t.newest("messages", [conv, 0], [conv, before - 1], limit));
  }

  /** Keeps a text before it is sent; on the disk when this resolves. */
  putOutbox(entry) {
    return this.#backend.run("readwrite",
      (t) => t.put("outbox", entry), { strict: true });
  }

  dropOutbox(mid) {
    return this.#backend.run("readwrite", (t) => t.del("outbox", mid));
  }

  close() {
    this.#backend.close();
  }
}
