// SPDX-License-Identifier: BSD-3-Clause
// floe: the browser SDK of Floe. One import gives everything public.
//
//   import { login, FloeClient } from "/floe.js";
//   const { user, token } = await login(location.origin, { user, password });
//   const client = new FloeClient({ server: location.origin, user, token });
//   client.addEventListener("message", ({ detail }) => show(detail.message));
//   await client.connect();
//   await client.send({ to: "bob" }, "hello");

export { FloeClient } from "./sdk/client.js";
export { Call } from "./sdk/call.js";
export { Room, RoomMember } from "./sdk/room.js";
export { Chatroom } from "./sdk/chatroom.js";
export { FloeError } from "./sdk/errors.js";
export { isGroup } from "./sdk/store.js";
export { login, register } from "./sdk/rest.js";
