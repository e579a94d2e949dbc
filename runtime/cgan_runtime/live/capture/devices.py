"""The cameras of this machine, with their names and sizes.

    for device in list_devices():
        print(device)                                # /dev/video0  HD Webcam  1280x720, 640x480
    device_name("0")

On Linux the kernel is asked (Video4Linux), without turning a camera on. Elsewhere no library of ours knows names:
the first few numbers are opened one after the other.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

_SYSFS, _DEV = Path("/sys/class/video4linux"), Path("/dev")
_TRIED = 4  # numbers that are opened where the system cannot be asked
_MOST = 64  # formats or sizes of a device: an end for a driver that has none

# The parts of Linux' videodev2.h that are used: request numbers, and structures as of `struct`.
_QUERYCAP, _CAPABILITY = 0x80685600, struct.Struct("=16s32s32s3I12x")
_ENUM_FMT, _FORMAT = 0xC0405602, struct.Struct("=3I32s2I12x")
_ENUM_FRAMESIZES, _FRAME_SIZE = 0xC02C564A, struct.Struct("=3I6I8x")
_CAPTURE, _CAPTURE_TYPE, _HAS_DEVICE_CAPS = 0x1, 1, 0x80000000
_DISCRETE = 1


@dataclass(frozen=True)
class Device:
    """A camera."""

    path: str  # as --webcam takes it
    name: str  # what its maker calls it; empty if that is not known
    sizes: tuple[tuple[int, int], ...] = ()  # width and height, the largest first

    def __str__(self) -> str:
        sizes = ", ".join(f"{width}x{height}" for width, height in self.sizes)
        return "  ".join(part for part in (self.path, self.name, sizes) if part)


def list_devices() -> list[Device]:
    """All cameras that this machine has, in the order of their numbers."""
    return list(_of_linux() if sys.platform == "linux" else _tried())


def device_name(source: str) -> str:
    """What the maker calls a device (`0` or `/dev/video0`); empty if that is not known."""
    node = f"video{source}" if source.isdigit() else Path(source).name
    try:
        return (_SYSFS / node / "name").read_text(errors="replace").strip()
    except OSError:
        return ""


def is_missing(source: str) -> bool:
    """Whether a device (`0` or `/dev/video0`) is certainly not there; only Linux can say without turning it on."""
    return sys.platform == "linux" and not (_DEV / f"video{source}" if source.isdigit() else Path(source)).exists()


def others(source: str) -> str:
    """What to say about the cameras there are, after "no camera at SOURCE"."""
    found = [device for device in list_devices() if device.path != source]
    if not found:
        return "this machine has none"
    return "there are " + ", ".join(f"{each.path} ({each.name})" if each.name else each.path for each in found)


def _of_linux() -> Iterator[Device]:
    """Ask the kernel; nodes that are no cameras, such as those of metadata or codecs, are left out."""
    numbers = (re.fullmatch(r"video(\d+)", node.name) for node in _DEV.glob("video*"))
    for number in sorted(int(found[1]) for found in numbers if found):
        path = str(_DEV / f"video{number}")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            if isinstance(error, PermissionError):
                yield Device(path, f"{device_name(path)} (no permission)".strip())
            continue
        try:
            sizes = _sizes(descriptor)
        except OSError:
            sizes = None
        finally:
            os.close(descriptor)
        if sizes is not None:
            yield Device(path, device_name(path), tuple(sorted(sizes, reverse=True)))


def _sizes(descriptor: int) -> set[tuple[int, int]] | None:
    """The sizes of an open device; None if it is no camera."""
    *_, capabilities, of_node = _ask(descriptor, _QUERYCAP, _CAPABILITY)
    if not (of_node if capabilities & _HAS_DEVICE_CAPS else capabilities) & _CAPTURE:
        return None
    sizes: set[tuple[int, int]] = set()
    for index in range(_MOST):
        try:
            pixel_format = _ask(descriptor, _ENUM_FMT, _FORMAT, index, _CAPTURE_TYPE)[4]
        except OSError:  # the end of the list
            break
        sizes |= set(_sizes_of(descriptor, pixel_format))
    return sizes


def _sizes_of(descriptor: int, pixel_format: int) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        try:
            answer = _ask(descriptor, _ENUM_FRAMESIZES, _FRAME_SIZE, index, pixel_format)
        except OSError:
            return
        if answer[2] == _DISCRETE:
            yield answer[3:5]
        else:  # all sizes in steps: widths from [3] to [4], heights from [6] to [7]
            yield answer[4], answer[7]
            return


def _ask(descriptor: int, request: int, layout: struct.Struct, *values: int) -> tuple[Any, ...]:
    """Send a request to a device and return what it has filled in."""
    import fcntl  # not on Windows

    buffer = bytearray(layout.size)
    struct.pack_into(f"={len(values)}I", buffer, 0, *values)
    fcntl.ioctl(descriptor, request, buffer)
    return layout.unpack(buffer)


def _tried() -> Iterator[Device]:
    for number in range(_TRIED):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            width, height = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
            yield Device(str(number), "", ((width, height),))
        capture.release()
