// Runs the page's color path in Node.js on what test_color_path.py gives, and prints the results as JSON.
//
// node color_path.mjs FOLDER_OF_THE_PAGE < request.json

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = `${pathToFileURL(process.argv[2]).href}/`;
const load = (name) => import(new URL(name, folder).href);
const { chromaPlanes, encodingOf, smallOf } = await load("frame.js");
const { paintPhoto, preparePhoto } = await load("photo.js");
const { plane } = await load("resize.js");
const { networkShape } = await load("shape.js");
const { readExif, withExif } = await load("metadata.js");
const { Carrier } = await load("carry.js");
const { rasterized } = await load("hint_planes.js");

const planes = (values, { width, height }) => values.map((data) => plane(width, height, Float32Array.from(data)));
const list = (data) => Array.from(data);

const actions = {
  shapes: ({ sizes, model }) => sizes.map(([width, height]) => networkShape(width, height, model)),
  small: ({ rgba, width, height, model }) => list(preparePhoto(Uint8ClampedArray.from(rgba), width, height, model).small.data),
  photo({ rgba, width, height, model, chroma, strength }) {
    const photo = preparePhoto(Uint8ClampedArray.from(rgba), width, height, model);
    paintPhoto(photo, planes(chroma, photo.small), strength);
    return list(photo.rgba);
  },
  frame({ luma, width, height, matrix, fullRange, model, chroma, strength }) {
    const picture = { luma: plane(width, height, Uint8Array.from(luma)), encoding: encodingOf(matrix, fullRange) };
    const small = smallOf(picture, model);
    const codes = chromaPlanes(picture.encoding, small, planes(chroma, small.luma), strength);
    return { lightness: list(small.lightness.data), codes: codes.map(({ data }) => list(data)) };
  },
  exif({ file, target }) {
    const exif = readExif(Uint8Array.from(Buffer.from(file, "base64")));
    return exif && Buffer.from(withExif(Uint8Array.from(Buffer.from(target, "base64")), exif)).toString("base64");
  },
  carry({ frames, width, height, horizon }) {
    const carrier = new Carrier(horizon);
    return frames.map(({ lightness, chroma }) => {
      const now = plane(width, height, Float32Array.from(lightness));
      const result = carrier.step(now, chroma && { lightness: now, chroma: planes(chroma, now) });
      return result && result.map(({ data }) => list(data));
    });
  },
  hints: ({ hints, picture, grid }) => list(rasterized(hints, picture, grid)),
};

const requests = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(requests.map(({ what, ...given }) => actions[what](given))));
