"""A colored image of a camera, in planes, for the screen, the recorder and the page.

image = Image(luma, cb, cr)
image.half_gray(0.4).bgr()                        # gray left of 40 % of the width
image.jpeg()
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.errors import MediaError

JFIF = Encoding("bt601", full_range=True, bits=8)
"""How the planes are read: as a JPEG's are (ITU-T T.871)."""

JPEG_QUALITY = 80
"""Of what is sent to a page: half the bytes of 90, and nobody sees it while things move."""


@dataclass(frozen=True)
class Image:
    """Luma with chroma of half its size, 4:2:0, in the encoding `JFIF`.

    Attributes:
        luma: uint8 (H, W), as the camera gave it.
        cb: uint8 (H/2, W/2), rounded up.
        cr: The same.
    """

    luma: Plane
    cb: Plane
    cr: Plane

    @staticmethod
    def chroma_shape(luma: Plane) -> tuple[int, int]:
        """(h, w) of the chroma planes that belong to a luma plane."""
        return (luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2

    def half_gray(self, share: float) -> Image:
        """The image with its left part gray.

        Args:
            share: Of the width that is gray, 0 to 1.
        """
        columns = round(share * self.cb.shape[1])
        if columns <= 0:
            return self
        cb, cr = self.cb.copy(), self.cr.copy()
        cb[:, :columns] = cr[:, :columns] = JFIF.chroma_center
        return Image(self.luma, cb, cr)

    def bgr(self) -> Plane:
        """As OpenCV shows it, uint8 (H, W, 3): blue, green, red."""
        size = self.luma.shape[::-1]
        cb, cr = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (self.cb, self.cr))
        return cv2.cvtColor(cv2.merge([self.luma, cr, cb]), cv2.COLOR_YCrCb2BGR)

    def jpeg(self) -> bytes:
        """As a JPEG file."""
        _, encoded = cv2.imencode(".jpg", self.bgr(), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        return encoded.tobytes()


def luma_of_jpeg(data: bytes) -> Plane:
    """The luma of a JPEG, uint8 (H, W). Its size is to be looked at before it is handed in.

    Raises:
        MediaError: It cannot be decoded.
    """
    try:
        luma = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error:
        luma = None
    if luma is None:
        raise MediaError("the image is damaged; send a whole JPEG")
    return luma
