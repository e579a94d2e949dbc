"""JPEGs that get colors: only their luma is decoded, and a gray one keeps it as it is coded.

photo = read_jpeg(Path("in.jpg"))                      # None for other files
size = write_jpeg(Path("out.jpg"), photo, cb, cr)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.hues import is_colored
from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.image.jpeg_planes import components_of, gray_jpeg, is_plain_gray, with_chroma
from cgan_runtime.image.metadata import NONE, Metadata, jpeg_orientation, jpeg_segments
from cgan_runtime.image.read_write import JPEG_QUALITY, read_file, stated_size

_GRAY, _COLORED = 1, 3  # planes; others are of ink
_UPRIGHT = (0, 1)  # orientations


@dataclass(frozen=True)
class Photo:
    """What is needed of an image to store it as a JPEG with other colors.

    Attributes:
        luma: Upright, in codes of a JPEG, uint8: (H, W), or where `kept` has it, (H/2, W/2) rounded up.
        size: H and W.
        is_colored: Whether it has colors already.
        kept: A gray JPEG whose luma stays as it is; empty if there is none.
    """

    luma: Plane
    size: tuple[int, int]
    is_colored: bool
    kept: bytes = b""

    @classmethod
    def of(cls, image: Plane) -> Photo:
        """Take an image, uint8 (H, W) gray or (H, W, 3) RGB."""
        luma = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return cls(luma, luma.shape, is_colored(image))

    @property
    def chroma_shape(self) -> tuple[int, int]:
        """Height and width of its chroma planes."""
        height, width = self.size
        return (height + 1) // 2, (width + 1) // 2


def read_jpeg(path: Path) -> Photo | None:
    """Read what is needed of a JPEG; None for another file, a damaged one, and one of four inks.

    Raises:
        MediaError: It is missing or too large.
    """
    data = read_file(path)
    planes = components_of(data)
    if planes not in (_GRAY, _COLORED):
        return None
    width, height = stated_size(data)
    if jpeg_orientation(data) in _UPRIGHT and is_plain_gray(data):
        half = _decoded(data, cv2.IMREAD_REDUCED_GRAYSCALE_2)
        photo = None if half is None else Photo(half, (height, width), is_colored=False, kept=data)
        if photo is not None and photo.luma.shape == photo.chroma_shape:
            return photo
    luma = _decoded(data, cv2.IMREAD_GRAYSCALE)
    small = _decoded(data, cv2.IMREAD_REDUCED_COLOR_8) if planes == _COLORED else None
    if luma is None:
        return None
    return Photo(luma, luma.shape, small is not None and is_colored(small[..., ::-1]))


def write_jpeg(path: Path, photo: Photo, cb: Plane, cr: Plane, metadata: Metadata = NONE) -> int:
    """Write a photo with these chroma planes, uint8; returns the number of bytes.

    Raises:
        MediaError: It is too large for a JPEG, or the file cannot be written.
    """
    gray = photo.kept or gray_jpeg(photo.luma, JPEG_QUALITY)
    encoded = with_chroma(gray, cb, cr, JPEG_QUALITY, jpeg_segments(metadata))
    if encoded is None:
        height, width = photo.size
        raise MediaError(f"{path}: {path.suffix} cannot hold this image of {width}x{height}; try .png")
    with storage_errors("write", path, "name another output with -o"):
        write_file(path, encoded)
    return len(encoded)


def _decoded(data: bytes, how: int) -> Plane | None:
    # OpenCV would print warnings to the terminal; our errors are enough.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:  # an empty file, or one above OpenCV's limits
        return None
