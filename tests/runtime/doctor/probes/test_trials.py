"""Codecs, cameras, screen, virtual camera, page, Ray and libraries of this machine, and what is said of others."""

from __future__ import annotations

import builtins
import importlib
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM
from cgan_runtime.doctor.probes import live, media, tools
from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture import feeds
from cgan_runtime.live.sinks import virtual_camera
from cgan_runtime.live.window import window


def test_codecs() -> None:
    encoders, decoders, *hardware = media.codecs()
    assert encoders.state == OK, encoders.text
    assert {"h264", "hevc", "av1", "ffv1"} <= set(encoders.figures)
    assert decoders.state == OK, decoders.text
    assert "h264" in decoders.text
    assert [each.name for each in hardware] == ["GPU encoders", "GPU decoders"]
    assert "h264_nvenc" in hardware[0].figures


def test_an_encoder_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "try_encoders", lambda: ({"ffv1": None, "libx264": "not in this build"}, {"x": None}))
    found, _, nvenc, _ = media.codecs()
    assert (found.state, found.text) == (PROBLEM, "ffv1; not h264 (not in this build)")
    assert (nvenc.state, nvenc.text) == (OK, "x")


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a camera that Linux knows, and that may be opened."""
    (tmp_path / "video0").mkdir()
    (tmp_path / "video0" / "name").write_text("A camera\n")
    monkeypatch.setattr(live, "_DEVICES", tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(live.os, "access", lambda _path, _mode: True)
    return tmp_path


class Camera:
    """A feed that delivers one frame."""

    description = "640x480"

    def read(self) -> None: ...
    def close(self) -> None: ...


def refuse(*_: object) -> Any:
    raise MediaError("no")


def test_cameras(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "open_feed", lambda _path: Camera())
    assert [(each.state, each.text) for each in live.cameras()] == [(OK, "/dev/video0, A camera: 640x480")]
    monkeypatch.setattr(feeds, "open_feed", refuse)
    assert [each.state for each in live.cameras()] == [MISSING]
    monkeypatch.setattr(live.os, "access", lambda _path, _mode: False)
    (found,) = live.cameras()
    assert (found.state, found.commands) == (PROBLEM, ("sudo usermod -aG video $USER",))
    monkeypatch.setattr(live, "_DEVICES", devices / "none")
    assert [each.state for each in live.cameras()] == [MISSING]


def test_elsewhere_no_camera_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(feeds, "open_feed", lambda _path: pytest.fail("opened"))
    assert [each.state for each in live.cameras()] == [OK]


@pytest.mark.parametrize(("check", "state"), [(refuse, MISSING), (lambda _text: None, OK)])
def test_screen(check: Any, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "check_screen", check)
    assert [each.state for each in live.screen()] == [state]


def test_an_opencv_without_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window.cv2, "getBuildInformation", lambda: "  GUI:                           NONE\n")
    (found,) = live.screen()
    assert (found.state, found.text) == (MISSING, "this OpenCV opens none; cgan-run --serve shows a page instead")
    assert found.commands[0].endswith("--force-reinstall --no-deps opencv-python")


class Virtual(Camera):
    """A virtual camera."""

    device = "/dev/video9"
    send = __enter__ = lambda self, *_: self
    __exit__ = lambda *_: None  # noqa: E731


def test_virtual_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "version_of", lambda *_names: None)
    (found,) = live.virtual_camera()
    assert (found.state, len(found.commands)) == (MISSING, 1)
    monkeypatch.setattr(live, "version_of", lambda *_names: "1")
    monkeypatch.setattr(virtual_camera, "VirtualCamera", Virtual)
    assert [(each.state, each.text) for each in live.virtual_camera()] == [(OK, "/dev/video9")]
    monkeypatch.setattr(virtual_camera, "VirtualCamera", refuse)
    monkeypatch.setattr(sys, "platform", "linux")
    assert [each.commands for each in live.virtual_camera()] == [("sudo modprobe v4l2loopback",)]


def test_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(live, "_PAGE", other.getsockname())
        (found,) = live.page()
        assert (found.state, "another program has port" in found.text) == (MISSING, True)
    assert [each.state for each in live.page()] == [OK]

    def fail(_name: str) -> Any:
        raise ModuleNotFoundError("No module named 'segno'", name="segno")

    monkeypatch.setattr(importlib, "import_module", fail)
    (found,) = live.page()
    assert (found.state, found.text) == (MISSING, "segno is not installed; only --serve needs it")
    assert "aiohttp" in found.commands[0]


def test_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = tools.libraries()
    assert (found.state, found.figures["numpy"] in found.text) == (OK, True)
    monkeypatch.setattr(tools, "version_of", lambda *_names: "1")
    clashes = [each.text for each in tools.libraries() if each.state == PROBLEM]
    assert clashes[0].startswith("onnxruntime and onnxruntime-gpu are both installed")


def test_a_library_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> Any:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return builtins

    monkeypatch.setattr(importlib, "import_module", load)
    (found,) = [each for each in tools.libraries() if each.state == PROBLEM]
    assert found.name.startswith("opencv-python")
    assert found.text == "cannot be loaded (libGL.so.1: cannot open shared object file)"
    assert "without windows" in found.advice
    assert found.commands[0].endswith("--force-reinstall --no-deps opencv-python-headless")


def test_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "version_of", lambda *_names: None)
    (found,) = tools.ray()
    assert (found.state, "ray" in found.commands[0]) == (MISSING, True)
