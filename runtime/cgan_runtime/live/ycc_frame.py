"""A colored camera frame in planes, as the screen, the recorder and the web page use it.

frame = YccFrame(luma, cb, cr)
frame.with_gray_left(0.4).bgr()                   # the left 40 % of the width is gray
frame.jpeg()
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.errors import MediaError

JFIF = Encoding("bt601", full_range=True, bits=8)  # of the planes, that of a JPEG (ITU-T T.871)
_TWICE = 0x101  # times a byte makes two of it
JPEG_QUALITY = 80  # for the web page: half the bytes of 90, with no visible difference in motion


@dataclass(frozen=True)
class YccFrame:
    """Luma with chroma of half its size (4:2:0), in the encoding `JFIF`."""

    luma: Plane  # uint8 (H, W), as the camera gave it
    cb: Plane  # uint8 (H/2, W/2), rounded up
    cr: Plane

    @staticmethod
    def chroma_shape(luma: Plane) -> tuple[int, int]:
        """The shape (h, w) of the chroma planes that belong to a luma plane."""
        return (luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2

    def with_gray_left(self, fraction: float) -> YccFrame:
        """The frame with the left `fraction` of its width (0 to 1) in gray."""
        columns = round(fraction * self.cb.shape[1])
        if columns <= 0:
            return self
        cb, cr = self.cb.copy(), self.cr.copy()
        cb[:, :columns] = cr[:, :columns] = JFIF.chroma_center
        return YccFrame(self.luma, cb, cr)

    def bgr(self) -> Plane:
        """The frame as OpenCV shows it: uint8 (H, W, 3), in the order blue, green, red."""
        size = self.luma.shape[::-1]
        cb, cr = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (self.cb, self.cr))
        return cv2.cvtColor(cv2.merge([self.luma, cr, cb]), cv2.COLOR_YCrCb2BGR)

    def jpeg(self) -> bytes:
        """The frame as a JPEG file.

        Each chroma sample counts for four pixels, of which the encoder takes the mean again.
        """
        height, width = self.luma.shape
        cr, cb = (_doubled(plane)[:height, :width] for plane in (self.cr, self.cb))
        bgr = cv2.cvtColor(cv2.merge([self.luma, cr, cb]), cv2.COLOR_YCrCb2BGR)
        _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        return encoded.tobytes()

    def png(self) -> bytes:
        """The frame as a PNG file."""
        _, encoded = cv2.imencode(".png", self.bgr())
        return encoded.tobytes()


def _doubled(plane: Plane) -> Plane:
    """A plane, uint8, with four pixels for each, in a seventh of the time of `cv2.resize`."""
    wide = (plane.astype(np.uint16) * np.uint16(_TWICE)).view(np.uint8)
    return np.asarray(np.repeat(wide, 2, axis=0), np.uint8)


def luma_of_jpeg(data: bytes) -> Plane:
    """Decode the luma of a JPEG whose size was checked, uint8 (H, W); MediaError: it is damaged."""
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        luma = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        luma = None
    if luma is None:
        raise MediaError("the image is damaged; send a whole JPEG")
    return luma
