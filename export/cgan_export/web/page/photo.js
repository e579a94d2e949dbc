// Colors a whole photo as `cgan-run --image` does: the network sees it small, its colors are enlarged along the edges.
//
// const photo = preparePhoto(rgba, width, height, model);    // photo.small is what the network sees
// paintPhoto(photo, chroma, strength);                       // writes the colors into photo.rgba

import { lightnessRow, luminanceOf, regressed, writeRow } from "./color.js";
import { enlarger, resizedRows, scaled } from "./resize.js";
import { networkShape } from "./shape.js";

const SPAN = 2; // of the lightness, from -1 to 1

/** What stays the same at every strength. The image is RGBA bytes, and is changed later. */
export function preparePhoto(rgba, width, height, model) {
  const light = luminanceOf(rgba), row = new Float32Array(width);
  const rowAt = (y) => { lightnessRow(light, y * width, row); return row; };
  return { rgba, width, height, light, small: resizedRows(rowAt, [height, width], networkShape(width, height, model)) };
}

/** Paint the predicted chroma, two small planes, times `strength`. */
export function paintPhoto({ rgba, width, height, light, small }, chroma, strength = 1) {
  const pixels = new Uint32Array(rgba.buffer, rgba.byteOffset, width * height);
  const [a, b] = regressed(chroma.map((each) => scaled(each, strength)), small, SPAN);
  const rowsAt = enlarger([a.slope, a.shift, b.slope, b.shift], width, height);
  for (let y = 0; y < height; y += 1) {
    const [slopeA, shiftA, slopeB, shiftB] = rowsAt(y);
    writeRow(pixels, light, y * width, { slope: slopeA, shift: shiftA }, { slope: slopeB, shift: shiftB });
  }
}
