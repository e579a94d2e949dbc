// Shows one frame, in gray left of the line and in color right of it.
//
// const stage = new Stage();  stage.draw(bitmap);  stage.clear();
// The browser's own graphics apply the strength and the gray: they scale the chroma and keep the luma.

const KR = 0.299, KB = 0.114, KG = 1 - KR - KB; // BT.601, as in a JPEG

/** An SVG color matrix that multiplies the chroma by `strength` and keeps the luma. */
export function chromaMatrix(strength) {
  const row = (r, g, b) =>
    [KR * (1 - strength) + r * strength, KG * (1 - strength) + g * strength, KB * (1 - strength) + b * strength, 0, 0];
  return [...row(1, 0, 0), ...row(0, 1, 0), ...row(0, 0, 1), 0, 0, 0, 1, 0].join(" ");
}

export class Stage {
  constructor() {
    this.root = document.getElementById("stage");
    this.split = document.getElementById("split");
    this.color = document.getElementById("color");
    this.gray = document.getElementById("gray");
    this.contexts = [this.color, this.gray].map((canvas) => canvas.getContext("2d", { alpha: false }));
    this.matrix = document.getElementById("strength-matrix");
    document.getElementById("gray-matrix").setAttribute("values", chromaMatrix(0));
    this.split.addEventListener("input", () => this.moveLine());
    this.moveLine();
    this.setStrength(1);
  }

  get empty() { return this.root.dataset.state === "empty"; }

  moveLine() {
    const percent = Number(this.split.value);
    this.root.style.setProperty("--split", `${percent}%`);
    this.gray.hidden = percent === 0;
    if (percent > 0 && !this.empty) this.contexts[1].drawImage(this.color, 0, 0);
    this.split.setAttribute("aria-valuetext", `${percent} percent gray`);
  }

  /** Multiply the chroma; 1 leaves it as received. */
  setStrength(strength) {
    this.matrix.setAttribute("values", chromaMatrix(strength));
    this.color.style.filter = strength === 1 ? "none" : "url(#strength-filter)";
  }

  /** Show a frame: an ImageBitmap, an image or a video. */
  draw(source) {
    const width = source.videoWidth ?? source.naturalWidth ?? source.width;
    const height = source.videoHeight ?? source.naturalHeight ?? source.height;
    const sizeChanged = this.color.width !== width || this.color.height !== height;
    if (sizeChanged) for (const canvas of [this.color, this.gray]) Object.assign(canvas, { width, height });
    if (this.empty || sizeChanged) this.root.style.setProperty("--ratio", `${width} / ${height}`);
    this.contexts[0].drawImage(source, 0, 0);
    if (!this.gray.hidden) this.contexts[1].drawImage(source, 0, 0);
    this.root.dataset.state = "live";
  }

  clear() {
    this.root.dataset.state = "empty";
    this.root.style.removeProperty("--ratio");
  }
}
