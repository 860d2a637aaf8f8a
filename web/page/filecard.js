// SPDX-License-Identifier: BSD-3-Clause
// filecard: a file in a message: a small picture, or its name and size; while
// it is on its way how far it is, and the way back.

import { h, icon, toast } from "./dom.js";
import { problemOf, sizeOf } from "./format.js";
import { boxOf, isPicture, Thumbs } from "./thumbs.js";

/** Saves what an address holds under a name. */
function save(url, name) {
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

export class FileCards {
  #client;
  #thumbs;
  #bars = new Map(); // mid -> the bar and its words

  constructor(client) {
    this.#client = client;
    this.#thumbs = new Thumbs(client);
    client.addEventListener("progress", ({ detail }) => this.#progress(detail));
  }

  /** @param {object} message of type `file` @returns {Node[]} */
  of(message) {
    const { body } = message;
    const waits = message.state === "sending" && message.blob;
    return [isPicture(body) ? this.#picture(message) : this.#row(message),
      waits && this.#bar(message)].filter(Boolean);
  }

  close() {
    this.#thumbs.clear();
  }

  #row(message) {
    const { name, size } = message.body;
    return h("div", { class: "file", "data-testid": "file" }, icon("file"),
      h("span", { class: "person" }, h("span", { dir: "auto" }, name),
        size !== undefined && h("small", {}, sizeOf(size))),
      message.seq && this.#button("save", "Download", () => this.#download(message)));
  }

  #button(name, label, onclick) {
    return h("button", { class: "icon-button small", type: "button",
      "aria-label": label, title: label, "data-testid": label.toLowerCase(), onclick },
    icon(name));
  }

  #picture(message) {
    const { body } = message;
    const { ratio, width } = boxOf(body);
    const image = h("img", { alt: `Picture: ${body.name}`, "data-testid": "picture" });
    const box = h("button", { class: "picture", type: "button",
      title: `${body.name}, ${sizeOf(body.size)}`,
      onclick: () => message.seq && this.#view(message) }, image);
    box.style.aspectRatio = String(ratio);
    box.style.width = `${width}px`;
    this.#thumbs.of(message).then((url) => {
      image.src = url;
    }, () => box.isConnected && box.replaceWith(this.#row(message)));
    return box;
  }

  async #download(message) {
    try {
      save(await this.#client.fileUrl(message), message.body.name);
    } catch (error) {
      toast(error.code === "not_found" ? "The file is no longer there."
        : problemOf(error));
    }
  }

  /** All of the picture, over the page. */
  async #view(message) {
    const { name, size } = message.body;
    let url;
    try {
      url = await this.#client.fileUrl(message);
    } catch (error) {
      toast(problemOf(error));
      return;
    }
    const viewer = h("dialog", { class: "viewer", "aria-label": name,
      "data-testid": "viewer", onclose: () => viewer.remove(),
      onclick: ({ target }) => target === viewer && viewer.close() },
    h("img", { src: url, alt: name }),
    h("footer", {}, h("span", { dir: "auto" }, `${name} · ${sizeOf(size)}`),
      this.#button("save", "Save", () => save(url, name)),
      this.#button("close", "Close", () => viewer.close())));
    document.body.append(viewer);
    viewer.showModal();
  }

  #bar({ mid, body }) {
    const bar = h("progress", { max: 1, value: 0, "aria-label": `Sending ${body.name}` });
    const words = h("small", {}, "Waiting");
    this.#bars.set(mid, { bar, words });
    return h("div", { class: "sending", "data-testid": "upload" }, bar, words,
      h("button", { class: "link", type: "button", "data-testid": "upload-cancel",
        onclick: () => this.#client.cancel(mid).catch(() => {}) }, "Cancel"));
  }

  #progress({ mid, sent, total }) {
    const { bar, words } = this.#bars.get(mid) || {};
    if (!bar?.isConnected) {
      this.#bars.delete(mid);
      return;
    }
    bar.value = sent / total;
    words.textContent = `${sizeOf(sent)} of ${sizeOf(total)}`;
  }
}
