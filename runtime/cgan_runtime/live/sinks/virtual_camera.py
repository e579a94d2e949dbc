"""The colored image as a camera for other programs (v4l2loopback, OBS), by pyvirtualcam.

with VirtualCamera() as camera:
    camera.send(image.bgr())
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import cv2

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError

_RATE = 30  # frames/s that are promised to the program that looks; it gets those that there are


class VirtualCamera:
    """Opens with the first image, whose size it keeps. One thread uses it.

    Attributes:
        device: What other programs know it by; None before the first image.
    """

    def __init__(self) -> None:
        """Make sure that it can be had.

        Raises:
            MediaError: pyvirtualcam is not installed.
        """
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MediaError("--virtual-camera needs: pip install pyvirtualcam") from error
        self.device: str | None = None
        self._library: Any = pyvirtualcam
        self._camera: Any = None

    def __enter__(self) -> VirtualCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def send(self, image: Plane) -> None:
        """Show an image, uint8 (H, W, 3), BGR; one of another size than the first is made to fit.

        Raises:
            MediaError: There is no virtual camera on this machine.
        """
        if self._camera is None:
            height, width = image.shape[:2]
            try:
                self._camera = self._library.Camera(width, height, _RATE, fmt=self._library.PixelFormat.BGR)
            except RuntimeError as error:  # it lists why each kind failed
                raise MediaError(
                    f"no virtual camera here ({error}); on Linux: sudo modprobe v4l2loopback, "
                    "elsewhere install OBS and start its virtual camera once"
                ) from error
            self.device = self._camera.device
        size = self._camera.width, self._camera.height
        if image.shape[1::-1] != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._camera.send(image)
