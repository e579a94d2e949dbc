// The colors to choose from for a place of a picture: each at that place's lightness, as it will be seen there.
//
// const swatches = new Swatches({ preview(color or null), choose(color), cancel() });
// swatches.open(anchor, seen, used);   swatches.close();   swatches.isOpen
//
// `anchor` is the element beside which they appear, `seen` the color of the place, [R, G, B], and `used` are colors
// as "#rrggbb" that were chosen before.

import { $ } from "./dom.js";

const GAP = 14; // pixels between the place and the colors
const MARGIN = 8; // pixels to the edge of the window
const MOST_USED = 6;
const NARROW = "(max-width: 720px)"; // there the colors are at the bottom of the window, within reach of a thumb

// Names and CIELAB (a*, b*) of what is in most pictures.
const USUAL = [
  ["gray", 0, 0], ["pale skin", 12, 16], ["tanned skin", 16, 24], ["dark skin", 11, 17], ["blond", 4, 30], ["wood", 12, 30],
  ["brown", 14, 20], ["sand", 3, 18], ["brick", 32, 28], ["rust", 36, 46], ["red", 60, 42], ["wine", 38, 12],
  ["pink", 40, 2], ["orange", 38, 58], ["yellow", 2, 68], ["olive", -8, 32], ["grass", -32, 38], ["leaves", -22, 26],
  ["dark green", -18, 10], ["turquoise", -30, -8], ["sky", -6, -26], ["blue", 8, -46], ["navy", 10, -28], ["jeans", -2, -18],
  ["gray blue", -2, -9], ["violet", 30, -38],
];

/** L*, a* and b* of an sRGB color of 0 to 255 each (CIE 15:2004, D65). */
export function labOf([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((code) => code / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const f = (t) => t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29;
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.9504559);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
  const z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.0890578);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** sRGB of a color, 0 to 1 each; outside of that where it cannot be shown. */
function rgbOf([l, a, b]) {
  const y = (l + 16) / 116;
  const [X, Y, Z] = [y + a / 500, y, y - b / 200]
    .map((t) => t > 6 / 29 ? t ** 3 : 3 * (6 / 29) ** 2 * (t - 4 / 29))
    .map((value, i) => value * [0.9504559, 1, 1.0890578][i]);
  return [
    3.2404542 * X - 1.5371385 * Y - 0.4985314 * Z,
    -0.9692660 * X + 1.8760108 * Y + 0.0415560 * Z,
    0.0556434 * X - 0.2040259 * Y + 1.0572252 * Z,
  ].map((v) => v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
}

/** "#rrggbb" of this lightness and chroma, paler where the screen shows no such color. */
export function colorAt(lightness, a, b) {
  const shown = (factor) => rgbOf([lightness, a * factor, b * factor]);
  let [least, most] = [0, 1];
  if (!fits(shown(1))) {
    for (let i = 0; i < 12; i += 1) {
      const middle = (least + most) / 2;
      if (fits(shown(middle))) least = middle;
      else most = middle;
    }
    most = least;
  }
  return hex(shown(most).map((value) => Math.round(255 * Math.min(1, Math.max(0, value)))));
}

const fits = (rgb) => rgb.every((value) => value >= -0.002 && value <= 1.002);
export const hex = (codes) => `#${codes.map((code) => code.toString(16).padStart(2, "0")).join("")}`;
export const codesOf = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

export class Swatches {
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.root = $("swatches");
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.root.addEventListener("pointerleave", () => this.callbacks.preview(null));
    this.other = $("other-color");
    this.other.addEventListener("input", () => this.callbacks.preview(this.other.value));
    this.other.addEventListener("change", () => this.callbacks.choose(this.other.value));
    $("swatches-cancel").addEventListener("click", () => this.callbacks.cancel());
  }

  get isOpen() { return !this.root.hidden; }

  open(anchor, seen, used) {
    const [lightness, a, b] = labOf(seen);
    const before = used.map((color) => labOf(codesOf(color)));
    this.fill("guess", [["as the model guesses", a, b]], lightness);
    this.fill("used", before.slice(0, MOST_USED).map(([, ...chroma], i) => [`used before, ${i + 1}`, ...chroma]), lightness);
    this.fill("usual", USUAL, lightness);
    this.other.value = hex(seen);
    const host = document.fullscreenElement ?? document.body; // nothing else is drawn in full screen
    if (this.root.parentElement !== host) host.append(this.root);
    this.root.hidden = false;
    this.place(anchor.getBoundingClientRect());
    this.root.querySelector(".swatch").focus({ preventScroll: true });
  }

  close() { this.root.hidden = true; }

  fill(group, colors, lightness) {
    const row = $(`swatches-${group}`);
    row.parentElement.hidden = colors.length === 0;
    row.replaceChildren(...colors.map(([name, a, b]) => this.swatch(name, colorAt(lightness, a, b))));
  }

  swatch(name, color) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "swatch", title: name, ariaLabel: name });
    button.dataset.color = color;
    button.style.background = color;
    button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") this.callbacks.preview(color); });
    button.addEventListener("click", () => this.callbacks.choose(color));
    return button;
  }

  /** Beside a place of the window, and inside the window. */
  place({ left, right, top, bottom }) {
    const { style } = this.root;
    if (matchMedia(NARROW).matches) { style.left = style.top = ""; return; }
    const { width, height } = this.root.getBoundingClientRect();
    const fitsRight = right + GAP + width + MARGIN <= innerWidth;
    const x = fitsRight ? right + GAP : Math.max(MARGIN, left - GAP - width);
    const y = Math.min(Math.max(MARGIN, (top + bottom - height) / 2), innerHeight - height - MARGIN);
    style.left = `${x}px`;
    style.top = `${Math.max(MARGIN, y)}px`;
  }

  press(event) {
    const all = [...this.root.querySelectorAll(".swatch")].filter((each) => each.checkVisibility());
    const at = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns(all), ArrowUp: -this.columns(all) }[event.key];
    if (event.key === "Escape") this.callbacks.cancel();
    else if (step && at >= 0) {
      const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
      next.focus();
      this.callbacks.preview(next.dataset.color);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Swatches in a full row. */
  columns(all) {
    const last = all[all.length - 1].parentElement;
    return Math.max(1, [...last.children].filter((each) => each.offsetTop === last.firstElementChild.offsetTop).length);
  }
}
