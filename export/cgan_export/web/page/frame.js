// Colors a frame of a video or camera: its luma stays code for code, and new chroma planes go with it.
//
// const picture = await readFrame(videoFrame);                  // closes it
// const small = smallOf(picture, model);                        // {guide, luma, lightness}: what the network sees
// const frame = paintFrame(picture, small, chroma, strength);   // a VideoFrame in I420

import { chromaCodes, lightnessTable, regressed, table } from "./color.js";
import { enlarger, plane, resized, scaled } from "./resize.js";
import { networkShape } from "./shape.js";

const WEIGHTS = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722], bt2020: [0.2627, 0.0593] };
const MATRICES = { bt709: "bt709", smpte170m: "bt601", bt470bg: "bt601", "bt2020-ncl": "bt2020" };
const TAGS = { bt601: "smpte170m", bt709: "bt709", bt2020: "bt2020-ncl" };
const HD_HEIGHT = 720; // a frame that does not state its matrix has BT.709 if it is at least so high
const PLANAR = ["I420", "I422", "I444", "I420A", "NV12"]; // formats whose first plane is the luma, 8 bits
const half = (pixels) => Math.ceil(pixels / 2);

function rounded({ data, width, height }) {
  const codes = new Uint8Array(data.length);
  for (let i = 0; i < codes.length; i += 1) codes[i] = data[i] + 0.5;
  return plane(width, height, codes);
}

/** How the codes of a frame are read. */
export function encodingOf(matrix, fullRange) {
  const [kr, kb] = WEIGHTS[matrix];
  return { matrix, fullRange, kr, kb, black: fullRange ? 0 : 16, white: fullRange ? 255 : 235, gain: fullRange ? 255 : 224, limits: fullRange ? [0, 255] : [16, 240] };
}

/** The luma of a VideoFrame as a plane of bytes, its encoding and times. The frame is closed. */
export async function readFrame(frame) {
  const { visibleRect: { width, height }, timestamp, duration, colorSpace } = frame;
  const matrix = MATRICES[colorSpace.matrix] ?? (height >= HD_HEIGHT ? "bt709" : "bt601");
  try {
    if (PLANAR.includes(frame.format)) {
      const bytes = new Uint8Array(frame.allocationSize());
      const [{ offset, stride }] = await frame.copyTo(bytes);
      const luma = new Uint8Array(width * height);
      for (let y = 0; y < height; y += 1) luma.set(bytes.subarray(offset + y * stride, offset + y * stride + width), y * width);
      return { luma: plane(width, height, luma), encoding: encodingOf(matrix, colorSpace.fullRange === true), timestamp, duration };
    }
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(frame, 0, 0, width, height);
    const luma = lumaOf(context.getImageData(0, 0, width, height).data, width, height);
    return { luma, encoding: encodingOf("bt709", false), timestamp, duration };
  } finally {
    frame.close();
  }
}

/** BT.709 luma, 16 to 235, of an image of RGBA bytes: for frames that a browser gives in no other form. */
function lumaOf(rgba, width, height) {
  const [kr, kb] = WEIGHTS.bt709, scale = 219 / 255, data = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < data.length; i += 1, p += 4) {
    data[i] = 16.5 + scale * (kr * rgba[p] + (1 - kr - kb) * rgba[p + 1] + kb * rgba[p + 2]);
  }
  return plane(width, height, data);
}

/** The luma at half the size, at the network's, and the lightness there. */
export function smallOf({ luma, encoding }, model) {
  const guide = rounded(resized(luma, half(luma.width), half(luma.height)));
  const [rows, columns] = networkShape(luma.width, luma.height, model);
  const coarse = guide.width >= columns && guide.height >= rows ? guide : luma;
  const small = rounded(resized(coarse, columns, rows)), lightness = lightnessTable(encoding.black, encoding.white);
  return { guide, luma: small, lightness: plane(columns, rows, table(columns * rows, (i) => lightness[small.data[i]])) };
}

/** Cb and Cr, planes of bytes at half the size, of predicted chroma at the network's size. */
export function chromaPlanes(encoding, { guide, luma, lightness }, chroma, strength = 1) {
  const { width, height } = guide, codes = chromaCodes(lightness, chroma.map((each) => scaled(each, strength)), encoding);
  const [cb, cr] = regressed(codes, luma, encoding.white - encoding.black);
  const rowsAt = enlarger([cb.slope, cb.shift, cr.slope, cr.shift], width, height);
  const planes = [0, 1].map(() => plane(width, height, new Uint8Array(width * height)));
  for (let y = 0; y < height; y += 1) {
    const rows = rowsAt(y);
    planes.forEach(({ data }, i) => codeRow(guide.data, y * width, rows[2 * i], rows[2 * i + 1], encoding.limits, data));
  }
  return planes;
}

/** The codes of a row of chroma, at its place in a plane. */
function codeRow(luma, start, slope, shift, [least, most], codes) {
  for (let x = 0, i = start; x < slope.length; x += 1, i += 1) {
    codes[i] = Math.min(most, Math.max(least, slope[x] * luma[i] + shift[x])) + 0.5;
  }
}

/** The frame in color: the given luma, and chroma planes of predicted chroma. */
export function paintFrame({ luma, encoding, timestamp, duration }, small, chroma, strength) {
  const planes = [luma, ...chromaPlanes(encoding, small, chroma, strength)];
  const data = new Uint8Array(planes.reduce((size, each) => size + each.data.length, 0));
  const layout = [];
  let offset = 0;
  for (const each of planes) {
    data.set(each.data, offset);
    layout.push({ offset, stride: each.width });
    offset += each.data.length;
  }
  return new VideoFrame(data, {
    format: "I420", codedWidth: luma.width, codedHeight: luma.height, timestamp, duration: duration ?? undefined, layout,
    colorSpace: { matrix: TAGS[encoding.matrix], primaries: "bt709", transfer: "bt709", fullRange: encoding.fullRange },
  });
}
