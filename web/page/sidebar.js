// SPDX-License-Identifier: BSD-3-Clause
// sidebar: the conversation list, and the dialog that begins a new one.

import { avatar, presenceAvatar } from "./avatar.js";
import { byId, coalesced, h } from "./dom.js";
import { previewOf, whenOf } from "./format.js";

const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;

export class Sidebar {
  #client;
  #model;
  #open;

  /** @param {(peer: string) => void} open shows a conversation */
  constructor(client, model, open, signal) {
    this.#client = client;
    this.#model = model;
    this.#open = open;
    const render = coalesced(() => this.#render());
    model.addEventListener("list", render);
    model.addEventListener("presence", render);
    this.#wire(signal);
    this.#render();
  }

  #wire(signal) {
    const on = (id, type, fn) => byId(id).addEventListener(type, fn, { signal });
    on("new-conversation", "click", () => this.#ask());
    on("new-cancel", "click", () => byId("new-dialog").close());
    on("new-form", "submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    on("conversations", "keydown", (event) => this.#arrows(event));
  }

  #ask() {
    byId("new-user").value = "";
    byId("new-error").hidden = true;
    byId("new-dialog").showModal();
  }

  #begin() {
    const user = byId("new-user").value.trim().toLowerCase();
    const problem = !USER.test(user) ? "This is no user name."
      : user === this.#model.me ? "That is yourself." : "";
    byId("new-error").textContent = problem;
    byId("new-error").hidden = problem === "";
    if (problem)
      return;
    byId("new-dialog").close();
    this.#open(user);
  }

  /** Up and down move between the conversations, as in any list. */
  #arrows(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step)
      return;
    const buttons = [...byId("conversations").querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
    event.preventDefault();
  }

  #render() {
    const model = this.#model;
    byId("me-avatar").replaceChildren(avatar(model.me, this.#client.nick));
    byId("me-nick").textContent = this.#client.nick;
    byId("me-user").textContent = `@${model.me}`;
    const entries = model.list();
    byId("conversations-empty").hidden = entries.length > 0;
    const focused = document.activeElement?.dataset?.testid;
    byId("conversations").replaceChildren(
      ...entries.map((entry) => this.#row(entry)));
    if (focused?.startsWith("conversation-"))
      byId("conversations").querySelector(`[data-testid="${focused}"]`)?.focus();
    document.title = model.unread > 0 ? `(${model.unread}) Floe` : "Floe";
  }

  #row(entry) {
    const { peer, nick, unread } = entry;
    const model = this.#model;
    const last = model.lastOf(entry);
    const { state } = this.#client.presence(peer);
    const current = model.current === entry;
    const preview = entry.draft && !current ? `Draft: ${entry.draft}`
      : previewOf(last, model.me);
    return h("li", {}, h("button", {
      class: "conversation", type: "button",
      "data-testid": `conversation-${peer}`,
      "aria-current": current ? "true" : null,
      onclick: () => this.#open(peer),
    },
    presenceAvatar(peer, nick, state, `presence-${peer}`),
    h("span", { class: "conversation-name" }, nick),
    h("time", { class: "conversation-time" }, last ? whenOf(last.ts) : ""),
    h("span", { class: "conversation-preview" }, preview),
    unread > 0 && h("span", { class: "badge", "data-testid": `unread-${peer}`,
      "aria-label": `${unread} unread` }, unread > 99 ? "99+" : String(unread))));
  }
}
