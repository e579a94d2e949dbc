// The picture: in colour, the part left of the line grey, both from the same frame.
//
// const stage = new Stage();  stage.draw(bitmap);  stage.clear();
// Strength and grey are applied here, in the viewer's own graphics: chroma is scaled, luma stays.

const KR = 0.299, KB = 0.114, KG = 1 - KR - KB; // BT.601, as in a JPEG

/** A colour matrix for SVG that multiplies chroma by `strength` and keeps the luma. */
export function chromaMatrix(strength) {
  const row = (r, g, b) =>
    [KR * (1 - strength) + r * strength, KG * (1 - strength) + g * strength, KB * (1 - strength) + b * strength, 0, 0];
  return [...row(1, 0, 0), ...row(0, 1, 0), ...row(0, 0, 1), 0, 0, 0, 1, 0].join(" ");
}

export class Stage {
  constructor() {
    this.root = document.getElementById("stage");
    this.split = document.getElementById("split");
    this.colour = document.getElementById("colour");
    this.grey = document.getElementById("grey");
    this.contexts = [this.colour, this.grey].map((canvas) => canvas.getContext("2d", { alpha: false }));
    this.matrix = document.getElementById("strength-matrix");
    document.getElementById("grey-matrix").setAttribute("values", chromaMatrix(0));
    this.split.addEventListener("input", () => this.moveLine());
    this.moveLine();
    this.setStrength(1);
  }

  get empty() { return this.root.dataset.state === "empty"; }

  moveLine() {
    const share = Number(this.split.value);
    this.root.style.setProperty("--split", `${share}%`);
    this.grey.hidden = share === 0;
    if (share > 0 && !this.empty) this.contexts[1].drawImage(this.colour, 0, 0);
    this.split.setAttribute("aria-valuetext", `${share} percent grey`);
  }

  /** Multiply the colour by this; 1 is as it came. */
  setStrength(strength) {
    this.matrix.setAttribute("values", chromaMatrix(strength));
    this.colour.style.filter = strength === 1 ? "none" : "url(#strength-filter)";
  }

  /** Show a frame: an ImageBitmap, an image or a video. */
  draw(source) {
    const width = source.videoWidth ?? source.naturalWidth ?? source.width;
    const height = source.videoHeight ?? source.naturalHeight ?? source.height;
    if (this.colour.width !== width || this.colour.height !== height) {
      for (const canvas of [this.colour, this.grey]) { canvas.width = width; canvas.height = height; }
      this.root.style.setProperty("--ratio", `${width} / ${height}`);
    }
    this.contexts[0].drawImage(source, 0, 0);
    if (!this.grey.hidden) this.contexts[1].drawImage(source, 0, 0);
    this.root.dataset.state = "live";
  }

  clear() {
    this.root.dataset.state = "empty";
  }
}
