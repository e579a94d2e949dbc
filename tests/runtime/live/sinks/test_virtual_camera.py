"""The virtual camera, with a fake pyvirtualcam."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cgan_runtime.errors import MediaError
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera


class Device:
    """pyvirtualcam.Camera on a machine that has one."""

    made: list[Device] = []  # noqa: RUF012

    def __init__(self, width: int, height: int, fps: float, *, fmt: str) -> None:
        self.width, self.height, self.fps, self.fmt = width, height, fps, fmt
        self.device, self.sent, self.closed = "/dev/video9", list[Any](), False
        Device.made.append(self)

    def send(self, frame: Any) -> None:
        self.sent.append(frame.copy())

    def close(self) -> None:
        self.closed = True


def fake_library(camera: Any) -> Any:
    return SimpleNamespace(Camera=camera, PixelFormat=SimpleNamespace(BGR="BGR"))


def test_images_reach_the_device_which_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake_library(Device))
    with VirtualCamera() as camera:
        assert camera.device is None
        camera.send(np.full((48, 64, 3), 7, np.uint8))
        camera.send(np.full((96, 128, 3), 9, np.uint8))  # another size
        tried, device = Device.made
        assert tried.closed
        assert camera.device == "/dev/video9"
        assert (device.width, device.height, device.fmt) == (64, 48, "BGR")
        assert [frame.shape for frame in device.sent] == [(48, 64, 3)] * 2
    assert device.closed


def test_machine_without_virtual_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise RuntimeError("v4l2loopback: no such device")

    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake_library(none))
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(MediaError, match=r"v4l2loopback-dkms .* modprobe v4l2loopback"):  # before anything is opened
        VirtualCamera()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MediaError, match="OBS"):
        VirtualCamera()


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(MediaError, match="pip install pyvirtualcam"):
        VirtualCamera()
