// SPDX-License-Identifier: BSD-3-Clause
// reactions: what one can do with a message, and what others have made of it.

import { h, toast } from "./dom.js";

const QUICK = ["👍", "❤️", "😂"];

function button(label, text, onclick, more = {}) {
  return h("button", { type: "button", "aria-label": label, title: label,
    onclick, ...more }, text);
}

/** Runs a change; what it leads to comes back as an update. */
function run(change) {
  change.catch((error) => {
    if (error.code !== "conflict") // done already, by another device
      toast(error.message);
  });
}

/** Buttons that show when the message is pointed at or focused. */
export function actionsOf(client, message, mine, { reply, edit }) {
  const { conv, seq } = message;
  return h("div", { class: "actions", role: "group", "aria-label": "Message" },
    ...QUICK.map((emoji) => button(`React with ${emoji}`, emoji,
      () => run(client.react(conv, seq, emoji)), { "data-testid": `react-${emoji}` })),
    button("Reply", "↩", () => reply(message), { "data-testid": "reply" }),
    mine && message.type === "text" &&
      button("Edit", "✎", () => edit(message), { "data-testid": "edit" }),
    mine && button("Delete for everybody", "✕",
      () => run(client.retract(conv, seq)), { "data-testid": "retract" }));
}

/** One chip an emoji; one's own is pressed, and clicking takes it back. */
export function chipsOf(client, { conv, seq, reactions }, me) {
  if (!reactions?.length)
    return null;
  return h("div", { class: "chips" }, ...reactions.map(({ emoji, users }) => {
    const own = users.includes(me);
    return button(`${emoji} by ${users.join(", ")}`,
      users.length > 1 ? `${emoji} ${users.length}` : emoji,
      () => run(client.react(conv, seq, emoji, !own)),
      { class: "chip", "data-testid": "reaction", "aria-pressed": String(own) });
  }));
}
