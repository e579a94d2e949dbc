// Files that this page cannot read, told before they take the place of what is shown.

export const NO_IMAGE = "This browser cannot read the image: it is damaged, too large, or of a kind that it does not know. Give a JPEG, PNG or WebP.";

/** Why a file cannot be read, as a sentence; "" if it can. */
export async function unreadable(file, isVideo) {
  if (!isVideo) return createImageBitmap(file).then((bitmap) => { bitmap.close(); return ""; }, () => NO_IMAGE);
  const { open } = await import("./video.js"); // large, and not needed for photos
  return open(file).then(() => "", (error) => error.message);
}
