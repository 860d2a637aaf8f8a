// SPDX-License-Identifier: BSD-3-Clause
// grouppane: the details of a group: its members, and what one's role allows.

import { ask } from "./ask.js";
import { avatar, avatarOf } from "./avatar.js";
import { h, icon, toast } from "./dom.js";
import { countOf, dayOf, problemOf, timeOf } from "./format.js";
import { addPeople, editSettings } from "./groupforms.js";
import { openMenu } from "./menu.js";
import { rightsOf, rightsOver } from "./rights.js";

const ROLES = { owner: "Owner", admin: "Admin" };
const HOUR_MS = 3600000;

export class GroupPane {
  #groups;
  #model;
  #roster;
  #open;

  /** @param {(user: string) => void} open a conversation with a user */
  constructor(client, model, roster, open) {
    this.#groups = client.groups;
    this.#model = model;
    this.#roster = roster;
    this.#open = open;
  }

  /** @returns {Node[]} for the details column */
  render(entry) {
    const { info, members, complete, requests } = this.#roster.of(entry);
    if (entry.left || !info)
      return [this.#head(entry, null, {})];
    const rights = rightsOf(info);
    return [this.#head(entry, info, rights), info.announcement &&
      h("section", { class: "facts" }, h("h4", {}, "Announcement"),
        h("p", { class: "announcement", "data-testid": "announcement", dir: "auto" },
          info.announcement)),
    rights.decide && requests.length > 0 && this.#requests(entry, requests),
    this.#members(entry, info, members, complete),
    this.#endings(entry, rights)].filter(Boolean);
  }

  /** Does it; what comes of it is told by a notice. */
  async #run(change) {
    try {
      await change;
      this.#roster.refresh();
    } catch (error) {
      toast(problemOf(error));
    }
  }

  #head(entry, info, rights) {
    const button = (name, label, testid, onclick) => h("button",
      { class: "button", type: "button", "data-testid": testid, onclick },
      icon(name), label);
    const known = this.#model.people().filter(({ user }) =>
      !this.#roster.of(entry).members.some((member) => member.user === user));
    return h("div", { class: "profile" }, avatarOf(entry, "xl"),
      h("h3", { dir: "auto" }, entry.nick),
      h("p", { class: "muted" }, entry.left ? "You are no longer a member"
        : countOf(info?.members ?? entry.members, "member")),
      h("div", { class: "row" },
        rights.invite && button("plus", "Add people", "group-add",
          () => addPeople(this.#groups, entry, known)),
        rights.settings && button("edit", "Edit", "group-edit",
          () => editSettings(this.#groups, entry.conv, info))),
      info && info.join !== "invite" && h("button", { class: "link", type: "button",
        "data-testid": "group-code", onclick: () => this.#copy(entry.conv) },
      "Copy the group's code"));
  }

  async #copy(conv) {
    try {
      await navigator.clipboard.writeText(conv);
      toast("Copied. Whoever has the code can join, or ask to.");
    } catch {
      toast(conv); // the browser does not let it be copied
    }
  }

  #requests({ conv }, requests) {
    const decide = (op, user) => this.#run(this.#groups[op](conv, [user]));
    return h("section", { class: "facts" }, h("h4", {}, "Asking to join"),
      h("ul", { class: "people" }, ...requests.map(({ user, nick, memo }) =>
        h("li", { "data-testid": `asks-${user}` }, avatar(user, nick, "sm"),
          h("span", { class: "person" }, h("span", {}, nick),
            memo && h("small", { dir: "auto" }, memo)),
          h("button", { class: "link", type: "button",
            "data-testid": `approve-${user}`, "aria-label": `Let ${nick} in`,
            onclick: () => decide("approve", user) }, "Let in"),
          h("button", { class: "link quiet", type: "button",
            "data-testid": `reject-${user}`, "aria-label": `Reject ${nick}`,
            onclick: () => decide("reject", user) }, "Reject")))));
  }

  #members(entry, info, members, complete) {
    return h("section", { class: "facts" },
      h("h4", {}, countOf(info.members, "member")),
      h("ul", { class: "people" },
        ...members.map((member) => this.#member(entry, info, member))),
      !complete && h("p", { class: "muted" },
        `and ${info.members - members.length} more`));
  }

  #member(entry, info, member) {
    const { user, nick, role, silent_until: silent = 0 } = member;
    const own = user === this.#model.me;
    const items = own ? [] : this.#items(entry, info, member);
    const facts = [ROLES[role], silent > Date.now() &&
      `muted until ${dayOf(silent) === "Today" ? "" : `${dayOf(silent)} `}${
        timeOf(silent)}`].filter(Boolean);
    return h("li", { "data-testid": `member-${user}`, "data-role": role },
      avatar(user, nick, "sm"),
      h("span", { class: "person" }, h("span", {}, own ? `${nick} (you)` : nick),
        facts.length > 0 && h("small", {}, facts.join(", "))),
      items.length > 0 && h("button", { class: "icon-button small", type: "button",
        "aria-haspopup": "menu", "aria-label": `What to do with ${nick}`,
        "data-testid": `member-menu-${user}`,
        onclick: ({ currentTarget }) => openMenu(currentTarget, items, nick) },
      icon("more")));
  }

  #items(entry, info, { user, nick, role, silent_until: silent = 0 }) {
    const { conv } = entry;
    const groups = this.#groups;
    const may = rightsOver(info.role, { user, role }, this.#model.me);
    const item = (allowed, label, name, work, more = {}) => allowed &&
      { label, icon: name, testid: label.toLowerCase().replaceAll(" ", "-"),
        run: work, ...more };
    const run = (change) => () => this.#run(change());
    return [
      item(true, "Message", "send", () => this.#open(user)),
      item(may.promote, "Make admin", "star",
        run(() => groups.setRole(conv, [user], "admin"))),
      item(may.demote, "No longer admin", "star",
        run(() => groups.setRole(conv, [user], "member"))),
      item(may.mute && silent <= Date.now(), "Mute for an hour", "mute",
        run(() => groups.mute(conv, [user], Date.now() + HOUR_MS))),
      item(may.mute && silent > Date.now(), "Let speak", "mute",
        run(() => groups.mute(conv, [user], 0))),
      item(may.transfer, "Give the group", "exit",
        () => this.#sure(`Give ${entry.nick} to ${nick}?`,
          "You stay as an admin.", "Give", () => groups.transfer(conv, user))),
      item(may.kick, "Remove", "close",
        () => this.#sure(`Remove ${nick}?`, "", "Remove",
          () => groups.kick(conv, [user])), { danger: true }),
    ].filter(Boolean);
  }

  #sure(title, text, submit, run) {
    return ask({ title, text, submit, danger: true, run })
      .then((done) => done && this.#roster.refresh());
  }

  #endings({ conv, nick }, rights) {
    const ending = (label, testid, title, text, run) =>
      h("button", { class: "link danger", type: "button", "data-testid": testid,
        onclick: () => this.#sure(title, text, label, run) }, `${label} the group`);
    return h("section", { class: "facts endings" },
      rights.leave && ending("Leave", "group-leave", `Leave ${nick}?`,
        "You will not get what is said after that.", () => this.#groups.leave(conv)),
      rights.dissolve && ending("Dissolve", "group-dissolve", `Dissolve ${nick}?`,
        "It ends for all members.", () => this.#groups.dissolve(conv)),
      !rights.leave && h("p", { class: "muted" },
        "Give the group to somebody else before you leave it."));
  }
}
