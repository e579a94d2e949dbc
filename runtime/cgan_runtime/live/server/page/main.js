// The page: which source, what is shown of it, what may be done with it.

import { Dropped } from "./drop.js";
import { Figures } from "./graph.js";
import { BoxCamera, OwnCamera } from "./sources.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
const stage = new Stage();
const figures = new Figures();
const about = await (await fetch("/about")).json();
let chosen = null; // "box", "own" or "file"
let live = null; // BoxCamera or OwnCamera that runs
let dropped = null; // Dropped: a file that is colored, or was
let video = null; // the video that plays

const callbacks = {
  frame(bitmap, figuresOfFrame) {
    stage.draw(bitmap);
    figures.frame(figuresOfFrame);
  },
  status: say,
  ended(reason) { stop(); say(reason, true); },
};

function say(text, isTrouble = false) {
  if ($("message").textContent === text) return; // a screen reader need not hear it again
  $("message").textContent = text;
  $("message").dataset.kind = isTrouble ? "trouble" : "";
}

/** Which buttons there are, by what goes on. */
function show() {
  const working = dropped !== null && dropped.shown === undefined;
  const done = dropped?.shown;
  $("start").hidden = chosen === "file" || live !== null;
  $("pick").hidden = chosen !== "file" || working;
  $("limits").hidden = chosen !== "file" || working;
  $("work").hidden = !working;
  $("stop").hidden = live === null;
  $("turn").hidden = !(live instanceof OwnCamera) || !canTurn;
  $("another").hidden = !done;
  $("play").hidden = video === null;
  $("play").textContent = video?.paused ? "Play" : "Pause";
  $("download").hidden = !done;
  $("again").hidden = !done || Number($("strength").value) === dropped.strength;
  $("invitation").textContent = working ? dropped.file.name : {
    box: "The camera of the machine that serves this page.",
    own: "Your camera’s images go to the box and come back in color. They are not kept.",
    file: "Drop a photo or a short video here.",
  }[chosen];
}

/** A button that goes away under somebody's finger hands its focus on. */
function follow(id) {
  if (document.activeElement === document.body || !document.activeElement.offsetParent) $(id).focus();
}

let canTurn = false;

async function choose(source) {
  if (source === chosen) return;
  leave();
  chosen = source;
  document.querySelector(`input[value="${source}"]`).checked = true;
  say("");
  show();
}

/** Stop all that goes on and empty the stage. */
function leave() {
  live?.stop();
  if (dropped !== null) dropped.cancel();
  video?.pause();
  live = dropped = video = null;
  figures.clear();
  stage.clear();
  applyStrength();
}

function stop() {
  leave();
  say("");
  show();
  $("start").focus();
}

async function start() {
  live = chosen === "own" ? new OwnCamera(callbacks, about.max_rate) : new BoxCamera(callbacks);
  const own = live;
  show();
  follow("stop");
  say(chosen === "own" ? "Asking for the camera." : "Opening the camera.");
  try {
    await own.start();
    if (chosen === "own") {
      const devices = await navigator.mediaDevices.enumerateDevices();
      canTurn = devices.filter((device) => device.kind === "videoinput").length > 1;
      say("");
    }
    show();
  } catch (error) {
    if (live === own) { leave(); show(); follow("start"); say(error.message, true); }
  }
}

async function take(file) {
  await choose("file");
  leave();
  chosen = "file";
  const job = dropped = new Dropped(file, Number($("strength").value), {
    progress(words, share) {
      $("work-words").textContent = words;
      if (share === null) $("progress").removeAttribute("value");
      else $("progress").value = share;
    },
  });
  say("");
  show();
  follow("cancel");
  try {
    if (file.size > about.upload.bytes) throw new Error(`The file is too large; at most ${about.upload.bytes / 1e6} MB are taken.`);
    const result = await job.run();
    if (result === null || dropped !== job) return;
    job.shown = result;
    $("download").href = result.url;
    $("download").download = result.name;
    applyStrength();
    const visible = await (result.video ? roll(result.url) : hang(result.url)).then(() => true, () => false);
    if (dropped !== job) return;
    if (!visible) video = null;
    say(visible ? `${file.name} is colored.` : `${file.name} is colored. This browser cannot show it; download it.`);
  } catch (error) {
    if (dropped === job) { leave(); say(error.message, true); }
  }
  show();
  if (chosen === "file") follow(dropped?.shown ? "download" : dropped ? "cancel" : "file");
}

async function hang(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  stage.draw(image);
}

async function roll(url) {
  const video = video = document.createElement("video");
  Object.assign(video, { muted: true, loop: true, playsInline: true, src: url });
  const each = () => { if (video === video) { stage.draw(video); video.requestVideoFrameCallback(each); } };
  video.requestVideoFrameCallback(each);
  video.onplay = video.onpause = show;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) video.currentTime = 0.001; // shows the first frame
  else await video.play();
}

/** A result has its strength inside; live images get theirs here. */
function applyStrength() {
  const strength = Number($("strength").value);
  $("strength-value").textContent = strength.toFixed(2);
  const inside = dropped?.shown ? dropped.strength : 1;
  stage.setStrength(inside > 0 ? strength / inside : 1);
}

for (const input of document.querySelectorAll("input[name=source]")) {
  input.addEventListener("change", () => choose(input.value));
}
$("start").addEventListener("click", start);
$("stop").addEventListener("click", stop);
$("turn").addEventListener("click", () => live.turn().catch((error) => callbacks.ended(error.message)));
$("cancel").addEventListener("click", () => { leave(); say("Cancelled."); show(); follow("file"); });
$("play").addEventListener("click", () => video.paused ? video.play() : video.pause());
$("another").addEventListener("click", () => $("file").click());
$("again").addEventListener("click", () => take(dropped.file));
$("strength").addEventListener("input", () => { applyStrength(); show(); });
$("file").addEventListener("change", () => { if ($("file").files[0]) take($("file").files[0]); $("file").value = ""; });
document.addEventListener("dragover", (event) => { event.preventDefault(); stage.root.dataset.drop = ""; });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete stage.root.dataset.drop; });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  delete stage.root.dataset.drop;
  if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
});

$("engine").textContent = `${about.engine.model} · ${about.engine.backend}, ${about.engine.device}`;
$("limits").textContent = `JPEG, PNG, WebP, MP4, MOV, WebM or MKV; videos up to ${Math.round(about.upload.seconds)} seconds.`;
document.querySelector("input[value=box]").disabled = !about.camera;
choose(about.camera ? "box" : "own");
