// The worker that colors: photos, frames of the camera, and videos. It owns the worker that runs the network.
//
// {kind: "open", forced, model, sizes}     -> {kind: "progress", loaded, total}, {kind: "opened", about}
// {kind: "photo", id, file, strength}      -> {kind: "painted", id, bitmap, took}; also of an ImageBitmap
// {kind: "repaint", id, strength}          -> {kind: "painted", id, bitmap, took}
// {kind: "guide", id, hints, strength}     -> the same, of the photo with placed colors
// {kind: "save", id, type}                 -> {kind: "saved", id, blob}
// {kind: "frame", id, frame, strength}     -> {kind: "painted", id, bitmap, predictions, ms, size}
// {kind: "video", id, file, strength}      -> {kind: "coloring", id, done, part}, {kind: "saved", id, blob, frames}
// {kind: "stop"}                              ends a video, and forgets the camera's colors
// A message that fails is answered with {kind: "failed", id, error}.

import { Carrier } from "./carry.js";
import { paintFrame, readFrame, smallOf } from "./frame.js";
import { readExif, withExif } from "./metadata.js";
import { paintPhoto, preparePhoto } from "./photo.js";
import { plane } from "./resize.js";
import { NO_IMAGE } from "./unreadable.js";

const CAMERA_HORIZON = 4; // predictions averaged for a color; a camera has few a second
const VIDEO_HORIZON = 12;
const JPEG_QUALITY = 0.95;
const LIVE_MS = 125; // that a prediction may take for a camera, for eight a second; a slower device sees it smaller
const LEAST_LIVE_SIZE = 128; // pixels

let model = null;
let engine = null;
let predictionMs = 0; // at the model's own size
let photo = null; // what preparePhoto made, its chroma, the canvas and the EXIF
let live = null; // the camera's colors
let video = null; // the conversion that runs
let asked = 0;
const waiting = new Map(); // id of a prediction -> {resolve, reject}

function open({ forced, model: manifest, sizes }) {
  model = manifest;
  engine = new Worker(new URL("engine.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    engine.onerror = (event) => reject(new Error(event.message ?? "The engine could not be loaded."));
    engine.onmessage = ({ data }) => {
      if (data.kind === "progress") postMessage(data);
      else if (data.kind === "opened") {
        predictionMs = data.about.ms;
        resolve({ kind: "opened", about: data.about });
      }
      else if (data.id === undefined) reject(new Error(data.error));
      else {
        const { resolve: done, reject: failed, width, height } = waiting.get(data.id);
        waiting.delete(data.id);
        if (data.kind === "failed") failed(new Error(data.error));
        else done({ chroma: data.chroma.map((values) => plane(width, height, values)), ms: data.ms });
      }
    };
    engine.postMessage({ kind: "open", forced, model, sizes });
  });
}

/** The chroma that the network predicts, and the milliseconds that it took. */
function predict({ data, width, height }, guide = null) {
  const id = asked += 1, lightness = data.slice();
  engine.postMessage({ kind: "predict", id, lightness, guide, shape: [height, width] }, [lightness.buffer]);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject, width, height }));
}

async function colorPhoto({ file, strength }) {
  photo = null; // frees the memory of the last one
  const isFile = file instanceof Blob;
  const bitmap = isFile ? await createImageBitmap(file).catch(() => { throw new Error(NO_IMAGE); }) : file;
  const prepared = prepare(bitmap), { chroma } = await predict(prepared.small);
  const exif = isFile ? readExif(new Uint8Array(await file.arrayBuffer())) : null;
  photo = { ...prepared, chroma, exif };
  return repaint({ strength });
}

/** A photo as preparePhoto makes it, and its canvas. The bitmap is closed. */
function prepare(bitmap) {
  const { width, height } = bitmap, canvas = new OffscreenCanvas(width, height);
  try {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const pixels = context.getImageData(0, 0, width, height);
    return { ...preparePhoto(pixels.data, width, height, model), pixels, canvas, context };
  } catch (cause) { // there is no memory for the canvas or the pixels; each browser says it in another way
    throw new Error(`The image is too large for this browser, ${width}x${height} pixels.`, { cause });
  } finally {
    bitmap.close();
  }
}

async function repaint({ strength }) {
  paintPhoto(photo, photo.chroma, strength);
  photo.context.putImageData(photo.pixels, 0, 0);
  return { bitmap: await createImageBitmap(photo.canvas) };
}

/** Color the photo anew with the colors that a person has placed on it. */
async function guide({ hints, strength }) {
  const own = photo, { chroma } = await predict(own.small, { hints, picture: [own.height, own.width] });
  if (photo !== own) return { bitmap: null }; // another photo came meanwhile
  own.chroma = chroma;
  return repaint({ strength });
}

async function save({ type }) {
  const blob = await photo.canvas.convertToBlob({ type, quality: JPEG_QUALITY });
  const bytes = withExif(new Uint8Array(await blob.arrayBuffer()), photo.exif);
  return { kind: "saved", blob: new Blob([bytes], { type }) };
}

/** Color a frame of the camera. The network sees the newest frame whenever it is free; others carry its colors on. */
async function colorFrame({ frame, strength }) {
  live ??= { carrier: new Carrier(CAMERA_HORIZON), size: liveSize(), newest: null, fresh: null, busy: null, predictions: 0, ms: 0 };
  const own = live, picture = await readFrame(frame), small = smallOf(picture, { ...model, size: own.size });
  own.newest = small.lightness;
  own.busy ??= predictNewest(own).catch((error) => { own.error = error; }).finally(() => { own.busy = null; });
  const step = () => { const { fresh } = own; own.fresh = null; return own.carrier.step(small.lightness, fresh); };
  let chroma = step();
  if (!chroma) { // the first frame, or a cut
    await own.busy;
    chroma = step();
  }
  if (own.error) throw own.error;
  const painted = paintFrame(picture, small, chroma ?? neutral(small.lightness), strength);
  const bitmap = await createImageBitmap(painted);
  painted.close();
  return { bitmap, predictions: own.predictions, ms: own.ms, size: own.size };
}

/** Predict for the newest frame until there is no newer one. */
async function predictNewest(own) {
  while (own.newest) {
    const lightness = own.newest;
    own.newest = null;
    const { chroma, ms } = await predict(lightness);
    Object.assign(own, { fresh: { lightness, chroma }, ms, predictions: own.predictions + 1 });
  }
}

/** The size at which the network is fast enough for a camera here; its time goes with the area. */
function liveSize() {
  return Math.max(Math.min(model.size, LEAST_LIVE_SIZE), Math.min(model.size, Math.round(model.size * Math.sqrt(LIVE_MS / predictionMs))));
}

const neutral = ({ width, height }) => [plane(width, height), plane(width, height)];

async function colorVideo({ id, file, strength }) {
  video = new AbortController();
  const { signal } = video, { convert } = await import("./video.js");
  const carrier = new Carrier(VIDEO_HORIZON);
  const paint = async (frame) => {
    const picture = await readFrame(frame), small = smallOf(picture, model);
    const { chroma } = await predict(small.lightness);
    return paintFrame(picture, small, carrier.step(small.lightness, { lightness: small.lightness, chroma }), strength);
  };
  return { kind: "saved", ...await convert(file, paint, (done, part) => postMessage({ kind: "coloring", id, done, part }), signal) };
}

const actions = { open, photo: colorPhoto, repaint, guide, save, frame: colorFrame, video: colorVideo };

self.onmessage = async ({ data }) => {
  if (data.kind === "stop") { live = null; video?.abort(); return; }
  try {
    const began = performance.now(), result = await actions[data.kind](data);
    postMessage({ kind: "painted", id: data.id, took: performance.now() - began, ...result }, result.bitmap ? [result.bitmap] : []);
  } catch (error) {
    postMessage({ kind: "failed", id: data.id, error: error.message });
  }
};
