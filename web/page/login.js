// SPDX-License-Identifier: BSD-3-Clause
// login: the form for logging in and for making an account.

import { login, register } from "../floe.js";
import { known } from "./accounts.js";
import { avatar } from "./avatar.js";
import { byId, h } from "./dom.js";

const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;

const TEXTS = {
  unauthorized: "User name or password is wrong.",
  conflict: "This user name is taken.",
  forbidden: "This server takes no new accounts.",
  rate_limited: "Too many attempts. Wait a moment.",
  network: "The server cannot be reached.",
};

/** What is wrong with the entries, or null. */
function complaint({ user, password }, isNew) {
  if (!USER.test(user))
    return "A user name has 1 to 32 letters a-z, digits, dots, dashes or underscores.";
  if (password === "")
    return "Enter the password.";
  if (isNew && new TextEncoder().encode(password).length < 8)
    return "A password has at least 8 characters.";
  return null;
}

export class LoginView {
  #done;
  #busy = false;

  /** @param {(account: object) => void} done logged in */
  constructor(done) {
    this.#done = done;
    byId("login-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(false);
    });
    byId("register-submit").addEventListener("click", () => this.#try(true));
  }

  /** @param {string} [problem] why one has to log in again */
  show(problem = "") {
    this.#fail(problem);
    this.#offerKnown();
    byId("login").hidden = false;
    byId("app").hidden = true;
    byId("login-password").value = "";
    byId("login-user").focus();
  }

  #offerKnown() {
    const accounts = known();
    byId("login-known").hidden = accounts.length === 0;
    byId("login-known").replaceChildren(...accounts.map((account) =>
      h("button", { class: "known-account", type: "button",
        onclick: () => this.#enter(account) },
      avatar(account.user, account.nick, "sm"),
      h("span", {}, `Continue as ${account.nick}`))));
  }

  #fail(text) {
    byId("login-error").textContent = text;
    byId("login-error").hidden = text === "";
  }

  #enter(account) {
    byId("login").hidden = true;
    byId("login-password").value = "";
    this.#done(account);
  }

  async #try(isNew) {
    const user = byId("login-user").value.trim().toLowerCase();
    const password = byId("login-password").value;
    const problem = complaint({ user, password }, isNew);
    if (problem || this.#busy) {
      this.#fail(problem || "");
      return;
    }
    this.#busy = true;
    this.#fail("");
    try {
      const ask = isNew ? register : login;
      this.#enter(await ask(location.origin, { user, password }));
    } catch (error) {
      this.#fail(TEXTS[error.code] || error.message);
    } finally {
      this.#busy = false;
    }
  }
}
