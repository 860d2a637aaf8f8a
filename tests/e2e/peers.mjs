// SPDX-License-Identifier: BSD-3-Clause
// Two peers of a library with the browsers' API, between them a data channel,
// that may use nothing but relayed candidates:
//   peers.mjs LIBRARY URI USER PASSWORD
import { readFileSync } from 'node:fs';

const ROUNDS = 50;
const PATIENCE_MS = 20000;
const [name, urls, username, credential] = process.argv.slice(2);
const library = await import(name);
const { RTCPeerConnection } = library.default ?? library;
const { version } = JSON.parse(readFileSync(
  new URL(`node_modules/${name}/package.json`, import.meta.url)));

const config = {
  iceServers: [{ urls, username, credential }],
  iceTransportPolicy: 'relay',
};

function introduce(one, other, kinds) {
  one.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate) return;
    kinds.push(candidate.candidate.match(/ typ (\w+)/)[1]);
    other.addIceCandidate(candidate);
  };
}

console.log(name, version);
setTimeout(() => {
  console.log(`not within ${PATIENCE_MS} ms`);
  process.exit(1);
}, PATIENCE_MS).unref();
const asker = new RTCPeerConnection(config);
const answerer = new RTCPeerConnection(config);
const asked = [];
const answered = [];
introduce(asker, answerer, asked);
introduce(answerer, asker, answered);
answerer.ondatachannel = ({ channel }) => {
  channel.onmessage = ({ data }) => {
    channel.send(String(data).replace('ping', 'pong'));
  };
};

const channel = asker.createDataChannel('test');
let round = 0;
channel.onopen = () => {
  console.log('pair', ...new Set(asked), ...new Set(answered));
  channel.send('ping 0');
};
const done = new Promise((resolve) => {
  channel.onmessage = ({ data }) => {
    console.log(String(data));
    round += 1;
    if (round < ROUNDS) channel.send(`ping ${round}`);
    else resolve();
  };
});
await asker.setLocalDescription(await asker.createOffer());
await answerer.setRemoteDescription(asker.localDescription);
await answerer.setLocalDescription(await answerer.createAnswer());
await asker.setRemoteDescription(answerer.localDescription);
await done;
await Promise.all([asker.close(), answerer.close()]);
process.exit(0);
