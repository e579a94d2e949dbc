// Shows one frame, in gray left of the line and in color right of it.
//
// const stage = new Stage(changed);  stage.draw(bitmap);  stage.clear();  stage.picture() is what is shown, for a snapshot
// The browser's own graphics apply the strength and the gray: they scale the chroma and keep the luma.

import { $ } from "./dom.js";
import { chromaMatrix, scaleChroma } from "./chroma.js";

const SPLIT_STEP = 5; // percent, for each key press

export class Stage {
  /** `changed` is called when the first image is shown. */
  constructor(changed) {
    this.changed = changed;
    this.screen = $("screen");
    this.root = $("stage");
    this.split = $("split");
    this.color = $("color");
    this.gray = $("gray");
    this.contexts = [this.color, this.gray].map((canvas) => canvas.getContext("2d", { alpha: false }));
    $("gray-matrix").setAttribute("values", chromaMatrix(0));
    this.split.addEventListener("input", () => this.moveLine());
    this.moveLine();
    this.setStrength(1);
  }

  get empty() { return this.screen.dataset.state === "empty"; }

  moveLine() {
    const percent = Number(this.split.value);
    this.root.style.setProperty("--split", `${percent}%`);
    this.gray.hidden = percent === 0;
    if (percent > 0 && !this.empty) this.contexts[1].drawImage(this.color, 0, 0);
    this.split.setAttribute("aria-valuetext", `${percent} percent gray`);
  }

  /** Move the line by a number of steps, to the right if it is positive. */
  stepLine(steps) {
    this.split.value = Number(this.split.value) + steps * SPLIT_STEP;
    this.moveLine();
  }

  /** Multiply the chroma of everything on the screen; 1 leaves it as received. */
  setStrength(strength) {
    this.strength = strength;
    $("strength-matrix").setAttribute("values", chromaMatrix(strength));
    this.screen.toggleAttribute("data-strength", strength !== 1);
  }

  /** Show a frame: an ImageBitmap, an image or a video. */
  draw(source) {
    const width = source.videoWidth ?? source.naturalWidth ?? source.width;
    const height = source.videoHeight ?? source.naturalHeight ?? source.height;
    const sizeChanged = this.color.width !== width || this.color.height !== height;
    if (sizeChanged) for (const canvas of [this.color, this.gray]) Object.assign(canvas, { width, height });
    const first = this.empty;
    if (first || sizeChanged) this.screen.style.setProperty("--ratio", `${width} / ${height}`);
    this.contexts[0].drawImage(source, 0, 0);
    if (!this.gray.hidden) this.contexts[1].drawImage(source, 0, 0);
    this.screen.dataset.state = "image";
    if (first) this.changed();
  }

  /** A canvas with the image as it is seen: strength and gray part, without the line. */
  picture() {
    const canvas = new OffscreenCanvas(this.color.width, this.color.height);
    const context = canvas.getContext("2d", { alpha: false });
    context.drawImage(this.color, 0, 0);
    scaleChroma(context, 0, Number(this.split.value) / 100, 0);
    scaleChroma(context, Number(this.split.value) / 100, 1, this.strength);
    return canvas;
  }

  clear() {
    this.screen.dataset.state = "empty";
    this.screen.style.removeProperty("--ratio");
  }
}
