// The worker that runs the network: the only one with a session of ONNX Runtime.
//
// {kind: "open", forced}                        -> progress and {kind: "opened", about} or {kind: "failed", error}
// {kind: "predict", id, lightness, shape, guide} -> {kind: "predicted", id, chroma: [a, b], ms} or {kind: "failed", id, error}
//
// `guide` is {hints, picture} or null: see hint_planes.js.
// WebGPU is taken where it gives the same colors as WASM in a self-test and is faster; else WASM with threads, else
// with one. `forced` is the engine that the page's address asks for: "webgpu", "wasm", or nothing.

import { rasterized } from "./hint_planes.js";
import { networkShape } from "./shape.js";

const LEAST_RUNS = 2, MOST_RUNS = 5; // of the self-test; the best counts, for browsers compile while it runs
const TEST_MS = 2000; // a slow device makes no further run after this
const ERRORS_ONLY = 3; // of ONNX Runtime's levels; the console is for what is wrong
const TOLERANCE = 0.02; // largest difference of (a*, b*)/110 that WebGPU may have from WASM: two of 110
const MAX_THREADS = 4; // more gain little at 256 pixels
const MAX_CHROMA = 2; // of (a*, b*)/110; what is larger is no color

let model = null; // the manifest's essentials
let session = null;
let runtime = null;

/** Fetch a file, telling how much has come. */
async function load(name, report) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} is missing on this site (status ${answer.status}).`);
  const parts = [];
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    report(value.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function openSession(kind, threads, binary, bytes) {
  const url = (name) => new URL(name, import.meta.url).href;
  const ort = await import(url(`ort-${kind}.js`));
  ort.env.logLevel = "error";
  Object.assign(ort.env.wasm, { numThreads: threads, wasmBinary: binary, wasmPaths: { mjs: url(`ort-${kind}-core.js`) } });
  const create = (provider) => ort.InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: ERRORS_ONLY });
  return { ort, create };
}

/** The inputs of the network; all but the lightness and placed colors are zeros, which say that nothing is known. */
function inputsOf(lightness, [height, width], guide) {
  const axes = { [model.inputs[0].shape[2]]: height, [model.inputs[0].shape[3]]: width };
  const lengthOf = (axis) => typeof axis === "number" ? axis : lengthOfAxis(axis, axes);
  return Object.fromEntries(model.inputs.map(({ name, shape }, i) => {
    const lengths = shape.map(lengthOf), size = lengths.reduce((product, length) => product * length, 1);
    const further = () => (name === "hints" && guide ? rasterized(guide.hints, guide.picture, lengths.slice(2)) : new Float32Array(size));
    return [name, new runtime.Tensor("float32", i === 0 ? lightness : further(), lengths)];
  }));
}

/** The length of a free axis such as "8*h", given that of "32*h"; 1 where nothing says it. */
function lengthOfAxis(axis, axes) {
  const parse = (text) => /^(?:(\d+)\*)?([^\d\W]\w*)(?:\/(\d+))?$/.exec(text) ?? [text, 1, text, 1];
  const factor = ([, times, , part]) => Number(times ?? 1) / Number(part ?? 1);
  const wanted = parse(axis);
  for (const [known, length] of Object.entries(axes)) {
    const found = parse(known);
    if (found[2] === wanted[2]) return Math.round(length / factor(found) * factor(wanted));
  }
  return 1;
}

async function predict(which, lightness, shape, guide = null) {
  const began = performance.now();
  const outputs = await which.run(inputsOf(lightness, shape, guide), [model.output]);
  const data = await outputs[model.output].getData();
  outputs[model.output].dispose();
  const pixels = shape[0] * shape[1];
  if (!areColors(data)) throw new Error("The network answered with values that are no colors.");
  return { chroma: [data.slice(0, pixels), data.slice(pixels)], ms: performance.now() - began };
}

function areColors(chroma) {
  for (let i = 0; i < chroma.length; i += 1) if (!(Math.abs(chroma[i]) <= MAX_CHROMA)) return false;
  return true;
}

/** The colors of a test image in the size that the network sees, and the time of the best run. */
async function measured(which) {
  const [height, width] = networkShape(1, 1, model);
  const image = Float32Array.from({ length: height * width }, (_, i) => Math.sin(i % width / 9) * Math.cos(Math.floor(i / width) / 13) * 0.8);
  const end = performance.now() + TEST_MS;
  let best = Infinity, colors = null;
  for (let run = 0; run < LEAST_RUNS || (run < MOST_RUNS && performance.now() < end); run += 1) {
    const { chroma, ms } = await predict(which, image.slice(), [height, width]);
    best = Math.min(best, ms);
    colors = chroma;
  }
  return { colors, ms: best };
}

const largestDifference = (one, other) => Math.max(...one.map((plane, i) => plane.reduce((most, value, j) => Math.max(most, Math.abs(value - other[i][j])), 0)));

/** Why WebGPU cannot be taken here, or an empty text. */
async function whyNoGpu(forced) {
  if (!navigator.gpu) return "this browser has no WebGPU";
  if (!("Suspending" in WebAssembly)) return "this browser cannot wait for WebGPU inside WASM";
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  if (!adapter) return "no graphics card offers WebGPU";
  const isSoftware = (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) || /swiftshader|llvmpipe/i.test(`${adapter.info?.architecture} ${adapter.info?.description}`);
  return isSoftware && forced !== "webgpu" ? "WebGPU is only emulated here" : "";
}

async function open(forced, manifest, sizes) {
  model = manifest;
  const reason = forced === "wasm" ? "the address asks for WASM" : await whyNoGpu(forced);
  if (forced === "webgpu" && reason) throw new Error(`WebGPU cannot be used: ${reason}.`);
  const kind = reason ? "wasm" : "webgpu";
  let loaded = 0;
  const total = sizes.model + sizes[kind];
  const report = (bytes) => { loaded += bytes; postMessage({ kind: "progress", loaded, total }); };
  const [binary, bytes] = await Promise.all([load(`ort-${kind}-core.wasm`, report), load(model.file, report)]);
  const cores = navigator.hardwareConcurrency || 1;
  const threads = self.crossOriginIsolated ? Math.min(MAX_THREADS, cores) : 1;
  const { ort, create } = await openSession(kind, threads, binary, bytes);
  runtime = ort;
  const plain = await create("wasm");
  const onCpu = await measured(plain);
  const alone = threads > 1 ? "" : self.crossOriginIsolated ? "; one thread, for this device has one core" : "; one thread, for this page could not be isolated from others";
  const cpu = { engine: "WASM", threads, ms: onCpu.ms, reason: reason + alone };
  session = plain;
  if (kind === "wasm") return cpu;
  try {
    const onGpu = await create("webgpu"), found = await measured(onGpu);
    const difference = largestDifference(found.colors, onCpu.colors);
    const why = difference > TOLERANCE ? `WebGPU gives wrong colors here, ${(110 * difference).toFixed(0)} of 110 off`
      : found.ms > onCpu.ms && forced !== "webgpu" ? `WebGPU is slower here, ${Math.round(found.ms)} ms` : "";
    if (why) { await onGpu.release(); return { ...cpu, reason: why + alone, difference }; }
    session = onGpu;
    await plain.release();
    return { engine: "WebGPU", threads: 0, ms: found.ms, reason: `WASM takes ${Math.round(onCpu.ms)} ms`, difference };
  } catch (error) {
    return { ...cpu, reason: `WebGPU failed: ${error.message}${alone}` };
  }
}

let queue = Promise.resolve(); // a session runs one image at a time

self.onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      if (data.kind === "open") postMessage({ kind: "opened", about: await open(data.forced, data.model, data.sizes) });
      else {
        const { chroma, ms } = await predict(session, data.lightness, data.shape, data.guide);
        postMessage({ kind: "predicted", id: data.id, chroma, ms }, chroma.map((plane) => plane.buffer));
      }
    } catch (error) {
      postMessage({ kind: "failed", id: data.id, error: error.message });
    }
  });
};
