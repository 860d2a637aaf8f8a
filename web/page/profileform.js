// SPDX-License-Identifier: BSD-3-Clause
// profileform: the dialog about oneself: name, word, picture, and how one is.

import { ask } from "./ask.js";
import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { makeFace, pictureOf } from "./face.js";

const STATES = [["online", "Online"], ["away", "Away"], ["busy", "Busy"],
  ["invisible", "Invisible"]];

/** A preview with a way to choose another picture, or none. */
class PictureField {
  #user;
  #nick;
  #problem = h("small", { class: "form-error", role: "alert" });
  #preview = h("span", {});

  constructor(profile) {
    this.#user = profile.user;
    this.#nick = profile.nick;
    this.picture = pictureOf(profile);
    const input = h("input", { type: "file", accept: "image/*", hidden: true,
      "data-testid": "profile-picture", onchange: () => this.#choose(input) });
    this.element = h("div", { class: "face-field" }, this.#preview, input,
      h("button", { type: "button", class: "link", onclick: () => input.click() },
        "Choose a picture"),
      h("button", { type: "button", class: "link quiet",
        onclick: () => this.#show(undefined) }, "None"), this.#problem);
    this.#show(this.picture);
  }

  async #choose(input) {
    const [file] = input.files;
    input.value = "";
    try {
      this.#show(await makeFace(file));
      this.#problem.textContent = "";
    } catch {
      this.#problem.textContent = "This is no picture that can be shown.";
    }
  }

  #show(picture) {
    this.picture = picture;
    this.#preview.replaceChildren(
      avatar(this.#user, this.#nick, "lg", picture || null));
  }
}

export class ProfileForm {
  #client;
  #state = "online";
  #statusText = "";

  constructor(client) {
    this.#client = client;
  }

  async open() {
    const profile = await this.#client.profiles.get();
    const field = new PictureField(profile);
    const { nick, signature = "" } = profile;
    await ask({ title: "Your profile", submit: "Save", body: field.element, fields: [
      { name: "nick", label: "Name", value: nick, maxlength: 32 },
      { name: "signature", label: "About you", value: signature, maxlength: 100 },
      { name: "state", label: "You are", kind: "select", options: STATES,
        value: this.#state },
      { name: "status", label: "What you are doing", value: this.#statusText,
        maxlength: 60 },
    ], run: async (values) => {
      await this.#save(profile, values, field.picture);
      await this.#setState(values.state, values.status.trim());
    } });
  }

  async #save(profile, values, picture) {
    const changes = {};
    for (const name of ["nick", "signature"]) {
      const value = values[name].trim();
      if (value !== (profile[name] || ""))
        changes[name] = value || null;
    }
    if (picture !== pictureOf(profile))
      changes.extend = { ...profile.extend, picture };
    if (Object.keys(changes).length > 0)
      await this.#client.profiles.set(changes);
  }

  async #setState(state, text) {
    if (state === this.#state && text === this.#statusText)
      return;
    await this.#client.people.setState(state, text);
    this.#state = state;
    this.#statusText = text;
  }
}
