// SPDX-License-Identifier: BSD-3-Clause
// sidebar: the conversation list, and the dialog that begins a new one.

import { avatar, avatarOf, presenceAvatar } from "./avatar.js";
import { conversationMenu } from "./convmenu.js";
import { byId, coalesced, h, icon } from "./dom.js";
import { countOf, summaryOf, whenOf } from "./format.js";
import { joinGroup, newGroup } from "./groupforms.js";

const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/** How the user keeps it. */
function marksOf({ pinned, mutedUntil }, name) {
  const mark = (kind, label) => h("span", { class: "mark-small", role: "img",
    "aria-label": label, title: label, "data-testid": `${kind}-${name}` }, icon(kind));
  return [pinned && mark("pin", "Pinned"),
    mutedUntil > Date.now() && mark("mute", "Muted")];
}

/** What waits to be read. */
function badgesOf({ unread, mentions, mutedUntil }, name) {
  return (unread > 0 || mentions > 0) && h("span", { class: "badges" },
    mentions > 0 && h("span", { class: "badge called", "data-testid": `called-${name}`,
      role: "img", "aria-label": "You are mentioned" }, "@"),
    unread > 0 && h("span", {
      class: mutedUntil > Date.now() ? "badge muted-badge" : "badge",
      "data-testid": `unread-${name}`, "aria-label": `${unread} unread` },
    unread > 99 ? "99+" : String(unread)));
}

export class Sidebar {
  #client;
  #model;
  #open;

  /** @param {(key: string) => void} open shows a conversation */
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
    const instead = (form) => {
      byId("new-dialog").close();
      form();
    };
    const { groups } = this.#client;
    on("new-group", "click", () => instead(() =>
      newGroup(groups, this.#model.people(), this.#open)));
    on("join-group", "click", () => instead(() => joinGroup(groups, this.#open)));
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
    const list = byId("conversations");
    byId("conversations-empty").hidden = entries.length > 0;
    const focused = list.contains(document.activeElement) &&
      document.activeElement.dataset.key;
    list.replaceChildren(...entries.map((entry) => this.#row(entry)));
    if (focused)
      this.focus(focused);
    document.title = model.unread > 0 ? `(${model.unread}) Floe` : "Floe";
  }

  /** @param {string} key of an entry */
  focus(key) {
    [...byId("conversations").querySelectorAll("button")]
      .find((button) => button.dataset.key === key)?.focus();
  }

  #preview(entry) {
    if (entry.draft && this.#model.current !== entry)
      return `Draft: ${entry.draft}`;
    return summaryOf(this.#model.lastOf(entry), this.#model.me,
      (user) => this.#model.nickOf(user), entry.group);
  }

  #row(entry) {
    const { key, peer, nick, group } = entry;
    const name = group ? nick : peer; // for tests
    const last = this.#model.lastOf(entry);
    return h("li", {}, h("button", {
      class: "conversation", type: "button", "data-key": key,
      "data-testid": `conversation-${name}`,
      "aria-current": this.#model.current === entry ? "true" : null,
      onclick: () => this.#open(key),
      oncontextmenu: (event) => this.#menu(event, entry),
    },
    group ? h("span", { class: "presence-avatar" }, avatarOf(entry))
      : presenceAvatar(peer, nick, this.#client.presence(peer).state,
        `presence-${peer}`),
    h("span", { class: "conversation-name" },
      h("span", { class: "cut", dir: "auto" }, nick),
      group && !entry.left && h("small", { class: "muted",
        "aria-label": countOf(entry.members, "member") }, String(entry.members)),
      ...marksOf(entry, name)),
    h("time", { class: "conversation-time" }, last ? whenOf(last.ts) : ""),
    h("span", { class: "conversation-preview", dir: "auto" }, this.#preview(entry)),
    badgesOf(entry, name)));
  }

  #menu(event, entry) {
    event.preventDefault();
    conversationMenu(this.#client, event.currentTarget, entry);
  }
}
