// The page: chooses a source, shows it on the stage, and offers what can be done with it.

import { BrowserCamera, ServerCamera } from "./cameras.js";
import { Figures } from "./graph.js";
import { Stage } from "./stage.js";
import { Upload } from "./upload.js";

const $ = (id) => document.getElementById(id);
const stage = new Stage();
const figures = new Figures();
const about = await (await fetch("/about")).json();
let source = null; // "server", "browser" or "file"
let camera = null; // the ServerCamera or BrowserCamera that runs
let canSwitch = false; // the browser has several cameras
let upload = null; // the Upload that runs or is shown
let video = null; // the colored video that plays

const callbacks = {
  frame(bitmap, measured) {
    stage.draw(bitmap);
    figures.frame(measured);
  },
  status: showMessage,
  ended(reason) { stop(); showMessage(reason, true); },
};

function showMessage(text, isError = false) {
  if ($("message").textContent === text) return; // a screen reader would read it again
  $("message").textContent = text;
  $("message").dataset.kind = isError ? "error" : "";
}

/** Show the controls that fit the current state. */
function updateControls() {
  const working = upload !== null && upload.colored === undefined;
  const done = upload?.colored;
  $("start").hidden = source === "file" || camera !== null;
  $("pick").hidden = source !== "file" || working;
  $("limits").hidden = source !== "file" || working;
  $("work").hidden = !working;
  $("stop").hidden = camera === null;
  $("switch").hidden = !(camera instanceof BrowserCamera) || !canSwitch;
  $("another").hidden = !done;
  $("play").hidden = video === null;
  $("play").textContent = video?.paused ? "Play" : "Pause";
  $("download").hidden = !done;
  $("again").hidden = !done || Number($("strength").value) === upload.strength;
  $("invitation").textContent = working ? upload.file.name : {
    server: "Show the camera of the server in color.",
    browser: "Show your own camera in color. The server receives its images and does not store them.",
    file: "Drop a photo or a short video here.",
  }[source];
}

/** Move the focus to an element when the focused one was hidden. */
function moveFocus(id) {
  if (document.activeElement === document.body || !document.activeElement.offsetParent) $(id).focus();
}

function choose(newSource) {
  if (newSource === source) return;
  reset();
  source = newSource;
  document.querySelector(`input[value="${source}"]`).checked = true;
  showMessage("");
  updateControls();
}

/** Stop everything and clear the stage. */
function reset() {
  camera?.stop();
  upload?.cancel();
  video?.pause();
  camera = upload = video = null;
  figures.clear();
  stage.clear();
  applyStrength();
}

function stop() {
  reset();
  showMessage("");
  updateControls();
  $("start").focus();
}

async function start() {
  const started = camera = source === "browser" ? new BrowserCamera(callbacks, about.max_rate) : new ServerCamera(callbacks);
  updateControls();
  moveFocus("stop");
  showMessage(source === "browser" ? "Allow the camera in your browser." : "Opening the camera.");
  try {
    await started.start();
    if (source === "browser") {
      const devices = await navigator.mediaDevices.enumerateDevices();
      canSwitch = devices.filter((device) => device.kind === "videoinput").length > 1;
      showMessage("");
    }
    updateControls();
  } catch (error) {
    if (camera === started) { reset(); updateControls(); moveFocus("start"); showMessage(error.message, true); }
  }
}

async function colorFile(file) {
  choose("file");
  reset();
  const started = upload = new Upload(file, Number($("strength").value), {
    progress(text, fraction) {
      $("work-text").textContent = text;
      if (fraction === null) $("progress").removeAttribute("value");
      else $("progress").value = fraction;
    },
  });
  showMessage("");
  updateControls();
  moveFocus("cancel");
  try {
    if (file.size > about.upload.bytes) throw new Error(`The file is too large; the limit is ${about.upload.bytes / 1e6} MB.`);
    const result = await started.run();
    if (result === null || upload !== started) return;
    started.colored = result;
    $("download").href = result.url;
    $("download").download = result.name;
    applyStrength();
    const visible = await (result.video ? playVideo(result.url) : showImage(result.url)).then(() => true, () => false);
    if (upload !== started) return;
    if (!visible) video = null;
    showMessage(visible ? `${file.name} is colored.` : `${file.name} is colored, but this browser cannot show it. Download it.`);
  } catch (error) {
    if (upload === started) { reset(); showMessage(error.message, true); }
  }
  updateControls();
  if (source === "file") moveFocus(upload?.colored ? "download" : upload ? "cancel" : "file");
}

async function showImage(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  stage.draw(image);
}

async function playVideo(url) {
  const element = video = document.createElement("video");
  Object.assign(element, { muted: true, loop: true, playsInline: true, src: url });
  const drawFrame = () => { if (video === element) { stage.draw(element); element.requestVideoFrameCallback(drawFrame); } };
  element.requestVideoFrameCallback(drawFrame);
  element.onplay = element.onpause = updateControls;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) element.currentTime = 0.001; // shows the first frame
  else await element.play();
}

/** Set the strength of the stage. A file was already colored with its own strength. */
function applyStrength() {
  const strength = Number($("strength").value);
  $("strength-value").textContent = strength.toFixed(2);
  const applied = upload?.colored ? upload.strength : 1;
  stage.setStrength(applied > 0 ? strength / applied : 1);
}

for (const input of document.querySelectorAll("input[name=source]")) {
  input.addEventListener("change", () => choose(input.value));
}
$("start").addEventListener("click", start);
$("stop").addEventListener("click", stop);
$("switch").addEventListener("click", () => camera.switch().catch((error) => callbacks.ended(error.message)));
$("cancel").addEventListener("click", () => { reset(); showMessage("Canceled."); updateControls(); moveFocus("file"); });
$("play").addEventListener("click", () => video.paused ? video.play() : video.pause());
$("another").addEventListener("click", () => $("file").click());
$("again").addEventListener("click", () => colorFile(upload.file));
$("strength").addEventListener("input", () => { applyStrength(); updateControls(); });
$("file").addEventListener("change", () => { if ($("file").files[0]) colorFile($("file").files[0]); $("file").value = ""; });
document.addEventListener("dragover", (event) => { event.preventDefault(); stage.root.dataset.drop = ""; });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete stage.root.dataset.drop; });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  delete stage.root.dataset.drop;
  if (event.dataTransfer.files[0]) colorFile(event.dataTransfer.files[0]);
});

$("model").textContent = `${about.inference.model} · ${about.inference.backend}, ${about.inference.device}`;
$("limits").textContent = `JPEG, PNG, WebP, MP4, MOV, WebM or MKV; videos up to ${Math.round(about.upload.seconds)} seconds.`;
document.querySelector("input[value=server]").disabled = !about.camera;
choose(about.camera ? "server" : "browser");
