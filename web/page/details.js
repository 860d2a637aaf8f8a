// SPDX-License-Identifier: BSD-3-Clause
// details: the right column: who the other one is, and the calls of late.

import { avatar } from "./avatar.js";
import { byId, coalesced, h, icon } from "./dom.js";
import { callRecordOf, dayOf, presenceOf, timeOf } from "./format.js";

const MOST_CALLS = 8;

export class Details {
  #client;
  #model;
  #call;

  constructor(client, model, call) {
    this.#client = client;
    this.#model = model;
    this.#call = call;
    const render = coalesced(() => this.render());
    for (const type of ["list", "thread", "presence"])
      model.addEventListener(type, render);
  }

  render() {
    const entry = this.#model.current;
    byId("details").hidden = !entry;
    if (!entry)
      return;
    const { peer, nick } = entry;
    const presence = this.#client.presence(peer);
    byId("details-body").replaceChildren(
      h("div", { class: "profile" },
        avatar(peer, nick, "xl"),
        h("h3", {}, nick),
        h("p", { class: "muted" }, `@${peer}`),
        h("p", { class: "presence-line", "data-state": presence.state },
          presenceOf(presence)),
        h("div", { class: "row" },
          this.#button("phone", "Call", false),
          this.#button("video", "Video", true))),
      this.#calls(entry));
  }

  #button(name, label, video) {
    return h("button", { class: "button", type: "button",
      onclick: () => this.#call({ video }) }, icon(name), label);
  }

  #calls(entry) {
    const calls = this.#model.thread(entry)
      .filter((message) => message.type === "call").slice(-MOST_CALLS).reverse();
    return h("section", { class: "facts" },
      h("h4", {}, "Calls"),
      calls.length === 0 ? h("p", { class: "muted" }, "No calls of late.")
        : h("ul", {}, ...calls.map(({ body, from, ts }) => h("li", {},
          icon(body.media?.video ? "video" : "phone"),
          h("span", {}, callRecordOf(body, from === this.#model.me)),
          h("time", {}, `${dayOf(ts)}, ${timeOf(ts)}`)))));
  }
}
