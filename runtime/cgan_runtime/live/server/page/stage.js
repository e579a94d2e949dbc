// The image: in color, the part left of the line gray, both from the same frame.
//
// const stage = new Stage();  stage.draw(bitmap);  stage.clear();
// Strength and gray are applied here, in the viewer's own graphics: chroma is scaled, luma stays.

const KR = 0.299, KB = 0.114, KG = 1 - KR - KB; // BT.601, as in a JPEG

/** A color matrix for SVG that multiplies chroma by `strength` and keeps the luma. */
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
    const share = Number(this.split.value);
    this.root.style.setProperty("--split", `${share}%`);
    this.gray.hidden = share === 0;
    if (share > 0 && !this.empty) this.contexts[1].drawImage(this.color, 0, 0);
    this.split.setAttribute("aria-valuetext", `${share} percent gray`);
  }

  /** Multiply the color by this; 1 is as it came. */
  setStrength(strength) {
    this.matrix.setAttribute("values", chromaMatrix(strength));
    this.color.style.filter = strength === 1 ? "none" : "url(#strength-filter)";
  }

  /** Show a frame: an ImageBitmap, an image or a video. */
  draw(source) {
    const width = source.videoWidth ?? source.naturalWidth ?? source.width;
    const height = source.videoHeight ?? source.naturalHeight ?? source.height;
    if (this.color.width !== width || this.color.height !== height) {
      for (const canvas of [this.color, this.gray]) { canvas.width = width; canvas.height = height; }
      this.root.style.setProperty("--ratio", `${width} / ${height}`);
    }
    this.contexts[0].drawImage(source, 0, 0);
    if (!this.gray.hidden) this.contexts[1].drawImage(source, 0, 0);
    this.root.dataset.state = "live";
  }

  clear() {
    this.root.dataset.state = "empty";
  }
}
