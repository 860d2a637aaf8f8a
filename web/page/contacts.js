// SPDX-License-Identifier: BSD-3-Clause
// contacts: who are contacts, who asks to be one, and what one may do about it.
//
// Event: `contacts`.

import { ask } from "./ask.js";
import { toast } from "./dom.js";
import { problemOf } from "./format.js";

const ORDER = { incoming: 0, friend: 1, one_sided: 1, outgoing: 2, refused: 2 };

export class Contacts extends EventTarget {
  #people;
  #model;
  #rows = new Map(); // user -> Contact

  constructor(client, model) {
    super();
    this.#people = client.people;
    this.#model = model;
    client.addEventListener("contacts", () => this.#read());
    client.addEventListener("contact", ({ detail }) => this.#put([detail.contact]));
  }

  /** @returns {object[]} requests, then friends, then whom one has asked */
  list() {
    const name = ({ user }) => this.#model.nickOf(user);
    return [...this.#rows.values()].filter(({ state }) => state in ORDER)
      .sort((a, b) => ORDER[a.state] - ORDER[b.state] ||
        name(a).localeCompare(name(b)));
  }

  /** @returns {object|undefined} */
  of(user) {
    return this.#rows.get(user);
  }

  /** How many ask. */
  get waiting() {
    return this.list().filter(({ state }) => state === "incoming").length;
  }

  async #read() {
    try {
      const lists = await Promise.all(["friends", "incoming", "outgoing", "removed"]
        .map((which) => this.#people.list(which)));
      this.#rows.clear();
      this.#put(lists.flat());
    } catch {
      // the link went; the next one tells again
    }
  }

  #put(contacts) {
    for (const contact of contacts) {
      if (contact.state === "none")
        this.#rows.delete(contact.user);
      else
        this.#rows.set(contact.user, contact);
    }
    this.#model.learn(contacts);
    this.#model.remark(contacts);
    this.dispatchEvent(new CustomEvent("contacts"));
  }

  /** Runs one of accept, refuse, cancel, remove. */
  async run(op, user) {
    try {
      await this.#people[op](user);
    } catch (error) {
      toast(problemOf(error));
    }
  }

  /** Asks somebody, with a word. */
  request({ user, nick }) {
    return ask({ title: `Add ${nick}`, submit: "Ask",
      text: `${nick} becomes a contact when the request is accepted.`,
      fields: [{ name: "memo", label: "A word to it", maxlength: 80 }],
      run: async ({ memo }) => {
        await this.#people.request(user, memo.trim());
      } });
  }

  /** What a menu offers about somebody. */
  items(user) {
    const { state = "none", remark = "" } = this.#rows.get(user) || {};
    const nick = this.#model.nickOf(user);
    const item = (label, icon, run, more = {}) => ({ label, icon, run,
      testid: `contact-${label.split(" ")[0].toLowerCase()}`, ...more });
    const friends = state === "friend" || state === "one_sided";
    return [
      (state === "none" || state === "removed" || state === "one_sided") &&
        item("Add to the contacts", "plus", () => this.request({ user, nick })),
      state === "incoming" && item("Accept", "check", () => this.run("accept", user)),
      state === "incoming" && item("Refuse", "close", () => this.run("refuse", user),
        { danger: true }),
      state === "outgoing" && item("Cancel the request", "close",
        () => this.run("cancel", user)),
      friends && item("Rename for me", "edit", () => ask({ title: `Rename ${nick}`,
        text: "Only you see this name.", submit: "Save",
        fields: [{ name: "remark", label: "Name", value: remark, maxlength: 60 }],
        run: (values) => this.#people.remark(user, values.remark.trim()) })),
      (friends || state === "refused") && item("Remove from the contacts", "close",
        () => ask({ title: `Remove ${nick}?`, submit: "Remove", danger: true,
          text: "Neither of you sees any longer when the other is there.",
          run: () => this.#people.remove(user) }), { danger: true }),
    ].filter(Boolean);
  }
}
