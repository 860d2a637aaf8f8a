// SPDX-License-Identifier: BSD-3-Clause
// incoming: the dialog of a call that rings here.

import { avatar } from "./avatar.js";
import { byId } from "./dom.js";

export class Incoming {
  #call = null;
  #model;
  #ringer;
  #accepted;

  /** @param {(call: object) => void} accepted goes on in the call view */
  constructor(model, ringer, accepted, signal) {
    this.#model = model;
    this.#ringer = ringer;
    this.#accepted = accepted;
    const on = (id, type, fn) => byId(id).addEventListener(type, fn, { signal });
    on("incoming-accept", "click", () => this.#accept());
    on("incoming-refuse", "click", () => this.#call?.refuse());
    // Escape is pressed too easily for refusing somebody.
    on("incoming", "cancel", (event) => event.preventDefault());
    // Browsers close on a second Escape whatever one says: then it only hides.
    on("incoming", "close", () => this.#ringer.stop());
  }

  show(call) {
    if (this.#call && this.#call.state === "ringing")
      return; // one at a time: the other rings on where there is room
    this.#call = call;
    const nick = this.#model.nickOf(call.user);
    byId("incoming-avatar").replaceChildren(avatar(call.user, nick, "xl"));
    byId("incoming-name").textContent = nick;
    byId("incoming-kind").textContent =
      call.media.video ? "calls you with video" : "calls you";
    byId("incoming-error").hidden = true;
    call.addEventListener("state", () => {
      this.#close();
      if (call.state === "connecting")
        this.#accepted(call);
    }, { once: true });
    byId("incoming").showModal();
    this.#ringer.start("in");
  }

  async #accept() {
    byId("incoming-accept").disabled = true;
    try {
      await this.#call.accept();
    } catch (error) {
      byId("incoming-error").textContent = error.message;
      byId("incoming-error").hidden = false;
    } finally {
      byId("incoming-accept").disabled = false;
    }
  }

  #close() {
    this.#ringer.stop();
    byId("incoming").close();
  }
}
