// SPDX-License-Identifier: BSD-3-Clause
// roomview: the call of a group: everybody's picture in a grid, one's own first.

import { avatar } from "./avatar.js";
import { announce, byId, h, icon, setIcon, toast } from "./dom.js";
import { countOf } from "./format.js";
import { lastRoom, textOfRoom } from "./roomcall.js";

const PROBLEMS = {
  conflict: "The call is full: it takes eight.",
  not_found: "This call is over.",
  state: "There is no connection.",
  media: "There is no camera or microphone that may be used.",
};

export class RoomView {
  #client;
  #model;
  #room = null;
  #joining = false;
  #tiles = new Map(); // member number, or "me" -> { box, video }

  constructor(client, model, signal) {
    this.#client = client;
    this.#model = model;
    const on = (id, fn) => byId(id).addEventListener("click", fn, { signal });
    on("room-leave", () => this.#room?.leave());
    on("room-mute", () => this.#do((room) => room.setMuted(!room.muted)));
    on("room-camera", () => this.#do((room) => room.setCamera(!room.cameraOn)));
    on("room-screen", () => this.#do((room) => room.setScreen(!room.screenOn)));
    on("room-size", () => this.#resize(!this.#small));
    signal.addEventListener("abort", () => this.#room?.leave());
  }

  /** For tests. */
  get room() {
    return this.#room;
  }

  /**
   * Joins the call of a group, or begins one.
   * @param {object} entry
   * @param {string} [id] of a room that a message names
   */
  async join(entry, id) {
    if (this.#room || this.#joining) {
      toast("You are in a call already.");
      return;
    }
    this.#joining = true;
    try {
      await this.#enter(entry, id);
    } catch (error) {
      toast(PROBLEMS[error.code] || error.message);
    }
    this.#joining = false;
  }

  async #enter(entry, id) {
    const last = id || lastRoom(this.#model.thread(entry));
    let room = null;
    if (last)
      room = await this.#client.joinRoom(last).catch((error) => {
        if (id || error.code !== "not_found")
          throw error;
        return null; // the last one is over
      });
    if (!room) {
      room = await this.#client.createRoom();
      await this.#client.send({ conv: entry.conv }, textOfRoom(room.id));
    }
    this.#show(room, entry);
  }

  #show(room, entry) {
    this.#room = room;
    byId("room-name").textContent = entry.nick;
    byId("room").hidden = false;
    this.#resize(false);
    byId("room-name").focus();
    room.addEventListener("joined", ({ detail: { member } }) => {
      announce(`${this.#model.nickOf(member.user)} is in the call`);
      this.#render();
    });
    room.addEventListener("left", ({ detail: { member } }) => {
      announce(`${this.#model.nickOf(member.user)} has left the call`);
      this.#render();
    });
    room.addEventListener("member", () => this.#render());
    room.addEventListener("localstream", () => this.#render());
    room.addEventListener("state", () => this.#ended());
    if (room.state === "ended")
      this.#ended();
    else
      this.#render();
  }

  #ended() {
    const room = this.#room;
    if (room?.state !== "ended")
      return;
    this.#room = null;
    if (room.reason !== "left")
      toast("The connection with the call was lost.");
    for (const { video } of this.#tiles.values())
      video.srcObject = null;
    this.#tiles.clear();
    byId("room-grid").replaceChildren();
    byId("room").hidden = true;
    byId("app").inert = false;
    byId("chat-room").focus();
  }

  async #do(work) {
    try {
      await work(this.#room);
    } catch (error) {
      toast(PROBLEMS[error.code] || error.message);
    }
    if (this.#room)
      this.#render();
  }

  get #small() {
    return byId("room").classList.contains("small");
  }

  /** Large, it is all of the page; small, one can chat beside it. */
  #resize(small) {
    byId("room").classList.toggle("small", small);
    byId("room").setAttribute("aria-modal", String(!small));
    byId("app").inert = !small && !byId("room").hidden;
    setIcon(byId("room-size"), small ? "grow" : "shrink");
    const label = small ? "Make the call large" : "Make the call small";
    byId("room-size").setAttribute("aria-label", label);
    byId("room-size").title = label;
  }

  #render() {
    const room = this.#room;
    const { me } = this.#model;
    const all = [
      { key: "me", user: me, nick: "You", stream: room.localStream, connected: true,
        media: { audio: !room.muted, video: room.cameraOn, screen: room.screenOn } },
      ...room.members.map((member) => ({ key: member.number, user: member.user,
        nick: this.#model.nickOf(member.user), stream: member.stream,
        media: member.media, away: member.away, connected: member.connected })),
    ];
    for (const [key, { box, video }] of this.#tiles) {
      if (all.some((one) => one.key === key))
        continue;
      video.srcObject = null;
      box.remove();
      this.#tiles.delete(key);
    }
    for (const one of all)
      this.#tile(one);
    byId("room-grid").dataset.count = String(all.length);
    byId("room-count").textContent = all.length === 1 ? "Waiting for others"
      : countOf(all.length, "person").replace("persons", "people");
    this.#controls(room);
  }

  #tile({ key, user, nick, stream, media, away, connected }) {
    if (!this.#tiles.has(key)) {
      const video = h("video", { autoplay: true, playsinline: true,
        "data-testid": key === "me" ? "room-own" : `room-video-${user}` });
      video.muted = key === "me";
      const box = h("figure", { class: key === "me" ? "tile own" : "tile" }, video,
        avatar(user, this.#model.nickOf(user), "xl"), h("figcaption", {}));
      this.#tiles.set(key, { box, video });
      byId("room-grid").append(box);
    }
    const { box, video } = this.#tiles.get(key);
    if (video.srcObject !== stream)
      video.srcObject = stream;
    box.classList.toggle("seen", Boolean(stream && (media.video || media.screen)));
    box.classList.toggle("screen", Boolean(media.screen));
    const note = away ? "connection lost" : !connected && "connecting";
    box.querySelector("figcaption").replaceChildren(
      ...[!media.audio && icon("mic-off"),
        h("span", { class: "cut" }, note ? `${nick} (${note})` : nick),
        !media.audio && h("span", { class: "unseen" }, ", muted")].filter(Boolean));
  }

  #controls({ muted, cameraOn, screenOn }) {
    const set = (id, on, name, label) => {
      byId(id).setAttribute("aria-pressed", String(on));
      byId(id).title = label;
      if (name)
        setIcon(byId(id), on ? name : `${name}-off`);
    };
    set("room-mute", !muted, "mic", muted ? "Unmute" : "Mute");
    set("room-camera", cameraOn, "video",
      cameraOn ? "Turn the camera off" : "Turn the camera on");
    byId("room-screen").classList.toggle("on", screenOn);
    set("room-screen", screenOn, "", screenOn ? "Stop showing the screen"
      : "Show the screen");
  }
}
