// SPDX-License-Identifier: BSD-3-Clause
// chat: the middle column: whom one talks with, the thread, the composer.

import { avatarOf } from "./avatar.js";
import { Composer } from "./composer.js";
import { announce, byId, coalesced } from "./dom.js";
import { countOf, presenceOf, summaryOf, typingOf } from "./format.js";
import { Thread } from "./thread.js";
import { Typing } from "./typing.js";

export class Chat {
  #client;
  #model;
  #composer;
  #thread;
  #typing;

  /** @param {{call: Function, room: Function, back: Function, details: Function,
   *   menu: Function}} actions */
  constructor(client, model, roster, actions, signal) {
    this.#client = client;
    this.#model = model;
    this.#composer = new Composer(client, model, roster, signal);
    const compose = {
      reply: (message) => this.#composer.about("reply", message),
      edit: (message) => this.#composer.about("edit", message),
    };
    this.#thread = new Thread(client, model,
      { call: actions.call, room: actions.room, compose }, signal);
    this.#typing = new Typing(client);
    const header = coalesced(() => this.#header());
    model.addEventListener("list", header);
    model.addEventListener("presence", header);
    this.#typing.addEventListener("typing", () => this.#header());
    client.addEventListener("message", ({ detail }) => this.#announce(detail));
    const on = (id, fn) => byId(id).addEventListener("click", fn, { signal });
    on("chat-back", actions.back);
    on("chat-details", actions.details);
    on("chat-menu", () => actions.menu(byId("chat-menu")));
    on("chat-room", () => actions.room());
    on("call-audio", () => actions.call({ video: false }));
    on("call-video", () => actions.call({ video: true }));
  }

  /** The model's open conversation changed. */
  show() {
    const entry = this.#model.current;
    byId("chat-empty").hidden = Boolean(entry);
    byId("chat-open").hidden = !entry;
    if (!entry)
      return;
    this.#header();
    this.#thread.render();
    this.#composer.show();
  }

  #header() {
    const entry = this.#model.current;
    if (!entry)
      return;
    const { peer, nick, group, members, left } = entry;
    byId("chat-avatar").replaceChildren(avatarOf(entry));
    byId("chat-nick").textContent = nick;
    for (const id of ["call-audio", "call-video"])
      byId(id).hidden = group;
    byId("chat-room").hidden = !group || left;
    const presence = group ? {} : this.#client.presence(peer);
    const many = left ? "" : countOf(members, "member");
    byId("chat-presence").textContent = this.#typed(entry) ||
      (group ? many : presenceOf(presence));
    byId("chat-presence").dataset.state = presence.state;
  }

  /** Who is writing here, or "". */
  #typed({ conv, group }) {
    const users = this.#typing.in(conv);
    if (users.length === 0)
      return "";
    return group ? typingOf(users.map((user) => this.#model.nickOf(user)))
      : "is typing…";
  }

  #announce({ message, live }) {
    const { me } = this.#model;
    if (!live || message.from === me)
      return;
    const entry = this.#model.entryOf(message.conv);
    const called = message.mentions?.some((user) => user === me || user === "*");
    if (!(entry?.mutedUntil > Date.now()) || called)
      announce(`${entry?.group ? `${entry.nick}: ` : ""}${
        summaryOf(message, me, (user) => this.#model.nickOf(user), true)}`);
    this.#model.seen();
  }
}
