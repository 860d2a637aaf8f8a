// SPDX-License-Identifier: BSD-3-Clause
// convmenu: what one can do with a conversation: pin it, mute it.

import { toast } from "./dom.js";
import { problemOf } from "./format.js";
import { openMenu } from "./menu.js";

const HOUR_MS = 3600000;
const FOR_GOOD_MS = 10 * 365 * 24 * HOUR_MS;

/**
 * @param {HTMLElement} anchor
 * @param {object} entry
 * @param {object[]} more items of whoever opens it
 */
export function conversationMenu(client, anchor, entry, more = []) {
  const { conv, pinned, mutedUntil, left } = entry;
  const run = (change) => change.catch((error) => toast(problemOf(error)));
  const mute = (ms) => run(client.mute(conv, ms > 0 ? Date.now() + ms : 0));
  const muted = mutedUntil > Date.now();
  const kept = conv && !left;
  const items = [
    kept && { label: pinned ? "Unpin" : "Pin", icon: "pin", testid: "conv-pin",
      run: () => run(client.pin(conv, !pinned)) },
    kept && muted && { label: "Unmute", icon: "mute", testid: "conv-unmute",
      run: () => mute(0) },
    kept && !muted && { label: "Mute for an hour", icon: "mute",
      testid: "conv-mute-hour", run: () => mute(HOUR_MS) },
    kept && !muted && { label: "Mute for good", icon: "mute", testid: "conv-mute",
      run: () => mute(FOR_GOOD_MS) },
    ...more,
  ].filter(Boolean);
  if (items.length > 0)
    openMenu(anchor, items, entry.nick);
}
