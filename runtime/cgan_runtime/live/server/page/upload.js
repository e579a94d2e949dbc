// Sends a photo or video to the server and follows its coloring.
//
// const upload = new Upload(file, strength, callbacks);  await upload.run();  upload.cancel();
// callbacks: progress(text, fraction or null)
// run() returns {url, video, name}, or null after cancel(); it throws an Error with a message for the user.

import { ACCESS_DENIED, NO_ANSWER, sentence } from "./api.js";

const POLL_MS = 300;
const MAX_RETRIES = 20; // polls without an answer, as when a phone changes its network

export class Upload {
  constructor(file, strength, callbacks) {
    Object.assign(this, { file, strength, callbacks, cancelled: false, id: null });
  }

  async run() {
    const gone = () => this.cancel(); // nobody would fetch the result, and other files wait for this one
    addEventListener("pagehide", gone);
    try {
      const upload = await this.send();
      if (this.cancelled) return null;
      this.id = upload.id;
      return await this.follow(upload);
    } finally {
      removeEventListener("pagehide", gone);
    }
  }

  /** Color the file once more, with placed colors (hints.js), as run() does. */
  async again(hints) {
    const answer = await fetch(`/uploads/${this.id}/hints`, { method: "POST", body: hints }).catch(() => null);
    if (answer === null) throw new Error(NO_ANSWER);
    const status = await answer.json();
    if (!answer.ok) throw new Error(sentence(status.error));
    return this.follow(status);
  }

  async follow(status) {
    for (;; status = await this.poll()) {
      if (this.cancelled) return null;
      if (status.state === "failed") throw new Error(`The file could not be colored: ${status.error}.`);
      if (status.state === "ready") return this.result(status);
      this.showProgress(status);
      await pause();
    }
  }

  /** Send the file; fetch would not report the progress. */
  send() {
    return new Promise((resolve, reject) => {
      const request = this.request = new XMLHttpRequest();
      request.open("POST", `/uploads?strength=${this.strength}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => this.callbacks.progress("Sending", event.lengthComputable ? event.loaded / event.total : null);
      request.onload = () => request.status === 202 ? resolve(request.response) : reject(new Error(refusal(request)));
      request.onerror = () => reject(new Error("The server did not accept the file. It may be too large."));
      request.onabort = () => resolve({});
      request.send(this.file);
    });
  }

  async poll() {
    let answer = null;
    for (let tries = 0; answer === null && !this.cancelled; tries += 1) {
      if (tries === MAX_RETRIES) throw new Error("The server does not answer. Send the file again later.");
      if (tries > 0) await pause();
      answer = await fetch(`/uploads/${this.id}`).catch(() => null);
    }
    if (answer?.status === 401) throw new Error(ACCESS_DENIED);
    if (answer?.ok === false) throw new Error("The server has deleted this file. Send it again.");
    return answer?.json();
  }

  showProgress({ state, ahead, video, done, total }) {
    if (state === "queued") this.callbacks.progress(ahead ? `Waiting, ${ahead} before this one` : "Waiting", null);
    else if (video && total) this.callbacks.progress(`Coloring, ${done} of ${total} frames`, Math.min(1, done / total));
    else this.callbacks.progress("Coloring", null);
  }

  result(status) {
    const stem = this.file.name.replace(/\.[^.]*$/, "") || "image";
    const suffix = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4" }[status.type];
    return { url: `/uploads/${this.id}/result`, video: status.video, name: `${stem}.color.${suffix}` };
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
    if (this.id) fetch(`/uploads/${this.id}`, { method: "DELETE", keepalive: true }).catch(() => {});
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** Why a file was refused, as a sentence. */
function refusal({ status, response }) {
  if (status === 401) return ACCESS_DENIED;
  const text = response?.error ?? `the server refused the file (status ${status})`;
  return text[0].toUpperCase() + text.slice(1) + ".";
}
