// SPDX-License-Identifier: BSD-3-Clause
// thread: the messages of the open conversation. Elements are kept and moved,
// not rebuilt, so that a selection or the scroll position survives news.

import { avatar, hueOf } from "./avatar.js";
import { byId, coalesced, h, icon } from "./dom.js";
import { faceOf } from "./face.js";
import { FileCards } from "./filecard.js";
import { callRecordOf, contentOf, dayOf, failureOf, timeOf } from "./format.js";
import { noticeOf } from "./notice.js";
import { actionsOf, chipsOf } from "./reactions.js";
import { richText } from "./richtext.js";
import { isOpen, roomIn } from "./roomcall.js";

const GROUP_MS = 5 * 60000; // closer messages of one author belong together
const NEAR_PX = 80;

const STATES = {
  sending: ["clock", "Sending"],
  sent: ["tick", "Sent"],
  seen: ["ticks", "Seen"],
  failed: ["alert", "Not sent"],
};

function dayElement(day) {
  return h("li", { class: "day" }, h("span", {}, day));
}

/** Messages with what their neighbours make of them. */
function arrange(messages) {
  const near = (a, b) => a && b && a.from === b.from && a.type === b.type &&
    Math.abs(a.ts - b.ts) < GROUP_MS && dayOf(a.ts) === dayOf(b.ts);
  return messages.map((message, i) => ({
    message,
    first: !near(messages[i - 1], message),
    last: !near(message, messages[i + 1]),
    newDay: i === 0 || dayOf(messages[i - 1].ts) !== dayOf(message.ts),
  }));
}

export class Thread {
  #client;
  #model;
  #call;
  #room;
  #compose;
  #files;
  #rows = new Map(); // key -> { element, signature }
  #shown = null; // the entry
  #atEnd = true;
  #below = 0; // messages that came while scrolled up

  /**
   * @param {(media: object) => void} call calls the open conversation's peer
   * @param {(id: string) => void} room joins the call of the open group
   * @param {{reply: Function, edit: Function}} compose about a message
   */
  constructor(client, model, { call, room, compose }, signal) {
    this.#client = client;
    this.#model = model;
    this.#call = call;
    this.#room = room;
    this.#compose = compose;
    this.#files = new FileCards(client);
    signal.addEventListener("abort", () => this.#files.close());
    const render = coalesced(() => this.render());
    model.addEventListener("thread", ({ detail }) =>
      detail.key === model.current?.key && render());
    client.addEventListener("message", ({ detail }) => this.#count(detail));
    const scroll = byId("thread-scroll");
    scroll.addEventListener("scroll", () => this.#scrolled(), { signal });
    byId("thread-jump").addEventListener("click", () => this.#toEnd(), { signal });
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe(scroll);
  }

  #count({ message, live }) {
    if (message.state === "sending")
      this.#atEnd = true; // whoever writes wants to see it
    else if (live && !this.#atEnd && message.from !== this.#model.me &&
        message.conv === this.#model.current?.conv)
      this.#below++;
  }

  #toEnd() {
    const scroll = byId("thread-scroll");
    scroll.scrollTop = scroll.scrollHeight;
  }

  #scrolled() {
    const scroll = byId("thread-scroll");
    const left = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
    this.#atEnd = left < NEAR_PX;
    if (this.#atEnd)
      this.#below = 0;
    this.#showJump();
    if (scroll.scrollTop < NEAR_PX && this.#shown)
      this.#model.older(this.#shown);
  }

  #showJump() {
    byId("thread-jump").hidden = this.#atEnd;
    const text = this.#below > 0 ? `${this.#below} new` : "";
    byId("thread-jump-text").textContent = text;
    byId("thread-jump").setAttribute("aria-label",
      `To the newest message${text && `, ${text}`}`);
  }

  render() {
    const entry = this.#model.current;
    const scroll = byId("thread-scroll");
    const switched = entry !== this.#shown;
    const fromEnd = scroll.scrollHeight - scroll.scrollTop;
    if (switched) {
      this.#shown = entry;
      this.#rows.clear();
      byId("thread").replaceChildren();
      this.#below = 0;
    }
    if (!entry)
      return;
    this.#place(arrange(this.#model.thread(entry)));
    this.#note(entry);
    if (switched || this.#atEnd)
      this.#toEnd();
    else if (scroll.scrollTop < NEAR_PX)
      scroll.scrollTop = scroll.scrollHeight - fromEnd; // older ones came above
    this.#showJump();
  }

  #note(entry) {
    const empty = entry.thread.size === 0;
    let text = "";
    if (entry.loading)
      text = "Loading…";
    else if (empty && !entry.group && (entry.complete || !entry.conv))
      text = `Say hello to ${entry.nick}.`;
    byId("thread-note").textContent = text;
  }

  /** All that an element shows: another one takes its place when it changes. */
  #signature(message, first, last) {
    const { ts, from, reply, edited_ts: edited, retracted_ts: gone, reactions,
      mentions = [] } = message;
    return JSON.stringify([this.#stateOf(message), ts, first, last, edited, gone,
      reactions, reply && this.#quoted(reply), this.#model.current.left,
      faceOf(from), message.type === "notice" ? this.#noticed(message)
        : [from, ...mentions].map((user) => this.#nick(user))]);
  }

  #nick(user) {
    return this.#model.nickOf(user);
  }

  #noticed(message) {
    return noticeOf(message, this.#model.me, (user) => this.#nick(user));
  }

  #find(seq) {
    return [...this.#model.current?.thread.values() || []]
      .find((message) => message.seq === seq);
  }

  /** What an answer is about, in a line; it may not be loaded. */
  #quoted(seq) {
    const message = this.#find(seq);
    if (!message)
      return "An earlier message";
    return `${this.#nick(message.from)}: ${contentOf(message, false)}`;
  }

  #quote(seq) {
    return h("button", { type: "button", class: "quote", "data-testid": "quote",
      onclick: () => byId("thread").querySelector(`[data-seq="${seq}"]`)
        ?.scrollIntoView({ block: "center", behavior: "smooth" }) },
    this.#quoted(seq));
  }

  /** `seen`: sent, and read by the peer. */
  #stateOf({ state, from, seq }) {
    const read = this.#model.current?.peerRead || 0;
    return state === "sent" && from === this.#model.me && seq <= read
      ? "seen" : state;
  }

  /** Brings the list into the given order with the fewest changes. */
  #place(items) {
    const before = this.#rows;
    this.#rows = new Map();
    for (const item of items) {
      const { message, newDay, first, last } = item;
      const day = dayOf(message.ts);
      if (newDay)
        this.#keep(before, `day ${day}`, day, () => dayElement(day));
      this.#keep(before, this.#key(message),
        this.#signature(message, first, last),
        () => this.#element(item));
    }
    for (const { element } of before.values())
      element.remove();
    const list = byId("thread");
    let at = list.firstChild;
    for (const { element } of this.#rows.values()) {
      if (element === at)
        at = at.nextSibling;
      else
        list.insertBefore(element, at);
    }
  }

  /** The element of before where nothing changed that shows. */
  #keep(before, key, signature, make) {
    const old = before.get(key);
    if (old?.signature === signature)
      before.delete(key);
    this.#rows.set(key, old?.signature === signature ? old
      : { element: make(), signature });
  }

  #key(message) {
    return message.from === this.#model.me && message.mid
      ? `mid ${message.mid}` : `seq ${message.seq}`;
  }

  #element(item) {
    const { message } = item;
    if (message.type === "call")
      return this.#record(message);
    if (message.type === "notice")
      return this.#notice(message);
    return this.#model.current.group && roomIn(message)
      ? this.#groupCall(message) : this.#text(item);
  }

  #groupCall(message) {
    const { from, ts } = message;
    const who = from === this.#model.me ? "You" : this.#nick(from);
    return h("li", { class: "record", "data-testid": "group-call",
      "data-seq": message.seq }, h("span", { class: "record-body" }, icon("video"),
      h("span", { dir: "auto" }, `${who} began a call`), h("time", {}, timeOf(ts)),
      message.seq && isOpen(message) && !this.#model.current.left &&
        h("button", { class: "link", type: "button", "data-testid": "group-call-join",
          onclick: () => this.#room(roomIn(message)) }, "Join")));
  }

  #notice(message) {
    return h("li", { class: "notice", "data-testid": "notice",
      "data-event": message.body.event, "data-seq": message.seq },
    h("span", { dir: "auto" }, this.#noticed(message)),
    h("time", {}, timeOf(message.ts)));
  }

  /** Who has written it: in a group to be seen, else for screen readers. */
  #author(user, mine, first) {
    if (mine || !first || !this.#model.current.group)
      return h("span", { class: "unseen" }, `${mine ? "You" : this.#nick(user)}: `);
    const author = h("p", { class: "author", "data-testid": "author" },
      this.#nick(user));
    author.style.setProperty("--hue", String(hueOf(user)));
    return author;
  }

  #text({ message, first, last }) {
    const { mid, from, body, reply, mentions } = message;
    const { me, current } = this.#model;
    const state = this.#stateOf(message);
    const mine = from === me;
    const text = typeof body?.text === "string" ? body.text : "";
    const gone = Boolean(message.retracted_ts);
    const names = ["message", mine ? "mine" : "theirs", first && "first",
      last && "last"].filter(Boolean).join(" ");
    return h("li", { class: names, "data-testid": "message", "data-mid": mid,
      "data-state": message.state, "data-seen": String(state === "seen"),
      "data-seq": message.seq },
    !mine && (last ? avatar(from, this.#nick(from), "sm") : h("span", { class: "avatar-gap" })),
    h("div", { class: "bubble" },
      this.#author(from, mine, first),
      reply && this.#quote(reply),
      ...gone ? [h("p", { class: "text gone" }, "Message deleted")]
        : [...message.type === "file" ? this.#files.of(message) : [],
          text && h("p", { class: "text", dir: "auto" },
            ...richText(text, mentions, me, (user) => this.#nick(user)))],
      (last || state === "sending" || state === "failed" || message.edited_ts) &&
        this.#meta(state, message)),
    message.seq && !gone && !current.left &&
      actionsOf(this.#client, message, mine, this.#compose),
    chipsOf(this.#client, message, me),
    state === "failed" && this.#remedy(message));
  }

  #meta(state, { ts, edited_ts: edited, retracted_ts: gone }) {
    const [name, label] = STATES[state] || [];
    return h("span", { class: "meta" },
      edited && !gone && h("span", { "data-testid": "edited" }, "edited "),
      h("time", { datetime: new Date(ts).toISOString() }, timeOf(ts)),
      name && h("span", { class: `tick ${state}`, role: "img",
        "aria-label": label, title: label }, icon(name)));
  }

  #remedy(message) {
    const { mid } = message;
    return h("div", { class: "remedy" }, h("span", {}, failureOf(message)),
      h("button", { class: "link", type: "button",
        onclick: () => this.#client.resend(mid).catch(() => {}) }, "Try again"),
      h("button", { class: "link", type: "button",
        onclick: () => this.#client.discard(mid).catch(() => {}) }, "Delete"));
  }

  #record(message) {
    const { body, from, ts } = message;
    const mine = from === this.#model.me;
    const missed = !mine && body.outcome !== "answered" && body.outcome !== "refused";
    return h("li", { class: `record${missed ? " missed" : ""}`,
      "data-testid": "call-record", "data-outcome": body.outcome,
      "data-seq": message.seq },
    h("span", { class: "record-body" }, icon(body.media?.video ? "video" : "phone"),
      h("span", {}, callRecordOf(body, mine)),
      h("time", {}, timeOf(ts)),
      missed && h("button", { class: "link", type: "button",
        onclick: () => this.#call({ video: Boolean(body.media?.video) }) },
      "Call back")));
  }
}
