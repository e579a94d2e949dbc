// Colors a whole photo as `cgan-run --image` does: the network sees it small, its colors are enlarged along the edges.
//
// const photo = preparePhoto(rgba, width, height, model);    // photo.small is what the network sees
// paintPhoto(photo, chroma, strength);                       // writes the colors into photo.rgba

import { lightnessOf, regressed, writeRow } from "./color.js";
import { alongRows, cubicTaps, plane, resized, rowOf } from "./resize.js";
import { networkShape } from "./shape.js";

const SPAN = 2; // of the lightness, from -1 to 1

/** What stays the same at every strength. The image is RGBA bytes, and is changed later. */
export function preparePhoto(rgba, width, height, model) {
  const lightness = lightnessOf(rgba, width, height);
  const [rows, columns] = networkShape(width, height, model);
  return { rgba, width, height, lightness, small: resized(lightness, columns, rows) };
}

/** Paint the predicted chroma, two small planes, times `strength`. */
export function paintPhoto({ rgba, width, height, lightness, small }, chroma, strength = 1) {
  const strong = chroma.map(({ data }) => plane(small.width, small.height, data.map((value) => value * strength)));
  const columns = cubicTaps(small.width, width), rows = cubicTaps(small.height, height);
  const wide = regressed(strong, small, SPAN).map(({ slope, shift }) => [alongRows(slope, columns), alongRows(shift, columns)]);
  const slope = new Float32Array(width), shifts = [new Float32Array(width), new Float32Array(width)];
  for (let y = 0; y < height; y += 1) {
    wide.forEach(([slopes, shift], channel) => {
      rowOf(slopes, rows, y, slope);
      rowOf(shift, rows, y, shifts[channel]);
      const target = shifts[channel], start = y * width;
      for (let x = 0; x < width; x += 1) target[x] += slope[x] * lightness.data[start + x];
    });
    writeRow(rgba, y * width, lightness.data, shifts[0], shifts[1]);
  }
}
