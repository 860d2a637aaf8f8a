// SPDX-License-Identifier: BSD-3-Clause
// What tests/lib/meeting.py lets a page do: one peer connection at a time, with
// a moving picture and a data channel that answers every ping.
globalThis.testPeer = (() => {
  let peer;
  let channel;
  let picture;
  const heard = [];

  function movingPicture() {
    const canvas = document.createElement('canvas');
    canvas.width = 160;
    canvas.height = 120;
    const pen = canvas.getContext('2d');
    let turn = 0;
    setInterval(() => {
      turn += 1;
      pen.fillStyle = `hsl(${turn * 7 % 360} 80% 50%)`;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }, 33);
    return canvas.captureStream(30);
  }

  function show({ track }) {
    const video = document.createElement('video');
    video.muted = true;
    video.autoplay = true;
    video.srcObject = new MediaStream([track]);
    document.body.append(video);
  }

  function hear(theirs) {
    channel = theirs;
    channel.onmessage = ({ data }) => {
      heard.push(data);
      if (data.startsWith('ping')) channel.send(data.replace('ping', 'pong'));
    };
  }

  async function described(description) {
    await peer.setLocalDescription(description);
    while (peer.iceGatheringState !== 'complete') {
      await new Promise((resolve) => {
        peer.addEventListener('icegatheringstatechange', resolve,
          { once: true });
      });
    }
    return peer.localDescription.sdp;
  }

  return {
    open(config) {
      peer?.close();
      heard.length = 0;
      peer = new RTCPeerConnection(config);
      peer.ontrack = show;
      peer.ondatachannel = (event) => hear(event.channel);
      picture ??= movingPicture();
      for (const track of picture.getTracks()) peer.addTrack(track, picture);
    },
    async offer() {
      hear(peer.createDataChannel('test'));
      return described(await peer.createOffer());
    },
    async answer(sdp) {
      await peer.setRemoteDescription({ type: 'offer', sdp });
      return described(await peer.createAnswer());
    },
    async accept(sdp) {
      await peer.setRemoteDescription({ type: 'answer', sdp });
    },
    add: (candidate) => peer.addIceCandidate(
      { candidate, sdpMLineIndex: 0 }),
    say: (text) => channel?.readyState === 'open'
      && (channel.send(text), true),
    heard: () => heard,
    close: () => peer.close(),
  };
})();
