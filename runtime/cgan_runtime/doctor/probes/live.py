"""What cameras, the window, the virtual camera and the web page need."""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding, install_extra, reinstall, version_of
from cgan_runtime.errors import MediaError

GROUP = "Live"

_DEVICES = Path("/sys/class/video4linux")
_SIZE = (64, 64)  # of the image that the virtual camera is tried with
_PAGE = ("127.0.0.1", 8000)  # where --serve listens by default


def cameras() -> Iterator[Finding]:
    """Read a frame from each camera that Linux knows; other systems ask the user first, so none is opened there."""
    from cgan_runtime.live.capture.feeds import open_feed  # loads OpenCV and PyAV

    if sys.platform != "linux":
        yield Finding(GROUP, "Camera", OK, "not tried on this system; cgan-run --webcam shows it")
        return
    found = sorted(_DEVICES.glob("video*")) if _DEVICES.is_dir() else []
    for device in found:
        path, title = f"/dev/{device.name}", (device / "name").read_text(encoding="utf-8", errors="replace").strip()
        text = f"{path}, {title}"
        if not os.access(path, os.R_OK | os.W_OK):
            yield Finding(
                GROUP, "Camera", PROBLEM, f"{text}: not allowed", "Join the group of cameras, then log in again.",
                ("sudo usermod -aG video $USER",),
            )  # fmt: skip
            continue
        try:
            feed = open_feed(path)
            try:
                feed.read()
            finally:
                feed.close()
        except MediaError:  # many cameras have a second device, which delivers no images
            yield Finding(GROUP, "Camera", MISSING, f"{text}: delivers no image, or another program uses it")
        else:
            yield Finding(GROUP, "Camera", OK, f"{text}: {feed.description}")
    if not found:
        yield Finding(GROUP, "Camera", MISSING, "none is plugged in; streams (rtsp://...) need none")


def screen() -> Iterator[Finding]:
    """Open a window."""
    from cgan_runtime.live.window.window import check_screen, lacks_windows  # loads OpenCV

    if lacks_windows():
        text = "this OpenCV opens none; cgan-run --serve shows a page instead"
        yield Finding(GROUP, "Window", MISSING, text, "Add windows.", (reinstall("opencv-python"),))
        return
    try:
        check_screen("cgan-run --serve")
    except MediaError:
        yield Finding(GROUP, "Window", MISSING, "no screen for a window; cgan-run --serve shows a page instead")
    else:
        yield Finding(GROUP, "Window", OK, "opens")


def virtual_camera() -> Iterator[Finding]:
    """Send a black frame to the virtual camera."""
    import numpy as np

    from cgan_runtime.live.sinks.virtual_camera import VirtualCamera

    name = "Virtual camera"
    if version_of("pyvirtualcam") is None:
        text = "not installed; only --virtual-camera needs it"
        yield Finding(GROUP, name, MISSING, text, "Add the virtual camera.", (install_extra("virtual-camera"),))
        return
    try:
        with VirtualCamera() as camera:
            camera.send(np.zeros((*_SIZE, 3), np.uint8))
            yield Finding(GROUP, name, OK, f"{camera.device}")
    except MediaError:
        linux = sys.platform == "linux"
        advice = "Load the kernel's module." if linux else "Install OBS, and start its virtual camera once."
        commands = ("sudo modprobe v4l2loopback",) if linux else ()
        yield Finding(GROUP, name, MISSING, "none on this machine", advice, commands)


def page() -> Iterator[Finding]:
    """Import the server of the web page, and listen where it would."""
    name = "Web page"
    try:
        importlib.import_module("cgan_runtime.live.server.serve")
    except ModuleNotFoundError as error:
        text = f"{error.name} is not installed; only --serve needs it"
        yield Finding(GROUP, name, MISSING, text, "Add the web page.", (install_extra("live"),))
        return
    host, port = _PAGE
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, sys.platform != "win32")
        try:
            listener.bind(_PAGE)
        except OSError:
            text = f"another program has port {port}: cgan-run --serve {host}:{port + 1}"
            yield Finding(GROUP, name, MISSING, text)
            return
    yield Finding(GROUP, name, OK, f"aiohttp {version_of('aiohttp')}; {host}:{port} is free")
