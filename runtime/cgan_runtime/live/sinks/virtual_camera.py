"""The colored video as a camera for other programs (v4l2loopback, OBS), through pyvirtualcam.

with VirtualCamera() as camera:
    camera.send(frame.bgr())
"""

from __future__ import annotations

from typing import Any

import cv2

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.live.ycc_frame import YccFrame

_RATE = 30  # frames/s announced to other programs; they get the frames that there are


class VirtualCamera:
    """Opens with the first image and keeps its size. One thread uses it."""

    def __init__(self) -> None:
        """Import pyvirtualcam; raise MediaError when it is not installed."""
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MediaError("--virtual-camera needs: pip install pyvirtualcam") from error
        self.device: str | None = None  # its name for other programs; None before the first image
        self._library: Any = pyvirtualcam
        self._camera: Any = None

    def __enter__(self) -> VirtualCamera:
        return self

    def __exit__(self, *_: object) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    @property
    def ended(self) -> bool:
        """Whether it takes no more frames: never."""
        return False

    def write(self, frame: YccFrame, captured: float) -> None:
        """Show a frame; errors as of `send`."""
        self.send(frame.bgr())

    def send(self, image: Plane) -> None:
        """Show an image, uint8 (H, W, 3) in BGR, resized to the first.

        MediaError is raised when this machine has no virtual camera.
        """
        if self._camera is None:
            height, width = image.shape[:2]
            try:
                self._camera = self._library.Camera(width, height, _RATE, fmt=self._library.PixelFormat.BGR)
            except RuntimeError as error:  # it lists why each kind of camera failed
                raise MediaError(
                    f"no virtual camera on this machine ({error}); on Linux run: sudo modprobe v4l2loopback, "
                    "elsewhere install OBS and start its virtual camera once"
                ) from error
            self.device = self._camera.device
        size = self._camera.width, self._camera.height
        if image.shape[1::-1] != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._camera.send(image)
