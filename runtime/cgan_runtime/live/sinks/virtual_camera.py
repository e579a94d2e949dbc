"""The colored video as a camera for other programs (v4l2loopback, OBS), through pyvirtualcam.

with VirtualCamera() as camera:
    camera.send(frame.bgr())
"""

from __future__ import annotations

import sys
from typing import Any

import cv2

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.live.ycc_frame import YccFrame

_MENDS = {
    "linux": "the package v4l2loopback-dkms (v4l2loopback on Fedora and Arch) makes one: install it, then run "
    "sudo modprobe v4l2loopback"
}
_MEND = "OBS makes one: install it, and start its virtual camera once"
_TRIED = 640, 480  # pixels
_RATE = 30  # frames/s announced to other programs; they get the frames that there are


class VirtualCamera:
    """Opens with the first image and keeps its size. One thread uses it."""

    def __init__(self) -> None:
        """Try the device, before anything else is opened; MediaError: there is none, or no pyvirtualcam."""
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MediaError("--virtual-camera needs pyvirtualcam; install it: pip install pyvirtualcam") from error
        self.device: str | None = None  # its name for other programs; None before the first image
        self._library: Any = pyvirtualcam
        self._camera: Any = None
        self._open(*_TRIED).close()

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
        """Show an image, uint8 (H, W, 3) in BGR, resized to the first; a MediaError when the device has gone."""
        if self._camera is None:
            height, width = image.shape[:2]
            self._camera = self._open(width, height)
            self.device = self._camera.device
        size = self._camera.width, self._camera.height
        if image.shape[1::-1] != size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._camera.send(image)

    def _open(self, width: int, height: int) -> Any:
        try:
            return self._library.Camera(width, height, _RATE, fmt=self._library.PixelFormat.BGR)
        except RuntimeError as error:  # it lists why each kind of camera failed
            reason = " ".join(str(error).split())
            mend = _MENDS.get(sys.platform, _MEND)
            raise MediaError(f"no virtual camera on this machine ({reason}); {mend}") from error
