// SPDX-License-Identifier: BSD-3-Clause
// ask: a dialog with a few fields, made when it is needed. It stays open, and
// says why, until what it asks for is done.

import { h } from "./dom.js";
import { problemOf } from "./format.js";

function control({ name, kind, value = "", options = [], ...more }) {
  const common = { name, "data-testid": `ask-${name}`, autocomplete: "off" };
  if (kind === "select") {
    return h("select", common, ...options.map(([key, label]) =>
      h("option", { value: key, selected: key === value }, label)));
  }
  const field = h(kind === "area" ? "textarea" : "input",
    { ...common, rows: kind === "area" ? 4 : null, ...more });
  field.value = value;
  return field;
}

function labelled(field) {
  return h("label", { class: "field" }, h("span", {}, field.label),
    control({ ...field, label: null }),
    field.hint && h("small", {}, field.hint));
}

/**
 * @param {object} what
 * @param {string} what.title
 * @param {string} [what.text]
 * @param {object[]} [what.fields] `{name, label, kind, value, options, hint}`
 * @param {Node} [what.body] beside the fields
 * @param {string} what.submit the word on the button
 * @param {boolean} [what.danger]
 * @param {(values: Record<string, string>) => Promise<void>} what.run
 * @returns {Promise<boolean>} whether it was done
 */
export function ask({ title, text, fields = [], body, submit, danger, run }) {
  const error = h("p", { class: "form-error", role: "alert", hidden: true });
  const send = h("button", { class: `button ${danger ? "danger" : "primary"}`,
    "data-testid": "ask-submit" }, submit);
  const heading = h("h2", { id: "ask-title" }, title);
  const form = h("form", { novalidate: true }, heading,
    text && h("p", { class: "muted" }, text), ...fields.map(labelled), body, error,
    h("div", { class: "row" },
      h("button", { class: "button", type: "button",
        onclick: () => dialog.close() }, "Cancel"), send));
  const dialog = h("dialog", { class: "sheet", "aria-labelledby": "ask-title" },
    form);
  let done = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await run(Object.fromEntries(new FormData(form)));
      done = true;
      dialog.close();
    } catch (problem) {
      error.textContent = problemOf(problem);
      error.hidden = false;
    }
    send.disabled = false;
  });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
  });
}
