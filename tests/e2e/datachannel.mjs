// SPDX-License-Identifier: BSD-3-Clause
// Two peers of libdatachannel (ICE by libjuice) meet over relay candidates:
// datachannel.mjs HOST PORT USER PASSWORD. Prints what arrives, or exits 1.
import nodeDataChannel from 'node-datachannel';

const TEXT = 'relayed';
const PATIENCE_MS = 20000;

const [hostname, port, username, password] = process.argv.slice(2);
const config = {
	iceServers: [{
		hostname, port: Number(port), username, password,
		relayType: 'TurnUdp',
	}],
	iceTransportPolicy: 'relay',
};
const asker = new nodeDataChannel.PeerConnection('asker', config);
const answerer = new nodeDataChannel.PeerConnection('answerer', config);

for (const [from, to] of [[asker, answerer], [answerer, asker]]) {
	from.onLocalDescription((sdp, type) => to.setRemoteDescription(sdp, type));
	from.onLocalCandidate((candidate, mid) => {
		to.addRemoteCandidate(candidate, mid);
	});
}
setTimeout(() => process.exit(1), PATIENCE_MS);
answerer.onDataChannel((channel) => channel.onMessage((text) => {
	const { local, remote } = answerer.getSelectedCandidatePair();
	console.log(text, local.type, remote.type);
	process.exit(0);
}));

const channel = asker.createDataChannel('test');
channel.onOpen(() => channel.sendMessage(TEXT));
