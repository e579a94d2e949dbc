// Planes of numbers, resized and smoothed as OpenCV does it for the runtime (color/planes.py, color/upsampling.py).
//
// const small = resized(plane, width, height);   // a plane is {data: Float32Array or Uint8Array, width, height}
//
// The image is resized along one axis after the other. `taps` says which samples make a new one, and their weights.

const CUBIC = -0.75; // slope of the cubic kernel, as OpenCV has it

/** A plane of zeros, or around given numbers. */
export function plane(width, height, data = new Float32Array(width * height)) {
  return { data, width, height };
}

/** `count` samples of each new one along an axis: `index` and `weight`, each new length * count long. */
function taps(length, target, count, sample) {
  const index = new Int32Array(target * count), weight = new Float32Array(target * count);
  for (let i = 0; i < target; i += 1) {
    const { first, weights } = sample((i + 0.5) * length / target - 0.5, i);
    for (let k = 0; k < count; k += 1) {
      index[i * count + k] = Math.min(length - 1, Math.max(0, first + k)); // the border goes on
      weight[i * count + k] = weights[k] ?? 0;
    }
  }
  return { index, weight, count };
}

/** The mean over the area of each new sample; for fewer samples. */
export function areaTaps(length, target) {
  const scale = length / target;
  return taps(length, target, Math.ceil(scale) + 1, (_, i) => {
    const start = i * scale, end = Math.min(length, start + scale), first = Math.floor(start + 1e-6);
    const weights = [];
    for (let k = first; k < end - 1e-6; k += 1) weights.push((Math.min(end, k + 1) - Math.max(start, k)) / (end - start));
    return { first, weights };
  });
}

/** Linear between two samples; for more samples. */
export function linearTaps(length, target) {
  return taps(length, target, 2, (x) => {
    const first = Math.floor(x), part = x - first;
    return { first, weights: [1 - part, part] };
  });
}

/** Cubic between four samples. */
export function cubicTaps(length, target) {
  return taps(length, target, 4, (x) => {
    const middle = Math.floor(x), t = x - middle, u = 1 - t;
    const near = (d) => ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1;
    const far = (d) => ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC;
    return { first: middle - 1, weights: [far(1 + t), near(t), near(u), far(1 + u)] };
  });
}

/** Resize each row of a plane. */
export function alongRows(source, { index, weight, count }) {
  const width = index.length / count, { data } = source, result = plane(width, source.height);
  for (let y = 0; y < source.height; y += 1) {
    const from = y * source.width, to = y * width;
    for (let x = 0, k = 0; x < width; x += 1) {
      let sum = 0;
      for (let end = k + count; k < end; k += 1) sum += data[from + index[k]] * weight[k];
      result.data[to + x] = sum;
    }
  }
  return result;
}

/** One row of a plane resized along its columns, written to `row`. */
export function rowOf(source, { index, weight, count }, y, row) {
  const { data, width } = source, first = y * count;
  row.fill(0);
  for (let k = first; k < first + count; k += 1) {
    const from = index[k] * width, w = weight[k];
    if (w !== 0) for (let x = 0; x < width; x += 1) row[x] += data[from + x] * w;
  }
}

function alongColumns(source, columnTaps) {
  const height = columnTaps.index.length / columnTaps.count, result = plane(source.width, height);
  for (let y = 0; y < height; y += 1) rowOf(source, columnTaps, y, result.data.subarray(y * source.width, (y + 1) * source.width));
  return result;
}

const softTaps = (length, target) => (target < length ? areaTaps : linearTaps)(length, target);

/** The plane at another size: mean over the area along an axis that shrinks, linear along one that grows. */
export function resized(source, width, height) {
  const rows = width === source.width ? source : alongRows(source, softTaps(source.width, width));
  return height === source.height ? rows : alongColumns(rows, softTaps(source.height, height));
}

/** The plane enlarged by cubic interpolation. */
export function enlarged(source, width, height) {
  return alongColumns(alongRows(source, cubicTaps(source.width, width)), cubicTaps(source.height, height));
}

/** The mean of each window of 2 * radius + 1 pixels square; the image is mirrored at its border. */
export function boxed(source, radius = 1) {
  const { width, height } = source, side = 2 * radius + 1;
  const mirrored = (i, length) => {
    const last = Math.max(1, length - 1), j = Math.abs(i) % (2 * last);
    return length === 1 ? 0 : j > last ? 2 * last - j : j;
  };
  const window = (length) => {
    const index = new Int32Array(length * side), weight = new Float32Array(length * side).fill(1 / side);
    for (let i = 0; i < length; i += 1) for (let k = 0; k < side; k += 1) index[i * side + k] = mirrored(i + k - radius, length);
    return { index, weight, count: side };
  };
  return alongColumns(alongRows(source, window(width)), window(height));
}
