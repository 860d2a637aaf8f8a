// SPDX-License-Identifier: BSD-3-Clause
// mention: "@bob" in a text: finding, completing and showing it. Pure.

const AT = /(^|[\s(])@([\p{L}\p{N}._-]*)$/u;
const NAMES = /(^|[\s(])@([a-z0-9][a-z0-9._-]*)/giu;
const EVERYBODY = "all";
const MOST = 6;

/** @returns {string|null} what stands between an @ and the caret */
export function queryAt(text, caret) {
  const found = AT.exec(text.slice(0, caret));
  return found ? found[2] : null;
}

/**
 * Whom the beginning of a name may mean: names first that begin so, in the
 * order of the members.
 * @param {{user: string, nick: string}[]} members
 * @param {boolean} everybody whether "@all" is allowed
 */
export function candidatesFor(query, members, everybody) {
  const wanted = query.toLocaleLowerCase();
  const begins = ({ user, nick }) => user.startsWith(wanted) ||
    nick.toLocaleLowerCase().split(/\s+/).some((word) => word.startsWith(wanted));
  const all = everybody && EVERYBODY.startsWith(wanted)
    ? [{ user: EVERYBODY, nick: "Everybody" }] : [];
  return [...members.filter(begins), ...all].slice(0, MOST);
}

/** @returns {{text: string, caret: number}} with the name in its place */
export function complete(text, caret, user) {
  const query = queryAt(text, caret) ?? "";
  const before = `${text.slice(0, caret - query.length)}${user} `;
  return { text: before + text.slice(caret).replace(/^ /, ""),
    caret: before.length };
}

/** The end of a sentence is not the end of a name. */
function nameIn(word, names) {
  for (let name = word.toLowerCase(); name !== ""; name = name.slice(0, -1)) {
    if (names.has(name))
      return name;
    if (!/[._-]$/.test(name))
      break;
  }
  return null;
}

/** @returns {string[]} what `mentions` of the message is to be */
export function mentionsIn(text, members, everybody) {
  const names = new Set(members.map(({ user }) => user));
  if (everybody)
    names.add(EVERYBODY);
  const found = [...text.matchAll(NAMES)]
    .map((match) => nameIn(match[2], names)).filter(Boolean);
  const has = (user) => members.some((member) => member.user === user);
  return [...new Set(found.map((name) =>
    (name === EVERYBODY && !has(name) ? "*" : name)))];
}

/**
 * Cuts a text where it calls somebody by name.
 * @param {string[]} mentions of the message
 * @returns {(string|{user: string})[]}
 */
export function split(text, mentions = []) {
  const names = new Set(mentions.map((user) => (user === "*" ? EVERYBODY : user)));
  const parts = [];
  let from = 0;
  for (const match of names.size > 0 ? text.matchAll(NAMES) : []) {
    const name = nameIn(match[2], names);
    if (!name)
      continue;
    const at = match.index + match[1].length;
    parts.push(text.slice(from, at), { user: name });
    from = at + 1 + name.length;
  }
  return [...parts, text.slice(from)].filter((part) => part !== "");
}
