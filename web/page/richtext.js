// SPDX-License-Identifier: BSD-3-Clause
// richtext: a peer's text as text, in which web addresses can be followed and
// the names of who is meant stand out.

import { h } from "./dom.js";
import { split } from "./mention.js";

const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

function linked(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(from, match.index), h("a",
      { href: match[0], target: "_blank", rel: "noopener noreferrer" }, match[0]));
    from = match.index + match[0].length;
  }
  return [...parts, text.slice(from)];
}

/** @param {(user: string) => string} nickOf @returns {(Node|string)[]} */
export function richText(text, mentions, me, nickOf) {
  return split(text, mentions).flatMap((part) => (part.user
    ? [h("span", { class: part.user === me || part.user === "all"
      ? "mention me" : "mention", "data-testid": "mention",
    title: `@${part.user}` }, `@${nickOf(part.user)}`)]
    : linked(part)));
}
