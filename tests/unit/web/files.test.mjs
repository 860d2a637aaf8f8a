// SPDX-License-Identifier: BSD-3-Clause
// Files: up with progress, through the outbox, and down with the token.
import assert from "node:assert/strict";
import test from "node:test";

import { MemoryBackend } from "../../../web/sdk/backend.js";
import { FloeError } from "../../../web/sdk/errors.js";
import { Files } from "../../../web/sdk/files.js";
import { Outbox } from "../../../web/sdk/outbox.js";
import { Store } from "../../../web/sdk/store.js";
import { cleanName, upload } from "../../../web/sdk/upload.js";
import { settle, VirtualTimers } from "./virtual.mjs";

const HASH = "a".repeat(64);
const told = { file: HASH, size: 3, type: "image/png" };

/** One life of the page: what it sent, and uploads that the test ends. */
async function page(backend = new MemoryBackend()) {
  const store = new Store(backend, "alice", "0");
  const timers = new VirtualTimers();
  const sent = [];
  const changes = [];
  const progress = [];
  const uploads = [];
  const outbox = new Outbox({
    store, timers, random: () => 0, author: { from: "alice", device: "web-1" },
    request: async (op, args) => {
      sent.push(args);
      return { mid: args.mid, id: "1", conv: "c", seq: sent.length, sync: 1, ts: 1 };
    },
    changed: ({ mid, state }) => changes.push(`${mid} ${state}`),
    upload: (entry, tell, signal) => new Promise((resolve, reject) => {
      uploads.push({ mid: entry.mid, tell, resolve, reject, signal });
      signal.addEventListener("abort",
        () => reject(new FloeError("closed", "aborted")));
    }),
    progress: (entry, now, total) => progress.push(`${entry.mid} ${now}/${total}`),
  });
  outbox.load((await store.load()).outbox);
  const add = async (mid, more) => {
    const entry = outbox.enter({ mid, to: "bob", ts: 1, ...more });
    await outbox.keep(entry);
    await kept();
  };
  const addFile = (mid) => add(mid, { type: "file",
    body: { name: "x.png", size: 3, type: "image/png" }, blob: new Blob(["abc"]) });
  const addText = (mid) => add(mid, { type: "text", body: { text: mid } });
  return { outbox, store, timers, sent, changes, progress, uploads, addFile,
    addText, backend };
}

async function kept() {
  for (let i = 0; i < 10; i++)
    await settle();
}

test("a file goes up first and then is a message; texts do not wait for it",
  async () => {
    const { outbox, sent, progress, uploads, addFile, addText, store } = await page();
    outbox.start();
    await addFile("f");
    await addText("t");
    assert.deepEqual(sent.map(({ mid }) => mid), ["t"]);
    uploads[0].tell(1, 3);
    assert.deepEqual(progress, ["f 1/3"]);
    uploads[0].resolve(told);
    await kept();
    assert.deepEqual(sent[1].body, { name: "x.png", file: HASH });
    assert.equal(sent[1].type, "file");
    assert.deepEqual((await store.load()).outbox, []);
    assert.equal((await store.messages("c", 99, 9)).at(-1).blob, undefined);
  });

test("what a crash interrupted is taken up by the next page", async () => {
  const first = await page();
  first.outbox.start();
  await first.addFile("f");
  const second = await page(first.backend);
  assert.equal(second.uploads.length, 0); // not before there is a link
  second.outbox.start();
  assert.equal(second.uploads.length, 1);
  second.uploads[0].resolve(told);
  await kept();
  assert.deepEqual(second.sent.map(({ mid }) => mid), ["f"]);
});

test("one that was up already is only sent again", async () => {
  const first = await page();
  first.outbox.start();
  await first.addFile("f");
  first.outbox.stop();
  first.uploads[0].resolve(told);
  await kept();
  assert.deepEqual(first.sent, []);
  const second = await page(first.backend);
  second.outbox.start();
  await kept();
  assert.equal(second.uploads.length, 0);
  assert.deepEqual(second.sent.map(({ body }) => body.file), [HASH]);
});

test("one at a time; a network that is gone is tried again", async () => {
  const { outbox, uploads, timers, addFile } = await page();
  outbox.start();
  await addFile("f");
  await addFile("g");
  assert.deepEqual(uploads.map(({ mid }) => mid), ["f"]);
  uploads[0].reject(new FloeError("network", "gone"));
  await kept();
  assert.equal(uploads.length, 1);
  await timers.elapse(60000);
  assert.deepEqual(uploads.map(({ mid }) => mid), ["f", "f"]);
  uploads[1].resolve(told);
  await kept();
  assert.deepEqual(uploads.map(({ mid }) => mid), ["f", "f", "g"]);
});

test("a refused file has failed, and is uploaded anew when it is resent", async () => {
  const { outbox, uploads, changes, addFile, sent } = await page();
  outbox.start();
  await addFile("f");
  uploads[0].reject(new FloeError("too_large", "file-max"));
  await kept();
  assert.equal(changes.at(-1), "f failed");
  assert.equal(outbox.list()[0].error.code, "too_large");
  await outbox.resend("f");
  uploads[1].resolve(told);
  await kept();
  assert.equal(sent.length, 1);
});

test("a cancelled file stops, and the next one goes up", async () => {
  const { outbox, uploads, changes, addFile, sent, store } = await page();
  outbox.start();
  await addFile("f");
  await addFile("g");
  await outbox.cancel("f");
  await kept();
  assert.ok(uploads[0].signal.aborted);
  assert.equal(changes.at(-1), "f discarded");
  assert.deepEqual((await store.load()).outbox.map(({ mid }) => mid), ["g"]);
  uploads[1].resolve(told);
  await kept();
  assert.deepEqual(sent.map(({ mid }) => mid), ["g"]);
  await assert.rejects(outbox.cancel("g"), { code: "not_found" });
});

/** An XMLHttpRequest that answers what it is told. */
function requestClass(status, text) {
  return class Request {
    static last = null;

    upload = {};
    headers = {};

    constructor() {
      Request.last = this;
    }

    open(method, url) {
      this.line = `${method} ${url}`;
    }

    setRequestHeader(name, value) {
      this.headers[name] = value;
    }

    abort() {
      this.onabort();
    }

    send(blob) {
      this.sent = blob;
      Object.assign(this, { status, responseText: text });
      if (status)
        setImmediate(() => this.onload());
    }
  };
}

const what = (more) => ({ server: "https://floe.test", token: "secret",
  name: "x y.png", blob: new Blob(["abc"], { type: "image/png" }), ...more });

test("an upload carries the token in a header and its name in the query", async () => {
  const Request = requestClass(201, JSON.stringify(told));
  assert.deepEqual(await upload(what(), Request), told);
  assert.equal(Request.last.line, "POST https://floe.test/api/v1/files?name=x+y.png");
  assert.equal(Request.last.headers.Authorization, "Bearer secret");
  assert.equal(Request.last.headers["Content-Type"], "image/png");
});

test("a refusal of the server is an error with its code", async () => {
  await assert.rejects(upload(what(), requestClass(413,
    '{"err":{"code":"too_large","msg":"file: at most 16 bytes"}}')),
  { code: "too_large" });
  await assert.rejects(upload(what(), requestClass(502, "<html>")), { code: "network" });
});

test("an aborted upload is closed", async () => {
  const abort = new AbortController();
  const done = upload(what({ signal: abort.signal }), requestClass(0, ""));
  abort.abort();
  await assert.rejects(done, { code: "closed" });
});

test("names lose paths and control characters, and are not too long", () => {
  assert.equal(cleanName("C:\\temp\\a.png"), "a.png");
  assert.equal(cleanName("../../etc/passwd"), "passwd");
  assert.equal(cleanName("a\nb.txt"), "ab.txt");
  assert.equal(cleanName(""), "file");
  assert.equal(new TextEncoder().encode(cleanName("ä".repeat(300))).length, 254);
});

test("what a page would run is handed out as bytes only", async () => {
  const before = globalThis.fetch;
  const asked = [];
  globalThis.fetch = async (url, { headers }) => {
    asked.push([String(url), headers.Authorization]);
    return { ok: true, blob: async () => new Blob(["x"], { type: "text/html" }) };
  };
  const files = new Files("https://floe.test", () => "secret");
  assert.equal((await files.blob(HASH)).type, "application/octet-stream");
  assert.deepEqual(asked,
    [[`https://floe.test/api/v1/files/${HASH}`, "Bearer secret"]]);
  await assert.rejects(files.blob("../login"), { code: "bad_request" });
  globalThis.fetch = async () => ({ ok: true,
    blob: async () => new Blob(["x"], { type: "image/png" }) });
  assert.equal((await files.blob(HASH)).type, "image/png");
  globalThis.fetch = async () => ({ ok: false, status: 404,
    json: async () => ({ err: { code: "not_found", msg: "file" } }) });
  await assert.rejects(files.blob(HASH), { code: "not_found" });
  globalThis.fetch = before;
});

test("the address of a file is made once, and the oldest goes", async () => {
  const files = new Files("https://floe.test", () => "secret");
  const made = [];
  const dropped = [];
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = () => `blob:${made.push(1)}`;
  URL.revokeObjectURL = (url) => dropped.push(url);
  files.blob = async () => new Blob(["x"]);
  assert.equal(await files.url("first"), "blob:1");
  assert.equal(await files.url("first"), "blob:1");
  for (let i = 0; i < 64; i++)
    await files.url(`file ${i}`);
  await settle();
  assert.deepEqual(dropped, ["blob:1"]);
  files.close();
  await settle();
  assert.equal(dropped.length, made.length);
  Object.assign(URL, { createObjectURL, revokeObjectURL });
});
