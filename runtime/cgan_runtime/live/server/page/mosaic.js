// All cameras of the server beside each other; each is a button that shows it alone.
//
// const mosaic = new Mosaic(choose);  mosaic.show(cameras);  mosaic.tile(id).draw(bitmap);  mosaic.clear();

import { scaleChroma } from "./chroma.js";
import { $ } from "./dom.js";
import { Freshness } from "./freshness.js";

const TILE_RATIO = 16 / 9;
const NEARLY = 0.05; // so much of an image may be cut off, in place of thin borders

class Tile {
  constructor(camera, choose) {
    this.root = $("tile").content.firstElementChild.cloneNode(true);
    this.root.querySelector(".name").textContent = camera.name;
    this.root.setAttribute("aria-label", `Show only ${camera.name}`);
    this.root.addEventListener("click", () => choose(camera.id));
    this.canvas = this.root.querySelector("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.note = this.root.querySelector(".note");
    this.freshness = new Freshness(this.root);
  }

  draw(bitmap) {
    const { width, height } = bitmap;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.root.toggleAttribute("data-wide", Math.abs(width / height / TILE_RATIO - 1) < NEARLY);
    }
    this.context.drawImage(bitmap, 0, 0);
    this.say("");
  }

  /** Say why there is no image. */
  say(text) { if (this.note.textContent !== text) this.note.textContent = text; }
}

export class Mosaic {
  constructor(choose) {
    this.root = $("mosaic");
    this.screen = $("screen");
    this.choose = choose;
    this.tiles = new Map();
  }

  show(cameras) {
    this.clear();
    for (const camera of cameras) this.tiles.set(camera.id, new Tile(camera, this.choose));
    this.root.replaceChildren(...[...this.tiles.values()].map((tile) => tile.root));
    const columns = Math.ceil(Math.sqrt(cameras.length)), rows = Math.ceil(cameras.length / columns);
    const shape = { columns, rows, cameras: cameras.length };
    for (const [name, value] of Object.entries(shape)) this.screen.style.setProperty(`--${name}`, value);
    this.root.hidden = false;
    this.screen.dataset.state = "mosaic";
  }

  tile(id) { return this.tiles.get(id); }

  /** A canvas with all cameras, for a snapshot; each as large as the largest. */
  picture(strength) {
    const canvases = [...this.tiles.values()].map((tile) => tile.canvas);
    const columns = Math.ceil(Math.sqrt(canvases.length)), rows = Math.ceil(canvases.length / columns);
    const width = Math.max(...canvases.map((canvas) => canvas.width)), height = Math.max(...canvases.map((canvas) => canvas.height));
    const picture = new OffscreenCanvas(columns * width, rows * height);
    const context = picture.getContext("2d", { alpha: false });
    canvases.forEach((canvas, index) => {
      const scale = Math.min(width / canvas.width, height / canvas.height);
      const size = [canvas.width * scale, canvas.height * scale];
      const left = index % columns * width + (width - size[0]) / 2;
      context.drawImage(canvas, left, Math.floor(index / columns) * height + (height - size[1]) / 2, ...size);
    });
    scaleChroma(context, 0, 1, strength);
    return picture;
  }

  clear() {
    for (const tile of this.tiles.values()) tile.freshness.end();
    this.tiles.clear();
    this.root.replaceChildren();
    this.root.hidden = true;
  }
}
