// SPDX-License-Identifier: BSD-3-Clause
// menu: what can be done with something, in a list beside its button. Arrows,
// Home and End move, Escape and Tab close, the focus goes back.

import { h, icon } from "./dom.js";

const GAP_PX = 6;

let close = () => {};

function place(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = at.bottom + GAP_PX + height < innerHeight;
  const top = below ? at.bottom + GAP_PX : Math.max(GAP_PX, at.top - GAP_PX - height);
  const left = Math.max(GAP_PX, Math.min(at.right - width, innerWidth - width - GAP_PX));
  box.style.top = `${top}px`;
  box.style.left = `${left}px`;
}

function keys(event, box) {
  const items = [...box.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    close();
  } else if (to !== undefined) {
    items.at(to % items.length)?.focus();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/**
 * @param {HTMLElement} anchor the button that was pressed
 * @param {{label: string, icon?: string, run: () => void, danger?: boolean,
 *   testid?: string}[]} items
 * @param {string} label what the menu is about
 */
export function openMenu(anchor, items, label) {
  close();
  const gone = new AbortController();
  const box = h("div", { class: "menu", role: "menu", "aria-label": label,
    onkeydown: (event) => keys(event, box) },
  ...items.map((item) => h("button", { type: "button", role: "menuitem",
    tabindex: "-1", class: item.danger ? "danger" : "",
    "data-testid": item.testid,
    onclick: () => {
      close();
      item.run();
    } }, item.icon ? icon(item.icon) : h("span", { class: "no-icon" }), item.label)));
  close = () => {
    close = () => {};
    gone.abort();
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (anchor.isConnected)
      anchor.focus();
  };
  // Inside an open dialog, or nothing outside of it could be clicked.
  (anchor.closest("dialog") || document.body).append(box);
  anchor.setAttribute("aria-haspopup", "menu");
  anchor.setAttribute("aria-expanded", "true");
  place(box, anchor);
  box.firstChild?.focus();
  addEventListener("pointerdown", ({ target }) =>
    !box.contains(target) && !anchor.contains(target) && close(),
  { signal: gone.signal });
  addEventListener("resize", () => close(), { signal: gone.signal });
}
