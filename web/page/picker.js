// SPDX-License-Identifier: BSD-3-Clause
// picker: choosing people: those one knows to tick, others by their name.

import { avatar } from "./avatar.js";
import { h } from "./dom.js";

const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const MOST = 50; // in the list at a time

export class Picker {
  #known;
  #chosen = new Map(); // user -> { user, nick }
  #input;
  #list = h("ul", { class: "picker-list", "aria-label": "People" });

  /** The part of a dialog. */
  element;

  /** @param {{user: string, nick: string}[]} known without who is in already */
  constructor(known) {
    this.#known = known;
    this.#input = h("input", { autocomplete: "off", autocapitalize: "none",
      spellcheck: "false", maxlength: "32", "data-testid": "picker",
      oninput: () => this.#render(),
      onkeydown: (event) => event.key === "Enter" && this.#enter(event) });
    this.element = h("div", { class: "picker" },
      h("label", { class: "field" }, h("span", {}, "People"), this.#input,
        h("small", {}, "Tick them, or type a user name and press Enter.")),
      this.#list);
    this.#render();
  }

  /** @returns {string[]} also the name that still stands in the field */
  users() {
    const typed = this.#typed;
    return [...new Set([...this.#chosen.keys(), ...USER.test(typed) ? [typed] : []])];
  }

  get #typed() {
    return this.#input.value.trim().toLowerCase();
  }

  /** Enter adds a name; with nothing typed it sends the form. */
  #enter(event) {
    const user = this.#typed;
    if (user === "")
      return;
    event.preventDefault();
    if (!USER.test(user))
      return;
    this.#chosen.set(user, { user, nick: this.#nickOf(user) });
    this.#input.value = "";
    this.#render();
  }

  #nickOf(user) {
    return this.#known.find((one) => one.user === user)?.nick || user;
  }

  #render() {
    const wanted = this.#typed;
    const fits = ({ user, nick }) => !this.#chosen.has(user) &&
      (user.includes(wanted) || nick.toLocaleLowerCase().includes(wanted));
    const shown = [...this.#chosen.values(), ...this.#known.filter(fits)];
    this.#list.replaceChildren(...shown.slice(0, MOST).map((one) => this.#row(one)));
  }

  #row({ user, nick }) {
    const box = h("input", { type: "checkbox", "data-testid": `pick-${user}`,
      onchange: () => (box.checked ? this.#chosen.set(user, { user, nick })
        : this.#chosen.delete(user)) });
    box.checked = this.#chosen.has(user);
    return h("li", {}, h("label", {}, box, avatar(user, nick, "sm"),
      h("span", {}, nick), nick !== user && h("small", {}, `@${user}`)));
  }
}
