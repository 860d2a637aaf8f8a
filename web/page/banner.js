// SPDX-License-Identifier: BSD-3-Clause
// banner: the state of the connection, where it is not simply there.

import { byId } from "./dom.js";

const REASONS = {
  taken_over: "This session is open in another window.",
  restart: "The server restarts.",
};

export class Banner {
  #client;
  #timer = null;

  constructor(client, signal) {
    this.#client = client;
    client.addEventListener("state", ({ detail }) => this.#show(detail));
    byId("banner-retry").addEventListener("click", () => {
      if (client.state === "closed")
        client.connect().catch(() => {}); // the state event tells
      else
        client.retry();
    }, { signal });
  }

  #show({ state, reason, retryAt }) {
    clearInterval(this.#timer);
    byId("banner").dataset.state = state;
    byId("banner-retry").hidden = state !== "waiting" && state !== "closed";
    byId("banner-retry").textContent = state === "closed" ? "Use it here" : "Try now";
    const texts = {
      online: "",
      connecting: "Connecting…",
      closed: REASONS[reason] || "Not connected.",
      waiting: `${REASONS[reason] || "No connection."} What you write is sent later.`,
    };
    byId("banner-text").textContent = texts[state] || "";
    if (state === "waiting")
      this.#countdown(texts.waiting, retryAt);
  }

  /** Counts beside the text that screen readers are told, once. */
  #countdown(text, retryAt) {
    const tick = () => {
      const s = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      byId("banner-retry").textContent = s > 1 ? `Try now (${s} s)` : "Try now";
    };
    tick();
    this.#timer = setInterval(tick, 500);
  }

  /** The page leaves this client. */
  stop() {
    clearInterval(this.#timer);
    byId("banner").dataset.state = this.#client.state;
  }
}
