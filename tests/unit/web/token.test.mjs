// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { FloeError } from "../../../web/sdk/errors.js";
import { Token } from "../../../web/sdk/token.js";

/** A token in front of a server that answers so. */
function begin(answer) {
  const heard = [];
  const token = new Token("old", async (op, args) => {
    assert.deepEqual([op, args], ["token.refresh", {}]);
    return answer();
  }, (type, detail) => heard.push([type, detail]));
  return { token, heard };
}

const refuse = (code) => () => {
  throw new FloeError(code, code);
};

test("a renewed token is used from then on, and told", async () => {
  const { token, heard } = begin(() => ({ token: "new", expires_ts: 9 }));
  assert.equal(token.value, "old");
  await token.renew();
  assert.equal(token.value, "new");
  assert.deepEqual(heard, [["token", { token: "new", expires: 9 }]]);
});

test("one of an outside service is left to the application", async () => {
  const { token, heard } = begin(refuse("forbidden"));
  await token.renew();
  assert.equal(token.value, "old");
  assert.deepEqual(heard, [["tokenexpiring", {}]]);
});

test("a link that goes meanwhile changes nothing", async () => {
  const { token, heard } = begin(refuse("link_lost"));
  await token.renew();
  assert.equal(token.value, "old");
  assert.deepEqual(heard, []);
});
