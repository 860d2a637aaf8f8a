// SPDX-License-Identifier: BSD-3-Clause
// details: the right column: who the other one is, or what the group is, and
// the calls of late.

import { avatar } from "./avatar.js";
import { byId, coalesced, h, icon } from "./dom.js";
import { callRecordOf, dayOf, presenceOf, timeOf } from "./format.js";
import { GroupPane } from "./grouppane.js";

const MOST_CALLS = 8;

export class Details {
  #client;
  #model;
  #call;
  #group;
  #contacts;
  #profiles;

  /** @param {{call: Function, open: (key: string) => void}} actions */
  constructor(client, model, roster, contacts, profiles, { call, open }) {
    this.#client = client;
    this.#model = model;
    this.#call = call;
    this.#contacts = contacts;
    this.#profiles = profiles;
    this.#group = new GroupPane(client, model, roster, open);
    const render = coalesced(() => this.render());
    for (const type of ["list", "thread", "presence"])
      model.addEventListener(type, render);
    roster.addEventListener("roster", render);
    contacts.addEventListener("contacts", render);
    profiles.addEventListener("profiles", render);
  }

  render() {
    const entry = this.#model.current;
    byId("details").hidden = !entry;
    if (!entry)
      return;
    const body = byId("details-body");
    const focused = body.contains(document.activeElement) &&
      document.activeElement.dataset.testid;
    body.replaceChildren(...entry.group ? this.#group.render(entry)
      : [this.#person(entry), this.#calls(entry)]);
    if (focused)
      [...body.querySelectorAll("[data-testid]")]
        .find((element) => element.dataset.testid === focused)?.focus();
  }

  #person({ peer, nick }) {
    const presence = this.#client.presence(peer);
    return h("div", { class: "profile" },
      avatar(peer, nick, "xl"),
      h("h3", {}, nick),
      h("p", { class: "muted" }, `@${peer}`),
      this.#profiles.of(peer)?.signature && h("p", { class: "signature", dir: "auto",
        "data-testid": "signature" }, this.#profiles.of(peer).signature),
      h("p", { class: "presence-line", "data-state": presence.state },
        presence.statusText || presenceOf(presence)),
      h("div", { class: "row" },
        this.#button("phone", "Call", false),
        this.#button("video", "Video", true)),
      ...this.#contacts.items(peer).map(({ label, run, danger, testid }) =>
        h("button", { type: "button", class: danger ? "link danger" : "link",
          "data-testid": `details-${testid}`, onclick: run }, label)));
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
