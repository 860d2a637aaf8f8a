// SPDX-License-Identifier: BSD-3-Clause
// face: small pictures of users. One is made here of a picture that was chosen,
// so small that it fits into the profile, and everybody who may see the profile
// has it: a file could be read by members of its conversation only.

const EDGE_PX = 96;
const MOST = 3600; // characters; a profile's `extend` has 4096 bytes
const FACE = /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/]+=*$/;
const faces = new Map(); // user -> address

/** @returns {string|undefined} what a profile carries, if it may be shown */
export function pictureOf({ extend }) {
  const picture = extend?.picture;
  return typeof picture === "string" && picture.length <= MOST &&
    FACE.test(picture) ? picture : undefined;
}

export const faceOf = (user) => faces.get(user);

/** @returns {boolean} whether it is another one now */
export function keepFace(profile) {
  const before = faces.get(profile.user);
  const picture = pictureOf(profile);
  if (picture)
    faces.set(profile.user, picture);
  else
    faces.delete(profile.user);
  return before !== picture;
}

/** @param {Blob} blob @returns {Promise<string>} @throws {Error} no picture */
export async function makeFace(blob) {
  const bitmap = await createImageBitmap(blob);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = EDGE_PX;
  canvas.getContext("2d").drawImage(bitmap, (bitmap.width - side) / 2,
    (bitmap.height - side) / 2, side, side, 0, 0, EDGE_PX, EDGE_PX);
  bitmap.close();
  for (let quality = 0.8; quality > 0; quality -= 0.15) {
    const picture = canvas.toDataURL("image/jpeg", quality);
    if (picture.length <= MOST)
      return picture;
  }
  throw new Error("This picture cannot be made small enough.");
}
