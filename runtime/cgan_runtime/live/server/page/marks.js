// The marks of placed colors over the picture, and what mouse, finger and keys do with them.
//
// const marks = new Marks({ open, moved, removed, undo, redo, leave });
// marks.show(hints, place);     // a mark for each hint, and one for a place that has no color yet: {x, y}
// marks.focus({x, y});
//
// open(place, anchor): {x, y}, with `hint` where one is there; moved(hint, place, done) returns the moved hint.

import { $ } from "./dom.js";

const STEP = 0.01, FINE = 0.002; // of the picture, for an arrow key, alone and with Shift
const HOLD_MS = 550; // until a finger that rests on a mark takes it away
const DRAG = 5; // pixels from which on a press is a move
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const inside = (value) => Math.round(1e4 * Math.min(1, Math.max(0, value))) / 1e4;

export class Marks {
  constructor(callbacks) {
    Object.assign(this, { callbacks, layer: $("hint-layer"), cursor: { x: 0.5, y: 0.5 }, held: null, removedAt: 0 });
    this.cross = this.layer.querySelector(".hint-cursor");
    this.pending = this.layer.querySelector(".hint-pending");
    this.layer.addEventListener("pointerdown", (event) => this.press(event));
    this.layer.addEventListener("pointermove", (event) => this.drag(event));
    this.layer.addEventListener("pointerup", (event) => this.release(event));
    this.layer.addEventListener("pointercancel", () => this.let());
    this.layer.addEventListener("contextmenu", (event) => this.rightClick(event));
    this.layer.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keydown", (event) => this.undoKey(event));
    this.moveCursor(0, 0);
  }

  show(hints, place) {
    const marks = [...this.layer.querySelectorAll(".hint")];
    hints.forEach((hint, i) => this.dress(marks[i] ?? this.layer.appendChild(this.mark()), hint));
    for (const mark of marks.slice(hints.length)) mark.remove();
    this.pending.hidden = !place || Boolean(place.hint);
    if (place) put(this.pending, place);
  }

  mark() {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "hint" });
    return button;
  }

  dress(mark, hint) {
    mark.hintOf = hint;
    mark.style.setProperty("--color", hint.color);
    put(mark, hint);
    const percent = (value) => Math.round(100 * value);
    mark.ariaLabel = `Color ${hint.color}, ${percent(hint.x)} percent from the left, ${percent(hint.y)} from the top`;
  }

  /** Move the focus to the mark of a place, or to the layer. */
  focus({ x, y }) {
    const marks = [...this.layer.querySelectorAll(".hint")];
    (marks.find(({ hintOf }) => hintOf.x === x && hintOf.y === y) ?? this.layer).focus({ preventScroll: true });
  }

  placeOf({ clientX, clientY }) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return { x: inside((clientX - left) / width), y: inside((clientY - top) / height) };
  }

  press(event) {
    if (event.button !== 0) return;
    const mark = event.target.closest(".hint");
    this.held = { mark, hint: mark?.hintOf, x: event.clientX, y: event.clientY, moved: false };
    if (!mark) return;
    if (event.pointerType === "touch") this.held.timer = setTimeout(() => this.take(mark.hintOf), HOLD_MS);
    this.layer.setPointerCapture(event.pointerId);
  }

  drag(event) {
    const { held } = this;
    if (!held) return;
    held.moved ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) >= DRAG;
    if (!held.moved) return;
    clearTimeout(held.timer);
    if (held.hint) held.hint = this.callbacks.moved(held.hint, this.placeOf(event), false);
  }

  release(event) {
    const { held } = this;
    if (!held) return;
    this.let();
    if (held.moved) { if (held.hint) this.callbacks.moved(held.hint, this.placeOf(event), true); return; }
    const place = this.placeOf(event);
    this.cursor = place;
    this.moveCursor(0, 0);
    if (held.hint) this.callbacks.open({ x: held.hint.x, y: held.hint.y, hint: held.hint }, held.mark);
    else this.callbacks.open(place, null);
  }

  let() {
    clearTimeout(this.held?.timer);
    this.held = null;
  }

  take(hint) {
    this.let();
    this.removedAt = performance.now();
    this.callbacks.removed(hint);
  }

  /** A right click, and what Android makes of a long press, which the timer has seen already. */
  rightClick(event) {
    event.preventDefault();
    const mark = event.target.closest(".hint");
    if (mark && performance.now() - this.removedAt > HOLD_MS) this.take(mark.hintOf);
  }

  key(event) {
    const hint = event.target.hintOf, arrow = ARROWS[event.key], step = event.shiftKey ? FINE : STEP;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow && hint) {
      const place = { x: inside(hint.x + arrow[0] * step), y: inside(hint.y + arrow[1] * step) };
      this.focus(this.callbacks.moved(hint, place, true));
    } else if (arrow) this.moveCursor(arrow[0] * step, arrow[1] * step);
    else if (event.key === "Enter" && hint) this.callbacks.open({ x: hint.x, y: hint.y, hint }, event.target);
    else if (event.key === "Enter") this.callbacks.open({ ...this.cursor }, null);
    else if ((event.key === "Delete" || event.key === "Backspace") && hint) this.callbacks.removed(hint);
    else if (event.key === "Escape") this.callbacks.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  undoKey(event) {
    const key = event.key.toLowerCase();
    if (this.layer.hidden || !(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) this.callbacks.redo();
    else this.callbacks.undo();
  }

  moveCursor(x, y) {
    this.cursor = { x: inside(this.cursor.x + x), y: inside(this.cursor.y + y) };
    put(this.cross, this.cursor);
  }
}

function put(element, { x, y }) {
  element.style.left = `${100 * x}%`;
  element.style.top = `${100 * y}%`;
}
