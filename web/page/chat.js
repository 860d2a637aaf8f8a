// SPDX-License-Identifier: BSD-3-Clause
// chat: the middle column: whom one talks with, the thread, the composer.

import { avatar } from "./avatar.js";
import { announce, byId, coalesced, toast } from "./dom.js";
import { callRecordOf, presenceOf } from "./format.js";
import { Thread } from "./thread.js";

const TYPING_ENDS_MS = 6000;

export class Chat {
  #client;
  #model;
  #thread;
  #typing = new Map(); // conv -> the timer that ends it

  /** @param {{call: Function, back: Function, details: Function}} actions */
  constructor(client, model, actions, signal) {
    this.#client = client;
    this.#model = model;
    const compose = {
      reply: (message) => this.#about("reply", message),
      edit: (message) => this.#about("edit", message),
    };
    this.#thread = new Thread(client, model, { call: actions.call, compose },
      signal);
    const header = coalesced(() => this.#header());
    model.addEventListener("list", header);
    model.addEventListener("presence", header);
    client.addEventListener("message", ({ detail }) => this.#announce(detail));
    client.addEventListener("typing", ({ detail }) => this.#heardTyping(detail));
    this.#wire(actions, signal);
  }

  #wire(actions, signal) {
    const on = (id, type, fn) => byId(id).addEventListener(type, fn, { signal });
    on("chat-back", "click", actions.back);
    on("chat-details", "click", actions.details);
    on("call-audio", "click", () => actions.call({ video: false }));
    on("call-video", "click", () => actions.call({ video: true }));
    on("composer-form", "submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    on("composer", "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing)
        return;
      event.preventDefault();
      this.#send();
    });
    on("composer", "input", () => this.#typed());
    on("composer-about-cancel", "click", () => this.#about());
  }

  /** The model's open conversation changed. */
  show() {
    const entry = this.#model.current;
    byId("chat-empty").hidden = Boolean(entry);
    byId("chat-open").hidden = !entry;
    if (!entry)
      return;
    byId("composer").value = entry.draft;
    this.#showAbout();
    this.#grow();
    this.#header();
    this.#thread.render();
    if (matchMedia("(hover: hover)").matches) // no keyboard over a phone's chat
      byId("composer").focus();
  }

  #header() {
    const entry = this.#model.current;
    if (!entry)
      return;
    const { peer, nick, conv } = entry;
    byId("chat-avatar").replaceChildren(avatar(peer, nick));
    byId("chat-nick").textContent = nick;
    byId("chat-presence").textContent = this.#typing.has(conv)
      ? "is typing…" : presenceOf(this.#client.presence(peer));
    byId("chat-presence").dataset.state = this.#client.presence(peer).state;
  }

  /** Who does not go on, or sends what was typed, has stopped. */
  #heardTyping({ conv, on }) {
    clearTimeout(this.#typing.get(conv));
    this.#typing.delete(conv);
    if (on)
      this.#typing.set(conv, setTimeout(
        () => this.#heardTyping({ conv, on: false }), TYPING_ENDS_MS));
    this.#header();
  }

  /** What is written next answers a message, or takes its place; or neither. */
  #about(kind, message) {
    const entry = this.#model.current;
    const edited = entry.about?.kind === "edit";
    entry.about = kind && { kind, message };
    if (kind === "edit" || edited)
      entry.draft = kind === "edit" ? message.body.text : "";
    byId("composer").value = entry.draft;
    this.#showAbout();
    this.#grow();
    byId("composer").focus();
  }

  #showAbout() {
    const { about } = this.#model.current;
    byId("composer-about").hidden = !about;
    if (about)
      byId("composer-about-text").textContent =
        `${about.kind === "edit" ? "Edit" : "Reply to"}: ${about.message.body.text}`;
  }

  /** The field is as high as its text, up to what the style sheet allows. */
  #grow() {
    const composer = byId("composer");
    composer.style.height = "auto";
    const border = composer.offsetHeight - composer.clientHeight;
    composer.style.height = `${composer.scrollHeight + border}px`;
  }

  #typed() {
    const { conv } = this.#model.current;
    this.#model.current.draft = byId("composer").value;
    this.#grow();
    if (conv)
      this.#client.typing(conv, byId("composer").value !== "");
  }

  async #send() {
    const entry = this.#model.current;
    const text = byId("composer").value.trim();
    if (text === "")
      return;
    const { about } = entry;
    entry.about = undefined;
    byId("composer").value = entry.draft = "";
    this.#showAbout();
    this.#typed();
    try {
      if (about?.kind === "edit")
        await this.#client.edit(entry.conv, about.message.seq, text);
      else
        await this.#client.send({ to: entry.peer }, text,
          { reply: about?.message.seq });
    } catch (error) {
      entry.draft = text; // nothing typed is lost
      entry.about = about;
      if (this.#model.current === entry) {
        byId("composer").value = text;
        this.#showAbout();
      }
      toast(error.code === "too_large" ? "The text is too long." : error.message);
    }
  }

  #announce({ message, live }) {
    if (message.from !== this.#model.me)
      this.#heardTyping({ conv: message.conv, on: false });
    if (!live || message.from === this.#model.me)
      return;
    const what = message.type === "call"
      ? callRecordOf(message.body, false) : message.body.text;
    announce(`${this.#model.nickOf(message.from)}: ${what}`);
    this.#model.seen();
  }
}
