"""One uploaded file, colored in a process with resource limits."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.paths import ROOT
from tests.videos import Video, read_frames, tint_of, write_video

from cgan_runtime.image.read_write import read_image
from cgan_runtime.live.server.uploads import UploadLimits, kill
from cgan_runtime.options.model import ModelOptions
from cgan_runtime.temporal.settings import TemporalSettings

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
TIMEOUT = 120  # seconds


def run(source: Path, target: Path, *, video: bool, limits: UploadLimits | None = None) -> list[dict[str, Any]]:
    order = {
        "source": str(source), "target": str(target), "video": video, "strength": 1.0,
        "model": asdict(ModelOptions(threads=1, size=64)), "temporal": asdict(TemporalSettings()),
        "limits": asdict(limits or UploadLimits()), "hints": [], "view": str(target.with_suffix(".view")),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "cgan_runtime.live.server.upload_job"], input=json.dumps(order),
        capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_photo(tmp_path: Path) -> None:
    notes = ["this image has colors already; they are replaced"]
    assert run(PHOTO, tmp_path / "out.jpg", video=False)[-1] == {"ready": True, "damage": None, "notes": notes}
    assert np.ptp(read_image(tmp_path / "out.jpg").astype(int), axis=2).mean() > 4


def test_video_reports_progress(tmp_path: Path) -> None:
    messages = run(write_video(tmp_path / "in.mp4", Video(frames=5)), tmp_path / "out.mp4", video=True)
    assert [each.get("done") for each in messages] == [1, 2, 3, 4, 5, None]
    assert messages[-1] == {"ready": True, "damage": None, "notes": []}
    assert tint_of(read_frames(tmp_path / "out.mp4")[0]) > 1


def test_damage_is_told(tmp_path: Path) -> None:
    video = write_video(tmp_path / "in.avi", Video(frames=60, width=160, height=120))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    last = run(video, tmp_path / "out.mp4", video=True)[-1]
    assert last["ready"]
    assert "could not be read" in last["damage"]
    assert str(tmp_path) not in str(last)


def test_tiff(tmp_path: Path) -> None:
    source = tmp_path / "in.tif"
    Image.open(PHOTO).resize((64, 48)).convert("L").save(source)
    assert run(source, tmp_path / "out.tif", video=False)[-1]["ready"]
    assert read_image(tmp_path / "out.tif").shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (replace(UploadLimits(), video_seconds=0.1), "lasts"),
        (replace(UploadLimits(), video_pixels=64 * 40), "64x48 pixels"),
    ],
)
def test_video_beyond_a_limit_is_refused(tmp_path: Path, limits: UploadLimits, message: str) -> None:
    video = write_video(tmp_path / "in.mp4", Video(frames=25))
    (messages,) = run(video, tmp_path / "out.mp4", video=True, limits=limits)
    assert message in messages["error"]
    assert str(tmp_path) not in messages["error"]


def test_video_without_a_stated_length_is_stopped(tmp_path: Path) -> None:
    video = write_video(tmp_path / "in.mkv", Video(frames=50, container_options={"live": "1"}))  # states none
    messages = run(video, tmp_path / "out.mp4", video=True, limits=replace(UploadLimits(), video_seconds=0.25))
    assert messages[-1].get("error", "").startswith(("the video is longer than it states", "the video lasts"))


def test_memory_is_limited(tmp_path: Path) -> None:
    messages = run(PHOTO, tmp_path / "out.jpg", video=False, limits=replace(UploadLimits(), job_memory=40_000_000))
    assert not any(each.get("ready") for each in messages)
    assert not (tmp_path / "out.jpg").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the way that children are watched is Linux'")
def test_a_child_that_has_just_ended_is_killed_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def end() -> int:
        if sys.version_info < (3, 12):  # the default from there on
            asyncio.get_event_loop_policy().set_child_watcher(watcher := asyncio.PidfdChildWatcher())
            watcher.attach_loop(asyncio.get_running_loop())
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)  # the loop must not notice
        kill(process)
        return await process.wait()

    try:
        assert asyncio.run(end()) == 0
    finally:
        if sys.version_info < (3, 12):
            asyncio.set_event_loop_policy(None)
    assert caplog.records == []
