// SPDX-License-Identifier: BSD-3-Clause
// notice: what has happened to a group, in a sentence. Pure.

const MOST_NAMES = 4;

/** "Bob", "Bob and Carol", "Bob, Carol and 3 others" */
export function listOf(names) {
  if (names.length < 2)
    return names[0] || "";
  if (names.length <= MOST_NAMES)
    return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const rest = names.length - MOST_NAMES + 1;
  return `${names.slice(0, MOST_NAMES - 1).join(", ")} and ${rest} others`;
}

const JOIN = {
  invite: "only admins add people now",
  request: "people may ask to join now",
  open: "people may join by themselves now",
};

/** What a `set` has changed; each a clause after a name. */
function changes(body) {
  const clauses = [];
  if (body.title !== undefined)
    clauses.push(`named the group “${body.title}”`);
  if (body.announcement !== undefined)
    clauses.push(body.announcement === "" ? "took the announcement down"
      : `announced: ${body.announcement}`);
  if (body.avatar !== undefined)
    clauses.push(body.avatar === "" ? "removed the picture"
      : "changed the picture");
  if (body.join !== undefined)
    clauses.push(`decided that ${JOIN[body.join] || "joining works differently"}`);
  if (body.history !== undefined)
    clauses.push(body.history === "all" ? "lets newcomers see the whole history"
      : "lets newcomers see what is said from then on");
  return clauses.length > 0 ? listOf(clauses) : "changed the group";
}

/**
 * @param {object} message of type `notice`
 * @param {string} me
 * @param {(user: string) => string} nickOf
 */
export function noticeOf({ from, body }, me, nickOf) {
  const name = (user) => (user === me ? "you" : nickOf(user));
  const who = from === me ? "You" : nickOf(from);
  const others = (body.users || []).filter((user) => user !== from);
  const list = listOf(others.map(name));
  const own = others.length === 0;
  const is = others.length > 1 || others[0] === me ? "are" : "is";
  const List = list.charAt(0).toLocaleUpperCase() + list.slice(1);
  switch (body.event) {
  case "create":
    return own ? `${who} made the group` : `${who} made the group with ${list}`;
  case "join":
    return own ? `${who} joined` : `${who} added ${list}`;
  case "leave":
    return `${who} left`;
  case "kick":
    return `${who} removed ${list}`;
  case "role":
    return body.role === "admin" ? `${who} made ${list} admin`
      : `${List} ${is} no longer admin`;
  case "transfer":
    return `${who} gave the group to ${list}`;
  case "mute":
    return body.until_ts > 0 ? `${who} muted ${list}`
      : `${List} may speak again`;
  case "set":
    return `${who} ${changes(body)}`;
  case "dissolve":
    return `${who} dissolved the group`;
  default:
    return "Something changed in the group";
  }
}
