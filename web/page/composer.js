// SPDX-License-Identifier: BSD-3-Clause
// composer: what is written: drafts, answers, edits, mentions, sending.

import { Attach } from "./attach.js";
import { byId, toast } from "./dom.js";
import { closedOf } from "./entry.js";
import { contentOf } from "./format.js";
import { mentionsIn } from "./mention.js";
import { MentionBox } from "./mentionbox.js";
import { rightsOf } from "./rights.js";

export class Composer {
  #client;
  #model;
  #roster;
  #mentions;

  constructor(client, model, roster, signal) {
    this.#client = client;
    this.#model = model;
    this.#roster = roster;
    this.#mentions = new MentionBox(() => this.#callable(), signal);
    roster.addEventListener("roster", () => this.#showClosed());
    model.addEventListener("list", () => this.#showClosed());
    new Attach(client, model, signal);
    this.#wire(signal);
  }

  #wire(signal) {
    const on = (id, type, fn) => byId(id).addEventListener(type, fn, { signal });
    on("composer-form", "submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    on("composer", "keydown", (event) => {
      if (this.#mentions.key(event) || event.key !== "Enter" || event.shiftKey ||
          event.isComposing)
        return;
      event.preventDefault();
      this.#send();
    });
    on("composer", "input", () => this.#typed());
    on("composer-about-cancel", "click", () => this.about());
  }

  /** The open conversation is another one. */
  show() {
    byId("composer").value = this.#model.current.draft;
    this.#mentions.hide();
    this.#showAbout();
    this.#showClosed();
    this.#grow();
    if (matchMedia("(hover: hover)").matches) // no keyboard over a phone's chat
      byId("composer").focus();
  }

  /** What is written next answers a message, or takes its place; or neither. */
  about(kind, message) {
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
        `${about.kind === "edit" ? "Edit" : "Reply to"}: ${
          contentOf(about.message, false)}`;
  }

  #showClosed() {
    const entry = this.#model.current;
    if (!entry)
      return;
    const why = closedOf(entry, this.#roster.of(entry).info?.silent_until);
    byId("composer-closed").textContent = why;
    byId("composer-closed").hidden = why === "";
    byId("composer-form").hidden = why !== "";
    byId("chat-open").classList.toggle("closed", why !== "");
  }

  /** Whom a text here may call by name. */
  #callable() {
    const entry = this.#model.current;
    const { info, members } = this.#roster.of(entry);
    return { members: members.filter(({ user }) => user !== this.#model.me),
      everybody: Boolean(info && rightsOf(info).everybody) };
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

  #say(entry, text, about) {
    if (about?.kind === "edit")
      return this.#client.edit(entry.conv, about.message.seq, text);
    const { members, everybody } = this.#callable();
    const target = entry.group ? { conv: entry.conv } : { to: entry.peer };
    return this.#client.send(target, text, { reply: about?.message.seq,
      mentions: mentionsIn(text, members, everybody) });
  }

  async #send() {
    const entry = this.#model.current;
    const text = byId("composer").value.trim();
    if (text === "")
      return;
    const { about } = entry;
    entry.about = undefined;
    byId("composer").value = entry.draft = "";
    this.#mentions.hide();
    this.#showAbout();
    this.#typed();
    try {
      await this.#say(entry, text, about);
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
}
