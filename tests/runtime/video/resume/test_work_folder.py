"""A video made in several runs is that of a single run, and no finished segment is lost."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.videos import Video, packets_of, write_video

from cgan_runtime.backends.base import Arrays
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, MediaError
from cgan_runtime.files.output import FileOutput
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.resume.work_folder import WorkFolder, kept_frames, work_folder
from cgan_runtime.video.write.codecs import EncoderSettings

FloatArray = npt.NDArray[np.float32]

pytestmark = pytest.mark.usefixtures("short_segments")

FRAMES = 2 * SEGMENT_FRAMES + 30
STOP = SEGMENT_FRAMES + 20  # in the second segment
UNEVEN = [Fraction(3) + Fraction(n, 25) + Fraction(n * n % 97, 9000) for n in range(FRAMES)]


def each_frame(encoder: EncoderSettings | None = None) -> VideoSettings:
    """The network runs on each frame, so that its runs count frames."""
    return VideoSettings(encoder or EncoderSettings(), TemporalSettings(every=1))


class StoppingBackend(FakeBackend):
    """Fails at its n-th frame."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__()
        self._at, self._error = at, error

    def _run(self, inputs: Arrays) -> Arrays:
        if self.calls == self._at:
            raise self._error
        return super()._run(inputs)


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _decoded(path: Path) -> list[tuple[Fraction, bytes]]:
    """Time and content of every frame."""
    with av.open(path) as container:
        return [
            (frame.pts * frame.time_base, b"".join(bytes(plane) for plane in frame.planes))
            for frame in container.decode(video=0)
        ]


def _stopped(source: Path, target: Path, *, at: int = STOP, encoder: EncoderSettings | None = None) -> None:
    with Colorizer(StoppingBackend(at, KeyboardInterrupt())) as colorizer, pytest.raises(KeyboardInterrupt):
        colorize_video(source, target, colorizer, settings=each_frame(encoder))


def _resume(source: Path, target: Path, encoder: EncoderSettings | None = None) -> tuple[VideoResult, int]:
    backend = FakeBackend()
    with Colorizer(backend) as colorizer:
        return colorize_video(source, target, colorizer, settings=each_frame(encoder), resume=True), backend.calls


@pytest.mark.parametrize(
    ("suffix", "encoder", "video"),
    [
        (".mp4", EncoderSettings(preset="medium"), Video(pts=UNEVEN, audio=["aac"])),
        (".mkv", EncoderSettings(), Video(frames=FRAMES, audio=["aac"])),
        (".mkv", EncoderSettings("ffv1"), Video(frames=FRAMES, pixel_format="yuv420p10le")),
        (".webm", EncoderSettings(), Video(frames=FRAMES)),
    ],
    ids=["mp4-uneven-times", "mkv", "ffv1", "webm"],
)
def test_a_stopped_run_is_resumed_with_the_video_of_a_single_run(
    suffix: str, encoder: EncoderSettings, video: Video, tmp_path: Path, colorizer: Colorizer
) -> None:
    source, target = write_video(tmp_path / "in.mp4", video), tmp_path / f"out{suffix}"
    whole = tmp_path / f"whole{suffix}"
    colorize_video(source, whole, colorizer, settings=each_frame(encoder))
    _stopped(source, target, encoder=encoder)
    assert not target.exists()
    assert kept_frames(target) == SEGMENT_FRAMES
    result, calls = _resume(source, target, encoder)
    assert (result.frames, result.kept_frames, calls) == (FRAMES, SEGMENT_FRAMES, FRAMES - SEGMENT_FRAMES)
    assert _decoded(target) == _decoded(whole)
    assert packets_of(target, "audio") == packets_of(whole, "audio") == packets_of(source, "audio")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", f"out{suffix}", f"whole{suffix}"]


@pytest.mark.parametrize("preset", ["ultrafast", "slow"])
def test_decoding_times_rise_across_segments(preset: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4", Video(pts=UNEVEN))
    colorize_video(source, tmp_path / "out.mp4", colorizer, settings=VideoSettings(EncoderSettings(preset=preset)))
    with av.open(tmp_path / "out.mp4") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert len(packets) == FRAMES
    assert all(a.dts < b.dts for a, b in pairwise(packets))
    assert all(packet.dts <= packet.pts for packet in packets)
    keys = [packet.pts for packet in packets if packet.is_keyframe]
    assert {sorted(packet.pts for packet in packets)[n * SEGMENT_FRAMES] for n in range(3)} <= set(keys)


@pytest.mark.parametrize("temporal", [TemporalSettings("off", 7), TemporalSettings("low"), TemporalSettings("high", 3)])
def test_the_filter_state_goes_from_run_to_run(temporal: TemporalSettings, tmp_path: Path) -> None:
    def restless(lightness: FloatArray) -> FloatArray:
        """A color that changes from frame to frame but not from run to run."""
        a = np.sin(40 * lightness.mean()) * np.cos(9 * lightness[:, 0])
        return np.stack([a, np.sin(7 * lightness[:, 0])], axis=1).astype(np.float32)

    def stop(done: int, _: int | None) -> None:
        if done == STOP:
            raise KeyboardInterrupt

    source = write_video(tmp_path / "in.mp4", Video(frames=FRAMES))
    with Colorizer(FakeBackend(restless)) as colorizer:
        colorize_video(source, tmp_path / "whole.mp4", colorizer, settings=VideoSettings(temporal=temporal))
    with Colorizer(FakeBackend(restless)) as colorizer, pytest.raises(KeyboardInterrupt):
        colorize_video(
            source, tmp_path / "out.mp4", colorizer, settings=VideoSettings(temporal=temporal), progress=stop
        )
    with Colorizer(FakeBackend(restless)) as colorizer:
        result = colorize_video(
            source, tmp_path / "out.mp4", colorizer, settings=VideoSettings(temporal=temporal), resume=True
        )
    assert result.kept_frames == SEGMENT_FRAMES
    assert _decoded(tmp_path / "out.mp4") == _decoded(tmp_path / "whole.mp4")


def test_an_incomplete_segment_is_ignored(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    _stopped(source, target, at=2 * SEGMENT_FRAMES + 20)
    assert kept_frames(target) == 2 * SEGMENT_FRAMES
    second = work_folder(target) / "000001.segment"
    second.write_bytes(second.read_bytes()[:-5])
    assert kept_frames(target) == SEGMENT_FRAMES
    colorize_video(source, tmp_path / "whole.mp4", colorizer, settings=each_frame())
    assert _resume(source, target)[0].kept_frames == SEGMENT_FRAMES
    assert _decoded(target) == _decoded(tmp_path / "whole.mp4")


def test_a_run_killed_after_its_last_segment_colors_nothing_again(tmp_path: Path) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    with pytest.MonkeyPatch.context() as patch:

        def killed(*_: FileOutput, **__: bool) -> None:
            raise KeyboardInterrupt

        patch.setattr(FileOutput, "publish", killed)
        with Colorizer(FakeBackend()) as colorizer, pytest.raises(KeyboardInterrupt):
            colorize_video(source, target, colorizer, settings=each_frame())
    assert kept_frames(target) == FRAMES
    result, calls = _resume(source, target)
    assert (result.frames, result.kept_frames, calls) == (FRAMES, FRAMES, 0)
    assert len(_decoded(target)) == FRAMES


def test_finished_segments_are_not_discarded_without_overwrite(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    _stopped(source, target)
    with pytest.raises(MediaError, match=r"an earlier run has finished 50 frames of .*out.mp4; go on with --resume"):
        colorize_video(source, target, colorizer, settings=each_frame())
    assert kept_frames(target) == SEGMENT_FRAMES
    assert colorize_video(source, target, colorizer, settings=each_frame(), overwrite=True).kept_frames == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("crf", r"its encoder was libx264 .*crf=18, now libx264 .*crf=30"),
        ("size", r"its size was 64, now 32"),
        ("input", r"its input was [0-9a-f]{64}, now "),
    ],
)
def test_other_settings_and_another_input_are_refused(change: str, message: str, tmp_path: Path) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    _stopped(source, target)
    if change == "input":
        write_video(source, Video(frames=FRAMES - 1))
    encoder = EncoderSettings(crf=30 if change == "crf" else None)
    other = Colorizer(FakeBackend(), size=32 if change == "size" else None)
    with other as colorizer, pytest.raises(MediaError, match=message):
        colorize_video(source, target, colorizer, settings=each_frame(encoder), resume=True)
    assert kept_frames(target) == SEGMENT_FRAMES  # still there for the right settings


def test_unfinished_work_of_another_format_is_refused(tmp_path: Path) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    _stopped(source, target)
    settings = work_folder(target) / "settings.json"
    settings.write_text(settings.read_text().replace('"format of unfinished work": "3",', ""))
    with pytest.raises(MediaError, match="its format of unfinished work was None, now 3; "):
        _resume(source, target)


def test_resume_without_an_earlier_run_begins_a_new_one(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=8))
    result, calls = _resume(source, tmp_path / "out.mp4")
    assert (result.frames, result.kept_frames, calls) == (8, 0, 8)


def test_an_engine_that_fails_is_reported_with_the_position_and_resumed(tmp_path: Path) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    failing = StoppingBackend(STOP, BackendUnavailable("the engine died"))
    with Colorizer(failing) as colorizer, pytest.raises(BackendUnavailable) as caught:
        colorize_video(source, target, colorizer, settings=each_frame())
    assert str(caught.value) == (
        "the engine died; it stopped after 70 frames, at 0:02.80; 50 frames are kept, --resume goes on with them"
    )
    assert _resume(source, target)[0].frames == FRAMES


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit")
def test_a_full_disk_keeps_finished_segments(tmp_path: Path, colorizer: Colorizer) -> None:
    import resource
    import signal

    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mkv"
    ffv1 = EncoderSettings("ffv1")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    colorize_video(source, tmp_path / "whole.mkv", colorizer, settings=each_frame(ffv1))
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "whole.mkv").stat().st_size * 8 // 10, before[1]))
    try:
        with pytest.raises(MediaError, match=r"cannot be written .*[0-9]+ frames are kept, --resume"):
            colorize_video(source, target, colorizer, settings=each_frame(ffv1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert _resume(source, target, ffv1)[0].kept_frames >= SEGMENT_FRAMES
    assert _decoded(target) == _decoded(tmp_path / "whole.mkv")


def test_ctrl_c_while_the_folder_is_made_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        assert work_folder(target).is_dir()
        raise KeyboardInterrupt

    target = tmp_path / "out.mkv"
    monkeypatch.setattr(Path, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        WorkFolder.begin(FileOutput(target), {}, resume=False, overwrite=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("done", [0, SEGMENT_FRAMES])
def test_two_runs_do_not_write_the_same_video(done: int, tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    met = []

    def meet(frames: int, _: int | None) -> None:
        if frames == done + 20:
            with Colorizer(FakeBackend()) as other, pytest.raises(MediaError, match="another run is making"):
                colorize_video(source, target, other, overwrite=True)
            met.append(frames)

    colorize_video(source, target, colorizer, progress=meet)
    assert met
    assert len(_decoded(target)) == FRAMES


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_during_the_run_is_not_replaced(
    links: bool, tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), tmp_path / "out.mp4"
    if not links:

        def refused(*_: Path) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)

    def appear(frames: int, _: int | None) -> None:
        if frames == FRAMES - 1:
            target.write_text("precious")

    with pytest.raises(MediaError, match="has appeared during the run; move it away"):
        colorize_video(source, target, colorizer, settings=each_frame(), progress=appear)
    assert target.read_text() == "precious"
    target.unlink()
    result, calls = _resume(source, target)
    assert (result.frames, calls) == (FRAMES, 0)
