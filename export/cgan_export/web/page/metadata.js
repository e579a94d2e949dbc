// The EXIF of a photo: taken out of a JPEG, PNG or WebP, and put into the JPEG or PNG that is saved.
//
// const exif = readExif(bytes);                     // a TIFF, upright and without its gray thumbnail; or null
// const blob = withExif(bytesOfPngOrJpeg, exif);    // Uint8Array
//
// EXIF 3.0 (CIPA DC-008); PNG, third edition; the WebP container specification.

const EXIF_MARK = [0x45, 0x78, 0x69, 0x66, 0, 0]; // "Exif\0\0"
const ORIENTATION = 0x112, SHORT = 3;
const MAX_SEGMENT = 65_533 - EXIF_MARK.length; // bytes of EXIF in a JPEG

const text = (bytes, at, length = 4) => String.fromCharCode(...bytes.subarray(at, at + length));
const startsWith = (bytes, mark) => mark.every((byte, i) => bytes[i] === byte);
const isJpeg = (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8;
const isPng = (bytes) => text(bytes, 1, 3) === "PNG";

/** The EXIF of an image that is now upright and colored; null if it has none that is whole. */
export function readExif(bytes) {
  let found = null;
  if (isJpeg(bytes)) found = inJpeg(bytes);
  else if (isPng(bytes)) found = inChunks(bytes, 8, true, "eXIf");
  else if (text(bytes, 0) === "RIFF" && text(bytes, 8) === "WEBP") found = inChunks(bytes, 12, false, "EXIF");
  if (found && startsWith(found, EXIF_MARK)) found = found.subarray(EXIF_MARK.length);
  return found && upright(found.slice());
}

function inJpeg(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1], length = view.getUint16(at + 2);
    if (marker === 0xda) return null; // the pixels begin
    if (marker === 0xe1 && startsWith(bytes.subarray(at + 4), EXIF_MARK)) return bytes.subarray(at + 4, at + 2 + length);
    at += 2 + length;
  }
  return null;
}

function inChunks(bytes, start, png, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at + 8 <= bytes.length;) {
    const length = png ? view.getUint32(at) : view.getUint32(at + 4, true);
    if (text(bytes, png ? at + 4 : at) === wanted) return bytes.subarray(at + 8, at + 8 + length);
    at += png ? length + 12 : 8 + length + length % 2;
  }
  return null;
}

/** A TIFF that counts as upright and has no second directory, the thumbnail's; null if it is damaged. */
function upright(tiff) {
  const little = text(tiff, 0, 2) === "II", view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const start = view.getUint32(4, little), count = view.getUint16(start, little), next = start + 2 + 12 * count;
    for (let at = start + 2; at < next; at += 12) {
      if (view.getUint16(at, little) === ORIENTATION && view.getUint16(at + 2, little) === SHORT) view.setUint16(at + 8, 1, little);
    }
    if (next + 4 <= tiff.length) view.setUint32(next, 0, little);
    return ["II", "MM"].includes(text(tiff, 0, 2)) ? tiff : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A PNG or JPEG with this EXIF, or as it is without one. */
export function withExif(bytes, exif) {
  if (!exif) return bytes;
  if (isPng(bytes)) {
    const header = 8 + 25; // the signature and IHDR, after which the chunk goes
    return joined(bytes.subarray(0, header), chunk("eXIf", exif), bytes.subarray(header));
  }
  if (exif.length > MAX_SEGMENT) return bytes;
  const segment = new Uint8Array(4), length = 2 + EXIF_MARK.length + exif.length;
  segment.set([0xff, 0xe1, length >> 8, length & 0xff]);
  return joined(bytes.subarray(0, 2), segment, Uint8Array.from(EXIF_MARK), exif, bytes.subarray(2));
}

function joined(...parts) {
  const result = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { result.set(part, at); at += part.length; }
  return result;
}

function chunk(name, data) {
  const result = new Uint8Array(data.length + 12), view = new DataView(result.buffer);
  view.setUint32(0, data.length);
  result.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  result.set(data, 8);
  view.setUint32(8 + data.length, crc(result.subarray(4, 8 + data.length)));
  return result;
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value >>> 1 ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}
