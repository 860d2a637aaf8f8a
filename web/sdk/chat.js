// SPDX-License-Identifier: BSD-3-Clause
// chat: messages in and out. Everything that touches what is kept runs one
// after the other, in the order it came.

import { FloeError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { Large } from "./large.js";
import { Outbox } from "./outbox.js";
import { comesIn, isChange, randomId } from "./store.js";
import { cleanName } from "./upload.js";

const utf8 = new TextEncoder();

/** The fields of a `message` push that are the message. */
function fromPush({ push, sync, after, ...message }) {
  return message;
}

export class Chat {
  #env;
  #user;
  #device = null;
  #store = null;
  #inbox = new Inbox();
  #large = new Large(
    (conv, after, limit) =>
      this.#env.link.request("message.history", { conv, after, limit }),
    (messages) => this.#then(() => this.#keepLarge(messages)));
  #shown = new Map(); // large group -> seq of the last entry shown
  #apart = new Set(); // "conv seq": shown from the inbox, before its turn there
  #told = new Map(); // large group that waits for its beginning -> last seq told
  #outbox = null;
  #kept = 0; // cursor in the store
  #chain = Promise.resolve();
  #arrived = []; // let through by the inbox, not yet kept
  #head = 0; // of the inbox when the link came up: what is past it is live

  /** @param {object} env user, link, emit, textBytes(), timers */
  constructor(env) {
    this.#env = env;
    this.#user = env.user;
  }

  /** @param {object} store @param {object} kept what store.load() told */
  load(store, kept) {
    this.#store = store;
    this.#device = kept.device;
    this.#kept = kept.sync;
    this.#inbox = new Inbox(kept.sync);
    this.#outbox = new Outbox({
      store,
      request: (op, args) => this.#env.link.request(op, args),
      author: { from: this.#user, device: kept.device },
      changed: (entry, row) => this.#changed(entry, row),
      upload: this.#env.upload,
      progress: ({ mid }, sent, total) =>
        this.#env.emit("progress", { mid, sent, total }),
      timers: this.#env.timers,
    });
    this.#outbox.load(kept.outbox);
    this.#large.load(kept.known || []);
  }

  /** The cursor to say in `hello`. */
  get sync() {
    return this.#kept;
  }

  /** The link is up. @param {object} ok of hello @param {boolean} fresh epoch */
  start(ok, fresh) {
    this.#head = ok.sync;
    if (fresh) {
      this.#from(0);
      this.#large.reset();
      this.#then(async () => {
        await this.#store.reset(ok.epoch);
        this.#env.emit("reset", {});
      });
    }
    this.#outbox.start();
    this.#large.start(ok.large || [], this.#kept === 0);
    this.#then(() => this.#findEnds());
    this.refresh();
  }

  stop() {
    this.#outbox?.stop();
  }

  /** Takes pushes from here on. */
  #from(sync) {
    this.#inbox = new Inbox(sync);
    this.#kept = sync;
    this.#arrived = [];
  }

  #then(work) {
    const done = this.#chain.then(work);
    this.#chain = done.catch((error) => console.error("floe:", error));
    return done;
  }

  /** A `message` push. */
  push(push) {
    if (push.sync === undefined) {
      this.#large.take(fromPush(push));
      return;
    }
    const ready = this.#inbox.take(push);
    if (ready.length === 0 && push.sync <= this.#kept)
      this.#ack(); // the acknowledgement got lost
    if (ready.length === 0)
      return;
    this.#arrived.push(...ready);
    this.#then(() => this.#keepArrived());
  }

  /** One transaction and one acknowledgement for all that came meanwhile. */
  async #keepArrived() {
    const pushes = this.#arrived.splice(0);
    if (pushes.length === 0)
      return;
    const messages = pushes.map(fromPush);
    const sync = pushes.at(-1).sync;
    const inbox = this.#inbox;
    let kept;
    try {
      kept = await this.#store.keep(messages, sync);
    } catch (error) {
      this.#from(this.#kept); // unacknowledged: they come again
      throw error;
    }
    if (inbox !== this.#inbox)
      return; // the server began a new epoch meanwhile
    this.#kept = sync;
    this.#ack();
    for (const push of pushes)
      if (!isChange(push) && this.#isNews(push))
        this.#show(fromPush(push), push.sync > this.#head);
    this.#beginLarge(messages);
    for (const message of kept.messages)
      this.#env.emit("update", { message: this.#stated(message) });
    for (const row of kept.rows)
      this.#env.emit("conversation", { conversation: row });
    if (kept.rows.some((row) => !row.nick && !row.title))
      this.refresh(); // one that the list has not told us about
  }

  /** Whether a push is not shown yet: of a large group it may be. */
  #isNews({ conv, seq }) {
    if (!this.#large.has(conv))
      return true;
    if (seq <= (this.#shown.get(conv) || 0))
      return false;
    this.#apart.add(`${conv} ${seq}`);
    return true;
  }

  /** What was told of the groups that have become large meanwhile; before the
   * server's list says what else there is. */
  async #findEnds() {
    const waiting = new Set(this.#large.waiting);
    if (waiting.size > 0)
      for (const { conv, last } of await this.#store.conversations())
        if (waiting.has(conv) && last)
          this.#told.set(conv, Math.max(last.seq, this.#told.get(conv) || 0));
    this.#beginLarge([]);
  }

  /** Tells where large groups begin that are new here: where our user came in,
   * or, once the inbox is read, behind the last that it has told. */
  #beginLarge(messages) {
    for (const { conv, seq, body } of messages) {
      if (!this.#large.waiting.includes(conv))
        continue;
      this.#apart.delete(`${conv} ${seq}`); // it does not come there
      if (comesIn(body, this.#user))
        this.#large.begin(conv, seq);
      else
        this.#told.set(conv, seq);
    }
    if (this.#kept < this.#head)
      return;
    for (const conv of this.#large.waiting)
      this.#large.begin(conv, this.#told.get(conv));
    this.#told.clear();
  }

  /** What came next in a large group; its cursor is kept with it. */
  async #keepLarge(messages) {
    const { conv, seq } = messages.at(-1);
    const shown = this.#shown.get(conv) || 0;
    const kept = await this.#store.keep(messages);
    this.#shown.set(conv, Math.max(shown, seq));
    for (const message of messages)
      if (!isChange(message) && message.seq > shown &&
          !this.#apart.delete(`${conv} ${message.seq}`))
        this.#show(message, true);
    for (const message of kept.messages)
      this.#env.emit("update", { message: this.#stated(message) });
    for (const row of kept.rows)
      this.#env.emit("conversation", { conversation: row });
    if (kept.rows.some((row) => !row.title))
      this.refresh();
  }

  #ack() {
    this.#env.link.notify("sync.ack", { sync: this.#kept });
  }

  #show(message, live) {
    const mine = message.from === this.#user;
    const written = mine && message.mid; // a call's record has none
    const waited = written && this.#outbox.seen(message.mid);
    const state = mine ? "sent" : "received";
    if (waited || (written && message.device === this.#device))
      this.#env.emit("update", { message: { ...message, state } });
    else
      this.#env.emit("message", { message: { ...message, state }, live });
  }

  #changed(entry, row) {
    this.#env.emit("update", { message: { from: this.#user, ...entry } });
    if (row)
      this.#env.emit("conversation", { conversation: row });
    if (row && !row.nick)
      this.refresh();
  }

  #stated(message) {
    return { ...message,
      state: message.from === this.#user ? "sent" : "received" };
  }

  /**
   * @param {number} [reply] `seq` of the message that it answers
   * @param {string[]} [mentions] users, or `*`
   */
  async send({ to, conv }, text, reply, mentions) {
    const bytes = utf8.encode(text).length;
    const most = this.#env.textBytes();
    if (bytes === 0 || bytes > most)
      throw new FloeError("too_large", `a text has 1 to ${most} bytes`);
    return this.#enter({ to, conv, type: "text", body: { text },
      ...reply && { reply }, ...mentions?.length && { mentions } });
  }

  async #enter(what) {
    const entry = this.#outbox.enter(
      { mid: randomId(), ts: this.#env.timers.now(), ...what });
    const message = { from: this.#user, ...entry };
    this.#env.emit("message", { message, live: true });
    await this.#outbox.keep(entry);
    return message;
  }

  /** @param {Blob} blob with a `name` when it is a File */
  async sendFile({ to, conv }, blob, { text, width, height, reply }) {
    if (blob.size === 0)
      throw new FloeError("bad_request", "the file is empty");
    const { size, type } = blob;
    const body = { name: cleanName(blob.name), size, type,
      ...text && { text }, ...width && height && { width, height } };
    return this.#enter({ to, conv, type: "file", body, blob,
      ...reply && { reply } });
  }

  cancel(mid) {
    return this.#outbox.cancel(mid);
  }

  /**
   * Edits, retracts or reacts. What comes of it arrives as `update`, here and
   * on all other devices; with the same `mid` a repetition is the same change.
   */
  async change(op, args) {
    const text = args.body?.text;
    const most = this.#env.textBytes();
    if (text !== undefined && (text === "" || utf8.encode(text).length > most))
      throw new FloeError("too_large", `a text has 1 to ${most} bytes`);
    await this.#env.link.request(op, { mid: randomId(), ...args });
  }

  resend(mid) {
    return this.#outbox.resend(mid);
  }

  discard(mid) {
    return this.#outbox.discard(mid);
  }

  unsent() {
    return this.#outbox.list().map((entry) => ({ from: this.#user, ...entry }));
  }

  conversations() {
    return this.#store.conversations();
  }

  /** Asks the server for its list; tells what it changed. */
  async refresh() {
    try {
      const { conversations } = await this.#env.link.request("conversation.list");
      const ahead = await this.#then(() =>
        this.#store.mergeConversations(conversations));
      for (const mark of ahead)
        this.#env.link.notify("conversation.read", mark);
      this.#env.emit("conversations",
        { conversations: await this.#store.conversations() });
    } catch (error) {
      if (!(error instanceof FloeError))
        throw error;
      // The link went meanwhile: the next one asks again.
    }
  }

  async markRead(conv) {
    const row = await this.#then(() => this.#store.markRead(conv));
    if (!row)
      return;
    // Without a link the next list shows that the server does not know.
    this.#env.link.notify("conversation.read", { conv, seq: row.read });
    this.#env.emit("conversation", { conversation: row });
  }

  /** Pins or mutes. @param {{pinned?: boolean, muted_until?: number}} how */
  async setConversation(conv, how) {
    await this.#env.link.request("conversation.set", { conv, ...how });
    await this.heardSet({ conv, ...how });
  }

  /** A `conversation.set` push. */
  async heardSet(how) {
    const row = await this.#then(() => this.#store.setConversation(how));
    if (row)
      this.#env.emit("conversation", { conversation: row });
  }

  /** A `conversation.read` push. */
  async heardRead(push) {
    const row = await this.#then(() => this.#store.heardRead(push));
    if (row)
      this.#env.emit("conversation", { conversation: row });
  }

  async history(conv, { before, limit = 50 } = {}) {
    const stated = (list) => list.map((m) => this.#stated(m));
    try {
      const page = await this.#page(conv, before, limit);
      return { messages: stated(page.messages), complete: page.complete };
    } catch (error) {
      if (error.code !== "link_lost" && error.code !== "closed" &&
          error.code !== "timeout")
        throw error;
      const kept = await this.#store.messages(conv,
        before ?? Number.MAX_SAFE_INTEGER, limit);
      const complete = kept.length === 0 || kept[0].seq === 1;
      return { messages: stated(kept), complete };
    }
  }

  /** A page with a message in it: changes are told within what they change. */
  async #page(conv, before, limit) {
    for (;;) {
      const args = before === undefined ? { conv, limit } : { conv, before, limit };
      const { messages, complete } =
        await this.#env.link.request("message.history", args);
      const shown = messages.filter((message) => !isChange(message));
      if (shown.length > 0 || complete || messages.length === 0)
        return { messages: shown, complete };
      before = messages[0].seq;
    }
  }

  /** Lets what is under way reach the store, then closes it. */
  async close() {
    this.#outbox?.close();
    await this.#chain;
    this.#store.close();
  }
}
