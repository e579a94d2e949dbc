// Carries colors along the motion from frame to frame, and averages them with new predictions: a small form of the
// runtime's temporal filter, with block matching for motion.
//
// const carrier = new Carrier(horizon);
// const chroma = carrier.step(lightness, prediction);   // prediction: {lightness, chroma}, or null; null after a cut
//
// Lightness is a plane of L*/50 - 1, chroma two planes of (a*, b*)/110 of the same size.

import { boxed, plane, resized, scratch } from "./resize.js";

const BLOCK = 16, COARSE = 4; // pixels: distance of the vectors, and how much smaller the first search is
const REACH = 4, REFINE = 3; // pixels searched each way, of the coarse image and of the whole one
const STILL = 1.02; // a motion must be better than none by this much, or noise would move flat areas
const PEAK = 127.5; // lightness is compared in 255 steps
const TRUSTED_RESIDUAL = 6, CHANGED_RESIDUAL = 2; // of 255: errors of carried lightness where the past counts half
const TRUSTED_DIFFERENCE = 0.15, TELLING_DIFFERENCE = 0.3; // of chroma, where the lightness has changed too, and has not
const CUT = 0.3; // mean error of carried lightness, of the contrast, above which a frame shows another scene
const LEAST_CONTRAST = 4; // of 255

const clamp = (value, most) => Math.min(most, Math.max(0, value));
const confidence = (square, half) => 1 / (1 + (square / half ** 2) ** 2);

export class Carrier {
  constructor(horizon) {
    this.horizon = horizon; // most predictions averaged for a color
    this.shown = null; // {lightness, planes: [a, b, age]} of the last frame
    this.cuts = 0;
  }

  step(lightness, prediction) {
    let past = this.shown && sameSize(this.shown.lightness, lightness) ? follow(lightness, this.shown) : null;
    if (this.shown && !past) this.cuts += 1;
    if (prediction) {
      const ones = plane(lightness.width, lightness.height).data.fill(1);
      let fresh = { lightness: prediction.lightness, planes: [...prediction.chroma.map(({ data }) => data.slice()), ones] };
      if (prediction.lightness !== lightness) fresh = sameSize(prediction.lightness, lightness) ? follow(lightness, fresh) : null;
      if (fresh) past = past ? blend(past, fresh.planes, this.horizon) : { lightness, planes: fresh.planes };
    }
    this.shown = past && { lightness, planes: past.planes };
    return past && past.planes.slice(0, 2).map((data) => plane(lightness.width, lightness.height, data));
  }
}

const sameSize = (one, other) => one.width === other.width && one.height === other.height;

/** The past as it would look now: {planes, changed}, less sure where its lightness differs; null in another scene. */
function follow(lightness, past) {
  const { error, planes, inside } = carried(lightness, past);
  const light = mean(error.data), smooth = boxed(error, 2, scratch("carry smooth", error.data.length));
  if (meanDistance(smooth, light) > CUT * contrast(lightness)) return null;
  const age = planes[2], changed = new Float32Array(age.length);
  for (let i = 0; i < age.length; i += 1) {
    const square = (smooth[i] - light) ** 2;
    age[i] *= confidence(square, TRUSTED_RESIDUAL) * inside[i];
    changed[i] = 1 - confidence(square, CHANGED_RESIDUAL);
  }
  return { planes, changed };
}

/** The past's planes at their places now, how far its lightness is from the present's, and which places it knows. */
function carried(lightness, past) {
  const { data: now, width, height } = lightness, then = past.lightness.data, [a, b, age] = past.planes;
  const [du, dv] = motion(lightness, past.lightness).map(({ data }) => data);
  const error = plane(width, height, scratch("carry error", now.length)), inside = new Uint8Array(now.length), planes = past.planes.map(() => new Float32Array(now.length));
  const [newA, newB, newAge] = planes;
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const u = x + du[i], v = y + dv[i];
      inside[i] = u > -0.5 && v > -0.5 && u < width - 0.5 && v < height - 0.5 ? 1 : 0;
      const x0 = clamp(Math.floor(u), width - 1), y0 = clamp(Math.floor(v), height - 1), p = clamp(u - x0, 1), q = clamp(v - y0, 1);
      const at = y0 * width + x0, right = x0 + 1 < width ? at + 1 : at, below = y0 + 1 < height ? width : 0;
      const e = p * (1 - q), s = (1 - p) * q, se = p * q, w = 1 - e - s - se;
      error.data[i] = PEAK * (now[i] - then[at] * w - then[right] * e - then[at + below] * s - then[right + below] * se);
      newA[i] = a[at] * w + a[right] * e + a[at + below] * s + a[right + below] * se;
      newB[i] = b[at] * w + b[right] * e + b[at + below] * s + b[right + below] * se;
      newAge[i] = age[at] * w + age[right] * e + age[at + below] * s + age[right + below] * se;
    }
  }
  return { error, planes, inside };
}

function mean(data) {
  let total = 0;
  for (let i = 0; i < data.length; i += 1) total += data[i];
  return total / data.length;
}

function meanDistance(data, from) {
  let total = 0;
  for (let i = 0; i < data.length; i += 1) total += Math.abs(data[i] - from);
  return total / data.length;
}

/** How far the lightness is from its mean, of 255. */
const contrast = ({ data }) => Math.max(LEAST_CONTRAST, PEAK * meanDistance(data, mean(data)));

/** Average the color of each place over up to `horizon` predictions; changes `past`. */
function blend(past, [a, b], horizon) {
  const [pastA, pastB, age] = past.planes, scale = (TRUSTED_DIFFERENCE / TELLING_DIFFERENCE) ** 2;
  for (let i = 0; i < age.length; i += 1) {
    const da = a[i] - pastA[i], db = b[i] - pastB[i];
    const difference = (da * da + db * db) * (scale + (1 - scale) * past.changed[i]);
    age[i] = Math.min(horizon, age[i] * confidence(difference, TRUSTED_DIFFERENCE) + 1);
    pastA[i] += da / age[i];
    pastB[i] += db / age[i];
  }
  return past;
}

/** How far from its place now each thing was before: two planes, x and y in pixels. */
function motion(now, before) {
  const { width, height } = now;
  const columns = Math.max(1, Math.round(width / BLOCK)), rows = Math.max(1, Math.round(height / BLOCK));
  const small = [now, before].map((image) => resized(image, Math.ceil(width / COARSE), Math.ceil(height / COARSE)));
  const u = plane(columns, rows), v = plane(columns, rows);
  for (let row = 0, i = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, i += 1) {
      const x = (column + 0.5) * width / columns, y = (row + 0.5) * height / rows;
      const coarse = search(...small, { x: x / COARSE, y: y / COARSE, size: 8, step: 2 }, [0, 0], REACH);
      const start = [coarse[0] * COARSE, coarse[1] * COARSE];
      [u.data[i], v.data[i]] = search(now, before, { x, y, size: 20, step: 4 }, start, REFINE);
    }
  }
  return [resized(u, width, height), resized(v, width, height)];
}

/** The motion of a window that explains it best, near a first guess. */
function search(now, before, window, [startX, startY], reach) {
  let best = difference(now, before, window, 0, 0) / STILL, found = [0, 0];
  for (let dy = startY - reach; dy <= startY + reach; dy += 1) {
    for (let dx = startX - reach; dx <= startX + reach; dx += 1) {
      const cost = difference(now, before, window, dx, dy, best);
      if (cost < best) { best = cost; found = [dx, dy]; }
    }
  }
  return found;
}

/** The sum of differences of a window and its place before; it stops early above `limit`. */
function difference({ data: now, width, height }, { data: before }, { x, y, size, step }, dx, dy, limit = Infinity) {
  const left = Math.round(x - size / 2), top = Math.round(y - size / 2);
  let sum = 0;
  if (Math.min(left, top, left + dx, top + dy) >= 0 && Math.max(left, left + dx) <= width - size && Math.max(top, top + dy) <= height - size) {
    for (let j = 0; j < size && sum < limit; j += step) {
      const row = (top + j) * width + left, other = row + dy * width + dx;
      for (let i = 0; i < size; i += step) sum += Math.abs(now[row + i] - before[other + i]);
    }
    return sum;
  }
  for (let j = 0; j < size && sum < limit; j += step) { // over the border, which goes on
    const row = clamp(top + j, height - 1) * width, other = clamp(top + j + dy, height - 1) * width;
    for (let i = 0; i < size; i += step) {
      sum += Math.abs(now[row + clamp(left + i, width - 1)] - before[other + clamp(left + i + dx, width - 1)]);
    }
  }
  return sum;
}
