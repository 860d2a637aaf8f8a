// SPDX-License-Identifier: BSD-3-Clause
// entry: what the page knows of one conversation, and the order of things in
// it. Pure.

import { isGroup } from "../floe.js";

/** @param {string} key the peer, or the `conv` of a group */
export function newEntry(key) {
  const group = isGroup(key);
  return { key, group, peer: group ? undefined : key,
    conv: group ? key : undefined, nick: group ? "Group" : key, avatar: undefined,
    last: undefined, unread: 0, mentions: 0, peerRead: 0, pinned: false,
    mutedUntil: 0, members: 0, role: undefined, left: false, draft: "",
    thread: new Map(), oldest: Infinity, loaded: false, complete: false,
    loading: false };
}

/** Own texts are known by their mid from the first moment on. */
export function keyOf(message, me) {
  const own = message.from === me && message.mid;
  return own ? `mid ${message.mid}` : `seq ${message.seq}`;
}

/** Sent ones by position, then what is on its way as it was written. */
export function inOrder(a, b) {
  if (a.seq && b.seq)
    return a.seq - b.seq;
  if (a.seq || b.seq)
    return a.seq ? -1 : 1;
  return a.order - b.order;
}

/** Pinned ones stand above the others. */
export function rankOf(entry) {
  return entry.pinned ? 1 : 0;
}

/** Why nothing can be written there now, or "". */
export function closedOf(entry, silentUntil, now = Date.now()) {
  if (entry.left)
    return "You are no longer in this group.";
  if (silentUntil > now)
    return "An admin has muted you here for now.";
  return "";
}
