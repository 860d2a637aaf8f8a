#!/usr/bin/env node
// SPDX-License-Identifier: BSD-3-Clause
// socketio-relay: a signaling server on socket.io, as one writes it by hand:
// each user a room, and everything for somebody handed to that room with who
// it is from. WebSockets only.
//
//   socketio-relay.mjs PORT SECRET-FILE

import { createServer } from "node:http";
import { Server } from "socket.io";
import { tokens } from "./token.mjs";

const [port, secretFile] = process.argv.slice(2);
const userOf = tokens(secretFile);
const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

io.use((socket, next) => {
  const user = userOf(socket.handshake.auth.token);
  if (user === null) {
    next(new Error("no good token"));
    return;
  }
  socket.data.user = user;
  next();
});

io.on("connection", (socket) => {
  socket.join(socket.data.user);
  socket.on("signal", (message) => {
    message.from = socket.data.user;
    socket.to(message.to).emit("signal", message);
  });
});

http.listen(Number(port), "127.0.0.1");
