// SPDX-License-Identifier: BSD-3-Clause
// avatar: initials on a colour that follows from the user name.

import { h } from "./dom.js";
import { faceOf } from "./face.js";

/** A colour that follows from a name, 0 to 359. */
export function hueOf(name) {
  let hash = 2166136261; // FNV-1a
  for (const char of name)
    hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  // Steps of the golden angle: near names get colours far apart.
  return Math.round(((hash ^ (hash >>> 15)) >>> 0) % 1009 * 137.508) % 360;
}

function initialsOf(name) {
  const words = name.trim().split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1
    ? [words[0], words.at(-1)].map((word) => [...word][0])
    : [...(words[0] || "?")].slice(0, 1);
  return letters.join("").toLocaleUpperCase();
}

/**
 * @param {string} user gives the colour
 * @param {string} nick gives the initials
 * @param {"sm"|"md"|"lg"|"xl"} size
 * @param {string|null} [face] the picture that is shown instead
 */
export function avatar(user, nick, size = "md", face = faceOf(user)) {
  const element = h("span", { class: `avatar ${size}`, "aria-hidden": "true" },
    initialsOf(nick || user));
  if (face)
    element.append(h("img", { src: face, alt: "" }));
  element.style.setProperty("--hue", String(hueOf(user)));
  return element;
}

/** Of an entry: round for a user, a square with round corners for a group. */
export function avatarOf({ key, nick, group }, size = "md") {
  const element = avatar(key, nick, size);
  element.classList.toggle("many", group);
  return element;
}

/** The avatar with a dot for presence. */
export function presenceAvatar(user, nick, state, testid) {
  return h("span", { class: "presence-avatar" }, avatar(user, nick),
    h("span", { class: "dot", "data-state": state, "data-testid": testid,
      role: "img", "aria-label": state === "unknown" ? "" : state }));
}
