// SPDX-License-Identifier: BSD-3-Clause
// bridge: lets the Python tests drive browsers through playwright-core: Debian's
// Chromium by its own protocol, Debian's Firefox by WebDriver BiDi.  That one is
// a TCP port, so the bridge runs in the namespace of its browsers.
//
// Each line on stdin is {"id", "op", "page", ...}, each line on stdout its
// answer {"id", "ok"} or {"id", "err"}.  Requests are done one after another.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

const CHROMIUM_FLAGS = [
  '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-gpu',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  // Names of mDNS candidates mean nothing across two namespaces.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
};

// Remembers every peer connection of a page, so that a test can read its
// statistics without the page's help.
function rememberPeers() {
  const Native = window.RTCPeerConnection;
  window.testPeers = [];
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      window.testPeers.push(this);
    }
  };
}

// What a peer connection says about itself: the selected pair with both
// candidates, every candidate, and the video frames decoded so far.
async function peerStats() {
  const live = window.testPeers.filter(
    (peer) => peer.connectionState !== 'closed');
  if (live.length === 0) return null;
  const peer = live[live.length - 1];
  const stats = [...(await peer.getStats()).values()];
  const byId = new Map(stats.map((entry) => [entry.id, entry]));
  const transport = stats.find((entry) => entry.type === 'transport');
  const pair = byId.get(transport?.selectedCandidatePairId)
    ?? stats.find((entry) => entry.selected);  // Firefox
  const inbound = stats.find(
    (entry) => entry.type === 'inbound-rtp' && entry.kind === 'video');
  return {
    state: peer.connectionState,
    local: byId.get(pair?.localCandidateId),
    remote: byId.get(pair?.remoteCandidateId),
    candidates: stats.filter((entry) => entry.type.endsWith('-candidate')),
    frames: inbound?.framesDecoded ?? 0,
  };
}

const pages = new Map();
const consoles = new Map();

const launch = {
  chromium: (env) => chromium.launch({
    executablePath: '/usr/bin/chromium', args: CHROMIUM_FLAGS,
    chromiumSandbox: false, env,
  }),
  firefox: (env) => firefox.launch({
    executablePath: fileURLToPath(new URL('firefox.sh', import.meta.url)),
    channel: 'moz-firefox', firefoxUserPrefs: FIREFOX_PREFS, env,
  }),
};

async function open({ page: name, kind, home, url }) {
  const browser = await launch[kind]({ ...process.env, HOME: home });
  const page = await browser.newPage();
  const lines = [];
  page.setDefaultTimeout(20000);
  page.on('console', (entry) => lines.push(`${entry.type()}: ${entry.text()}`));
  page.on('pageerror', (error) => lines.push(`uncaught: ${error.stack}`));
  page.on('requestfailed', (request) => lines.push(
    `failed: ${request.url()} ${request.failure()?.errorText}`));
  await page.addInitScript(rememberPeers);
  pages.set(name, { browser, page });
  consoles.set(name, lines);
  await page.goto(url);
  return browser.version();
}

const pageOf = (request) => pages.get(request.page).page;
const locate = (request) => pageOf(request).getByTestId(request.testid);

const ops = {
  open,
  fill: (r) => locate(r).fill(r.text),
  click: (r) => locate(r).click(),
  attach: (r) => locate(r).setInputFiles({ name: r.name, mimeType: r.type,
    buffer: Buffer.from(r.base64, 'base64') }),
  hover: (r) => locate(r).first().hover(),
  press: (r) => locate(r).press(r.key),
  see: (r) => locate(r).first().waitFor({ state: r.state ?? 'visible' }),
  see_text: (r) => locate(r).filter({ hasText: r.text }).first().waitFor(),
  texts: (r) => locate(r).allInnerTexts(),
  reload: (r) => pageOf(r).reload(),
  evaluate: (r) => pageOf(r).evaluate(r.script),
  peer: (r) => pageOf(r).evaluate(peerStats),
  screenshot: (r) => pageOf(r).screenshot({ path: r.path }).then(() => r.path),
  console: (r) => consoles.get(r.page) ?? [],
  close: async (r) => {
    await pages.get(r.page)?.browser.close();
    pages.delete(r.page);
  },
};

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    if (!(request.op in ops)) throw new Error(`no such op: ${request.op}`);
    answer({ id: request.id, ok: (await ops[request.op](request)) ?? null });
  } catch (error) {
    answer({ id: request.id, err: String(error.message) });
  }
}
await Promise.all([...pages.values()].map(({ browser }) => browser.close()));
