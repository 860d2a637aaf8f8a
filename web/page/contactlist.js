// SPDX-License-Identifier: BSD-3-Clause
// contactlist: the other half of the left column: looking people up, requests
// to answer, and the contacts with how they are.

import { avatar, presenceAvatar } from "./avatar.js";
import { byId, coalesced, h, icon } from "./dom.js";
import { presenceOf, problemOf } from "./format.js";
import { openMenu } from "./menu.js";

const SEARCH_MS = 350; // after the last key
const SHORTEST = 2;
const HEADS = { incoming: "Requests", friend: "Contacts", one_sided: "Contacts",
  outgoing: "Asked", refused: "Asked", found: "Found" };
const STATES = { outgoing: "Not answered yet", refused: "Refused",
  one_sided: "Has removed you", incoming: "Wants to be a contact" };

export class ContactList {
  #client;
  #model;
  #contacts;
  #open;
  #found = []; // of the search
  #note = "";
  #timer = null;

  /** @param {(user: string) => void} open a conversation */
  constructor(client, model, contacts, open, signal) {
    this.#client = client;
    this.#model = model;
    this.#contacts = contacts;
    this.#open = open;
    const render = coalesced(() => this.#render());
    contacts.addEventListener("contacts", render);
    model.addEventListener("presence", render);
    const on = (id, type, fn) => byId(id).addEventListener(type, fn, { signal });
    for (const tab of ["chats", "people"]) {
      on(`tab-${tab}`, "click", () => this.#show(tab));
      on(`tab-${tab}`, "keydown", (event) => {
        if (event.key === "ArrowLeft" || event.key === "ArrowRight")
          this.#show(tab === "chats" ? "people" : "chats");
      });
    }
    on("people-search", "input", () => this.#typed());
    this.#show("chats", false);
    this.#render();
  }

  #show(chosen, focus = true) {
    for (const tab of ["chats", "people"]) {
      byId(`tab-${tab}`).setAttribute("aria-selected", String(tab === chosen));
      byId(`tab-${tab}`).tabIndex = tab === chosen ? 0 : -1;
      byId(`panel-${tab}`).hidden = tab !== chosen;
    }
    if (focus)
      byId(`tab-${chosen}`).focus();
  }

  #typed() {
    clearTimeout(this.#timer);
    const text = byId("people-search").value.trim();
    if (text.length < SHORTEST) {
      this.#found = [];
      this.#note = "";
      this.#render();
      return;
    }
    this.#render();
    this.#timer = setTimeout(() => this.#search(text), SEARCH_MS);
  }

  async #search(text) {
    try {
      const { users } = await this.#client.people.search(text);
      this.#found = users.filter(({ user }) => !this.#contacts.of(user));
      this.#note = users.length === 0 ? "Nobody is called so." : "";
    } catch (error) {
      this.#found = [];
      this.#note = problemOf(error);
    }
    if (byId("people-search").value.trim() === text)
      this.#render();
  }

  /** Those whom what is typed may mean. */
  #shown() {
    const text = byId("people-search").value.trim().toLocaleLowerCase();
    const fits = ({ user }) => user.includes(text) ||
      this.#model.nickOf(user).toLocaleLowerCase().includes(text);
    return [...this.#contacts.list().filter(fits),
      ...this.#found.filter(({ user }) => !this.#contacts.of(user))
        .map((one) => ({ ...one, state: "found" }))];
  }

  #render() {
    const { waiting } = this.#contacts;
    byId("requests-badge").hidden = waiting === 0;
    byId("requests-badge").textContent = String(waiting);
    byId("requests-badge").setAttribute("aria-label", `${waiting} requests`);
    const rows = this.#shown();
    const groups = new Map();
    for (const row of rows)
      groups.set(HEADS[row.state], [...groups.get(HEADS[row.state]) || [], row]);
    const list = byId("people-list");
    const focused = list.contains(document.activeElement) &&
      document.activeElement.dataset.testid;
    list.replaceChildren(...[...groups].map(([head, members]) =>
      h("section", {}, h("h3", { class: "list-head" }, head),
        h("ul", { class: "people" }, ...members.map((row) => this.#row(row))))));
    if (focused)
      [...list.querySelectorAll("[data-testid]")]
        .find((element) => element.dataset.testid === focused)?.focus();
    byId("people-note").textContent = this.#note ||
      (rows.length === 0 ? "Look people up by their name, and ask them." : "");
  }

  #row(row) {
    const { user, state, memo } = row;
    const nick = state === "found" ? row.nick : this.#model.nickOf(user);
    const presence = this.#client.presence(user);
    const friend = state === "friend";
    return h("li", { "data-testid": `contact-${user}`, "data-state": state },
      h("button", { class: "contact", type: "button", "data-testid": `talk-${user}`,
        "aria-label": `Talk with ${nick}`, onclick: () => this.#open(user) },
      friend ? presenceAvatar(user, nick, presence.state, `contact-presence-${user}`)
        : avatar(user, nick),
      h("span", { class: "person" }, h("span", { dir: "auto" }, nick),
        h("small", { dir: "auto" }, friend
          ? presence.statusText || presenceOf(presence) || `@${user}`
          : memo || STATES[state] || `@${user}`))),
      ...this.#buttons(row, nick));
  }

  #buttons({ user, state }, nick) {
    const button = (name, label, testid, onclick) => h("button",
      { class: "icon-button small", type: "button", "aria-label": `${label} ${nick}`,
        title: label, "data-testid": `${testid}-${user}`, onclick }, icon(name));
    if (state === "found")
      return [button("plus", "Add", "add", () => this.#contacts.request({ user, nick }))];
    if (state === "incoming")
      return [
        button("check", "Accept", "accept", () => this.#contacts.run("accept", user)),
        button("close", "Refuse", "refuse", () => this.#contacts.run("refuse", user))];
    return [button("more", "More about", "about", ({ currentTarget }) =>
      openMenu(currentTarget, this.#contacts.items(user), nick))];
  }
}
