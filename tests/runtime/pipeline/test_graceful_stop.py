"""Ctrl-C in a video: the first finishes the segment; the second, or one before any frame, stops at once."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.videos import Video, packets_of, write_video

from cgan_runtime.backends.base import Arrays
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.resume.work_folder import kept_frames

pytestmark = pytest.mark.usefixtures("short_segments")

FRAMES = 2 * SEGMENT_FRAMES + 40
EACH_FRAME = VideoSettings(temporal=TemporalSettings(every=1))


class PressingBackend(FakeBackend):
    """Presses Ctrl-C at some of its frames."""

    def __init__(self, *at: int) -> None:
        super().__init__()
        self._at = at

    def _run(self, inputs: Arrays) -> Arrays:
        if self.calls in self._at:
            signal.raise_signal(signal.SIGINT)
        return super()._run(inputs)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "in.mp4", Video(frames=FRAMES, audio=["aac"]))


def _color(video: Path, target: Path, *at: int, **options: Any) -> tuple[VideoResult | None, list[int]]:
    """What became of it, None where Ctrl-C left it; what was told of Ctrl-C."""
    told: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    try:
        with Colorizer(PressingBackend(*at)) as colorizer:
            return colorize_video(video, target, colorizer, settings=EACH_FRAME, on_stop=told.append, **options), told
    except KeyboardInterrupt:
        return None, told
    finally:
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("name", ["out.mp4", "out%d.png"])
def test_first_ctrl_c_finishes_the_segment_and_resume_goes_on(name: str, video: Path, tmp_path: Path) -> None:
    target = tmp_path / name
    assert _color(video, target, 30) == (None, [SEGMENT_FRAMES - 31])
    assert kept_frames(target) == SEGMENT_FRAMES
    assert _color(video, target, 30, resume=True) == (None, [SEGMENT_FRAMES - 31])
    assert kept_frames(target) == 2 * SEGMENT_FRAMES
    result, told = _color(video, target, 20, resume=True)
    assert result is not None, "a video that ends before a segment does is done"
    assert (result.frames, result.kept_frames, told) == (FRAMES, 2 * SEGMENT_FRAMES, [19])
    if name == "out.mp4":
        _color(video, tmp_path / "whole.mp4")
        for kind in ("video", "audio"):
            assert packets_of(target, kind) == packets_of(tmp_path / "whole.mp4", kind)


@pytest.mark.parametrize("at", range(SEGMENT_FRAMES - 5, SEGMENT_FRAMES))
def test_on_stop_gets_the_frames_up_to_the_border(at: int, video: Path, tmp_path: Path) -> None:
    """Frames are read ahead: where those of the next segment have been, that is the one to finish."""
    result, (told,) = _color(video, tmp_path / "out.mkv", at)
    assert result is None
    assert kept_frames(tmp_path / "out.mkv") == at + 1 + told


@pytest.mark.parametrize(("at", "kept"), [((0,), 0), ((20, 22), 0), ((SEGMENT_FRAMES + 7, SEGMENT_FRAMES + 9), 1)])
def test_second_ctrl_c_and_one_before_the_first_frame_stop_at_once(
    at: tuple[int, ...], kept: int, video: Path, tmp_path: Path
) -> None:
    result, told = _color(video, tmp_path / "out.mp4", *at)
    assert (result, len(told)) == (None, len(at) - 1)
    assert kept_frames(tmp_path / "out.mp4") == kept * SEGMENT_FRAMES
    assert len(list(tmp_path.iterdir())) == kept  # the work folder


def test_signals_are_not_handled_outside_the_main_thread(video: Path, tmp_path: Path) -> None:
    results: list[VideoResult | None] = []
    thread = threading.Thread(target=lambda: results.append(_color(video, tmp_path / "out.mp4")[0]))
    thread.start()
    thread.join()
    assert results[0] is not None
    assert results[0].frames == FRAMES
