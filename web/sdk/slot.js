// SPDX-License-Identifier: BSD-3-Clause
// slot: which of the browser's tabs am I? Each tab of one user is a device of
// its own, with a name that stays the same over reloads.

import { randomId } from "./store.js";

const MOST_TABS = 32;
const RELOAD_MS = 1000; // the page before a reload lets go within this

/** Holds `name` until release() is called or the page is gone. */
function hold(name, options) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, options, (lock) => {
      if (!lock) {
        resolve(null);
        return undefined;
      }
      return new Promise((release) => resolve({ release }));
    }).catch(reject);
  });
}

async function lockSlot(prefix, mine) {
  if (mine !== null) {
    const signal = AbortSignal.timeout(RELOAD_MS);
    const held = await hold(`${prefix} ${mine}`, { signal }).catch(() => null);
    if (held)
      return { slot: mine, ...held };
  }
  for (let n = 0; n < MOST_TABS; n++) {
    const held = await hold(`${prefix} ${n}`, { ifAvailable: true });
    if (held)
      return { slot: String(n), ...held };
  }
  return { slot: randomId(), release() {} };
}

/**
 * The lowest number no other tab holds, by the Web Locks API; a crashed tab's
 * number is free at once. Outside secure contexts, where there are no locks,
 * a random name that lives as long as the tab.
 * @param {string} server
 * @param {string} user
 * @returns {Promise<{slot: string, release: () => void}>}
 */
export async function claimSlot(server, user) {
  const prefix = `floe ${new URL(server).host} ${user}`;
  const memory = globalThis.sessionStorage;
  const mine = memory?.getItem(prefix) || null;
  const claim = globalThis.navigator?.locks
    ? await lockSlot(prefix, mine)
    : { slot: mine || randomId(), release() {} };
  memory?.setItem(prefix, claim.slot);
  return claim;
}
