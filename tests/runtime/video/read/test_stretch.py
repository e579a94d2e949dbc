"""A part of a video, and videos whose clock does not begin at zero."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.videos import FPS, TICKS, Video, decoded, packets_of, scenes, times_of, write_scenes, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.stretch import Stretch
from cgan_runtime.video.write.codecs import EncoderSettings

LOSSLESS = EncoderSettings("ffv1")
PART = Stretch(start=Fraction(3, 2), end=Fraction(13, 4))
AN_HOUR = 3600


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _audio_times(path: Path) -> list[float]:
    with av.open(path) as container:
        return [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.pts is not None]


def _hour(path: Path, *, sound: bool = True) -> Path:
    """A recording whose clock begins at an hour."""
    return write_video(
        path, Video(frames=10, audio=("aac",) if sound else (), container_options={"output_ts_offset": str(AN_HOUR)})
    )


def test_a_part_is_the_same_stretch_of_the_whole_where_it_begins_at_a_cut(tmp_path: Path, colorizer: Colorizer) -> None:
    times = [Fraction(n, FPS) for n in range(100)]
    frames = scenes(100, lambda number: number * 2 // 75, (48, 64))  # a cut at frame 38, 1.52 s
    source = write_scenes(tmp_path / "in.mkv", frames, times)
    whole = colorize_video(source, tmp_path / "whole.mkv", colorizer, settings=VideoSettings(LOSSLESS))
    part = colorize_video(source, tmp_path / "part.mkv", colorizer, settings=VideoSettings(LOSSLESS, stretch=PART))
    assert (whole.frames, part.frames) == (100, 44)  # 1.52 s to 3.24 s
    wanted = [content for time, content in decoded(tmp_path / "whole.mkv") if Fraction(3, 2) <= time < Fraction(13, 4)]
    assert [content for _, content in decoded(tmp_path / "part.mkv")] == wanted
    packet = 1024 / 48_000
    sound = _audio_times(tmp_path / "part.mkv")
    assert 0 <= sound[0] <= packet + 0.002
    assert sound[-1] + packet == pytest.approx(1.75, abs=packet + 0.002)
    assert times_of(tmp_path / "part.mkv")[0] == Fraction(1, 50)  # the frame at 1.52 s


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_a_part_has_exactly_its_frames_whatever_the_container(suffix: str, tmp_path: Path) -> None:
    codec, ticks = ("mpeg4", FPS) if suffix == ".avi" else ("libx264", TICKS)
    video = Video(frames=120, codec=codec, options={"g": "50"}, ticks=ticks, audio=("mp2",))
    source = write_video(tmp_path / f"in{suffix}", video)
    with VideoReader(source) as reader:
        whole = [bytes(item.planes[0]) for item in reader if isinstance(item, av.VideoFrame)]
    for stretch, wanted in (
        (Stretch(start=Fraction(4)), whole[100:]),
        (Stretch(end=Fraction(1, 5)), whole[:5]),
        (Stretch(start=Fraction(3), duration=Fraction(1, 5)), whole[75:80]),
    ):
        with VideoReader(source, stretch=stretch) as reader:
            found = [item for item in reader if isinstance(item, av.VideoFrame)]
            assert [bytes(frame.planes[0]) for frame in found] == wanted
            assert 0 <= found[0].time < 1 / FPS
            assert reader.damage is None


@pytest.mark.usefixtures("short_segments")
def test_a_part_can_be_resumed_and_other_parts_are_refused(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=100)), tmp_path / "out.mkv"
    part = VideoSettings(LOSSLESS, stretch=Stretch(start=Fraction(1)))

    def stop(done: int, total: int | None) -> None:
        assert total == 75
        if done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        colorize_video(source, target, colorizer, settings=part, progress=stop)
    other = VideoSettings(LOSSLESS, stretch=Stretch(start=Fraction(2)))
    with pytest.raises(MediaError, match="part was 1 s to the end, now 2 s to the end"):
        colorize_video(source, target, colorizer, settings=other, resume=True)
    result = colorize_video(source, target, colorizer, settings=part, resume=True)
    assert (result.kept_frames, result.frames) == (50, 75)
    colorize_video(source, tmp_path / "once.mkv", colorizer, settings=part)
    assert decoded(target) == decoded(tmp_path / "once.mkv")


def test_subtitles_and_chapters_are_cut_with_a_part(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mkv", Video(frames=25, subtitle="subrip", chapters=True))
    part = VideoSettings(stretch=Stretch(start=Fraction(2, 25), end=Fraction(7, 20)))
    colorize_video(source, tmp_path / "out.mkv", colorizer, settings=part)
    with av.open(tmp_path / "out.mkv") as container:
        found = [(p.pts, p.duration) for p in container.demux(subtitles=0) if p.size]
        assert found == [(0, 40), (240, 30)]  # 40 to 120 ms, and 320 to 400 ms, of 80 to 350 ms
        assert [(chapter["start"], chapter["end"]) for chapter in container.chapters()] == [(0, 270_000_000)]


def test_a_part_that_is_not_there_is_refused(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4")
    with pytest.raises(MediaError, match=r"ends at 0\.\d+ s; let --start be earlier"):
        colorize_video(source, tmp_path / "out.mp4", colorizer, settings=VideoSettings(stretch=Stretch(Fraction(100))))
    with pytest.raises(ConfigError, match="end later"):
        Stretch(start=Fraction(2), end=Fraction(1))
    with pytest.raises(ConfigError, match="leave one out"):
        Stretch(end=Fraction(2), duration=Fraction(1))
    with pytest.raises(ConfigError, match=r"Stretch.start is 1.5; give a whole number or a Fraction"):
        Stretch(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["in.mkv", "in.ts", "in.mp4"])
@pytest.mark.parametrize("output", ["out.mp4", "out.mkv"])
def test_a_recording_that_begins_at_an_hour_begins_at_zero(
    name: str, output: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = _hour(tmp_path / name)
    with av.open(source) as container:
        before = [s.start_time * s.time_base for s in (*container.streams.video, *container.streams.audio)]
    result = colorize_video(source, tmp_path / output, colorizer)
    with av.open(tmp_path / output) as container:
        after = [s.start_time * s.time_base for s in (*container.streams.video, *container.streams.audio)]
        assert container.duration < 1_000_000
    assert min(after) == pytest.approx(0, abs=0.025)
    assert float(after[1] - after[0]) == pytest.approx(float(before[1] - before[0]), abs=0.025)
    assert len(times_of(tmp_path / output)) == 10
    assert result.damage is None
    if name != "in.ts":  # its packets have headers of their own
        assert packets_of(tmp_path / output, "audio") == packets_of(source, "audio")


def test_the_clock_can_be_kept(tmp_path: Path, colorizer: Colorizer) -> None:
    settings = VideoSettings(stretch=Stretch(keep_start=True))
    colorize_video(_hour(tmp_path / "in.mkv", sound=False), tmp_path / "out.mkv", colorizer, settings=settings)
    assert times_of(tmp_path / "out.mkv")[0] == AN_HOUR


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"bf": "3", "b-pyramid": "normal", "b-adapt": "1"}),
        ("libx264", {"bf": "0"}),
        ("mpeg4", {"bf": "2"}),  # as XviD writes
    ],
)
def test_frames_of_avi_are_as_far_apart_as_it_says(codec: str, options: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "in.avi"
    dice = np.random.default_rng(1)
    with av.open(source, "w") as output:
        stream = output.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(60):
            picture = np.full((48, 64), 50, np.uint8)
            picture[10:30, number % 50 : number % 50 + 12] = 200
            if number % 11 < 6:
                picture[32:] = dice.integers(0, 255, (16, 64))
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with VideoReader(source) as reader:
        times = [item.pts * item.time_base for item in reader if isinstance(item, av.VideoFrame)]
        assert reader.retimed_frames == 0
    assert times == [Fraction(number, FPS) for number in range(60)]
