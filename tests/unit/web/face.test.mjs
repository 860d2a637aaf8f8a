// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { faceOf, keepFace, pictureOf } from "../../../web/page/face.js";

const PICTURE = "data:image/jpeg;base64,/9j/4AAQ==";
const profile = (picture) => ({ user: "bob", nick: "Bob", extend: { picture } });

test("only a small picture that a browser does not run is shown", () => {
  assert.equal(pictureOf(profile(PICTURE)), PICTURE);
  assert.equal(pictureOf(profile("data:image/svg+xml;base64,PHN2Zz4=")), undefined);
  assert.equal(pictureOf(profile("https://evil.example/x.png")), undefined);
  assert.equal(pictureOf(profile(`data:image/png;base64,${"A".repeat(4000)}`)),
    undefined);
  assert.equal(pictureOf(profile(7)), undefined);
  assert.equal(pictureOf({ user: "bob" }), undefined);
});

test("a face is kept until the profile has none", () => {
  assert.equal(keepFace(profile(PICTURE)), true);
  assert.equal(keepFace(profile(PICTURE)), false);
  assert.equal(faceOf("bob"), PICTURE);
  assert.equal(keepFace(profile(undefined)), true);
  assert.equal(faceOf("bob"), undefined);
});
