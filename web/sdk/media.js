// SPDX-License-Identifier: BSD-3-Clause
// media: microphone and camera.

import { FloeError } from "./errors.js";

const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 } };

const TEXT = {
  NotAllowedError: "the use of microphone or camera was not permitted",
  NotFoundError: "no microphone or camera was found",
  NotReadableError: "microphone or camera is in use by another program",
};

function open(constraints) {
  if (!navigator.mediaDevices)
    throw new FloeError("media", "calls need a page loaded over https");
  return navigator.mediaDevices.getUserMedia(constraints);
}

/**
 * @param {{audio: boolean, video: boolean}} media
 * @returns {Promise<MediaStream>} without a picture where there is no camera
 * @throws {FloeError} `media`
 */
export async function openMedia({ audio, video }) {
  try {
    return await open({ audio, video: video && VIDEO });
  } catch (error) {
    const cameraOnly = audio && video && error.name !== "NotAllowedError" &&
      !(error instanceof FloeError);
    if (cameraOnly)
      return openMedia({ audio, video: false });
    if (error instanceof FloeError)
      throw error;
    throw new FloeError("media", TEXT[error.name] || error.message);
  }
}

/**
 * @returns {Promise<MediaStream>} of a screen or window that the user chose
 * @throws {FloeError} `media`
 */
export async function openScreen() {
  try {
    if (!navigator.mediaDevices?.getDisplayMedia)
      throw new FloeError("media", "this browser cannot share a screen");
    return await navigator.mediaDevices.getDisplayMedia({ video: true });
  } catch (error) {
    if (error instanceof FloeError)
      throw error;
    throw new FloeError("media", error.name === "NotAllowedError"
      ? "sharing the screen was not permitted" : error.message);
  }
}
