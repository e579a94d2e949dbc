"""Cameras of this machine, as the kernel tells them; the answers of a made-up driver."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from cgan_runtime.live.capture import devices
from cgan_runtime.live.capture.devices import Device, device_name, list_devices, others

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked on Linux only")

WEBCAM, METADATA = 0x85200001, 0x84A00000 | 0x80000000
SIZES = {0: [(640, 480), (1280, 720)], 1: [(1920, 1080)]}  # by format


class Driver:
    """Answers ioctls as a driver does; `capture` says whether the node is a camera."""

    def __init__(self, cameras: dict[str, bool]) -> None:
        self.cameras = cameras

    def ioctl(self, descriptor: int, request: int, buffer: bytearray) -> int:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if request == devices._QUERYCAP:
            own = 0x04200001 if self.cameras[name] else 0x04A00000
            struct.pack_into("=3I", buffer, 80, 0x060000, 0x84A00001, own)
        elif request == devices._ENUM_FMT:
            index, kind = struct.unpack_from("=2I", buffer)
            if index not in SIZES or kind != 1:
                raise OSError(22, "Invalid argument")
            struct.pack_into("=I", buffer, 44, 1000 + index)
        else:
            index, pixel_format = struct.unpack_from("=2I", buffer)
            if index >= len(SIZES[pixel_format - 1000]):
                raise OSError(22, "Invalid argument")
            struct.pack_into("=3I", buffer, 8, 1, *SIZES[pixel_format - 1000][index])
        return 0


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a webcam, the node of its metadata, and a second camera."""
    cameras = {"video0": True, "video1": False, "video10": True}
    for node in cameras:
        (tmp_path / node).touch()
        (tmp_path / "sys" / node).mkdir(parents=True)
        (tmp_path / "sys" / node / "name").write_text("HD Webcam\n" if node != "video10" else "Thermal\n")
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    monkeypatch.setattr(devices, "_SYSFS", tmp_path / "sys")
    monkeypatch.setattr("fcntl.ioctl", Driver(cameras).ioctl)
    return tmp_path


def test_cameras_are_listed_with_names_and_sizes(machine: Path) -> None:
    sizes = ((1920, 1080), (1280, 720), (640, 480))
    assert list_devices() == [
        Device(str(machine / "video0"), "HD Webcam", sizes),
        Device(str(machine / "video10"), "Thermal", sizes),
    ]
    assert str(list_devices()[0]) == f"{machine}/video0  HD Webcam  1920x1080, 1280x720, 640x480"


def test_names(machine: Path) -> None:
    assert device_name("0") == device_name("/dev/video0") == "HD Webcam"
    assert device_name("7") == ""


def test_others_are_named_beside_one_that_is_missing(machine: Path) -> None:
    assert others("7") == f"there are {machine}/video0 (HD Webcam), {machine}/video10 (Thermal)"


def test_a_device_that_is_not_there_is_known(machine: Path) -> None:
    assert not devices.is_missing("0")
    assert devices.is_missing("5") == devices.is_missing("/dev/video5") == (sys.platform == "linux")


def test_machine_without_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    assert list_devices() == []
    assert others("0") == "this machine has none"
