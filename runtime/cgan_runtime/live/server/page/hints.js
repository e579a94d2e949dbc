// Colors that a person places on a picture: on a photo, a paused video or a held camera.
//
// const hints = new Hints({ stage, message, hold, available });    // hold(bool) pauses the camera or lets it go on
// hints.offer({ upload, video, camera, paused });                  // what is shown now
// hints.close();                                                  // something else comes
//
// A click asks for a color and places it; the routes are described in guided.py. For measurements the window gets
// "cgan-hints" with the milliseconds from a change to its picture.

import { ask } from "./api.js";
import { $, moveFocus, save } from "./dom.js";
import { Guided } from "./guided.js";
import { Marks } from "./marks.js";
import { Swatches } from "./swatches.js";

const RADIUS = 0.01; // of a place, as a fraction of the longer side
const SAME_TIME = 1e-3; // seconds within which a hint is one of this very frame
const MOST_UNDO = 200;
const HELP = "Click a place and choose its color. Drag a color to move it, right-click or hold it to take it away.";

export class Hints {
  constructor(parts) {
    Object.assign(this, parts, { subject: null, shown: null, guided: null, used: [], time: 0 });
    this.forget();
    this.swatches = new Swatches({
      preview: (color) => { this.preview = color; this.refresh(); },
      choose: (color) => this.choose(color),
      cancel: () => this.cancel(),
    });
    this.marks = new Marks({
      open: (place, anchor) => this.ask(place, anchor),
      moved: (mark, place, done) => this.move(mark, place, done),
      removed: (mark) => this.remove(mark),
      undo: () => this.undo(),
      redo: () => this.redo(),
      leave: () => this.leave(),
    });
    for (const [id, act] of Object.entries({
      "place": () => this.open(), "hints-undo": () => this.undo(), "hints-redo": () => this.redo(), "hints-done": () => this.leave(),
      "hints-clear": () => this.change([]), "hints-save": () => this.save(), "hints-color": () => this.colorVideo(),
      "hints-live": () => this.goLive(), "hints-forget": () => this.stopGuiding(),
    })) $(id).addEventListener("click", () => Promise.resolve(act()).catch((error) => this.message(error.message, true)));
    $("hints-file").addEventListener("change", () => this.load());
    $("download").addEventListener("click", (event) => this.download(event), { capture: true });
  }

  get isOpen() { return this.guided !== null; }

  forget() {
    Object.assign(this, { list: [], past: [], future: [], place: null, preview: null, dirty: false, isGuiding: false });
  }

  /** Show the button where there is something to place colors on. */
  offer({ upload, video, camera, paused }) {
    const colored = upload?.colored;
    const kind = camera ? "camera" : colored && !colored.video ? "photo" : colored && video ? "video" : null;
    this.subject = kind && { kind, upload, video, camera };
    const shown = upload?.file ?? camera;
    if (shown && shown !== this.shown) this.forget();
    if (kind && upload !== this.upload) this.dirty = this.list.length > 0; // the same file, colored anew without them
    if (kind) Object.assign(this, { shown, upload });
    if (kind === "video" && video !== this.watched) this.watch(video);
    this.paused = paused;
    if (kind === "camera" && !paused) this.leave();
    this.show();
  }

  /** Know which frame of a video is seen. */
  watch(video) {
    this.watched = video;
    const note = (_, { mediaTime }) => {
      this.time = mediaTime;
      if (this.watched === video) video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
    video.addEventListener("play", () => this.leave());
    video.addEventListener("seeked", () => { if (this.isOpen) { this.leave(); this.open(); } });
  }

  show() {
    const kind = this.isOpen ? this.subject?.kind : null;
    $("place").hidden = this.isOpen || !this.subject || !this.available;
    $("hints").hidden = !this.isOpen;
    $("stage").toggleAttribute("data-hints", this.isOpen);
    $("hint-layer").hidden = !this.isOpen;
    $("hints-undo").disabled = this.past.length === 0;
    $("hints-redo").disabled = this.future.length === 0;
    $("hints-clear").disabled = $("hints-save").disabled = this.list.length === 0;
    $("hints-color").hidden = kind !== "video" || !this.dirty;
    $("hints-live").hidden = kind !== "camera";
    $("hints-forget").hidden = this.isOpen || !this.isGuiding;
    $("hints-count").textContent = this.count();
    this.marks.show(this.isOpen ? this.here() : [], this.place);
  }

  count() {
    const all = this.list.length, here = this.here().length;
    if (all === 0) return HELP;
    const text = all === 1 ? "1 color placed" : `${all} colors placed`;
    return all === here ? `${text}.` : `${text}, ${all - here} of them in other frames.`;
  }

  /** The hints of the picture that is seen. */
  here() {
    if (this.subject?.kind !== "video") return this.list;
    return this.list.filter((hint) => Math.abs((hint.time ?? (hint.frame ? Infinity : 0)) - this.time) < SAME_TIME);
  }

  async open() {
    const { kind, upload, video, camera } = this.subject;
    if (kind !== "photo" && this.stage.empty) throw new Error("There is no image yet.");
    const opening = this.opening = {};
    video?.pause();
    this.held = camera !== null && !this.paused;
    if (this.held) this.hold(true);
    this.message("");
    const guided = kind === "photo" ? await Guided.ofUpload(upload) : await Guided.ofStage(this.stage);
    await guided.begin();
    if (this.opening !== opening) return; // something else came meanwhile
    this.guided = guided;
    this.show();
    $("hint-layer").focus(); // at once: the button that had the focus is hidden now
    await this.refresh();
  }

  /** Back to the page as it was, with the colors that were placed. */
  leave() {
    if (!this.isOpen) return;
    this.cancel();
    this.guided = null;
    if (this.held) this.hold(false);
    this.show();
    moveFocus($("place"));
  }

  /** Something else comes. The colors stay until it is another file. */
  close() {
    this.swatches.close();
    this.opening = this.guided = this.subject = this.watched = this.place = this.preview = null;
    this.show();
  }

  /** Ask for the color of a place: of a hint that is there, or of a new one. */
  ask(place, anchor) {
    this.place = place;
    this.show();
    const used = new Set([...this.used, ...this.list.map(({ color }) => color).reverse()]);
    this.swatches.open(anchor ?? this.marks.pending, this.guided.guess(place), [...used]);
  }

  cancel() {
    this.swatches.close();
    const back = this.place;
    Object.assign(this, { place: null, preview: null });
    if (!back) return;
    this.show();
    this.refresh();
    this.marks.focus(back);
  }

  choose(color) {
    const { x, y, hint } = this.place;
    const moment = this.subject.kind === "video" ? { time: this.time } : {};
    const placed = hint ? { ...hint, color } : { x, y, color, radius: RADIUS, ...moment };
    this.used = [color, ...this.used.filter((each) => each !== color)];
    this.swatches.close();
    Object.assign(this, { place: null, preview: null });
    this.change(hint ? this.list.map((each) => each === hint ? placed : each) : [...this.list, placed]);
    this.marks.focus(placed);
  }

  move(hint, { x, y }, done) {
    const moved = { ...hint, x, y };
    const list = this.list.map((each) => each === hint ? moved : each);
    if (done) this.change(list, this.before ?? this.list);
    else { this.before ??= this.list; this.list = list; this.show(); this.refresh(); }
    if (done) this.before = null;
    return moved;
  }

  remove(hint) {
    this.swatches.close();
    this.place = null;
    this.change(this.list.filter((each) => each !== hint));
    $("hint-layer").focus();
  }

  change(list, before = this.list) {
    this.past = [...this.past.slice(-MOST_UNDO), before];
    this.future = [];
    this.set(list);
  }

  undo() { this.step(this.past, this.future); }
  redo() { this.step(this.future, this.past); }

  step(from, to) {
    if (from.length === 0) return;
    this.cancel();
    to.push(this.list);
    this.set(from.pop());
  }

  set(list) {
    Object.assign(this, { list, dirty: true });
    this.show();
    this.refresh();
  }

  /** Show the picture with these colors, and with the one that is looked at. */
  async refresh() {
    if (!this.isOpen) return;
    const guided = this.guided;
    const shown = this.here().filter((each) => !this.preview || each !== this.place?.hint);
    if (this.preview && this.place) shown.push({ x: this.place.x, y: this.place.y, color: this.preview, radius: RADIUS });
    try {
      const began = performance.now();
      const bitmap = await guided.picture(shown);
      if (!bitmap || this.guided !== guided) return;
      this.stage.draw(bitmap);
      bitmap.close();
      window.dispatchEvent(new CustomEvent("cgan-hints", { detail: performance.now() - began }));
    } catch (error) {
      this.message(error.message, true);
    }
  }

  get document() { return `{"hints": [\n  ${this.list.map((hint) => JSON.stringify(hint)).join(",\n  ")}\n]}\n`; }

  save() {
    const stem = this.subject.upload?.file.name.replace(/\.[^.]*$/, "") || "camera";
    save(new Blob([this.document], { type: "application/json" }), `${stem}.hints.json`);
  }

  async load() {
    const file = $("hints-file").files[0];
    $("hints-file").value = "";
    if (!file) return;
    try {
      if (file.size > 1 << 20) throw new Error(`${file.name} is too large for hints.`);
      const answer = await Guided.check(await file.text(), file.name, this.subject.kind !== "video");
      this.change(answer.hints);
      this.message(`${file.name}: ${this.count()}`);
    } catch (error) {
      this.message(error.message, true);
    }
  }

  /** Color the whole photo with the hints before it is downloaded. */
  async download(event) {
    if (!this.dirty || this.subject?.kind !== "photo") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.coloring) return;
    this.coloring = true;
    this.message("Coloring the picture in its full size.");
    try {
      await this.subject.upload.again(this.document);
      this.dirty = false;
      this.message("");
      $("download").click();
    } catch (error) {
      this.message(error.message, true);
    }
    this.coloring = false;
  }

  async colorVideo() {
    const { upload, video } = this.subject;
    this.leave();
    $("work").hidden = false;
    try {
      const result = await upload.again(this.document);
      if (!result || this.subject?.video !== video) return;
      this.dirty = false;
      video.src = `${result.url}?${Date.now()}`;
      await video.play();
    } finally {
      $("work").hidden = true;
    }
  }

  async goLive() {
    const { camera } = this.subject;
    await this.guided.guide(camera, this.list);
    this.isGuiding = this.list.length > 0;
    this.held = true; // also one that was paused before
    this.leave();
    this.message(this.isGuiding ? "The camera takes these colors now." : "");
  }

  async stopGuiding() {
    await ask(`/cameras/${encodeURIComponent(this.subject.camera.id)}/guide`, "DELETE");
    this.isGuiding = false;
    this.show();
  }
}
