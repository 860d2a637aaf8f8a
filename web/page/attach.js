// SPDX-License-Identifier: BSD-3-Clause
// attach: files for the open conversation: chosen, pasted, or dropped.

import { ask } from "./ask.js";
import { byId, h, icon, toast } from "./dom.js";
import { sizeOf } from "./format.js";
import { isPicture, sidesOf } from "./thumbs.js";

const MOST = 10; // at a time

function preview(file) {
  if (!isPicture(file))
    return h("li", { class: "file" }, icon("file"), h("span", { class: "person" },
      h("span", { dir: "auto" }, file.name), h("small", {}, sizeOf(file.size))));
  const url = URL.createObjectURL(file);
  const gone = () => URL.revokeObjectURL(url);
  return h("li", { class: "file" }, h("img", { src: url, alt: "", onload: gone,
    onerror: gone }), h("span", { class: "person" },
  h("span", { dir: "auto" }, file.name), h("small", {}, sizeOf(file.size))));
}

/** What was dropped without the folders, which no message can carry. */
function filesOf(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
  if (folders.length > 0)
    toast("Folders cannot be sent. Choose files.");
  return items.filter((item) => !folders.includes(item))
    .map((item) => item.getAsFile()).filter(Boolean);
}

export class Attach {
  #client;
  #model;

  constructor(client, model, signal) {
    this.#client = client;
    this.#model = model;
    const on = (id, type, fn) => byId(id).addEventListener(type, fn, { signal });
    on("attach", "click", () => byId("attach-files").click());
    on("attach-files", "change", () => {
      const files = [...byId("attach-files").files];
      byId("attach-files").value = ""; // the same one may be chosen again
      this.#offer(files);
    });
    on("composer", "paste", (event) => {
      const files = [...event.clipboardData.files];
      if (files.length === 0)
        return;
      event.preventDefault();
      this.#offer(files);
    });
    for (const type of ["dragenter", "dragover", "dragleave", "drop"])
      on("chat", type, (event) => this.#drag(event));
  }

  get #open() {
    const entry = this.#model.current;
    return entry && !byId("composer-form").hidden ? entry : null;
  }

  #drag(event) {
    const { type, dataTransfer } = event;
    if (!dataTransfer.types.includes("Files"))
      return;
    event.preventDefault();
    const over = this.#open && (type === "dragenter" || type === "dragover" ||
      (type === "dragleave" && byId("chat").contains(event.relatedTarget)));
    byId("chat").classList.toggle("dropping", Boolean(over));
    if (type === "drop")
      this.#offer(filesOf(dataTransfer));
  }

  /** Shows what would be sent, and asks. */
  #offer(files) {
    const entry = this.#open;
    const full = files.filter(({ size }) => size > 0);
    if (full.length < files.length)
      toast("Empty files cannot be sent.");
    if (!entry || full.length === 0)
      return;
    if (full.length > MOST) {
      toast(`At most ${MOST} files at a time.`);
      return;
    }
    const n = full.length;
    ask({ title: `Send ${n === 1 ? "a file" : `${n} files`} to ${entry.nick}`,
      body: h("ul", { class: "offer" }, ...full.map(preview)),
      fields: [{ name: "text", label: "A word to it", maxlength: 2000 }],
      submit: "Send",
      run: async ({ text }) => {
        for (const file of full)
          await this.#send(entry, file, file === full[0] ? text.trim() : "");
      } });
  }

  async #send(entry, file, text) {
    const target = entry.group ? { conv: entry.conv } : { to: entry.peer };
    await this.#client.sendFile(target, file,
      { ...await sidesOf(file), ...text && { text } });
  }
}
