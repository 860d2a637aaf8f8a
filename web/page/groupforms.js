// SPDX-License-Identifier: BSD-3-Clause
// groupforms: the dialogs that make, change, fill and join groups.

import { FloeError, isGroup } from "../floe.js";
import { ask } from "./ask.js";
import { toast } from "./dom.js";
import { Picker } from "./picker.js";

const TITLE = { name: "title", label: "Title", maxlength: 60 };
const JOIN = { name: "join", label: "New members", kind: "select", options: [
  ["invite", "are added by the admins"],
  ["request", "ask, and the admins decide"],
  ["open", "join by themselves"]] };
const HISTORY = { name: "history", label: "Newcomers see", kind: "select",
  options: [["joined", "what is said from then on"],
    ["all", "everything that was said"]] };

function needed(value, what) {
  if (value.trim() === "")
    throw new FloeError("bad_request", `The group needs ${what}.`);
  return value.trim();
}

/**
 * @param {{user: string, nick: string}[]} people to choose from
 * @param {(conv: string) => void} open
 */
export function newGroup(groups, people, open) {
  const picker = new Picker(people);
  let conv;
  return ask({ title: "New group", fields: [TITLE, JOIN], body: picker.element,
    submit: "Create",
    run: async ({ title, join }) => {
      conv = await groups.create({ title: needed(title, "a title"), join,
        users: picker.users() });
    } }).then((done) => done && open(conv));
}

/** Into a group whose code one was given. */
export function joinGroup(groups, open) {
  let conv;
  let outcome;
  return ask({ title: "Join a group", submit: "Join", fields: [
    { name: "code", label: "The group's code", spellcheck: "false" },
    { name: "memo", label: "A word to the admins", maxlength: 80 }],
  run: async ({ code, memo }) => {
    conv = code.trim();
    if (!isGroup(conv))
      throw new FloeError("bad_request", "This is no code of a group.");
    try {
      outcome = await groups.join(conv, memo.trim());
    } catch (error) {
      throw error.code !== "not_found" ? error
        : new FloeError("state", "There is no such group.");
    }
  } }).then((done) => {
    if (done && outcome === "asked")
      toast("The admins were asked to let you in.");
    else if (done)
      open(conv);
  });
}

export function addPeople(groups, { conv, nick }, people) {
  const picker = new Picker(people);
  return ask({ title: `Add people to ${nick}`, body: picker.element, submit: "Add",
    run: async () => {
      const users = picker.users();
      if (users.length === 0)
        throw new FloeError("bad_request", "Choose somebody.");
      await groups.invite(conv, users);
    } });
}

/** @param {object} info as it is now */
export function editSettings(groups, conv, info) {
  const fields = [TITLE,
    { name: "announcement", label: "Announcement", kind: "area", maxlength: 600 },
    JOIN, HISTORY].map((field) => ({ ...field, value: info[field.name] }));
  return ask({ title: "Edit the group", fields, submit: "Save",
    run: async (values) => {
      needed(values.title, "a title");
      const changed = Object.entries(values)
        .map(([name, value]) => [name, value.trim()])
        .filter(([name, value]) => value !== info[name]);
      if (changed.length > 0)
        await groups.set(conv, Object.fromEntries(changed));
    } });
}
