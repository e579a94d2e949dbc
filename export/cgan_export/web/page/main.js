// The page: takes a photo, a video or the camera, shows it in color, and saves it. All work is done by the workers.

import { Camera } from "./camera.js";
import { $, moveFocus, save } from "./dom.js";
import { Figures } from "./figures.js";
import { Hints } from "./hints.js";
import { isolated } from "./isolation.js";
import { Stage } from "./stage.js";
import { Studio } from "./studio.js";
import { addTips } from "./tips.js";
import { unreadable } from "./unreadable.js";

const FORMATS = { "image/png": "png", "image/jpeg": "jpg" };
const stage = new Stage(() => update());
const figures = new Figures();
const hints = new Hints({ stage, message: showMessage, hold() {}, available: false });
let studio = null;
let source = "file"; // or "camera"
let camera = null; // while it runs
let shown = null; // the photo or video on the stage: {name, strength, subject} or {name, file, strength, video, blob, suffix}
let working = null; // {name, cancel} while a file is colored

const strength = () => Number($("strength").value);
const counted = (frames) => `${frames} ${frames === 1 ? "frame" : "frames"}`;
const megabytes = (bytes) => Math.round(bytes / 1e6);

function showMessage(text, isError = false) {
  if ($("message").textContent === text) return; // a screen reader would read it again
  $("message").textContent = text;
  $("message").dataset.kind = isError ? "error" : "";
}

function showProgress(text, part) {
  $("work-text").textContent = text;
  if (part === null) $("progress").removeAttribute("value");
  else $("progress").value = part;
}

/** Show the controls that fit the current state. */
function update() {
  const isPhoto = shown !== null && !shown.video, isVideo = shown?.video !== undefined;
  const visible = {
    start: source === "camera" && !camera, pick: source === "file" && !working, work: working !== null,
    cancel: working?.cancel !== undefined, stop: camera !== null, switch: camera?.several === true, take: camera !== null,
    play: isVideo, again: isVideo && strength() !== shown.strength, another: shown !== null,
    "save-png": isPhoto, "save-jpeg": isPhoto, "save-video": isVideo,
  };
  for (const [id, on] of Object.entries(visible)) $(id).hidden = !on;
  $("play").textContent = shown?.video?.paused ? "Play" : "Pause";
  $("invitation").textContent = working ? working.name : source === "camera" ? "See your camera in color." : "Choose, drop or paste a gray photo or video.";
  $("strength-value").textContent = strength().toFixed(2);
  hints.offer({ upload: shown?.subject ?? null, video: null, camera: null, paused: false });
}

/** Stop everything and clear the stage. */
function reset() {
  camera?.stop();
  working?.cancel?.();
  shown?.video?.pause();
  if (shown?.url) URL.revokeObjectURL(shown.url);
  camera = shown = working = null;
  hints.close();
  figures.hide();
  stage.clear();
  stage.setStrength(1);
  showMessage("");
}

function choose(next) {
  if (next === source) return;
  reset();
  source = next;
  document.querySelector(`input[value="${source}"]`).checked = true;
  update();
}

/** Do work on a file that can be canceled by what comes after it; errors are shown. */
async function work(name, act, cancel) {
  const own = working = { name, cancel };
  showProgress("Coloring", null);
  update();
  if (cancel) moveFocus($("cancel"));
  try {
    await act(() => working === own);
  } catch (error) {
    if (working === own) { reset(); showMessage(error.message, true); }
  }
  if (working === own) working = null;
  update();
}

async function colorFile(file, name = file.name) {
  const isVideo = file.type?.startsWith("video/") || /\.(mkv|mov|mp4|webm)$/i.test(name);
  const trouble = shown || working || camera ? await unreadable(file, isVideo) : "";
  if (trouble) { showMessage(trouble, true); return; }
  choose("file");
  reset();
  await (isVideo ? colorVideo(file, name) : colorPhoto(file, name));
  moveFocus(shown ? $(isVideo ? "save-video" : "save-jpeg") : $("file"));
}

async function colorPhoto(file, name) {
  await work(name, async (current) => {
    const applied = strength(), { bitmap, took } = await studio.ask("photo", { file, strength: applied });
    if (!current()) return bitmap.close();
    shown = { name, strength: applied, subject: { file: { name }, colored: {}, studio, strength } };
    showPhoto(bitmap);
    showMessage(`${name} is colored, in ${(took / 1000).toFixed(1)} seconds.`);
  });
}

function showPhoto(bitmap) {
  stage.draw(bitmap);
  stage.setStrength(1);
  bitmap.close();
}

/** Color the photo anew with another strength; the stage has shown about that meanwhile. */
async function repaint() {
  if (!shown || shown.video || shown.strength === strength()) return;
  const own = shown, applied = own.strength = strength();
  const { bitmap } = await studio.ask("repaint", { strength: applied });
  if (shown === own && own.strength === applied) showPhoto(bitmap);
}

async function colorVideo(file, name) {
  await work(name, async (current) => {
    const applied = strength(), result = await studio.ask("video", { file, strength: applied });
    if (!current()) return;
    const video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true });
    shown = { ...result, name, file, strength: applied, video, url: URL.createObjectURL(result.blob) };
    video.src = shown.url;
    const visible = await play(video).then(() => true, () => false);
    if (!current()) return;
    const lost = result.lost ? " Its sound could not be kept." : "";
    showMessage(`${name} is colored, ${counted(result.frames)}.${lost}${visible ? "" : " This browser cannot show it; save it."}`);
  }, () => studio.stop());
}

async function play(video) {
  const draw = () => { if (shown?.video === video) { stage.draw(video); video.requestVideoFrameCallback(draw); } };
  video.requestVideoFrameCallback(draw);
  video.onplay = video.onpause = update;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) video.currentTime = 0.001; // shows the first frame
  else await video.play();
}

async function startCamera() {
  reset();
  const own = camera = new Camera(studio, strength, {
    frame(bitmap, measured) {
      stage.draw(bitmap);
      figures.frame(measured);
      $("predictions").textContent = `${measured.predictions.toFixed(1)} predictions a second at ${measured.size} px`;
    },
    ended(reason) { if (camera === own) { reset(); update(); showMessage(reason, true); } },
  });
  update();
  moveFocus($("stop"));
  showMessage("Allow the camera in your browser.");
  try {
    await own.start();
    if (camera !== own) return;
    const devices = await navigator.mediaDevices.enumerateDevices();
    own.several = devices.filter(({ kind }) => kind === "videoinput").length > 1;
    figures.show();
    showMessage("");
    update();
  } catch (error) {
    if (camera === own) { reset(); update(); moveFocus($("start")); showMessage(error.message, true); }
  }
}

async function takePhoto() {
  const bitmap = await camera.photo();
  await colorFile(bitmap, "camera.jpg");
}

async function savePhoto(type) {
  const { blob } = await studio.ask("save", { type });
  save(blob, nameOf(FORMATS[type]));
}

const nameOf = (suffix) => `${shown.name.replace(/\.[^.]*$/, "") || "image"}.color.${suffix}`;

function listen() {
  const clicks = {
    start: startCamera, take: takePhoto, another: () => $("file").click(),
    stop: () => { reset(); update(); $("start").focus(); },
    cancel: () => { reset(); update(); showMessage("Canceled."); moveFocus($("file")); },
    switch: () => camera.switch().catch((error) => camera.callbacks.ended(error.message)),
    play: () => (shown.video.paused ? shown.video.play() : shown.video.pause()),
    again: () => colorFile(shown.file, shown.name),
    "save-png": () => savePhoto("image/png"), "save-jpeg": () => savePhoto("image/jpeg"),
    "save-video": () => save(shown.blob, nameOf(shown.suffix)),
  };
  for (const [id, act] of Object.entries(clicks)) {
    $(id).addEventListener("click", async () => { try { await act(); } catch (error) { showMessage(error.message, true); } });
  }
  for (const input of document.querySelectorAll("input[name=source]")) input.addEventListener("change", () => choose(input.value));
  $("strength").addEventListener("input", () => { if (shown?.strength) stage.setStrength(strength() / shown.strength); update(); });
  $("strength").addEventListener("change", () => repaint().catch((error) => showMessage(error.message, true)));
  $("file").addEventListener("change", () => { const [file] = $("file").files; if (file) colorFile(file); $("file").value = ""; });
  document.addEventListener("paste", ({ clipboardData }) => { if (clipboardData.files[0]) colorFile(clipboardData.files[0]); });
  document.addEventListener("dragover", (event) => { event.preventDefault(); stage.screen.dataset.drop = ""; });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete stage.screen.dataset.drop; });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    delete stage.screen.dataset.drop;
    if (event.dataTransfer.files[0]) colorFile(event.dataTransfer.files[0]);
  });
}

/** What runs the model, as a line: "edge · WASM, 2 threads, 90 ms". */
function engineText({ model, engine, threads, ms }) {
  const cores = engine === "WASM" ? `, ${threads} ${threads === 1 ? "thread" : "threads"}` : "";
  return `${model} · ${engine}${cores}, ${Math.round(ms)} ms`;
}

async function begin() {
  addTips();
  update();
  $("model").textContent = "Loading";
  await isolated();
  studio = new Studio({
    progress: (loaded, total) => { $("model").textContent = loaded < total ? `Loading, ${megabytes(loaded)} of ${megabytes(total)} MB` : "Testing the engine"; },
    coloring: (done, part) => showProgress(`Coloring, ${counted(done)}`, part),
  });
  listen();
  try {
    const about = await studio.open();
    hints.available = about.hints;
    $("model").textContent = engineText(about);
    $("model").dataset.tip = about.reason ? `${about.reason[0].toUpperCase()}${about.reason.slice(1)}.` : "What runs the model here.";
    update();
    document.documentElement.dataset.ready = about.engine;
  } catch (error) {
    $("model").textContent = "";
    showMessage(`The engine could not be started: ${error.message}`, true);
  }
}

begin();
