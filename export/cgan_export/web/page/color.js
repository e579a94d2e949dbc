// Color science as in the runtime (color/lab.py, color/upsampling.py): sRGB to L*, predicted chroma back to codes.
//
// Lightness is L*/50 - 1, chroma (a*, b*)/110. Lab is CIE 1976 with the white of sRGB (D65).

import { boxed, plane, scratch } from "./resize.js";

const KNEE = 6 / 29;
const TOE_SLOPE = 12.92, TOE_END = 0.0031308, GAMMA = 2.4, OFFSET = 0.055; // IEC 61966-2-1
const XYZ_OF_RGB = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]];
const RGB_OF_XYZ = inverse(XYZ_OF_RGB).map((row) => row.map((value, i) => value * sum(XYZ_OF_RGB[i]))); // X, Y, Z of white are 1
export const LUMINANCE = XYZ_OF_RGB[1].map((value) => value / sum(XYZ_OF_RGB[1]));
export const AB_SCALE = 110;
const EPSILON = 0.01; // variance of luma, in (white - black)**2, at which the slope is halved
const TINY = 1e-6;
const STEPS = 65_535; // of linear light in the tables; even in the dark a code of sRGB has twenty
const A_PART = AB_SCALE / 500, B_PART = AB_SCALE / 200; // of fx - fy and fy - fz
const ALPHA = 0xff000000; // of a pixel as a number; all machines with browsers are little-endian

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

const LINEAR = table(256, (code) => STEPS * decode(code / 255));
const ROOT = table(STEPS + 1, (i) => root(i / STEPS));
const ENCODED = table(STEPS + 1, (i) => 255 * encode(i / STEPS));
const CODE = Uint8Array.from({ length: STEPS + 1 }, (_, i) => ENCODED[i] + 0.5);

const ROOTS = 116 / 50, DARKEST = -66 / 50; // L*/50 - 1 = ROOTS * root + DARKEST
const lightnessOfRoot = (f) => ROOTS * f + DARKEST;

/** The lightness of each luma code, 256 long. */
export function lightnessTable(black, white) {
  return table(256, (code) => lightnessOfRoot(root(decode(Math.min(1, Math.max(0, (code - black) / (white - black)))))));
}

/** The luminance of an sRGB image, RGBA bytes, in `STEPS` steps. */
export function luminanceOf(rgba) {
  const light = new Uint16Array(rgba.length / 4), [kr, kg, kb] = LUMINANCE;
  for (let i = 0, p = 0; i < light.length; i += 1, p += 4) {
    light[i] = kr * LINEAR[rgba[p]] + kg * LINEAR[rgba[p + 1]] + kb * LINEAR[rgba[p + 2]] + 0.5;
  }
  return light;
}

/** The lightness of pixels from `start` on of such luminance, written to `row`. */
export function lightnessRow(light, start, row) {
  for (let x = 0; x < row.length; x += 1) row[x] = ROOTS * ROOT[light[start + x]] + DARKEST;
}

/**
 * The slope of each of two small chroma planes on the small luma, and the chroma at luma 0: {slope, shift} of each. The
 * next call overwrites them.
 */
export function regressed(planes, luma, span) {
  const { width, height, data: light } = luma, least = EPSILON * span * span;
  const memory = (name) => scratch(`regressed ${name}`, light.length);
  const box = (data, name) => boxed({ data, width, height }, 1, memory(name));
  const centered = less(light, mean(light), memory("centered")), around = box(centered, "around");
  const squares = box(product(centered, centered, memory("product")), "squares");
  return planes.map(({ data }, plane) => {
    const offset = less(data, mean(data), memory("offset")), level = box(offset, "level");
    const products = box(product(centered, offset, memory("product")), "products");
    for (let i = 0; i < products.length; i += 1) {
      products[i] = (products[i] - around[i] * level[i]) / (squares[i] - around[i] * around[i] + least);
    }
    const slope = box(products, `slope ${plane}`), shift = memory(`shift ${plane}`);
    for (let i = 0; i < shift.length; i += 1) shift[i] = data[i] - slope[i] * light[i];
    return { slope: { data: slope, width, height }, shift: { data: shift, width, height } };
  });
}

function less(numbers, amount, result) {
  for (let i = 0; i < result.length; i += 1) result[i] = numbers[i] - amount;
  return result;
}

function product(one, other, result) {
  for (let i = 0; i < result.length; i += 1) result[i] = one[i] * other[i];
  return result;
}

function mean(numbers) {
  let total = 0;
  for (let i = 0; i < numbers.length; i += 1) total += numbers[i];
  return total / numbers.length;
}

/** The largest factor in [0, 1] for which gray + factor * each difference stays in [0, 1]. */
function room(gray, r, g, b) {
  const above = (1 - gray) / Math.max(r, g, b, TINY), below = gray / Math.max(-r, -g, -b, TINY);
  return clipped(Math.min(above, below));
}

/**
 * Write the colors of pixels from `start` on into an image of numbers, each 0xAABBGGRR; alpha stays. `a` and `b` are
 * {slope, shift} rows on the lightness. Colors outside the gamut are mixed with the gray of their luminance, so L* stays.
 */
export function writeRow(pixels, light, start, a, b) {
  const [redX, redY, redZ] = RGB_OF_XYZ[0], [greenX, greenY, greenZ] = RGB_OF_XYZ[1], [blueX, blueY, blueZ] = RGB_OF_XYZ[2];
  const { slope: slopeA, shift: shiftA } = a, { slope: slopeB, shift: shiftB } = b;
  for (let x = 0, i = start; x < slopeA.length; x += 1, i += 1) {
    const fy = ROOT[light[i]], lightness = ROOTS * fy + DARKEST, y = light[i] / STEPS;
    const fx = fy + (slopeA[x] * lightness + shiftA[x]) * A_PART, fz = fy - (slopeB[x] * lightness + shiftB[x]) * B_PART;
    const cx = cube(fx), cz = cube(fz);
    let r = redX * cx + redY * y + redZ * cz, g = greenX * cx + greenY * y + greenZ * cz, bl = blueX * cx + blueY * y + blueZ * cz;
    if (r < 0 || r > 1 || g < 0 || g > 1 || bl < 0 || bl > 1) {
      const factor = room(y, r - y, g - y, bl - y);
      r = clipped(y + factor * (r - y)); g = clipped(y + factor * (g - y)); bl = clipped(y + factor * (bl - y));
    }
    pixels[i] = (pixels[i] & ALPHA) | CODE[(bl * STEPS + 0.5) | 0] << 16 | CODE[(g * STEPS + 0.5) | 0] << 8 | CODE[(r * STEPS + 0.5) | 0];
  }
}

const clipped = (light) => Math.min(1, Math.max(0, light));

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
const codeOf = (light) => (light <= TOE_END || light >= 1 ? encode(light) : ENCODED[(light * STEPS + 0.5) | 0] / 255);

/** (a*, b*)/110 of an sRGB color of bytes. */
export function chromaOf(rgb) {
  const light = rgb.map((code) => decode(code / 255));
  const [fx, fy, fz] = XYZ_OF_RGB.map((row) => root(sum(row.map((weight, i) => weight * light[i])) / sum(row)));
  return [500 * (fx - fy) / AB_SCALE, 200 * (fy - fz) / AB_SCALE];
}
