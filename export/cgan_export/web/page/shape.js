// The size in which the network sees an image, as runtime/cgan_runtime/network_shape.py chooses it.

const MAX_ASPECT = 4; // longer images are squeezed to this
const round4 = (value) => Math.round(value * 1e4) / 1e4;

/** [height, width]: multiples of the model's, about size * size pixels in all, near the aspect of the image. */
export function networkShape(width, height, { size, multiple, fixed = null }) {
  if (fixed) return fixed;
  const aspect = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, Math.fround(Math.fround(width) / Math.fround(height))));
  const choices = (pixels) => [...new Set([Math.floor, Math.ceil].map((to) => Math.max(1, to(round4(pixels / multiple))) * multiple))];
  let best = null;
  for (const h of choices(size / Math.sqrt(aspect))) {
    for (const w of choices(size * Math.sqrt(aspect))) {
      const far = round4(Math.abs(Math.log(w / h / aspect)) + Math.abs(Math.log(h * w / size ** 2)));
      if (!best || far < best.far || (far === best.far && h * w < best.area)) best = { far, area: h * w, shape: [h, w] };
    }
  }
  return best.shape;
}
