"""By default a colored video is one that phones, televisions and players of Windows and macOS take."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.paths import SHARED
from tests.videos import Video, chroma_span, luma_of, read_frames, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.write.codecs import EncoderSettings

CLIPS = sorted((SHARED / "data" / "videos").glob("*")) if SHARED.is_dir() else []
LIMITED = 1  # FFmpeg's AVColorRange
LOSSLESS = {"preset": "ultrafast", "qp": "0"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
KINDS = {
    "plain": Video(),
    "4:2:2": Video(pixel_format="yuv422p", options=LOSSLESS),
    "4:4:4": Video(pixel_format="yuv444p", options=LOSSLESS),
    "full range": Video(pixel_format="yuvj420p", options=LOSSLESS, color_range=2),
    "gray": Video(pixel_format="gray", options=LOSSLESS),
    "10 bits": Video(pixel_format="yuv420p10le", options=LOSSLESS),
    "10-bit hevc": Video(pixel_format="yuv422p10le", codec="libx265", options=X265),
    "12-bit hevc": Video(pixel_format="yuv444p12le", codec="libx265", options=X265),
    "mjpeg": Video(pixel_format="yuvj422p", codec="mjpeg", options={}),
    "odd": Video(width=65, height=47, pixel_format="yuv444p", options=LOSSLESS),
    "rgb": Video(pixel_format="rgb24", codec="qtrle", options={}, ticks=25),
}
DEEP = {"10 bits", "10-bit hevc", "12-bit hevc"}


def _color(source: Path, target: Path, encoder: EncoderSettings = EncoderSettings()) -> VideoResult:
    with Colorizer(FakeBackend()) as colorizer:
        return colorize_video(source, target, colorizer, settings=VideoSettings(encoder))


def _boxes(path: Path) -> list[bytes]:
    """The types of the boxes of an mp4 or mov, from its start."""
    data, at, found = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        found.append(name)
        at += size or len(data)
    return found


def _check_plays(path: Path, *, deep: bool) -> None:
    with av.open(path) as container:
        context = container.streams.video[0].codec_context
        frame = next(container.decode(video=0))
        tag = context.codec_tag
        profile, pixel_format = context.profile, context.pix_fmt
    assert (pixel_format, frame.color_range) == ("yuv420p10le" if deep else "yuv420p", LIMITED)
    assert frame.width % 2 == frame.height % 2 == 0
    if path.suffix in (".mp4", ".mov"):
        assert (tag, profile) == (("hvc1", "Main 10") if deep else ("avc1", "High"))
        boxes = _boxes(path)
        assert boxes.index(b"moov") < boxes.index(b"mdat")
        _check_level(path, deep=deep)


def _check_level(path: Path, *, deep: bool) -> None:
    """At most 4.0, as small videos have it, in the record that players read first."""
    data = path.read_bytes()
    if deep:
        start = data.index(b"hvcC") + 4
        assert data[start + 12] <= 120  # times 30
    else:
        start = data.index(b"avcC") + 4
        assert data[start + 3] <= 40


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_default_plays_everywhere(kind: str, suffix: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mov", KINDS[kind])
    result = _color(source, tmp_path / f"out{suffix}")
    _check_plays(tmp_path / f"out{suffix}", deep=kind in DEEP)
    assert chroma_span(read_frames(tmp_path / f"out{suffix}")[0]) > 20
    assert bool(result.notes) == (kind not in ("plain", "10 bits", "gray")), result.notes


@pytest.mark.parametrize("clip", [pytest.param(clip, id=clip.name) for clip in CLIPS])
def test_the_default_of_every_clip_plays_everywhere(clip: Path, tmp_path: Path) -> None:
    start = tmp_path / f"in{clip.suffix}"
    with av.open(clip) as source, av.open(start, "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in islice(source.demux(video=0), 4):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    _color(start, tmp_path / "out.mp4")
    _check_plays(tmp_path / "out.mp4", deep=False)


def test_a_note_says_what_was_changed(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.avi", Video(pixel_format="yuvj422p", codec="mjpeg", options={}, ticks=25))
    (note,) = _color(source, tmp_path / "out.mp4").notes
    assert note == (
        "the video is stored with 4:2:0 in place of 4:2:2, limited in place of full range, which players take; "
        "--keep-format keeps it as it was"
    )


@pytest.mark.parametrize(("pixel_format", "profile"), [("yuv444p", "High 4:4:4 Predictive"), ("yuvj420p", "High")])
def test_keep_format_keeps_subsampling_and_range(pixel_format: str, profile: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(pixel_format=pixel_format, options=LOSSLESS))
    assert _color(source, tmp_path / "out.mp4", EncoderSettings(keep_format=True)).notes == ()
    with av.open(tmp_path / "out.mp4") as container:
        context = container.streams.video[0].codec_context
        assert (context.pix_fmt, context.profile) == (pixel_format, profile)


def test_h264_by_name_takes_deep_video_in_8_bits(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", KINDS["10 bits"])
    (note,) = _color(source, tmp_path / "out.mp4", EncoderSettings("h264")).notes
    assert "8 in place of 10 bits, dithered" in note
    _check_plays(tmp_path / "out.mp4", deep=False)


@pytest.mark.parametrize(("encoder", "suffix"), [(EncoderSettings("ffv1"), ".mkv"), (EncoderSettings(crf=0), ".mp4")])
def test_lossless_keeps_every_code(encoder: EncoderSettings, suffix: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(pixel_format="yuv422p10le", options=LOSSLESS))
    _color(source, tmp_path / f"out{suffix}", encoder)
    for old, new in zip(read_frames(source), read_frames(tmp_path / f"out{suffix}"), strict=True):
        assert new.format.name == "yuv422p10le"
        assert np.array_equal(luma_of(old), luma_of(new))


@pytest.mark.parametrize(
    ("codec", "suffix", "pixel_format", "profile"),
    [
        ("hevc", ".mp4", "yuv420p", "Main"),
        ("av1", ".mp4", "yuv420p", "Main"),
        ("av1", ".webm", "yuv420p", "Main"),
        ("prores", ".mov", "yuv422p10le", "HQ"),
        ("vp9", ".webm", "yuv420p", "Profile 0"),
        ("h264", ".ts", "yuv420p", "High"),
        ("hevc", ".ts", "yuv420p", "Main"),
    ],
)
def test_codecs_by_the_names_that_people_know(
    codec: str, suffix: str, pixel_format: str, profile: str, tmp_path: Path
) -> None:
    source = write_video(tmp_path / "in.mp4", Video(audio=["aac"]))
    _color(source, tmp_path / f"out{suffix}", EncoderSettings(codec))
    with av.open(tmp_path / f"out{suffix}") as container:
        context = container.streams.video[0].codec_context
        assert (context.pix_fmt, context.profile) == (pixel_format, profile)
        assert len(container.streams.audio) == 1
    frames = read_frames(tmp_path / f"out{suffix}")
    assert len(frames) == 12
    assert chroma_span(frames[0]) > 20


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not list threads")
def test_no_encoder_makes_real_time_threads(tmp_path: Path) -> None:
    seen = set()

    def look(done: int, total: int | None) -> None:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # it has ended meanwhile
                seen.add(os.sched_getscheduler(int(thread.name)))

    source = write_video(tmp_path / "in.mp4", Video(frames=40))
    with Colorizer(FakeBackend()) as colorizer:
        settings = VideoSettings(EncoderSettings("av1"))
        colorize_video(source, tmp_path / "out.mkv", colorizer, settings=settings, progress=look)
    assert seen == {os.SCHED_OTHER}


def test_an_encoder_that_is_not_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", {"libx264", "libvpx-vp9"})
    source = write_video(tmp_path / "in.mp4")
    with pytest.raises(ConfigError, match="FFmpeg here has no libx265; take --codec h264 or vp9"):
        _color(source, tmp_path / "out.mp4", EncoderSettings("hevc"))


def test_without_hevc_deep_video_is_dithered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", KINDS["10 bits"])
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx265"})
    assert "8 in place of 10 bits" in _color(source, tmp_path / "out.mp4").notes[0]
    _check_plays(tmp_path / "out.mp4", deep=False)
