// SPDX-License-Identifier: BSD-3-Clause
// client: the front of the SDK. Opens the link, keeps the session, and hands
// what comes to chat, presence and calls.
// Owns: link, store, timers, calls.

import { Calls } from "./calls.js";
import { Chat } from "./chat.js";
import { Chatrooms } from "./chatroom.js";
import { FloeError } from "./errors.js";
import { Files } from "./files.js";
import { Groups } from "./groups.js";
import { IceServers } from "./ice.js";
import { Link } from "./link.js";
import { People } from "./people.js";
import { Profiles } from "./profiles.js";
import { Rooms } from "./rooms.js";
import { claimSlot } from "./slot.js";
import { Store } from "./store.js";
import { workerTimers } from "./timers.js";
import { Token } from "./token.js";
import { upload } from "./upload.js";

const TYPING_MS = 3000;
const DEFAULT_LIMITS = { text_bytes: 16384, candidates: 64 };

function webSocketUrl(server) {
  const url = new URL("/ws", server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/**
 * A user's connection to signald. Events, each a CustomEvent with a `detail`:
 * `state`, `message`, `update`, `conversation`, `conversations`, `presence`,
 * `contact`, `contacts`, `privacy`, `typing`, `grouprequest`, `call`,
 * `progress`, `profile`, `token`, `tokenexpiring`, `notice`, `reset`; floe.d.ts says what
 * they carry.
 */
export class FloeClient extends EventTarget {
  #server;
  #token;
  #heartbeat;
  #user;
  #timers = workerTimers();
  #link;
  #chat;
  #calls;
  #rooms;
  #chatrooms;
  #groups = new Groups((op, args) => this.#link.request(op, args));
  #people = new People((op, args) => this.#link.request(op, args),
    (type, detail) => this.#emit(type, detail));
  #profiles = new Profiles((op, args) => this.#link.request(op, args),
    (profile) => this.#heardProfile(profile));
  #ice;
  #files;
  #store = null;
  #claim = null;
  #session = {}; // device, session, secret, epoch
  #limits = DEFAULT_LIMITS;
  #opened = null;
  #typingUntil = 0;
  #nick;

  /**
   * @param {object} options
   * @param {string|URL} options.server base URL, for example `location.origin`
   * @param {string} options.user
   * @param {string} options.token from login() or register(); sent in the
   *   first frame, never in a URL
   * @param {RTCIceTransportPolicy} [options.iceTransportPolicy] `relay`: calls
   *   go through TURN only
   * @param {"default"|"mobile"} [options.heartbeat] `mobile` saves a phone's
   *   battery: a lost link is noticed after half a minute, not seven seconds
   */
  constructor({ server, user, token, iceTransportPolicy = "all", heartbeat }) {
    super();
    this.#server = String(server);
    this.#user = user;
    this.#nick = user;
    this.#token = new Token(token, (op, args) => this.#link.request(op, args),
      (type, detail) => this.#emit(type, detail));
    this.#heartbeat = heartbeat;
    const timers = this.#timers;
    this.#link = new Link(webSocketUrl(server), {
      hello: () => this.#hello(),
      ready: (ok, welcome) => this.#ready(ok, welcome),
      push: (push) => this.#push(push),
      state: (state, detail) => this.#linkState(state, detail),
    }, { timers });
    this.#ice = new IceServers((op) => this.#link.request(op),
      (list) => this.#useServers(list), timers);
    const env = {
      request: (...args) => this.#link.request(...args),
      servers: () => this.#ice.current(),
      config: { iceTransportPolicy },
      timers,
      mostCandidates: () => this.#limits.candidates,
    };
    this.#calls = new Calls(env, (call) => this.#emit("call", { call }));
    this.#rooms = new Rooms(env);
    this.#chatrooms = new Chatrooms(env);
    this.#files = new Files(this.#server, () => this.#token.value);
    this.#chat = new Chat({
      user, timers,
      link: this.#link,
      emit: (type, detail) => this.#emit(type, detail),
      textBytes: () => this.#limits.text_bytes,
      upload: ({ blob, body: { name } }, progress, signal) => upload(
        { server: this.#server, token: this.#token.value, name, blob, progress, signal }),
    });
  }

  /** The user this client speaks for. */
  get user() {
    return this.#user;
  }

  /** The user's display name, as far as known. */
  get nick() {
    return this.#nick;
  }

  /** @returns {"idle"|"connecting"|"online"|"waiting"|"closed"} */
  get state() {
    return this.#link.state;
  }

  /** Groups: create, invite, roles, settings. @returns {Groups} */
  get groups() {
    return this.#groups;
  }

  /** Contacts, the own state, and what others are told. */
  get people() {
    return this.#people;
  }

  /** What users tell of themselves. */
  get profiles() {
    return this.#profiles;
  }

  /** The call that this device takes part in, or null. */
  get currentCall() {
    return this.#calls.current;
  }

  /**
   * Opens what is kept on this device, so that conversations(), history(),
   * unsent() and send() work also without a connection. connect() calls it.
   * @returns {Promise<void>}
   * @throws nothing; without IndexedDB things are kept in memory only
   */
  open() {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open() {
    this.#claim = await claimSlot(this.#server, this.#user);
    this.#store = await Store.open(this.#server, this.#user, this.#claim.slot);
    const kept = await this.#store.load();
    const { device, session, secret, epoch } = kept;
    this.#session = { device, session, secret, epoch };
    this.#chat.load(this.#store, kept);
    this.#listen("on");
  }

  #listen(how) {
    const method = how === "on" ? "addEventListener" : "removeEventListener";
    globalThis[method]("online", this.#networkBack);
    globalThis.document?.[method]("visibilitychange", this.#looked);
  }

  #networkBack = () => {
    this.#link.wake();
    this.#calls.networkChanged();
    this.#rooms.networkChanged();
  };

  #looked = () => {
    if (!document.hidden)
      this.#link.wake();
  };

  /**
   * Connects and stays connected: after a lost link it comes back by itself
   * and resumes. Only a `state` event with `closed` means that it gave up.
   * @returns {Promise<void>} when the server has said welcome to this user
   * @throws {FloeError} `unauthorized` (log in again), `banned`, `protocol`,
   *   `taken_over`, `closed`
   */
  async connect() {
    await this.open();
    if (this.state === "online")
      return;
    const done = new Promise((resolve, reject) => {
      const watch = ({ detail: { state, reason } }) => {
        if (state !== "online" && state !== "closed")
          return;
        this.removeEventListener("state", watch);
        if (state === "online")
          resolve();
        else
          reject(new FloeError(reason, `the connection ended: ${reason}`));
      };
      this.addEventListener("state", watch);
    });
    this.#link.open();
    await done;
  }

  /** Tries again at once instead of waiting. Throws nothing. */
  retry() {
    this.#link.wake();
  }

  /**
   * Ends calls and the connection and lets go of what is kept.
   * A closed client is not used again.
   * @returns {Promise<void>}
   * @throws nothing
   */
  async close() {
    this.#calls.hangupAll();
    this.#rooms.leaveAll();
    this.#ice.stop();
    this.#files.close();
    this.#link.close();
    if (this.#opened) {
      await this.#opened;
      this.#listen("off");
      await this.#chat.close();
      this.#claim.release();
    }
    this.#timers.close?.();
  }

  /**
   * Sends a text, now or when there is a connection again: it is kept on this
   * device until the server has stored it, and stored there once.
   * Its way shows in `update` events: `sending`, then `sent` or `failed`.
   * @param {{to: string}|{conv: string}} target a user, or a conversation
   * @param {string} text
   * @param {{reply?: number, mentions?: string[]}} [options] `seq` of the
   *   message that it answers; users that it calls by name, `*` for everybody
   * @returns {Promise<import("../floe.d.ts").Message>} once it is kept here
   * @throws {FloeError} `too_large` (empty or too long), `storage`
   */
  async send(target, text, { reply, mentions } = {}) {
    await this.open();
    return this.#chat.send(target, text, reply, mentions);
  }

  /**
   * Sends a file: it is kept on this device, uploaded, and then sent like a
   * text. Texts that are sent after it need not wait for it.
   * @param {{to: string}|{conv: string}} target
   * @param {Blob} file with a `name` when it is a File
   * @param {object} [options]
   * @param {(sent: number, total: number) => void} [options.onProgress] also
   *   told by `progress` events, to whoever comes later
   * @param {string} [options.text] a word to it
   * @param {number} [options.width] of a picture
   * @param {number} [options.height]
   * @param {number} [options.reply] `seq` of the message that it answers
   * @returns {Promise<import("../floe.d.ts").Message>} once it is kept here
   * @throws {FloeError} `bad_request` (empty), `storage`
   */
  async sendFile(target, file, { onProgress, ...how } = {}) {
    await this.open();
    const message = await this.#chat.sendFile(target, file, how);
    if (onProgress)
      this.#follow(message.mid, onProgress);
    return message;
  }

  #follow(mid, onProgress) {
    const progress = ({ detail }) =>
      detail.mid === mid && onProgress(detail.sent, detail.total);
    const ended = ({ detail: { message } }) => {
      if (message.mid !== mid || message.state === "sending")
        return;
      this.removeEventListener("progress", progress);
      this.removeEventListener("update", ended);
    };
    this.addEventListener("progress", progress);
    this.addEventListener("update", ended);
  }

  /**
   * Takes a file back that is not with the server yet.
   * @param {string} mid
   * @returns {Promise<void>}
   * @throws {FloeError} `not_found`: there is none, or it was sent
   */
  async cancel(mid) {
    await this.open();
    return this.#chat.cancel(mid);
  }

  /**
   * The file of a message, fetched with the token.
   * @param {import("../floe.d.ts").Message} message of type `file`
   * @returns {Promise<string>} a blob: address, good until 64 others were asked
   *   for or the client is closed
   * @throws {FloeError} `not_found`, `unauthorized`, `network`
   */
  fileUrl(message) {
    return this.#files.url(message.body.file);
  }

  /**
   * The same as bytes, fetched anew.
   * @param {import("../floe.d.ts").Message} message of type `file`
   * @returns {Promise<Blob>}
   * @throws {FloeError} as fileUrl()
   */
  fileBlob(message) {
    return this.#files.blob(message.body.file);
  }

  /**
   * Says something else instead, in an own message.
   * @param {string} conv @param {number} seq @param {string} text
   * @returns {Promise<void>}
   * @throws {FloeError} `forbidden`, `not_found`, `conflict` (retracted),
   *   `too_large`; `link_lost` and the like without a connection
   */
  edit(conv, seq, text) {
    return this.#chat.change("message.edit", { conv, seq, body: { text } });
  }

  /**
   * Takes an own message back: its text is gone, for everybody.
   * @param {string} conv @param {number} seq
   * @returns {Promise<void>}
   * @throws {FloeError} as edit()
   */
  retract(conv, seq) {
    return this.#chat.change("message.retract", { conv, seq });
  }

  /**
   * Reacts to a message with an emoji, or no longer.
   * @param {string} conv @param {number} seq @param {string} emoji
   * @param {boolean} [on]
   * @returns {Promise<void>}
   * @throws {FloeError} as edit(); `conflict`: nothing would change
   */
  react(conv, seq, emoji, on = true) {
    return this.#chat.change("message.react", { conv, seq, emoji, on });
  }

  /**
   * Sends a `failed` text again, with the same `mid`.
   * @param {string} mid
   * @returns {Promise<void>}
   * @throws {FloeError} `not_found`
   */
  async resend(mid) {
    await this.open();
    return this.#chat.resend(mid);
  }

  /**
   * Forgets a `failed` text.
   * @param {string} mid
   * @returns {Promise<void>}
   * @throws {FloeError} `not_found`
   */
  async discard(mid) {
    await this.open();
    return this.#chat.discard(mid);
  }

  /**
   * @returns {Promise<import("../floe.d.ts").Message[]>} own texts that the
   *   server has not acknowledged, in the order they were written
   * @throws nothing
   */
  async unsent() {
    await this.open();
    return this.#chat.unsent();
  }

  /**
   * The conversations as kept on this device, newest first, with their unread
   * counts. What the server knows beyond comes with `conversations` events.
   * @returns {Promise<import("../floe.d.ts").Conversation[]>}
   * @throws {DOMException} the device's storage failed
   */
  async conversations() {
    await this.open();
    return this.#chat.conversations();
  }

  /**
   * Older messages; from this device's store while there is no connection.
   * @param {string} conv
   * @param {{before?: number, limit?: number}} [range] below this `seq`; the
   *   newest by default
   * @returns {Promise<{messages: import("../floe.d.ts").Message[],
   *   complete: boolean}>} ascending by `seq`
   * @throws {FloeError} `not_found`, `forbidden`, `bad_request`
   */
  async history(conv, range) {
    await this.open();
    return this.#chat.history(conv, range);
  }

  /**
   * Everything in the conversation has been seen by the user.
   * @param {string} conv
   * @returns {Promise<void>}
   * @throws {DOMException} the device's storage failed
   */
  async markRead(conv) {
    await this.open();
    return this.#chat.markRead(conv);
  }

  /**
   * Keeps the conversation on top of the list, or not.
   * @param {string} conv @param {boolean} pinned
   * @returns {Promise<void>}
   * @throws {FloeError} `not_found`, `too_large` (too many pins)
   */
  pin(conv, pinned) {
    return this.#chat.setConversation(conv, { pinned });
  }

  /**
   * Wants no notifications of the conversation until then.
   * @param {string} conv @param {number} until ms since 1970, 0: wants them
   * @returns {Promise<void>}
   * @throws {FloeError} `not_found`
   */
  mute(conv, until) {
    return this.#chat.setConversation(conv, { muted_until: until });
  }

  /**
   * The user is writing, or has stopped. Say it at each key: it goes out every
   * three seconds.
   * @param {string} conv
   * @param {boolean} [on]
   * @throws nothing
   */
  typing(conv, on = true) {
    const now = this.#timers.now();
    if (this.state !== "online" || (on && now < this.#typingUntil) ||
        (!on && this.#typingUntil === 0))
      return;
    this.#typingUntil = on ? now + TYPING_MS : 0;
    this.#link.notify("conversation.typing", { conv, on });
  }

  /**
   * @param {string} user
   * @returns {import("../floe.d.ts").Presence} of a friend; unknown
   *   while there is no connection
   * @throws nothing
   */
  presence(user) {
    const known = this.state === "online" && this.#people.presence(user);
    return known || { state: "unknown" };
  }

  /**
   * Calls a user.
   * @param {string} user
   * @param {{audio?: boolean, video?: boolean}} [media]
   * @returns {Promise<import("./call.js").Call>} once microphone and camera are
   *   open; the call itself then goes through its states
   * @throws {FloeError} `state` (in a call already, or not connected), `media`
   */
  async call(user, { audio = true, video = true } = {}) {
    this.#expectOnline();
    return this.#calls.invite(user, { audio, video });
  }

  /**
   * Makes a room for a group call and joins it; its `id` is what others need to
   * join, and nobody guesses it.
   * @param {{audio?: boolean, video?: boolean}} [media] what to send
   * @returns {Promise<import("./room.js").Room>} once in it
   * @throws {FloeError} `state` (not connected), `media`, `too_large` (in too
   *   many rooms), `link_lost`
   */
  async createRoom({ audio = true, video = true } = {}) {
    this.#expectOnline();
    return this.#rooms.join(null, { audio, video });
  }

  /**
   * @param {string} id of the room
   * @param {{audio?: boolean, video?: boolean}} [media] what to send
   * @returns {Promise<import("./room.js").Room>} once in it
   * @throws {FloeError} as createRoom(); `not_found`, `conflict` (full)
   */
  async joinRoom(id, { audio = true, video = true } = {}) {
    this.#expectOnline();
    return this.#rooms.join(id, { audio, video });
  }

  /**
   * @param {string} name as its users call it: 1-64 of `a-z 0-9 . _ -`
   * @returns {Promise<import("./chatroom.js").Chatroom>} once in it
   * @throws {FloeError} `state` (not connected), `bad_request` (the name),
   *   `too_large` (in too many), `conflict` (full), `link_lost`
   */
  async joinChatroom(name) {
    this.#expectOnline();
    return this.#chatrooms.join(name);
  }

  #expectOnline() {
    if (this.state !== "online")
      throw new FloeError("state", "not connected");
  }

  #useServers(iceServers) {
    this.#calls?.useServers(iceServers);
    this.#rooms?.useServers(iceServers);
  }

  #sessionLost() {
    this.#calls.sessionLost();
    this.#rooms.sessionLost();
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #hello() {
    const { device, session, secret, epoch } = this.#session;
    const fields = { token: this.#token.value, device, sync: this.#chat.sync,
      ...this.#people.hello };
    if (session && secret)
      Object.assign(fields, { session, secret });
    if (epoch)
      fields.epoch = epoch;
    if (this.#heartbeat)
      fields.heartbeat = this.#heartbeat;
    return fields;
  }

  #ready(ok, welcome) {
    const { session, secret, epoch } = ok;
    const fresh = this.#session.epoch !== epoch || ok.recovered === false;
    Object.assign(this.#session, { session, secret, epoch });
    this.#limits = { ...DEFAULT_LIMITS, ...welcome.limits };
    this.#nick = ok.nick || this.#user;
    this.#ice.set(ok);
    if (!ok.resumed || ok.calls)
      this.#chatrooms.renew();
    if (!ok.resumed)
      this.#sessionLost();
    else if (ok.calls) {
      this.#calls.restarted(ok.calls);
      this.#rooms.restarted();
    }
    this.#people.start(ok);
    this.#chat.start(ok, fresh);
    this.#store.saveSlot({ session, secret })
      .catch((error) => console.error("floe:", error));
  }

  #push(push) {
    if (push.push === "message")
      this.#chat.push(push);
    else if (push.push === "conversation.read")
      this.#chat.heardRead(push);
    else if (push.push === "conversation.set")
      this.#chat.heardSet(push);
    else if (push.push === "profile")
      this.#profiles.push(push);
    else if (push.push === "token.expiring")
      this.#token.renew();
    else if (push.push === "notice")
      this.#emit("notice", { text: push.text, ts: push.ts });
    else if (push.push === "group.request")
      this.#emit("grouprequest", { conv: push.conv, user: push.user });
    else if (push.push === "conversation.typing")
      this.#emit("typing", { conv: push.conv, user: push.user, on: push.on });
    else if (push.push.startsWith("call."))
      this.#calls.push(push);
    else if (push.push.startsWith("room."))
      this.#rooms.push(push);
    else if (push.push.startsWith("chatroom."))
      this.#chatrooms.push(push);
    else
      this.#people.push(push); // others are of a newer server: ignored
  }

  #heardProfile(profile) {
    if (profile.user === this.#user)
      this.#nick = profile.nick;
    this.#emit("profile", { profile });
  }

  #linkState(state, detail) {
    if (state !== "online" && this.#opened)
      this.#chat.stop();
    if (state === "closed") {
      this.#sessionLost();
      this.#chatrooms.end("closed");
    }
    this.#emit("state", { state, ...detail });
  }
}
