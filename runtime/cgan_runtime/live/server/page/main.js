// The page: chooses a source, and shows the controls that fit what is on the screen.

import { ask, sentence } from "./api.js";
import { BrowserCamera, INSECURE } from "./browser_camera.js";
import { $, moveFocus, save } from "./dom.js";
import { Figures } from "./figures.js";
import { Files } from "./files.js";
import { isFull, onFull, toggleFull, updateFull } from "./full_screen.js";
import { Hints } from "./hints.js";
import { listenToKeys } from "./keys.js";
import { Live } from "./live.js";
import { Load } from "./load.js";
import { message, notice } from "./message.js";
import { Mosaic } from "./mosaic.js";
import { Recording } from "./recording.js";
import { Stage } from "./stage.js";
import { addTips } from "./tips.js";

const ALL = "*"; // the value of the choice "All cameras"
const STRENGTH_STEP = 0.1;
const INVITATIONS = {
  server: "Show the camera of the server in color.",
  browser: "Show your own camera in color. The server receives its images and does not store them.",
  file: "Drop a photo or a short video here.",
};

const [about, cameras] = await Promise.all([ask("/about"), ask("/cameras")]);
const unusable = { server: cameras.length ? "" : sentence(about.no_camera), browser: BrowserCamera.allowed ? "" : INSECURE, file: "" };
const stage = new Stage(updateControls);
const figures = new Figures();
const mosaic = new Mosaic(showCamera);
const recording = new Recording(updateControls);
const load = new Load();
const live = new Live({ stage, mosaic, figures, recording, load, changed: updateControls, ended });
const files = new Files({ limits: about.upload, stage, changed: updateControls });
const hints = new Hints({
  stage, message: notice, available: about.inference.takes_guide,
  hold: (held) => { if (live.running && live.paused !== held) live.togglePause(); },
});
let source = null; // "server", "browser" or "file"
let canSwitch = false; // the browser has several cameras

/** Show the controls that fit the current state. */
function updateControls() {
  const { working, done } = files;
  const state = $("screen").dataset.state;
  const hide = {
    start: source === "file" || live.running, pick: source !== "file" || working, limits: source !== "file" || working,
    work: !working, another: !done, download: !done, stop: !live.running, switch: source !== "browser" || !live.running || !canSwitch,
    again: !done || Number($("strength").value) === files.upload.strength,
    camera: source !== "server" || cameras.length < 2, "all-key": cameras.length < 2,
    tools: state === "empty", pause: !live.running && !files.video, record: !live.single,
    adapting: !live.running, all: !live.single || source !== "server" || cameras.length < 2,
  };
  for (const [id, hidden] of Object.entries(hide)) $(id).hidden = hidden;
  const paused = live.paused || files.paused;
  setTool("pause", paused ? "play" : "pause", paused ? "Play" : "Pause", paused ? "Go on." : "Hold this image.");
  setTool("record", recording.running ? "stop" : "record", recording.running ? "End recording" : "Record");
  setTool("full", isFull() ? "small" : "full", isFull() ? "Leave full screen" : "Full screen");
  $("paused-badge").hidden = !paused || state === "empty";
  recording.show();
  hints.offer({ upload: files.upload, video: files.video, camera: live.single, paused: live.paused });
  updateFull();
  $("invitation").textContent = working ? files.upload.file.name : INVITATIONS[source];
}

function setTool(id, icon, label, tip) {
  $(id).querySelector("use").setAttribute("href", `#icon-${icon}`);
  $(id).querySelector("span").textContent = label;
  if (tip) $(id).dataset.tip = tip;
}

function choose(chosen) {
  if (unusable[chosen]) {
    document.querySelector(`input[value="${source}"]`).checked = true;
    message(unusable[chosen], true);
    return;
  }
  if (chosen !== source) {
    reset();
    source = chosen;
    document.querySelector(`input[value="${source}"]`).checked = true;
    message("");
  }
  updateControls();
}

/** Stop everything and clear the screen. */
function reset() {
  hints.close();
  live.stop();
  files.clear();
  applyStrength();
}

function stop() {
  reset();
  message("");
  updateControls();
  $("start").focus();
}

function ended(reason) {
  stop();
  message(reason, true);
}

async function start() {
  message(source === "browser" ? "Allow the camera in your browser." : "Opening the camera.");
  const starting = source === "browser" ? live.showOwn(about.max_rate) : showChosen();
  const [camera] = live.cameras;
  moveFocus($("stop"));
  try {
    await starting;
    if (source !== "browser") return;
    const devices = await navigator.mediaDevices.enumerateDevices();
    canSwitch = devices.filter((device) => device.kind === "videoinput").length > 1;
    message("");
    updateControls();
  } catch (error) {
    if (live.cameras[0] === camera) ended(error.message);
  }
}

function showChosen() {
  return $("camera").value === ALL ? live.showAll(cameras) : live.showServer($("camera").value);
}

/** Show another camera of the server, or all of them. */
function showCamera(id) {
  $("camera").value = id;
  hints.close();
  if (live.running) live.stop();
  showChosen();
  moveFocus($("stop"));
}

function colorFile(file) {
  choose("file");
  hints.close();
  files.color(file, Number($("strength").value)).then(applyStrength);
}

/** Set the strength of the image. A file was already colored with its own strength. */
function applyStrength() {
  const strength = Number($("strength").value);
  $("strength-value").textContent = strength.toFixed(2);
  const applied = files.done ? files.upload.strength : 1;
  stage.setStrength(applied > 0 ? strength / applied : 1);
}

function stepStrength(steps) {
  $("strength").value = Number($("strength").value) + steps * STRENGTH_STEP;
  applyStrength();
  updateControls();
}

function togglePause() {
  if (files.video) files.togglePause();
  else if (live.running && !$("tools").hidden) live.togglePause();
}

async function snapshot() {
  if ($("tools").hidden) return;
  const picture = live.running && !live.single ? mosaic.picture(stage.strength) : stage.picture();
  const name = `cgan-${new Date().toLocaleString("sv").replace(/[-:]/g, "").replace(" ", "-")}.png`; // 20260131-125900
  save(await picture.convertToBlob({ type: "image/png" }), name);
  notice(`Saved as ${name}.`);
}

function record() {
  if (live.single) recording.toggle(live.single.id);
}

function setUp() {
  for (const input of document.querySelectorAll("input[name=source]")) {
    input.addEventListener("change", () => choose(input.value));
    input.setAttribute("aria-disabled", Boolean(unusable[input.value]));
    if (unusable[input.value]) input.parentElement.dataset.tip = unusable[input.value];
  }
  const clicks = {
    start, stop, snapshot, record, pause: togglePause, full: toggleFull, all: () => showCamera(ALL),
    switch: () => live.cameras[0].switch().catch((error) => ended(error.message)),
    cancel: () => { reset(); notice("Canceled."); updateControls(); moveFocus($("file")); },
    another: () => $("file").click(), again: () => colorFile(files.upload.file),
  };
  for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", action);
  $("camera").append(...[...cameras, { id: ALL, name: "All cameras" }].map(({ id, name }) => new Option(name, id)));
  $("camera").addEventListener("change", () => { if (live.running) showCamera($("camera").value); });
  $("strength").addEventListener("input", () => { applyStrength(); updateControls(); });
  $("file").addEventListener("change", () => { if ($("file").files[0]) colorFile($("file").files[0]); $("file").value = ""; });
  listenToKeys({
    " ": togglePause, s: snapshot, r: record, f: () => { if (!$("tools").hidden || isFull()) toggleFull(); },
    "[": () => stage.stepLine(-1), "]": () => stage.stepLine(1),
    "+": () => stepStrength(1), "=": () => stepStrength(1), "-": () => stepStrength(-1),
    m: () => { if (!$("all").hidden) showCamera(ALL); },
  });
  onFull(updateControls);
  takeDrops();
  addTips();
}

function takeDrops() {
  document.addEventListener("dragover", (event) => { event.preventDefault(); $("screen").dataset.drop = ""; });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete $("screen").dataset.drop; });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    delete $("screen").dataset.drop;
    if (event.dataTransfer.files[0]) colorFile(event.dataTransfer.files[0]);
  });
}

setUp();
$("model").textContent = `${about.inference.model} · ${about.inference.backend}, ${about.inference.device}`;
$("model").dataset.tip = `The model that colors, and what runs it: ${$("model").textContent}.`;
$("limits").textContent = `JPEG, PNG, WebP, MP4, MOV, WebM or MKV; videos up to ${Math.round(about.upload.seconds)} seconds.`;
choose(["server", "browser", "file"].find((each) => !unusable[each]));
