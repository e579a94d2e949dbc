// Colors a video file: decoded and encoded by the browser (WebCodecs), its sound copied, by mediabunny.
//
// const { blob, frames, notes } = await convert(file, paint, report, signal);
// `paint` takes a VideoFrame, closes it, and returns another. `report(frames done, part of the whole)`.

import {
  ALL_FORMATS, BlobSource, BufferTarget, Conversion, Input, MkvOutputFormat, Mp4OutputFormat, Output, Quality, VideoSample,
  WebMOutputFormat, getFirstEncodableVideoCodec,
} from "./mediabunny.js";

const MISSING = "This browser cannot color videos: it has no WebCodecs. Use a current Chrome, Edge, Firefox or Safari on a computer.";
const CODECS = ["avc", "vp9", "av1", "vp8"]; // of the output, the first that this browser can encode
const BITS_PER_PIXEL = 0.2; // a second of 1080p at 30 frames/s then has 12 Mbit
const LEAST_RATE = 1_000_000; // bits a second
const SUFFIXES = new Map([["video/mp4", "mp4"], ["video/webm", "webm"], ["video/x-matroska", "mkv"]]);

/** A video file and its video track; throws an Error with a message for the user. */
export async function open(file) {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  const track = await input.getPrimaryVideoTrack().catch(() => null);
  if (!track) throw new Error("This file has no video that this page can read. Give an MP4, MOV, WebM or MKV.");
  return { input, track };
}

export async function convert(file, paint, report, signal) {
  if (typeof VideoDecoder === "undefined" || typeof VideoEncoder === "undefined") throw new Error(MISSING);
  const { input, track } = await open(file);
  if (!await track.canDecode()) throw new Error(`This browser cannot decode the video (${await track.getCodec() ?? "unknown codec"}). Convert it to MP4 first.`);
  const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
  const codec = await getFirstEncodableVideoCodec(CODECS, { width, height });
  if (!codec) throw new Error(`This browser cannot encode a video of ${width}x${height} pixels.`);
  const sound = await input.getPrimaryAudioTrack();
  const format = formatFor(codec, await sound?.getCodec());
  const output = new Output({ format, target: new BufferTarget() });
  const rate = await track.computePacketStats(50).then((stats) => stats.averagePacketRate, () => 30);
  const counted = { frames: 0 };
  const conversion = await Conversion.init({
    input, output, tracks: "primary",
    video: {
      codec, forceTranscode: true, quality: new Quality({ bitrate: Math.round(Math.max(LEAST_RATE, BITS_PER_PIXEL * width * height * rate)) }),
      process: async (sample) => {
        signal.throwIfAborted();
        const { timestamp, duration } = sample, painted = new VideoSample(await paint(sample.toVideoFrame()), { timestamp, duration });
        counted.frames += 1;
        return painted;
      },
    },
  });
  if (!conversion.isValid) throw new Error(`The video cannot be written: ${reasons(conversion)}.`);
  conversion.onProgress = (part) => report(counted.frames, part);
  signal.addEventListener("abort", () => conversion.cancel());
  try {
    await conversion.execute();
  } catch (error) {
    throw signal.aborted ? new Error("Canceled.") : error;
  }
  const type = format.mimeType;
  const lost = conversion.discardedTracks.some(({ track: each }) => each.type === "audio");
  return { blob: new Blob([output.target.buffer], { type }), suffix: SUFFIXES.get(type), frames: counted.frames, codec, lost };
}

const reasons = ({ discardedTracks }) => discardedTracks.map(({ track, reason }) => `${track.type}, ${reason.replaceAll("_", " ")}`).join("; ");

/** The container that holds the video and the sound as it is: MP4 if it can, else WebM, else Matroska. */
function formatFor(codec, sound) {
  const formats = [new Mp4OutputFormat({ fastStart: "in-memory" }), new WebMOutputFormat(), new MkvOutputFormat()];
  const holds = (format) => format.getSupportedCodecs().includes(codec) && (!sound || format.getSupportedCodecs().includes(sound));
  return formats.find(holds) ?? formats[0];
}
