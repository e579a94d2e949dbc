// Planes of numbers, resized and smoothed as OpenCV does it for the runtime (color/planes.py, color/upsampling.py).
//
// const small = resized(plane, width, height);   // a plane is {data: Float32Array or Uint8Array, width, height}
//
// The image is resized along one axis after the other, row by row: pages do this for each frame of a camera.
// `taps` says which samples make a new one, and their weights.

const CUBIC = -0.75; // slope of the cubic kernel, as OpenCV has it
const MOST_REMEMBERED = 32;

/** A plane of zeros, or around given numbers. */
export function plane(width, height, data = new Float32Array(width * height)) {
  return { data, width, height };
}

const lent = new Map();

/** Memory for numbers that nobody needs after the next call with this name: new memory takes longer than the work on it. */
export function scratch(name, length) {
  if (lent.get(name)?.length !== length) lent.set(name, new Float32Array(length));
  return lent.get(name);
}

/** The plane, times a factor. */
export function scaled({ data, width, height }, factor) {
  const result = plane(width, height);
  for (let i = 0; i < data.length; i += 1) result.data[i] = data[i] * factor;
  return result;
}

const remembered = new Map(); // taps that the frames of a camera need again and again

/** `count` samples of each new one along an axis: `index` and `weight`, each new length * count long. */
function taps(kind, length, target, count, sample) {
  const key = `${kind} ${length} ${target}`, known = remembered.get(key);
  if (known) return known;
  const index = new Int32Array(target * count), weight = new Float32Array(target * count);
  for (let i = 0; i < target; i += 1) {
    const { first, weights } = sample((i + 0.5) * length / target - 0.5, i);
    for (let k = 0; k < count; k += 1) {
      index[i * count + k] = Math.min(length - 1, Math.max(0, first + k)); // the border goes on
      weight[i * count + k] = weights[k] ?? 0;
    }
  }
  if (remembered.size > MOST_REMEMBERED) remembered.clear();
  remembered.set(key, { index, weight, count });
  return remembered.get(key);
}

/** The mean over the area of each new sample; for fewer samples. */
export function areaTaps(length, target) {
  const scale = length / target;
  return taps("area", length, target, Number.isInteger(scale) ? scale : Math.ceil(scale) + 1, (_, i) => {
    const start = i * scale, end = Math.min(length, start + scale), first = Math.floor(start + 1e-6);
    const weights = [];
    for (let k = first; k < end - 1e-6; k += 1) weights.push((Math.min(end, k + 1) - Math.max(start, k)) / (end - start));
    return { first, weights };
  });
}

/** Linear between two samples; for more samples. */
export function linearTaps(length, target) {
  return taps("linear", length, target, 2, (x) => {
    const first = Math.floor(x), part = x - first;
    return { first, weights: [1 - part, part] };
  });
}

/** Cubic between four samples. */
export function cubicTaps(length, target) {
  return taps("cubic", length, target, 4, (x) => {
    const middle = Math.floor(x), t = x - middle, u = 1 - t;
    const near = (d) => ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1;
    const far = (d) => ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC;
    return { first: middle - 1, weights: [far(1 + t), near(t), near(u), far(1 + u)] };
  });
}

/** A row resized along its length, written to `target` from `start`. */
function alongRow(row, { index, weight, count }, target, start) {
  for (let x = 0, k = 0, length = index.length / count; x < length; x += 1) {
    let sum = 0;
    for (const end = k + count; k < end; k += 1) sum += row[index[k]] * weight[k];
    target[start + x] = sum;
  }
}

/** Row `y` of an image resized along its columns, written to `row`; `rowAt(y)` is a row of the image. */
function alongColumns(rowAt, { index, weight, count }, y, row) {
  row.fill(0);
  for (let k = y * count; k < (y + 1) * count; k += 1) {
    const w = weight[k];
    if (w === 0) continue;
    const from = rowAt(index[k]);
    for (let x = 0; x < row.length; x += 1) row[x] += from[x] * w;
  }
}

const rowOf = (data, y, width) => data.subarray(y * width, (y + 1) * width);
const softTaps = (length, target) => (target < length ? areaTaps : linearTaps)(length, target);

/** An image of [height, width] whose rows `rowAt(y)` gives, as a plane of another size; see `resized`. */
export function resizedRows(rowAt, [height, width], [newHeight, newWidth]) {
  const rows = softTaps(height, newHeight), columns = softTaps(width, newWidth);
  const result = plane(newWidth, newHeight), row = new Float32Array(width);
  for (let y = 0; y < newHeight; y += 1) {
    alongColumns(rowAt, rows, y, row);
    alongRow(row, columns, result.data, y * newWidth);
  }
  return result;
}

/** The plane at another size: mean over the area along an axis that shrinks, linear along one that grows. */
export function resized(source, width, height) {
  if (width === source.width && height === source.height) return source;
  return resizedRows((y) => rowOf(source.data, y, source.width), [source.height, source.width], [height, width]);
}

/**
 * Four planes of one size, enlarged by cubic interpolation: a function that gives row `y` of each. The next call
 * overwrites them. Four at once share the places and weights.
 */
export function enlarger(planes, width, height) {
  const { width: columns, height: rows } = planes[0], down = cubicTaps(rows, height), across = cubicTaps(columns, width);
  const small = planes.map(() => new Float32Array(columns)), large = planes.map(() => new Float32Array(width));
  return (y) => {
    for (let i = 0; i < planes.length; i += 1) cubicColumns(planes[i], down, 4 * y, small[i]);
    cubicRows(small, across, large);
    return large;
  };
}

function cubicColumns({ data, width }, { index, weight }, k, row) {
  const p = index[k] * width, q = index[k + 1] * width, r = index[k + 2] * width, s = index[k + 3] * width;
  const a = weight[k], b = weight[k + 1], c = weight[k + 2], d = weight[k + 3];
  for (let x = 0; x < width; x += 1) row[x] = a * data[p + x] + b * data[q + x] + c * data[r + x] + d * data[s + x];
}

function cubicRows([one, two, three, four], { index, weight }, [first, second, third, fourth]) {
  for (let x = 0, k = 0; x < first.length; x += 1, k += 4) {
    const p = index[k], q = index[k + 1], r = index[k + 2], s = index[k + 3];
    const a = weight[k], b = weight[k + 1], c = weight[k + 2], d = weight[k + 3];
    first[x] = a * one[p] + b * one[q] + c * one[r] + d * one[s];
    second[x] = a * two[p] + b * two[q] + c * two[r] + d * two[s];
    third[x] = a * three[p] + b * three[q] + c * three[r] + d * three[s];
    fourth[x] = a * four[p] + b * four[q] + c * four[r] + d * four[s];
  }
}

/** The mean of each window of 2 * radius + 1 pixels square; the image is mirrored at its border. */
export function boxed({ data, width, height }, radius = 1, result = new Float32Array(data.length)) {
  const side = 2 * radius + 1, scale = 1 / side ** 2;
  const columns = new Float64Array(width + side), inner = columns.subarray(radius + 1, radius + 1 + width); // sums of the columns
  const rowAt = (y) => rowOf(data, mirrored(y, height), width);
  for (let y = -radius - 1; y < radius; y += 1) rowAt(y).forEach((value, x) => { inner[x] += value; });
  for (let y = 0; y < height; y += 1) {
    const next = rowAt(y + radius), last = rowAt(y - radius - 1);
    for (let x = 0; x < width; x += 1) inner[x] += next[x] - last[x];
    for (let i = 1; i <= radius + 1; i += 1) columns[radius + 1 - i] = inner[mirrored(-i, width)];
    for (let i = 0; i < radius; i += 1) columns[radius + 1 + width + i] = inner[mirrored(width + i, width)];
    let sum = 0;
    for (let i = 0; i < side; i += 1) sum += columns[i];
    for (let x = 0, at = y * width; x < width; x += 1) {
      sum += columns[x + side] - columns[x];
      result[at + x] = sum * scale;
    }
  }
  return result;
}

function mirrored(i, length) {
  const last = Math.max(1, length - 1), j = Math.abs(i) % (2 * last);
  return length === 1 ? 0 : j > last ? 2 * last - j : j;
}
