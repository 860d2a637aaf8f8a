// SPDX-License-Identifier: BSD-3-Clause
// Types of the Floe browser SDK.

export interface Account {
  user: string;
  nick: string;
  /** Goes into the first frame of a connection; keep it out of URLs and logs. */
  token: string;
  /** When the token ends, ms since 1970. */
  expires: number;
}

/** @throws {FloeError} `conflict`, `forbidden`, `bad_request`, `rate_limited`, `network` */
export function register(server: string | URL,
  who: { user: string; password: string; nick?: string }): Promise<Account>;

/** @throws {FloeError} `unauthorized`, `forbidden`, `bad_request`, `rate_limited`, `network` */
export function login(server: string | URL,
  who: { user: string; password: string }): Promise<Account>;

/** Codes of the server's refusals, and the SDK's own from `timeout` on. */
export type ErrorCode =
  | "bad_request" | "unknown_op" | "not_ready" | "unauthorized" | "forbidden"
  | "not_found" | "conflict" | "too_large" | "rate_limited" | "overloaded"
  | "storage" | "internal"
  | "timeout" | "link_lost" | "closed" | "network" | "media" | "state"
  | "banned" | "protocol" | "taken_over";

export class FloeError extends Error {
  constructor(code: string, message: string, retryMs?: number);
  readonly code: ErrorCode | string;
  /** Set where trying again later helps. */
  readonly retryMs?: number;
}

/** `sending` -> `sent` | `failed` -> `discarded` for own texts, `received` for others'. */
export type MessageState = "sending" | "sent" | "failed" | "discarded" | "received";

export interface CallRecord {
  call: string;
  outcome: "answered" | "missed" | "refused" | "busy";
  duration_ms?: number;
  media: CallMedia;
}

/** The body of a message of type `file`. */
export interface FileBody {
  /** Its hash; not before it is uploaded. */
  file?: string;
  /** As its sender calls it. From the peer: never as HTML, never as a path. */
  name: string;
  /** As the server knows them. */
  size?: number;
  type?: string;
  /** As its sender says. */
  width?: number;
  height?: number;
  duration_ms?: number;
  text?: string;
}

export interface Message {
  /** Chosen by the sender, unique for each; records of calls have none. */
  mid?: string;
  from: string;
  state: MessageState;
  /** ms since 1970: the server's clock once sent, this device's before. */
  ts: number;
  type: "text" | "file" | "call" | "notice" | string;
  /** `{text}` of a text, a CallRecord of a call. From the peer: never as HTML. */
  body: { text: string } | FileBody | CallRecord | GroupNotice | Record<string, unknown>;
  /** Unique over all conversations; a decimal string. Not before it is sent. */
  id?: string;
  conv?: string;
  /** Position in the conversation, from 1, without holes. */
  seq?: number;
  device?: string;
  /** `seq` of the message that it answers. */
  reply?: number;
  /** Whom it calls by name; `*` is everybody. */
  mentions?: string[];
  /** When it was edited, and by which entries. */
  edited_ts?: number;
  edits?: number[];
  /** When it was taken back; `body` is empty then. */
  retracted_ts?: number;
  reactions?: { emoji: string; users: string[] }[];
  /** What is being sent, of an own file. */
  blob?: Blob;
  /** Whom an own text was addressed to. */
  to?: string;
  /** Why it failed. */
  error?: { code: string; message: string };
}

export interface Conversation {
  conv: string;
  /** The other user; unknown for a moment when only another device wrote. */
  peer?: string;
  nick?: string;
  /** Of a group, instead of the peer. */
  title?: string;
  avatar?: string;
  members?: number;
  /** One's own. */
  role?: GroupRole;
  /** Unread messages that call the user by name. */
  mentions?: number;
  /** The user is no member any more; nothing comes, nothing can be sent. */
  left?: boolean;
  pinned?: boolean;
  /** ms since 1970 */
  mutedUntil?: number;
  last?: Message;
  /** The peer's texts and missed calls after `read`. */
  unread: number;
  /** Everything up to this `seq` was seen, on whichever device. */
  read: number;
  /** And by the peer. */
  peerRead?: number;
}

/** Whether it is one of many members, with a title, without a peer. */
export function isGroup(conv: string): boolean;

export type GroupRole = "member" | "admin" | "owner";

export interface GroupSettings {
  title?: string;
  avatar?: string;
  announcement?: string;
  /** Who lets people in: the admins; they, when asked; nobody has to. */
  join?: "invite" | "request" | "open";
  /** What newcomers see: what was said since they came, or all. */
  history?: "joined" | "all";
}

/** The body of a message of type `notice`: what has happened to the group. */
export interface GroupNotice extends GroupSettings {
  event: "create" | "join" | "leave" | "kick" | "role" | "transfer" | "mute"
    | "set" | "dissolve";
  /** Whom it concerned; the message's `from` did it. */
  users?: string[];
  role?: GroupRole;
  until_ts?: number;
}

export interface GroupInfo extends Required<GroupSettings> {
  conv: string;
  members: number;
  large: boolean;
  role: GroupRole;
  created_ts: number;
  /** The user may not speak until then. */
  silent_until?: number;
}

export interface GroupMember {
  user: string;
  nick: string;
  role: GroupRole;
  joined_ts: number;
  silent_until?: number;
}

/** `client.groups`. What is not allowed to one's role is `forbidden`, what one is
 * no member of `not_found`.
 * @throws {FloeError} */
export interface Groups {
  create(group: GroupSettings & { title: string; users?: string[] }): Promise<string>;
  set(conv: string, settings: GroupSettings): Promise<void>;
  invite(conv: string, users: string[]): Promise<void>;
  join(conv: string, memo?: string): Promise<"joined" | "asked">;
  leave(conv: string): Promise<void>;
  kick(conv: string, users: string[]): Promise<void>;
  setRole(conv: string, users: string[], role: "member" | "admin"): Promise<void>;
  transfer(conv: string, user: string): Promise<void>;
  /** `until`: ms since 1970; 0: they may speak again. */
  mute(conv: string, users: string[], until: number): Promise<void>;
  dissolve(conv: string): Promise<void>;
  get(conv: string): Promise<GroupInfo>;
  members(conv: string, after?: string):
    Promise<{ members: GroupMember[]; complete: boolean }>;
  requests(conv: string, after?: string):
    Promise<{ requests: { user: string; nick: string; ts: number; memo: string }[];
      complete: boolean }>;
  approve(conv: string, users: string[]): Promise<void>;
  reject(conv: string, users: string[]): Promise<void>;
}

export interface Presence {
  state: "online" | "busy" | "away" | "offline" | "unknown";
  /** ms since 1970; 0: not known, or not told */
  lastSeen?: number;
  statusText?: string;
}

/** What the user keeps of somebody. */
export interface Contact {
  user: string;
  nick: string;
  /** `one_sided`: a friend once, who has removed the user. */
  state: "none" | "incoming" | "outgoing" | "refused" | "friend" | "one_sided"
    | "removed";
  /** Has no way to the user, and does not know. */
  blocked?: true;
  /** Since when, ms since 1970; not of `none`. */
  ts?: number;
  /** What the request said. */
  memo?: string;
  /** The user's own name for the other. */
  remark?: string;
}

/** What a user tells of itself. From the peer: never as HTML. */
export interface Profile {
  user: string;
  nick: string;
  /** An `https:` address, or a path on the server. */
  avatar?: string;
  signature?: string;
  extend?: Record<string, unknown>;
}

/** `client.profiles`. */
export interface Profiles {
  /** Oneself without `user`. @throws {FloeError} `not_found` */
  get(user?: string): Promise<Profile>;
  /** Changes what is named; null removes it.
   * @throws {FloeError} `bad_request`, `rate_limited` */
  set(changes: { nick?: string | null; avatar?: string | null;
    signature?: string | null; extend?: Record<string, unknown> | null }):
    Promise<Profile>;
}

export interface Privacy {
  lastSeen: "contacts" | "nobody";
  presence: "contacts" | "nobody";
  /** By a search of those who are no friends. */
  findable: boolean;
}

/** `client.people`. Everything rejects with `link_lost` and the like without a
 * connection; what there is no request or contact for is `not_found`. */
export class People {
  private constructor();
  /** By user name, or by the beginning of the nick.
   * @throws {FloeError} `rate_limited` */
  search(text: string, limit?: number):
    Promise<{ users: Contact[]; complete: boolean }>;
  /** All of a list; `friends` has the one-sided too, `outgoing` the refused. */
  list(which: "friends" | "incoming" | "outgoing" | "removed" | "blocked"):
    Promise<Contact[]>;
  /** @throws {FloeError} `conflict` (friends already; refused less than a day
   *   ago), `too_large`, `rate_limited` */
  request(user: string, memo?: string): Promise<Contact>;
  accept(user: string): Promise<Contact>;
  refuse(user: string): Promise<Contact>;
  cancel(user: string): Promise<Contact>;
  remove(user: string): Promise<Contact>;
  /** Nothing of theirs arrives any more, but in groups and rooms, and they hear
   * nothing of the user; they do not learn of it. */
  block(user: string): Promise<Contact>;
  unblock(user: string): Promise<Contact>;
  /** "": none. */
  remark(user: string, remark: string): Promise<Contact>;
  /** Of this device; resolves with that of the user, on all devices.
   * @throws {FloeError} `too_large`, `rate_limited` */
  setState(state: "online" | "busy" | "away" | "invisible", statusText?: string):
    Promise<string>;
  /** Null before the first connection. */
  readonly privacy: Privacy | null;
  setPrivacy(settings: Partial<Privacy>): Promise<void>;
}

export interface CallMedia {
  audio: boolean;
  video: boolean;
}

/** What a side sends at the moment. */
export interface MediaState extends CallMedia {
  /** `video` is the camera; a screen may be shown in its stead. */
  screen: boolean;
  /** Nothing is sent for now. */
  hold: boolean;
}

export interface CandidateInfo {
  type: "host" | "srflx" | "prflx" | "relay";
  protocol: "udp" | "tcp";
  address?: string;
  port?: number;
  /** How this side reaches its relay. */
  relayProtocol?: "udp" | "tcp" | "tls";
  url?: string;
}

export interface CallStats {
  /** Undefined before there is a path. */
  path?: "direct" | "relay";
  /** The selected candidate pair. */
  local?: CandidateInfo;
  remote?: CandidateInfo;
  roundTripMs?: number;
  bytesSent: number;
  bytesReceived: number;
  framesDecoded: number;
  audioPacketsReceived: number;
  packetsLost: number;
}

export type CallState = "inviting" | "ringing" | "connecting" | "connected" | "ended";

export interface CallEventMap {
  state: CustomEvent<{ state: CallState; reason: string | null }>;
  /** `localStream` came, or its tracks changed. */
  localstream: CustomEvent<undefined>;
  /** `remoteStream` came, or its tracks changed. */
  remotestream: CustomEvent<undefined>;
  /** The other side lost its link to the server, or has one again. */
  peer: CustomEvent<{ away: boolean }>;
  /** The other side sends something else. */
  peermedia: CustomEvent<{ media: MediaState }>;
}

/** One call as this device sees it; made by `FloeClient` only. */
export class Call extends EventTarget {
  private constructor();
  /** Null until the server has answered the invitation. */
  readonly id: string | null;
  /** The other side. */
  readonly user: string;
  /** The caller is the impolite side of the negotiation. */
  readonly role: "caller" | "callee";
  /** What the caller asked for. */
  readonly media: CallMedia;
  readonly state: CallState;
  /** Why it ended: `hangup`, `refused`, `cancelled`, `busy`, `timeout`, `lost`,
   * `answered_elsewhere`, `failed` (no path), or an ErrorCode. */
  readonly reason: string | null;
  readonly durationMs: number | null;
  /** When media first flowed, ms since 1970. */
  readonly connectedAt: number | null;
  readonly localStream: MediaStream | null;
  readonly remoteStream: MediaStream | null;
  readonly muted: boolean;
  readonly held: boolean;
  readonly cameraOn: boolean;
  readonly screenOn: boolean;
  /** The other side's link to the server is gone; media may flow on. */
  readonly peerAway: boolean;
  readonly peerMedia: MediaState;
  readonly connection: RTCPeerConnection | null;

  /** @throws {FloeError} `state`, `media` (it rings on), `not_found`, `conflict`, `link_lost` */
  accept(media?: Partial<CallMedia>): Promise<void>;
  /** @throws {FloeError} `state`: it does not ring here */
  refuse(): void;
  /** Cancels, refuses or hangs up. Throws nothing. */
  hangup(reason?: string): void;
  /** Throws nothing. */
  setMuted(muted: boolean): void;
  /** Throws nothing. */
  setHold(held: boolean): void;
  /** @throws {FloeError} `media`, `state` */
  setCamera(on: boolean): Promise<void>;
  /** Instead of the camera. @throws {FloeError} `media`, `state` (no connection) */
  setScreen(on: boolean): Promise<void>;
  /** @throws {FloeError} `state`: there is no connection (yet) */
  stats(): Promise<CallStats>;

  addEventListener<K extends keyof CallEventMap>(type: K,
    listener: (event: CallEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
}

/** Somebody else in a room. */
export class RoomMember {
  private constructor();
  /** Its number in the room, never given again. */
  readonly number: number;
  readonly user: string;
  readonly device: string;
  /** Its link to the server is gone; media may flow on. */
  readonly away: boolean;
  readonly media: MediaState;
  /** What comes from it; null before anything does. */
  readonly stream: MediaStream | null;
  /** Whether there is a path. */
  readonly connected: boolean;
  readonly connection: RTCPeerConnection | null;
  /** @throws {FloeError} `state`: there is no connection (yet) */
  stats(): Promise<CallStats>;
}

export type RoomState = "joining" | "joined" | "ended";

export interface RoomEventMap {
  state: CustomEvent<{ state: RoomState; reason: string | null }>;
  joined: CustomEvent<{ member: RoomMember }>;
  left: CustomEvent<{ member: RoomMember; reason: "left" | "lost" }>;
  /** Something of a member changed: its stream, path, media, link. */
  member: CustomEvent<{ member: RoomMember }>;
  /** `localStream` came, or its tracks changed. */
  localstream: CustomEvent<undefined>;
}

/** A group call of up to 8, each connected with each; made by `FloeClient` only. */
export class Room extends EventTarget {
  private constructor();
  /** Whoever knows it may join. Null until the server has made the room. */
  readonly id: string | null;
  /** Our own number; null before the server has said yes. */
  readonly number: number | null;
  readonly state: RoomState;
  /** Why it ended: `left`, `lost`, or an ErrorCode. */
  readonly reason: string | null;
  /** The others. */
  readonly members: RoomMember[];
  readonly localStream: MediaStream | null;
  readonly muted: boolean;
  readonly held: boolean;
  readonly cameraOn: boolean;
  readonly screenOn: boolean;

  /** Throws nothing. */
  leave(): void;
  /** Throws nothing. */
  setMuted(muted: boolean): void;
  /** Throws nothing. */
  setHold(held: boolean): void;
  /** @throws {FloeError} `media`, `state` */
  setCamera(on: boolean): Promise<void>;
  /** Instead of the camera. @throws {FloeError} `media`, `state` */
  setScreen(on: boolean): Promise<void>;

  addEventListener<K extends keyof RoomEventMap>(type: K,
    listener: (event: RoomEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
}

/** Somebody in a chatroom, by the session: one user may be there twice. */
export interface ChatroomMember {
  member: number;
  user: string;
  device: string;
}

export type ChatroomState = "joining" | "joined" | "ended";

export interface ChatroomEventMap {
  message: CustomEvent<ChatroomMember & { ts: number; body: Record<string, unknown> }>;
  joined: CustomEvent<ChatroomMember>;
  left: CustomEvent<ChatroomMember>;
  state: CustomEvent<{ state: ChatroomState; reason: string | null }>;
}

/** Talk that is stored nowhere; made by `FloeClient` only. */
export class Chatroom extends EventTarget {
  private constructor();
  readonly name: string;
  /** Our own number; another one after a restart of the server. */
  readonly number: number | null;
  /** How many are there, as far as we heard. */
  readonly count: number;
  /** `joining`: again, since the server forgot us; what is said is missed. */
  readonly state: ChatroomState;
  /** Why it ended: `left`, `closed`, or an ErrorCode. */
  readonly reason: string | null;

  /** Resolves with the server's time. `self`: one's own `message` event too.
   * @throws {FloeError} `overloaded`, `too_large`, `link_lost`, `state` */
  send(what: string | Record<string, unknown>, how?: { self?: boolean }): Promise<number>;
  /** Oneself too. @throws {FloeError} `link_lost`, `state` */
  members(): Promise<ChatroomMember[]>;
  /** Throws nothing. */
  leave(): void;

  addEventListener<K extends keyof ChatroomEventMap>(type: K,
    listener: (event: ChatroomEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
}

export type ClientState = "idle" | "connecting" | "online" | "waiting" | "closed";

export interface ClientEventMap {
  /** `reason` with `waiting` and `closed`; `retryAt` (ms since 1970) with `waiting`. */
  state: CustomEvent<{ state: ClientState; reason?: string; retryAt?: number }>;
  /** New on this device. `live`: it was sent while this client was connected. */
  message: CustomEvent<{ message: Message; live: boolean }>;
  /** An own text has another state; the same `mid` as before. */
  update: CustomEvent<{ message: Message }>;
  /** One conversation changed: its last message, its unread count. */
  conversation: CustomEvent<{ conversation: Conversation }>;
  /** The server's list was merged in. */
  conversations: CustomEvent<{ conversations: Conversation[] }>;
  presence: CustomEvent<Presence & { user: string }>;
  /** One contact changed, on whichever device. */
  contact: CustomEvent<{ contact: Contact }>;
  /** Some changed while nobody listened: read the lists again. */
  contacts: CustomEvent<Record<string, never>>;
  privacy: CustomEvent<{ privacy: Privacy }>;
  /** Who is writing; take silence of 6 s for an end. */
  typing: CustomEvent<{ conv: string; user: string; on: boolean }>;
  /** Somebody wants to be let into a group of which the user is an admin. */
  grouprequest: CustomEvent<{ conv: string; user: string }>;
  /** The user's own, or a contact's, changed. */
  profile: CustomEvent<{ profile: Profile }>;
  /** Of an own file that is uploaded; also of one that an earlier page began. */
  progress: CustomEvent<{ mid: string; sent: number; total: number }>;
  /** The token was renewed: keep this one for the next client. */
  token: CustomEvent<{ token: string; expires: number }>;
  /** A token of an outside service ends; only a new client takes another. */
  tokenexpiring: CustomEvent<Record<string, never>>;
  /** A word of the operator's, to be shown. Never as HTML. */
  notice: CustomEvent<{ text: string; ts: number }>;
  /** A call comes in and rings. */
  call: CustomEvent<{ call: Call }>;
  /** The server's store began a new life: drop what is on the screen. */
  reset: CustomEvent<Record<string, never>>;
}

export interface ClientOptions {
  /** Base URL, for example `location.origin`. */
  server: string | URL;
  user: string;
  token: string;
  /** `relay`: calls go through TURN only. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** `mobile` saves a phone's battery, and notices a lost link later. */
  heartbeat?: "default" | "mobile";
}

/** A user's connection to signald. */
export class FloeClient extends EventTarget {
  constructor(options: ClientOptions);
  readonly user: string;
  readonly nick: string;
  readonly state: ClientState;
  /** The call that this device takes part in. */
  readonly currentCall: Call | null;
  readonly groups: Groups;
  readonly people: People;
  readonly profiles: Profiles;

  /** Opens what is kept on this device; connect() does it by itself. Throws nothing. */
  open(): Promise<void>;
  /** Resolves when online; afterwards it comes back and resumes by itself.
   * @throws {FloeError} `unauthorized`, `banned`, `protocol`, `taken_over`, `closed` */
  connect(): Promise<void>;
  /** Tries again at once instead of waiting. Throws nothing. */
  retry(): void;
  /** Ends calls and the connection; the client is not used again. Throws nothing. */
  close(): Promise<void>;

  /** Resolves once kept on this device; sent exactly once, now or later.
   * @throws {FloeError} `too_large` (empty or too long), `storage` */
  send(target: { to: string } | { conv: string }, text: string,
    options?: { reply?: number; mentions?: string[] }): Promise<Message>;
  /** Resolves once kept on this device; uploaded, then sent exactly once.
   * @throws {FloeError} `bad_request` (empty), `storage` */
  sendFile(target: { to: string } | { conv: string }, file: Blob, options?: {
    onProgress?: (sent: number, total: number) => void;
    text?: string; width?: number; height?: number; reply?: number;
  }): Promise<Message>;
  /** Takes back a file that is on its way. @throws {FloeError} `not_found` (sent) */
  cancel(mid: string): Promise<void>;
  /** A blob: address of the file of a message, good until 64 others were asked for.
   * @throws {FloeError} `not_found`, `unauthorized`, `network` */
  fileUrl(message: Message): Promise<string>;
  fileBlob(message: Message): Promise<Blob>;
  /** Of an own message. What comes of these three arrives as `update`.
   * @throws {FloeError} `forbidden`, `not_found`, `conflict`, `too_large` */
  edit(conv: string, seq: number, text: string): Promise<void>;
  retract(conv: string, seq: number): Promise<void>;
  react(conv: string, seq: number, emoji: string, on?: boolean): Promise<void>;
  /** @throws {FloeError} `not_found`: no failed text has this `mid` */
  resend(mid: string): Promise<void>;
  /** @throws {FloeError} `not_found`: no failed text has this `mid` */
  discard(mid: string): Promise<void>;
  /** Own texts not yet acknowledged. Throws nothing. */
  unsent(): Promise<Message[]>;

  /** As kept on this device, newest first.
   * @throws {DOMException} the device's storage failed */
  conversations(): Promise<Conversation[]>;
  /** Ascending by `seq`; from this device's store while offline.
   * @throws {FloeError} `not_found`, `forbidden`, `bad_request` */
  history(conv: string, range?: { before?: number; limit?: number }):
    Promise<{ messages: Message[]; complete: boolean }>;
  /** @throws {DOMException} the device's storage failed */
  markRead(conv: string): Promise<void>;
  /** The user is writing, or has stopped; say it at each key.
   * Throws nothing. */
  typing(conv: string, on?: boolean): void;
  /** On top of the list, or not. @throws {FloeError} `not_found`, `too_large` */
  pin(conv: string, pinned: boolean): Promise<void>;
  /** No notifications until then; 0: again. @throws {FloeError} `not_found` */
  mute(conv: string, until: number): Promise<void>;
  /** Throws nothing. */
  presence(user: string): Presence;

  /** Resolves once microphone and camera are open; then watch the call's state.
   * @throws {FloeError} `state` (not connected, or in a call), `media` */
  call(user: string, media?: Partial<CallMedia>): Promise<Call>;
  /** Makes a room and joins it; others join by its `id`.
   * @throws {FloeError} `state`, `media`, `too_large` (in too many), `link_lost` */
  createRoom(media?: Partial<CallMedia>): Promise<Room>;
  /** @throws {FloeError} as createRoom(); `not_found`, `conflict` (full) */
  joinRoom(id: string, media?: Partial<CallMedia>): Promise<Room>;
  /** @throws {FloeError} `state`, `bad_request` (the name), `too_large` (in too
   * many), `conflict` (full), `link_lost` */
  joinChatroom(name: string): Promise<Chatroom>;

  addEventListener<K extends keyof ClientEventMap>(type: K,
    listener: (event: ClientEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
}
