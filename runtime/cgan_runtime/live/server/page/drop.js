// A dropped photo or video: sent, colored by the box, shown, and there to download.
//
// const job = new Dropped(file, strength, callbacks);  await job.run();  job.cancel();
// callbacks: progress(words, share or null)
// run() gives {url, video, name}, or throws with words for people; null where it was cancelled.

import { NO_ENTRY } from "./sources.js";

const POLL_MS = 300;
const PATIENCE = 20; // questions without an answer, as when a phone changes its network

export class Dropped {
  constructor(file, strength, callbacks) {
    Object.assign(this, { file, strength, callbacks, cancelled: false, id: null });
  }

  async run() {
    const job = await this.send();
    if (this.cancelled) return null;
    this.id = job.id;
    for (let state = job; ; state = await this.ask()) {
      if (this.cancelled) return null;
      if (state.state === "failed") throw new Error(`It could not be colored: ${state.error}.`);
      if (state.state === "ready") return this.result(state);
      this.tell(state);
      await pause();
    }
  }

  /** Send the file, with progress, which fetch does not tell. */
  send() {
    return new Promise((done, failed) => {
      const request = this.request = new XMLHttpRequest();
      request.open("POST", `/uploads?strength=${this.strength}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => this.callbacks.progress("Sending", event.lengthComputable ? event.loaded / event.total : null);
      request.onload = () => request.status === 202 ? done(request.response) : failed(new Error(refusal(request)));
      request.onerror = () => failed(new Error("The box did not take it; is the file too large?"));
      request.onabort = () => done({});
      request.send(this.file);
    });
  }

  async ask() {
    let answer = null;
    for (let asked = 0; answer === null && !this.cancelled; asked += 1) {
      if (asked === PATIENCE) throw new Error("The box does not answer any more. Drop the file again later.");
      if (asked > 0) await pause();
      answer = await fetch(`/uploads/${this.id}`).catch(() => null);
    }
    if (answer?.status === 401) throw new Error(NO_ENTRY);
    if (answer?.ok === false) throw new Error("The box has forgotten this file; drop it again.");
    return answer?.json();
  }

  tell(state) {
    if (state.state === "queued") this.callbacks.progress(state.ahead ? `Waiting, ${state.ahead} before it` : "Waiting", null);
    else if (state.video && state.total) this.callbacks.progress(`Coloring, ${state.done} of ${state.total} frames`, Math.min(1, state.done / state.total));
    else this.callbacks.progress("Coloring", null);
  }

  result(state) {
    const stem = this.file.name.replace(/\.[^.]*$/, "") || "image";
    const suffix = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4" }[state.type];
    return { url: `/uploads/${this.id}/result`, video: state.video, name: `${stem}.color.${suffix}` };
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
    if (this.id) fetch(`/uploads/${this.id}`, { method: "DELETE" }).catch(() => {});
  }
}

const pause = () => new Promise((done) => setTimeout(done, POLL_MS));

/** Why a file was not taken, as a sentence. */
function refusal({ status, response }) {
  if (status === 401) return NO_ENTRY;
  const text = response?.error ?? `the box refused it (${status})`;
  return text[0].toUpperCase() + text.slice(1) + ".";
}
