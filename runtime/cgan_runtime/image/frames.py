"""Image files that hold more than one image: the pages of a TIFF, the frames of a GIF, APNG or animated WebP.

    frames = read_frames(path)                      # None for a file with one image
    size = write_frames(Path("out.tif"), frames)

OpenCV from 4.11 on reads and writes them; before, only the first image of a file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.image.chunks import with_chunks, with_texts
from cgan_runtime.image.metadata import NONE, PNG_START, TIFF_SUFFIXES, Metadata, with_metadata
from cgan_runtime.image.other_tiffs import are_planes_deep, is_for_pillow, read_by_pillow
from cgan_runtime.image.read_write import ENCODINGS, turned
from cgan_runtime.image.tiff_tags import directories, without_orientation

PAGED = TIFF_SUFFIXES
ANIMATED = frozenset({".gif", ".png", ".webp"})

_GIF = (b"GIF87a", b"GIF89a")
_WEBP_ANIMATION = 2  # bit of the flags of a VP8X chunk
_UPRIGHT = 1  # an orientation
_MAX_PAGES = 1 << 16


@dataclass(frozen=True)
class Frames:
    """The images of one file, all uint8 or all uint16: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA."""

    images: list[Plane]
    durations: tuple[int, ...] = ()  # of each frame, ms; empty for pages
    loops: int = 0  # how often an animation is repeated; 0 is for ever

    @property
    def are_pages(self) -> bool:
        """Whether these are pages, not the frames of an animation."""
        return not self.durations

    @property
    def kind(self) -> str:
        """What they are called."""
        return "pages" if self.are_pages else "frames"

    def fit(self, suffix: str) -> bool:
        """Whether a format holds all of them."""
        return suffix in (PAGED if self.are_pages else ANIMATED)


def read_frames(path: Path) -> Frames | None:
    """Read all images of a file; None if it holds only one, or this version of OpenCV reads only one.

    Raises:
        MediaError: It is missing, damaged, too large, or has samples of another depth than 8 or 16 bits.
    """
    with storage_errors("read", path, "give an image that is there"):
        data = path.read_bytes()
    buffer = np.frombuffer(data, np.uint8)
    try:
        frames = None
        if len(directories(data)) > 1:
            frames = _read_pages(path, data)
        elif _is_animated(data) and hasattr(cv2, "imdecodeanimation"):
            frames = _read_animation(path, buffer)
    except cv2.error as error:
        raise MediaError(f"{path} is damaged, or larger than OpenCV reads ({error.err})") from error
    return frames


def write_frames(path: Path, frames: Frames, metadata: Metadata = NONE) -> int:
    """Write all images into one file, which appears when it is complete; returns the number of bytes.

    16 bits become 8 in an animation. Metadata go to the first page, or to all of an animation.

    Raises:
        MediaError: The format of the suffix cannot hold them, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    images = [_bgr(image) for image in frames.images]
    try:
        if frames.are_pages:
            done, encoded = cv2.imencodemulti(suffix, images, [])
        else:
            animation = cv2.Animation(frames.loops)
            animation.frames = [_with_alpha(image) for image in images]
            animation.durations = list(frames.durations)
            done, encoded = cv2.imencodeanimation(suffix, animation, ENCODINGS.get(suffix, []))
    except cv2.error as error:
        raise MediaError(f"{path}: {suffix} cannot hold these {frames.kind} ({error.err})") from error
    if not done:
        raise MediaError(f"{path}: {suffix} cannot hold these {frames.kind}")
    with storage_errors("write", path, "name another output with -o"):
        data = encoded.tobytes()
        if frames.are_pages:
            data = with_metadata(data, metadata)
        else:
            data = with_chunks(suffix, data, metadata.exif, metadata.xmp, metadata.profile)
        data = with_texts(suffix, data, metadata.texts)
        write_file(path, data)
    return len(data)


def _read_pages(path: Path, data: bytes) -> Frames | None:
    if not hasattr(cv2, "imencodemulti"):
        return None
    if are_planes_deep(data):
        raise MediaError(f"{path} keeps its deep colors in planes, which is not read; save it with colors together")
    upright, orientations = without_orientation(data)
    buffer, count = np.frombuffer(upright, np.uint8), len(directories(data))
    _, whole = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED)
    _, plain = cv2.imdecodemulti(buffer, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    # As for a single image: unchanged only where that keeps an alpha channel.
    pairs = zip(whole[:count], plain[:count], strict=True)  # of a page whose directory is cut off there may be one more
    images = [_rgb(deep if deep.ndim == 3 and deep.shape[2] == 4 else flat) for deep, flat in pairs]
    for number, image in enumerate(images):
        if is_for_pillow(image) and (other := read_by_pillow(data, number)) is not None:
            images[number], orientations[number:] = other, [_UPRIGHT, *orientations[number + 1 :]]
        elif image.dtype not in (np.uint8, np.uint16):
            raise MediaError(f"{path} has {image.dtype} samples; convert it to 8 or 16 bits first")
    if not images:  # a compression that OpenCV does not know
        others = [read_by_pillow(data, page) for page in range(count)]
        images, orientations = [page for page in others if page is not None], []
    if len(images) < count:
        raise MediaError(f"{path} is damaged: {len(images)} of its {count} pages can be read; save it anew")
    if orientations:
        images = [turned(image, orientation) for image, orientation in zip(images, orientations, strict=True)]
    return Frames(images)


def _read_animation(path: Path, buffer: Plane) -> Frames | None:
    done, animation = cv2.imdecodeanimation(buffer, 0, _MAX_PAGES)
    if not done or not len(animation.frames):
        raise MediaError(f"{path} is an animation that cannot be read; is it complete?")
    if len(animation.frames) == 1:
        return None
    durations = tuple(max(1, int(each)) for each in animation.durations)
    return Frames([_rgb(image) for image in animation.frames], durations, int(animation.loop_count))


def _is_animated(data: bytes) -> bool:
    if data.startswith(PNG_START):
        return b"acTL" in data[: data.find(b"IDAT")]
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) > 20:
        return bool(data[20] & _WEBP_ANIMATION)
    return data.startswith(_GIF)


def _rgb(image: Plane) -> Plane:
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _bgr(image: Plane) -> Plane:
    return cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR)


def _with_alpha(image: Plane) -> Plane:
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return image if image.shape[2] == 4 else cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
