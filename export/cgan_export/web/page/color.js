// Color science as in the runtime (color/lab.py, color/upsampling.py): sRGB to L*, predicted chroma back to codes.
//
// Lightness is L*/50 - 1, chroma (a*, b*)/110. Lab is CIE 1976 with the white of sRGB (D65).

import { boxed, plane } from "./resize.js";

const KNEE = 6 / 29;
const TOE_SLOPE = 12.92, TOE_END = 0.0031308, GAMMA = 2.4, OFFSET = 0.055; // IEC 61966-2-1
const XYZ_OF_RGB = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]];
const RGB_OF_XYZ = inverse(XYZ_OF_RGB).map((row) => row.map((value, i) => value * sum(XYZ_OF_RGB[i]))); // X, Y, Z of white are 1
export const LUMINANCE = XYZ_OF_RGB[1].map((value) => value / sum(XYZ_OF_RGB[1]));
export const AB_SCALE = 110;
const EPSILON = 0.01; // variance of luma, in (white - black)**2, at which the slope is halved
const TINY = 1e-6;
const STEPS = 4096; // of the tables; linear between them, they are exact to a hundredth of a code
const A_PART = AB_SCALE / 500, B_PART = AB_SCALE / 200; // of fx - fy and fy - fz

function sum(numbers) { return numbers.reduce((total, value) => total + value, 0); }

function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const minors = [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f], [d * h - e * g, b * g - a * h, a * e - b * d]];
  const determinant = a * minors[0][0] + b * minors[1][0] + c * minors[2][0];
  return minors.map((row) => row.map((value) => value / determinant));
}

/** Numbers made one by one. `Float32Array.from` would take an iterator, which is twenty times slower. */
export function table(length, value) {
  const numbers = new Float32Array(length);
  for (let i = 0; i < length; i += 1) numbers[i] = value(i);
  return numbers;
}

const root = (light) => (light > KNEE ** 3 ? Math.cbrt(light) : (light - KNEE ** 3) / (3 * KNEE ** 2) + KNEE);
const cube = (f) => (f > KNEE ? f * f * f : (f - KNEE) * 3 * KNEE ** 2 + KNEE ** 3);
const decode = (code) => (code <= TOE_SLOPE * TOE_END ? code / TOE_SLOPE : ((code + OFFSET) / (1 + OFFSET)) ** GAMMA);
const encode = (light) => (light <= TOE_END ? light * TOE_SLOPE : (1 + OFFSET) * light ** (1 / GAMMA) - OFFSET);

const LINEAR = table(256, (code) => decode(code / 255));
const ROOT = table(STEPS + 2, (i) => root(i / STEPS));
const ENCODED = table(STEPS + 2, (i) => 255 * encode(Math.min(1, i / STEPS)));

const lightnessOfRoot = (f) => (116 * f - 16) / 50 - 1;

/** The lightness of each luma code, 256 long. */
export function lightnessTable(black, white) {
  return table(256, (code) => lightnessOfRoot(root(decode(Math.min(1, Math.max(0, (code - black) / (white - black)))))));
}

/** The lightness of an sRGB image, RGBA bytes, as a plane. */
export function lightnessOf(rgba, width, height) {
  const result = plane(width, height), { data } = result, [kr, , kb] = LUMINANCE;
  for (let i = 0, p = 0; i < data.length; i += 1, p += 4) {
    const green = LINEAR[rgba[p + 1]];
    const light = green + kr * (LINEAR[rgba[p]] - green) + kb * (LINEAR[rgba[p + 2]] - green);
    const at = light * STEPS, below = at | 0;
    const f = light > KNEE ** 3 ? ROOT[below] + (at - below) * (ROOT[below + 1] - ROOT[below]) : root(light);
    data[i] = lightnessOfRoot(f);
  }
  return result;
}

/** The slope of each small chroma plane on the small luma, and the chroma at luma 0: {slope, shift} of each. */
export function regressed(planes, luma, span) {
  const { width, height } = luma, length = width * height, of = (value) => plane(width, height, table(length, value));
  const light = luma.data, middle = mean(light), centered = of((i) => light[i] - middle), c = centered.data;
  const around = boxed(centered).data, squares = boxed(of((i) => c[i] * c[i])).data, least = EPSILON * span * span;
  return planes.map(({ data }) => {
    const own = mean(data), offset = of((i) => data[i] - own), o = offset.data;
    const products = boxed(of((i) => c[i] * o[i])).data, level = boxed(offset).data;
    const raw = of((i) => (products[i] - around[i] * level[i]) / (squares[i] - around[i] * around[i] + least));
    const slope = boxed(raw), s = slope.data;
    return { slope, shift: of((i) => data[i] - s[i] * light[i]) };
  });
}

function mean(numbers) {
  let total = 0;
  for (let i = 0; i < numbers.length; i += 1) total += numbers[i];
  return total / numbers.length;
}

/** The largest factor in [0, 1] for which gray + factor * each difference stays in [0, 1]. */
function room(gray, r, g, b) {
  const above = (1 - gray) / Math.max(r, g, b, TINY), below = gray / Math.max(-r, -g, -b, TINY);
  return Math.min(1, Math.max(0, Math.min(above, below)));
}

function byteOf(light) {
  const at = Math.min(1, Math.max(0, light)) * STEPS, below = at | 0;
  return ENCODED[below] + (at - below) * (ENCODED[below + 1] - ENCODED[below]);
}

/**
 * Write a row of colors into RGBA bytes (Uint8ClampedArray, which rounds); alpha stays. Colors outside the gamut are mixed with the
 * gray of their luminance, so L* stays.
 */
export function writeRow(rgba, start, lightness, a, b) {
  const [redX, , redZ] = RGB_OF_XYZ[0], [greenX, , greenZ] = RGB_OF_XYZ[1], [blueX, , blueZ] = RGB_OF_XYZ[2];
  const [kr, , kb] = LUMINANCE, width = a.length;
  for (let i = 0, p = 4 * start; i < width; i += 1, p += 4) {
    const fy = (lightness[start + i] * 50 + 66) / 116;
    const y = cube(fy), x = cube(fy + a[i] * A_PART) - y, z = cube(fy - b[i] * B_PART) - y;
    let r = redX * x + redZ * z, g = greenX * x + greenZ * z, bl = blueX * x + blueZ * z; // minus y
    const gray = g + kr * (r - g) + kb * (bl - g);
    r -= gray; g -= gray; bl -= gray;
    const luminance = gray + y, factor = room(luminance, r, g, bl);
    rgba[p] = byteOf(luminance + factor * r);
    rgba[p + 1] = byteOf(luminance + factor * g);
    rgba[p + 2] = byteOf(luminance + factor * bl);
  }
}

/** Cb and Cr codes of the colors with this lightness and chroma, two planes of numbers that are not rounded. */
export function chromaCodes(lightness, [a, b], { kr, kb, gain }) {
  const { width, height } = lightness, cb = plane(width, height), cr = plane(width, height);
  const [[redX, , redZ], [greenX, , greenZ], [blueX, , blueZ]] = RGB_OF_XYZ;
  for (let i = 0; i < lightness.data.length; i += 1) {
    const fy = (lightness.data[i] * 50 + 66) / 116;
    const y = cube(fy), x = cube(fy + a.data[i] * A_PART) - y, z = cube(fy - b.data[i] * B_PART) - y;
    const r = codeOf(y + redX * x + redZ * z), g = codeOf(y + greenX * x + greenZ * z), bl = codeOf(y + blueX * x + blueZ * z);
    const luma = g + kr * (r - g) + kb * (bl - g), factor = room(codeOf(y), r - luma, g - luma, bl - luma);
    cb.data[i] = 128 + (bl - luma) * factor * gain / (2 * (1 - kb));
    cr.data[i] = 128 + (r - luma) * factor * gain / (2 * (1 - kr));
  }
  return [cb, cr];
}

/** R', G' or B' of linear light; below 0 the curve's linear part goes on. */
function codeOf(light) {
  if (light <= TOE_END || light >= 1) return encode(light);
  const at = light * STEPS, below = at | 0;
  return (ENCODED[below] + (at - below) * (ENCODED[below + 1] - ENCODED[below])) / 255;
}

/** (a*, b*)/110 of an sRGB color of bytes. */
export function chromaOf(rgb) {
  const light = rgb.map((code) => LINEAR[code]);
  const [fx, fy, fz] = XYZ_OF_RGB.map((row) => root(sum(row.map((weight, i) => weight * light[i])) / sum(row)));
  return [500 * (fx - fy) / AB_SCALE, 200 * (fy - fz) / AB_SCALE];
}
