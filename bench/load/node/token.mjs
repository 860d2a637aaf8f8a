// SPDX-License-Identifier: BSD-3-Clause
// token: who a token is of: a JWT that is signed with HS256.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

export function tokens(secretFile) {
  const secret = readFileSync(secretFile, "utf8").trim();

  /** The user, or null. */
  return function userOf(token) {
    const [head, payload, mac] = String(token).split(".");
    const ours = createHmac("sha256", secret).update(`${head}.${payload}`).digest();
    const theirs = Buffer.from(mac ?? "", "base64url");
    if (theirs.length !== ours.length || !timingSafeEqual(ours, theirs)) {
      return null;
    }
    const claims = JSON.parse(Buffer.from(payload, "base64url"));
    return claims.exp * 1000 > Date.now() ? claims.sub : null;
  };
}
