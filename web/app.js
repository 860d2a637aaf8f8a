// SPDX-License-Identifier: BSD-3-Clause
// app: the page. Who is logged in, which column shows, and what belongs to
// one log-in from its beginning to its end.

import { FloeClient } from "./floe.js";
import { forget, mine, remember } from "./page/accounts.js";
import { Banner } from "./page/banner.js";
import { CallView } from "./page/callview.js";
import { Chat } from "./page/chat.js";
import { ContactList } from "./page/contactlist.js";
import { Contacts } from "./page/contacts.js";
import { conversationMenu } from "./page/convmenu.js";
import { Details } from "./page/details.js";
import { byId, toast } from "./page/dom.js";
import { Incoming } from "./page/incoming.js";
import { LoginView } from "./page/login.js";
import { Model } from "./page/model.js";
import { ProfileForm } from "./page/profileform.js";
import { Profiles } from "./page/profiles.js";
import { Ringer } from "./page/ringer.js";
import { RoomView } from "./page/roomview.js";
import { Roster } from "./page/roster.js";
import { Sidebar } from "./page/sidebar.js";

const WIDE = "(min-width: 1180px)";

/** One user's time on the page; end() takes all of it away again. */
class Visit {
  #account;
  #client;
  #model;
  #roster;
  #contacts;
  #profiles;
  #roomView;
  #sidebar;
  #chat;
  #details;
  #banner;
  #callView;
  #incoming;
  #ringer = new Ringer();
  #gone = new AbortController();
  #lastCall = null;

  constructor(account) {
    const { signal } = this.#gone;
    const { user, token } = account;
    this.#account = account;
    const client = new FloeClient({ server: location.origin, user, token });
    this.#client = client;
    const model = new Model(client);
    this.#model = model;
    const roster = new Roster(client, model);
    this.#roster = roster;
    const open = (key) => this.#open(key);
    const call = (media) => this.#invite(model.current.peer, media);
    this.#banner = new Banner(client, signal);
    this.#sidebar = new Sidebar(client, model, open, signal);
    this.#contacts = new Contacts(client, model);
    new ContactList(client, model, this.#contacts, open, signal);
    this.#profiles = new Profiles(client, model);
    this.#details = new Details(client, model, roster, this.#contacts,
      this.#profiles, { call, open });
    this.#roomView = new RoomView(client, model, signal);
    this.#callView = new CallView(model, this.#ringer, signal);
    this.#incoming = new Incoming(model, this.#ringer,
      (accepted) => this.#showCall(accepted), signal);
    this.#chat = new Chat(client, model, roster, {
      call,
      room: (id) => this.#roomView.join(model.current, id),
      back: () => this.#back(),
      details: () => this.#toggleDetails(),
      menu: (anchor) => this.#menu(anchor),
    }, signal);
    this.#wire(signal);
    this.#faces(model, roster);
    this.#debug();
  }

  /** Whoever is shown is asked for a picture. */
  #faces(model, roster) {
    const profiles = this.#profiles;
    const want = () => profiles.want([model.me,
      ...model.people().map(({ user }) => user)]);
    model.addEventListener("list", want);
    this.#contacts.addEventListener("contacts", () =>
      profiles.want(this.#contacts.list().map(({ user }) => user)));
    roster.addEventListener("roster", () =>
      profiles.want(roster.of(model.current).members.map(({ user }) => user)));
  }

  #wire(signal) {
    const client = this.#client;
    byId("details-close").addEventListener("click",
      () => this.#toggleDetails(), { signal });
    byId("details").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && byId("app").dataset.pane === "details")
        this.#toggleDetails();
    }, { signal });
    const form = new ProfileForm(client);
    byId("me").addEventListener("click", () => form.open()
      .catch(() => toast("There is no connection.")), { signal });
    byId("logout").addEventListener("click", () => end(""), { signal });
    addEventListener("focus", () => this.#model.seen(), { signal });
    addEventListener("pagehide",
      () => client.currentCall?.hangup("lost"), { signal });
    client.addEventListener("call", ({ detail: { call } }) => {
      this.#lastCall = call;
      if (!client.currentCall)
        this.#incoming.show(call);
    });
    client.addEventListener("state", ({ detail }) => this.#closed(detail));
    client.addEventListener("notice", ({ detail }) => toast(detail.text));
    client.addEventListener("token", ({ detail }) => {
      Object.assign(this.#account, detail);
      remember({ ...this.#account, nick: client.nick });
    });
  }

  #closed({ state, reason }) {
    if (state !== "closed")
      return;
    if (reason === "unauthorized")
      end("Your log-in has ended. Log in again.");
    else if (reason === "banned")
      end("This account is closed.");
  }

  /** For tests: they read getStats() of the call. */
  #debug() {
    if (location.hash !== "#debug")
      return;
    const client = this.#client;
    const last = () => client.currentCall || this.#lastCall;
    const view = this.#roomView;
    window.floe = { client, get call() { return last(); },
      get room() { return view.room; } };
  }

  async start() {
    byId("login").hidden = true;
    byId("app").hidden = false;
    byId("app").dataset.pane = "list";
    this.#chat.show();
    this.#details.render();
    await this.#model.load();
    try {
      await this.#client.connect();
      remember({ ...this.#account, nick: this.#client.nick });
    } catch {
      // the state event has told why
    }
  }

  #open(key) {
    this.#model.open(key);
    this.#roster.refresh();
    byId("app").dataset.pane = "chat";
    this.#markDetails();
    this.#chat.show();
    this.#details.render();
  }

  #back() {
    const { key } = this.#model.current;
    this.#model.close();
    byId("app").dataset.pane = "list";
    this.#chat.show();
    this.#details.render();
    this.#sidebar.focus(key);
  }

  #menu(anchor) {
    const details = { label: "Details", icon: "info", testid: "conv-details",
      run: () => this.#toggleDetails() };
    const { current } = this.#model;
    conversationMenu(this.#client, anchor, current, [details,
      ...current.group ? [] : this.#contacts.items(current.peer)]);
  }

  #toggleDetails() {
    const app = byId("app");
    if (matchMedia(WIDE).matches) {
      app.classList.toggle("no-details");
    } else {
      app.dataset.pane = app.dataset.pane === "details" ? "chat" : "details";
    }
    const shown = this.#markDetails();
    byId(shown ? "details-close" : "chat-details").focus();
    if (!shown && byId("chat-details").offsetParent === null)
      byId("chat-menu").focus(); // narrow: the details are in the menu
  }

  /** @returns {boolean} whether the details show */
  #markDetails() {
    const { classList, dataset } = byId("app");
    const shown = matchMedia(WIDE).matches
      ? !classList.contains("no-details") : dataset.pane === "details";
    byId("chat-details").setAttribute("aria-expanded", String(shown));
    return shown;
  }

  async #invite(peer, { video }) {
    try {
      this.#showCall(await this.#client.call(peer, { audio: true, video }));
    } catch (error) {
      const problem = error.code === "state"
        ? "there is no connection, or a call is on" : error.message;
      toast(`No call: ${problem}.`);
    }
  }

  #showCall(call) {
    this.#lastCall = call;
    this.#callView.show(call);
  }

  async end() {
    forget(this.#account.user);
    this.#ringer.stop();
    this.#gone.abort();
    this.#banner.stop();
    this.#model.close();
    await this.#client.close();
  }
}

let visit = null;

const loginView = new LoginView((account) => {
  remember(account);
  begin(account);
});

function begin(account) {
  visit = new Visit(account);
  visit.start();
}

/** Back to the log-in form. */
async function end(problem) {
  const old = visit;
  if (!old)
    return;
  visit = null;
  await old.end();
  loginView.show(problem);
}

const account = mine();
if (account)
  begin(account);
else
  loginView.show();
