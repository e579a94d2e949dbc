"""What a server's log says: unexpected errors with their traceback, and cameras that were lost or are there again."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from cgan_runtime.console import Console
from cgan_runtime.live.capture.camera import CameraState, CameraStatus
from cgan_runtime.live.server.service.lifecycle import ConsoleHandler, log_cameras
from cgan_runtime.live.server.viewers import ViewerHub


def entries(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_unexpected_error_is_one_entry_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("cgan.test")
    handler = ConsoleHandler(Console(log="json"))
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.info("no news")
        logger.warning("careful, %s", "please")
        try:
            raise ValueError("a bug")
        except ValueError:
            logger.exception("a request failed")
    finally:
        logger.removeHandler(handler)
    warning, error = entries(capsys)
    assert (warning["level"], warning["message"]) == ("warning", "careful, please")
    assert (error["level"], error["message"], error["logger"]) == ("error", "a request failed", "cgan.test")
    assert error["traceback"].endswith("ValueError: a bug\n")


@dataclass
class Camera:
    state: CameraState = field(default_factory=lambda: CameraState(CameraStatus.OPENING, "opening"))


@dataclass
class Hub:
    name: str = "0"
    title: str = "door"
    camera: Camera = field(default_factory=Camera)


def test_a_lost_camera_is_told_once_and_its_return(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgan_runtime.live.server.service.lifecycle._LOOK_SECONDS", 0)
    hub = Hub()

    async def follow() -> None:
        log = asyncio.create_task(log_cameras([cast(ViewerHub, hub)], Console(log="json")))
        for status, message in (
            (CameraStatus.LIVE, "640x480"),
            (CameraStatus.LOST, "unplugged; trying again in 0.5 s"),
            (CameraStatus.LOST, "unplugged; trying again in 1 s"),
            (CameraStatus.LIVE, "640x480"),
            (CameraStatus.ENDED, "--crop 700x700+0+0 is not within the picture"),
            (CameraStatus.OFF, "off while nobody watches"),
            (CameraStatus.ENDED, "--crop 700x700+0+0 is not within the picture"),
        ):
            hub.camera.state = CameraState(status, message)
            for _ in range(3):
                await asyncio.sleep(0)
        log.cancel()
        await asyncio.gather(log, return_exceptions=True)

    asyncio.run(follow())
    told = [(entry["level"], entry["event"], entry["camera"]) for entry in entries(capsys)]
    assert told == [
        ("info", "camera_live", "door"),
        ("warning", "camera_lost", "door"),
        ("info", "camera_live", "door"),
        ("error", "camera_ended", "door"),
    ]
