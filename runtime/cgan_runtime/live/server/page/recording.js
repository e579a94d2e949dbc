// Records the camera on the stage, on the server, and saves the video here when it is finished.
//
// const recording = new Recording(changed);  recording.toggle(id);  recording.heard(camera);  recording.clear();

import { ask } from "./api.js";
import { $, clock, save } from "./dom.js";
import { notice } from "./message.js";

export class Recording {
  constructor(changed) {
    Object.assign(this, { changed, running: null, finished: null, mine: false, busy: false });
  }

  /** What the server says about the camera: somebody else may have started or stopped a recording. */
  heard({ recording }) {
    if (this.busy || (recording && recording.id === this.finished?.id)) return;
    const running = recording?.state === "recording" ? recording : null;
    if (recording?.state === "failed" && this.running?.id === recording.id) {
      notice(`The recording has ended: ${recording.message}.`, true);
      this.finished = recording;
    }
    this.set(running);
  }

  async toggle(id) {
    if (this.busy || id === null) return;
    if (this.running) { await this.finish(id); return; }
    await this.request(async () => {
      this.finished = null;
      this.set(await ask(`/cameras/${encodeURIComponent(id)}/recording`, "POST"));
      this.mine = true;
    });
  }

  /** Finish the recording and save it. */
  async finish(id) {
    await this.request(async () => {
      const finished = this.finished = await ask(`/cameras/${encodeURIComponent(id)}/recording`, "DELETE");
      this.set(null);
      if (finished.frames === 0) { this.finished = null; notice("Nothing was recorded: no frame came."); return; }
      save(finished.url, finished.name);
      notice(`Recorded ${clock(finished.seconds)}, ${(finished.bytes / 1e6).toFixed(1)} MB: ${finished.name}`);
    });
  }

  async request(action) {
    this.busy = true;
    try {
      await action();
    } catch (error) {
      notice(error.message, true);
    }
    this.busy = false;
    this.changed();
  }

  set(running) {
    if (!running) this.mine = false;
    if (this.running?.id === running?.id && this.running?.seconds === running?.seconds) return;
    this.running = running;
    this.changed();
  }

  /** Show whether it records, and the link to what was recorded. */
  show() {
    $("recording-badge").hidden = !this.running;
    if (this.running) $("recording-badge").textContent = clock(this.running.seconds);
    $("recorded").hidden = !this.finished;
    if (this.finished) Object.assign($("recorded"), { href: this.finished.url, download: this.finished.name });
  }

  /** Forget what is running; a recording that this page has started must be finished before. */
  clear() { Object.assign(this, { running: null, mine: false }); }
}
