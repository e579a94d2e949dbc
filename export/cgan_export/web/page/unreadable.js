// Files that this page cannot read, told before they take the place of what is shown.

export const NO_IMAGE = "This browser cannot read the image: it is damaged, too large, or of a kind that it does not know. Give a JPEG, PNG or WebP.";
export const NO_VIDEO = "This file has no video that this page can read. Give an MP4, MOV, WebM or MKV.";
const EBML = 0x1a45dfa3, FTYP = 0x66747970; // how WebM and MKV begin, and the second word of MP4 and MOV

/** Why a file cannot be read, as a sentence; "" if it begins like one that can. */
export async function unreadable(file, isVideo) {
  if (!isVideo) return createImageBitmap(file).then((bitmap) => { bitmap.close(); return ""; }, () => NO_IMAGE);
  const head = new DataView(await file.slice(0, 8).arrayBuffer());
  return head.byteLength === 8 && (head.getUint32(0) === EBML || head.getUint32(4) === FTYP) ? "" : NO_VIDEO;
}
