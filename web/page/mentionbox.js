// SPDX-License-Identifier: BSD-3-Clause
// mentionbox: the names that an @ in the composer may mean; arrows choose,
// Enter or Tab takes, Escape closes.

import { avatar } from "./avatar.js";
import { byId, h } from "./dom.js";
import { candidatesFor, complete, queryAt } from "./mention.js";

export class MentionBox {
  #members;
  #shown = [];
  #at = 0;
  #dismissed = false; // until the next key that changes the text

  /** @param {() => {members: object[], everybody: boolean}} members of the
   *   open conversation */
  constructor(members, signal) {
    this.#members = members;
    const on = (type, fn) => byId("composer").addEventListener(type, fn, { signal });
    on("input", () => {
      this.#dismissed = false;
      this.#look();
    });
    on("click", () => this.#look());
    on("blur", () => this.#show([]));
  }

  /** @returns {boolean} whether the key was meant for the list */
  key(event) {
    if (this.#shown.length === 0 || event.isComposing)
      return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#at = (this.#at + step + this.#shown.length) % this.#shown.length;
      this.#mark();
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.#take(this.#at);
    } else if (event.key === "Escape") {
      this.#dismissed = true;
      this.#show([]);
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  hide() {
    this.#show([]);
  }

  #look() {
    const { value, selectionStart } = byId("composer");
    const query = this.#dismissed ? null : queryAt(value, selectionStart);
    const { members, everybody } = this.#members();
    this.#show(query === null ? [] : candidatesFor(query, members, everybody));
  }

  #show(people) {
    this.#shown = people;
    this.#at = 0;
    const list = byId("mention-list");
    list.hidden = people.length === 0;
    list.replaceChildren(...people.map(({ user, nick }, i) =>
      h("li", { id: `mention-${i}`, role: "option", "data-testid": `mention-${user}`,
        onpointerdown: (event) => {
          event.preventDefault(); // the composer keeps the focus
          this.#take(i);
        } },
      avatar(user, nick, "sm"), h("span", {}, nick), h("small", {}, `@${user}`))));
    byId("composer").setAttribute("aria-expanded", String(people.length > 0));
    this.#mark();
  }

  #mark() {
    [...byId("mention-list").children].forEach((row, i) =>
      row.setAttribute("aria-selected", String(i === this.#at)));
    if (this.#shown.length > 0)
      byId("composer").setAttribute("aria-activedescendant", `mention-${this.#at}`);
    else
      byId("composer").removeAttribute("aria-activedescendant");
  }

  #take(i) {
    const composer = byId("composer");
    const { text, caret } =
      complete(composer.value, composer.selectionStart, this.#shown[i].user);
    composer.value = text;
    composer.setSelectionRange(caret, caret);
    this.#show([]);
    composer.dispatchEvent(new Event("input"));
  }
}
