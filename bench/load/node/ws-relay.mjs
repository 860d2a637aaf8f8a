#!/usr/bin/env node
// SPDX-License-Identifier: BSD-3-Clause
// ws-relay: a signaling server on `ws`, as one writes it by hand: who is who,
// and everything for somebody handed to that somebody with who it is from.
//
//   ws-relay.mjs PORT SECRET-FILE

import { WebSocketServer } from "ws";
import { tokens } from "./token.mjs";

const BEAT_MS = 25000; // what socket.io does

const [port, secretFile] = process.argv.slice(2);
const userOf = tokens(secretFile);
const online = new Map();

function enter(link, message) {
  const user = message.type === "hello" ? userOf(message.token) : null;
  if (user === null) {
    link.close(4001, "say hello with a token");
    return;
  }
  link.user = user;
  online.set(user, link);
  link.send(JSON.stringify({ type: "hello", user }));
}

function relay(link, message) {
  const peer = online.get(message.to);
  if (peer === undefined) {
    link.send(JSON.stringify({ type: "error", reason: "not here" }));
    return;
  }
  message.from = link.user;
  peer.send(JSON.stringify(message));
}

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), perMessageDeflate: false });

server.on("connection", (link) => {
  link.alive = true;
  link.on("pong", () => {
    link.alive = true;
  });
  link.on("message", (data) => {
    const message = JSON.parse(data);
    (link.user === undefined ? enter : relay)(link, message);
  });
  link.on("close", () => {
    if (online.get(link.user) === link) {
      online.delete(link.user);
    }
  });
  link.send(JSON.stringify({ type: "welcome" }));
});

setInterval(() => {
  for (const link of server.clients) {
    if (!link.alive) {
      link.terminate();
    }
    link.alive = false;
    link.ping();
  }
}, BEAT_MS);
