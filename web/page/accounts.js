// SPDX-License-Identifier: BSD-3-Clause
// accounts: who is logged in here. Each tab has its own user (so that two can
// be tried side by side); the browser remembers all of them for a new tab.

const KNOWN = "floe accounts";
const MINE = "floe user";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KNOWN)) || {};
  } catch {
    return {};
  }
}

function write(accounts) {
  localStorage.setItem(KNOWN, JSON.stringify(accounts));
}

/** Accounts whose tokens still hold. */
export function known() {
  return Object.values(read())
    .filter((account) => !account.expires || account.expires > Date.now());
}

/** The account of this tab, or undefined. */
export function mine() {
  const user = sessionStorage.getItem(MINE);
  return known().find((account) => account.user === user);
}

export function remember(account) {
  write({ ...read(), [account.user]: account });
  sessionStorage.setItem(MINE, account.user);
}

/** Logged out, or the token was refused. */
export function forget(user) {
  const accounts = read();
  delete accounts[user];
  write(accounts);
  sessionStorage.removeItem(MINE);
}
