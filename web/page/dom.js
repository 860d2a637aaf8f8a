// SPDX-License-Identifier: BSD-3-Clause
// dom: making elements. Text always goes in as text, never as markup.

/** @param {string} id @returns {any} the element of index.html */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {Record<string, any>} props `class`, `data-*`, `aria-*` and other
 *   attributes; `on...` functions are listeners; null and false are left out
 * @param {...(Node|string|null|false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false)
      continue;
    if (name.startsWith("on"))
      element.addEventListener(name.slice(2), value);
    else
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child || child === ""));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name of a symbol in index.html, without its `i-` */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Exchanges the icon inside a button of index.html. */
export function setIcon(button, name) {
  button.querySelector("use").setAttribute("href", `#i-${name}`);
}

/** Runs `work` once, soon, however often it was asked for. */
export function coalesced(work) {
  let asked = false;
  return () => {
    if (asked)
      return;
    asked = true;
    setTimeout(() => {
      asked = false;
      work();
    });
  };
}

let toastTimer;

/** A short word at the bottom of the page, for what went wrong. */
export function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    box.hidden = true;
  }, 6000);
}

/** Told to screen readers, shown to nobody. */
export function announce(text) {
  byId("announcer").append(h("p", {}, text));
  while (byId("announcer").children.length > 5)
    byId("announcer").firstChild.remove();
}
