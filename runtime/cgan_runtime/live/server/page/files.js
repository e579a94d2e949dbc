// A photo or video of this device: sent, colored, shown and offered as a download.
//
// const files = new Files({ limits, stage, changed });  await files.color(file, strength);  files.clear();

import { $, moveFocus } from "./dom.js";
import { message } from "./message.js";
import { Upload } from "./upload.js";

export class Files {
  constructor(parts) {
    Object.assign(this, parts, { upload: null, video: null }); // upload: runs, or its result is shown
  }

  get working() { return this.upload !== null && this.upload.colored === undefined; }

  get done() { return this.upload?.colored !== undefined; }

  get paused() { return this.video?.paused ?? false; }

  togglePause() { if (this.paused) this.video.play(); else this.video?.pause(); }

  async color(file, strength) {
    const before = this.done ? this.upload : null; // shown again if this file cannot be colored
    this.leave();
    const upload = this.upload = new Upload(file, strength, { progress: showProgress });
    message("");
    this.changed();
    moveFocus($("cancel"));
    try {
      if (file.size > this.limits.bytes) throw new Error(`The file is too large; the limit is ${this.limits.bytes / 1e6} MB.`);
      const result = await upload.run();
      if (result === null || this.upload !== upload) return before?.cancel();
      before?.cancel();
      await this.show(upload, result);
    } catch (error) {
      if (this.upload !== upload) return before?.cancel();
      this.clear();
      if (before) await this.show(this.upload = before, before.colored);
      message(error.message, true);
    }
    this.changed();
    if (this.upload === upload || this.upload === null) moveFocus(this.done ? $("download") : $("file"));
  }

  async show(upload, result) {
    upload.colored = result;
    Object.assign($("download"), { href: result.url, download: result.name });
    this.changed();
    const visible = await (result.video ? this.play(result.url) : this.showImage(result.url)).then(() => true, () => false);
    if (this.upload !== upload) return;
    if (!visible) this.video = null;
    const { name } = upload.file;
    message(visible ? `${name} is colored.` : `${name} is colored, but this browser cannot show it. Download it.`);
  }

  async showImage(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    this.stage.draw(image);
  }

  async play(url) {
    const video = this.video = document.createElement("video");
    Object.assign(video, { muted: true, loop: true, playsInline: true, src: url });
    const draw = () => { if (this.video === video) { this.stage.draw(video); video.requestVideoFrameCallback(draw); } };
    video.requestVideoFrameCallback(draw);
    video.onplay = video.onpause = () => this.changed();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) video.currentTime = 0.001; // shows the first frame
    else await video.play();
  }

  clear() {
    this.upload?.cancel();
    this.leave();
  }

  /** Leave the screen to what comes; a result stays on the server. */
  leave() {
    if (this.working) this.upload.cancel();
    this.video?.pause();
    this.upload = this.video = null;
    this.stage.clear();
  }
}

function showProgress(text, fraction) {
  $("work-text").textContent = text;
  if (fraction === null) $("progress").removeAttribute("value");
  else $("progress").value = fraction;
}
