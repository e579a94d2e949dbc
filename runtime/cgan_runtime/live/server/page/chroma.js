// Scales the chroma of an image and keeps its luma: as a matrix for a filter, or in the pixels of a canvas.

const KR = 0.299, KB = 0.114, KG = 1 - KR - KB; // BT.601, as in a JPEG

/** An SVG color matrix that multiplies the chroma by `strength`. */
export function chromaMatrix(strength) {
  const row = (r, g, b) =>
    [KR * (1 - strength) + r * strength, KG * (1 - strength) + g * strength, KB * (1 - strength) + b * strength, 0, 0];
  return [...row(1, 0, 0), ...row(0, 1, 0), ...row(0, 0, 1), 0, 0, 0, 1, 0].join(" ");
}

/** Multiply the chroma of a canvas between two fractions of its width, in place. */
export function scaleChroma(context, from, to, strength) {
  const { width, height } = context.canvas;
  const left = Math.round(from * width), columns = Math.round(to * width) - left;
  if (columns <= 0 || strength === 1) return;
  const image = context.getImageData(left, 0, columns, height);
  const { data } = image; // Uint8ClampedArray, RGBA
  for (let i = 0; i < data.length; i += 4) {
    const luma = KR * data[i] + KG * data[i + 1] + KB * data[i + 2];
    for (let c = i; c < i + 3; c += 1) data[c] = luma + (data[c] - luma) * strength;
  }
  context.putImageData(image, left, 0);
}
