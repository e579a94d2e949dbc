"""Read and write images of 8 and 16 bits, gray and color, with alpha, turned upright by their EXIF tag.

image = read_image(Path("in.jpg"))
write_image(Path("out.png"), image)
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import is_stream, write_file
from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.image.metadata import JPEG_SUFFIXES, NONE, PNG_START, Metadata, encode, first_tag
from cgan_runtime.image.other_tiffs import are_planes_deep, is_for_pillow, read_by_pillow
from cgan_runtime.image.tiff_tags import ORIENTATION, is_tiff, without_orientation

MAX_PIXELS = 1 << 28
"""Pixels of the largest image that is read. A few kilobytes of PNG could need all memory otherwise."""

JPEG_QUALITY = 95
WEBP_QUALITY = 95

DEEP = frozenset({".png", ".tif", ".tiff"})
"""Suffixes of images that hold 16 bits."""

ENCODINGS = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY],
}
_GIF = ".gif"  # as a video it is read more often
_JPEG_START = b"\xff\xd8"
_WEBP_MARK = b"WEBP"
_EXIF_CHUNKS = frozenset({b"eXIf", b"EXIF"})  # of PNG and WebP
_EXTRA_SAMPLE = 0x152  # a tag of TIFF: the meaning of the samples beside the color
_ALPHA = frozenset({1, 2})  # kinds of extra samples
_TRANSPOSED = range(5, 9)  # orientations
_FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}  # axes, after transposing
_GRAY_WITH_ALPHA = {"ya8": "u1", "ya16le": "<u2", "ya16be": ">u2"}  # dtypes of FFmpeg's formats
_JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15; the others are tables


def read_image(path: Path) -> Plane:
    """Read an image.

    An EXIF orientation is applied, a color profile is not; `metadata` keeps both for the output.

    Returns:
        uint8 or uint16: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA.

    Raises:
        MediaError: It is missing, no image that can be read, too large, or has floating-point samples.
    """
    data = read_file(path)
    if are_planes_deep(data):
        raise MediaError(f"{path} keeps its deep colors in planes, which is not read; save it with colors together")
    image = _decode(data)
    if is_tiff(data) and (image is None or is_for_pillow(image)):
        other = read_by_pillow(data)
        if other is not None:
            return other
        image = None if image is not None and image.ndim == 3 else image  # its colors are multiplied by alpha
    if image is None:
        raise MediaError(f"{path} is no image that can be read, or it is damaged; give a png, jpg, tiff or webp")
    if image.dtype not in (np.uint8, np.uint16):
        raise MediaError(f"{path} has {image.dtype} samples; convert it to 8 or 16 bits first")
    if image.ndim == 2:
        return _gray_with_alpha(path, data) if first_tag(data, _EXTRA_SAMPLE) in _ALPHA else image
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def read_file(path: Path) -> bytes:
    """The content of an image file; a MediaError if it is missing, or larger than images that are read."""
    with storage_errors("read", path, "give an image that is there"):
        data = path.read_bytes()
    width, height = stated_size(data)
    if width * height > MAX_PIXELS:
        raise MediaError(f"{path} has {width}x{height} pixels, at most {MAX_PIXELS} are read; make it smaller")
    return data


def written_suffix(path: Path) -> str:
    """The suffix of the format that an image is written in: its name's in lower case, .png for other streams.

    Raises:
        MediaError: The name has no suffix of an image.
    """
    suffix = path.suffix.lower()
    if suffix in IMAGES or suffix == _GIF:
        return suffix
    if is_stream(path):
        return ".png"
    raise MediaError(f"{path} names no image that can be written; end it in one of {', '.join(sorted(IMAGES))}")


def write_image(path: Path, image: Plane, metadata: Metadata = NONE) -> int:
    """Write an image in the format of the path's suffix. It appears only when it is complete.

    16 bits become 8, and alpha is left out, if the format cannot hold them.

    Args:
        path: Ends in one of `IMAGES`, or is a stream.
        image: uint8 or uint16, (H, W, 3) RGB or (H, W, 4) RGBA.
        metadata: Written as far as the format can hold it.

    Returns:
        The number of bytes.

    Raises:
        MediaError: There is no such format, or the file cannot be written.
    """
    suffix = written_suffix(path)
    if image.dtype == np.uint16 and suffix not in DEEP:
        image = ((image.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if image.shape[2] == 4 and suffix in JPEG_SUFFIXES:
        image = image[:, :, :3]
    bgr = image[..., ::-1]
    if image.shape[2] == 4:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA)
    elif not bgr.flags.c_contiguous:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    try:
        encoded = encode(suffix, bgr, ENCODINGS.get(suffix, []), metadata)
    except cv2.error as error:
        raise MediaError(f"{path}: {suffix} cannot hold this image ({error.err}); try .png") from error
    if encoded is None:
        height, width = image.shape[:2]
        raise MediaError(f"{path}: {suffix} cannot hold this image of {width}x{height}; try .png")
    with storage_errors("write", path, "name another output with -o"):
        write_file(path, encoded)
    return len(encoded)


def _decode(data: bytes) -> Plane | None:
    """Decode with OpenCV, which applies EXIF only if it may drop alpha."""
    # OpenCV would print warnings to the terminal; our errors are enough.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    upright, orientations = without_orientation(data)
    buffer = np.frombuffer(upright, np.uint8)
    try:
        image: Plane | None = None
        if not data.startswith(_JPEG_START):
            image = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
        if image is not None and (data.startswith(PNG_START) or (image.ndim == 3 and image.shape[2] == 4)):
            return turned(image, orientations[0] if orientations else first_tag(_exif(data), ORIENTATION))
        image = cv2.imdecode(buffer, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
        return image if image is None or not orientations else turned(image, orientations[0])
    except cv2.error:  # an empty file, or one above OpenCV's limits
        return None


def _gray_with_alpha(path: Path, data: bytes) -> Plane:
    """A TIFF of gray and alpha as (H, W, 4), by FFmpeg because OpenCV drops its alpha."""
    import av  # no other image needs it

    try:
        with av.open(io.BytesIO(data), "r", format="tiff_pipe") as container:
            frame = next(container.decode(video=0))
        samples = np.dtype(_GRAY_WITH_ALPHA[frame.format.name])
    except (av.FFmpegError, StopIteration, KeyError) as error:
        raise MediaError(f"the alpha of {path} cannot be read; save it as png") from error
    rows = np.frombuffer(memoryview(frame.planes[0]), samples).reshape(frame.height, -1)[:, : 2 * frame.width]
    gray, alpha = rows[:, ::2], rows[:, 1::2]
    image = np.dstack([gray, gray, gray, alpha]).astype(samples.newbyteorder("="))
    return turned(image, first_tag(data, ORIENTATION))


def turned(image: Plane, orientation: int) -> Plane:
    """The image turned and mirrored by the EXIF orientation; an invalid one is ignored."""
    if orientation in _TRANSPOSED:
        image = image.swapaxes(0, 1)
    return np.ascontiguousarray(np.flip(image, _FLIPS.get(orientation, ())))


def _exif(data: bytes) -> bytes:
    """The EXIF of a PNG or WebP; empty if there is none."""
    is_png = data.startswith(PNG_START)
    if not is_png and data[8:12] != _WEBP_MARK:
        return b""
    position = len(PNG_START) if is_png else 12
    while position + 8 <= len(data):
        if is_png:
            length, kind = struct.unpack_from(">I4s", data, position)
            step = length + 12  # header and checksum
        else:
            kind, length = struct.unpack_from("<4sI", data, position)
            step = length + length % 2 + 8
        if kind in _EXIF_CHUNKS:
            return data[position + 8 : position + 8 + length].removeprefix(b"Exif\0\0")
        position += step
    return b""


def stated_size(data: bytes) -> tuple[int, int]:
    """Width and height in the header of a PNG or JPEG; (0, 0) for others."""
    if data.startswith(PNG_START) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    position = len(_JPEG_START)
    while data.startswith(_JPEG_START) and position + 9 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker in _JPEG_FRAME_MARKERS:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        position += 2 + length
    return 0, 0
