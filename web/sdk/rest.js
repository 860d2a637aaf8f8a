// SPDX-License-Identifier: BSD-3-Clause
// rest: accounts over plain HTTP. Passwords and tokens travel in bodies only.

import { FloeError, fromWire } from "./errors.js";

async function post(server, path, body) {
  let response;
  try {
    response = await fetch(new URL(path, server), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
  } catch (cause) {
    throw new FloeError("network", `${path}: ${cause.message}`);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw fromWire(answer.err ||
      { code: "network", msg: `${path}: HTTP ${response.status}` });
  }
  return answer;
}

function account(answer, user) {
  return {
    user: answer.user || user,
    nick: answer.nick || answer.user || user,
    token: answer.token,
    expires: answer.expires_ts,
  };
}

/**
 * Makes an account and logs in to it.
 * @param {string|URL} server base URL, for example `location.origin`
 * @param {{user: string, password: string, nick?: string}} who
 * @returns {Promise<{user: string, nick: string, token: string, expires: number}>}
 * @throws {FloeError} `conflict` (name taken), `forbidden` (registration is
 *   closed), `bad_request`, `rate_limited`, `network`
 */
export async function register(server, { user, password, nick }) {
  const body = nick ? { user, password, nick } : { user, password };
  const answer = await post(server, "/api/v1/register", body);
  return { ...account(answer, user), nick: nick || user };
}

/**
 * @param {string|URL} server base URL, for example `location.origin`
 * @param {{user: string, password: string}} who
 * @returns {Promise<{user: string, nick: string, token: string, expires: number}>}
 * @throws {FloeError} `unauthorized` (wrong password or no such user),
 *   `forbidden`, `bad_request`, `rate_limited`, `network`
 */
export async function login(server, { user, password }) {
  return account(await post(server, "/api/v1/login", { user, password }), user);
}
