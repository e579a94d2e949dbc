"""Wrong and damaged input: one clear error, or all frames that can be read, with the loss counted."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.videos import Video, read_frames, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.reader import VideoReader

FASTSTART = {"movflags": "faststart"}
TS_PACKET = 188  # bytes of a transport stream
BARE = Video(codec="rawvideo", options={}, ticks=25)


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _sound_only(path: Path) -> Path:
    with av.open(path, "w") as output:
        stream = output.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _without_frames(path: Path) -> Path:
    """A Matroska header that declares a video, without any frame."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.codec_context.width, stream.codec_context.height = 64, 48
        output.start_encoding()
    path.write_bytes(memory.getvalue())
    return path


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _image(path: Path) -> Path:
    import cv2

    return _written(path, cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none.mp4", "cannot read .*none.mp4 .No such file"),
        (lambda folder: folder, "is a folder; .*--input-dir"),
        (lambda folder: _written(folder / "a.mp4", b""), "is empty"),
        (lambda folder: _written(folder / "a.mp4", b"Dear diary,\n" * 100), "is no video that can be read"),
        (lambda folder: _written(folder / "a.mp4", bytes(10_000)), "is no video that can be read"),
        (lambda folder: _sound_only(folder / "a.mp4"), "has no video to color, only audio"),
        (lambda folder: _without_frames(folder / "a.mkv"), "holds no frame|has no video|no video that can"),
        (lambda folder: _image(folder / "a.png"), "is an image, not a video; color it with --image"),
        (lambda folder: _image(folder / "a.mp4"), "is an image, not a video; color it with --image"),
    ],
)
def test_files_that_are_no_video_are_refused_in_one_line(make: object, message: str, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(MediaError, match=message) as caught:
        VideoReader(make(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_video_is_refused(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4")
    source.chmod(0)
    with pytest.raises(MediaError, match="Permission denied"):
        VideoReader(source)


@pytest.mark.parametrize("name", ["a:b.mp4", "%03d.mp4", "http:x.mp4", "käse 'n\".mp4", "-i.mp4"])
def test_odd_file_names_work(name: str, tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "in.mp4").rename(tmp_path / name)
    assert colorize_video(Path(name), Path(f"out {name}"), colorizer).frames == 12


def test_a_file_name_that_is_not_utf8_works(tmp_path: Path, colorizer: Colorizer) -> None:
    source = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    write_video(tmp_path / "in.mp4").rename(source)
    assert colorize_video(source, source.with_stem(f"{source.stem}.color"), colorizer).frames == 12


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_truncated_video_is_colored_as_far_as_it_goes(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(frames=60, audio=["aac"], container_options=FASTSTART if suffix == ".mp4" else {})
    whole = write_video(tmp_path / f"whole{suffix}", video)
    data = whole.read_bytes()
    cut = _written(tmp_path / f"cut{suffix}", data[: len(data) * 6 // 10])
    result = colorize_video(cut, tmp_path / "out.mp4", colorizer)
    assert 10 < result.frames < 60
    assert result.frames == len(read_frames(tmp_path / "out.mp4"))
    assert result.lost_frames == pytest.approx(60 - result.frames, abs=2)
    assert result.damage is not None
    assert result.damage.startswith("it is cut off")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_strict_refuses_a_truncated_video_and_leaves_nothing(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(frames=60, container_options=FASTSTART if suffix == ".mp4" else {})
    data = write_video(tmp_path / f"in{suffix}", video).read_bytes()
    _written(tmp_path / f"in{suffix}", data[: len(data) * 6 // 10])
    with pytest.raises(MediaError, match=r"is damaged: it is cut off, .*leave --strict out"):
        colorize_video(tmp_path / f"in{suffix}", tmp_path / "out.mp4", colorizer, settings=VideoSettings(strict=True))
    assert [path.name for path in tmp_path.iterdir()] == [f"in{suffix}"]


def test_strict_colors_an_undamaged_video(tmp_path: Path, colorizer: Colorizer) -> None:
    for suffix in (".mp4", ".mkv"):
        source = write_video(tmp_path / f"in{suffix}", Video(audio=["aac"], options={"preset": "medium"}))
        assert (
            colorize_video(source, tmp_path / f"out{suffix}", colorizer, settings=VideoSettings(strict=True)).frames
            == 12
        )


def test_audio_longer_than_video_is_no_damage(tmp_path: Path, colorizer: Colorizer) -> None:
    for name in ("in.mp4", "in.mkv"):
        source = write_video(tmp_path / name, Video(frames=10, audio=["aac"]), seconds=3.0)
        assert (
            colorize_video(source, tmp_path / f"out.{name}", colorizer, settings=VideoSettings(strict=True)).damage
            is None
        )


def test_a_gap_costs_frames_and_is_counted(tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(frames=60, width=320, height=240, options={"preset": "ultrafast", "g": "5"})
    source = write_video(tmp_path / "in.mp4", video)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 6000] = random.Random(0).randbytes(6000)
    result = colorize_video(_written(source, bytes(data)), tmp_path / "out.mp4", colorizer)
    assert result.damage is not None
    assert 30 < result.frames <= 60
    assert result.lost_frames == 60 - result.frames


@pytest.mark.parametrize("name", ["in.ts", "in.mkv", "in.flv"])
def test_a_gap_between_key_frames_is_found_by_video_and_audio(name: str, tmp_path: Path, colorizer: Colorizer) -> None:
    """All packets that are left decode without an error; only times show the gap."""
    every = {"preset": "ultrafast", "g": "1"}
    video = Video(frames=100, width=320, height=240, options=every, audio=("aac",))
    data = write_video(tmp_path / name, video).read_bytes()
    start, end = (int(len(data) * share) // TS_PACKET * TS_PACKET for share in (0.5, 0.7))
    holed = _written(tmp_path / f"holed.{name}", data[:start] + data[end:])
    result = colorize_video(holed, tmp_path / "out.mkv", colorizer)
    assert result.damage is not None
    assert "1 stretch missing" in result.damage
    assert 70 < result.frames < 95
    with pytest.raises(MediaError, match=r"is damaged: .*(missing|decoded)"):
        colorize_video(holed, tmp_path / "strict.mkv", colorizer, settings=VideoSettings(strict=True))


@pytest.mark.parametrize("name", ["in.ts", "in.mkv", "in.flv"])
def test_a_gap_without_audio_is_found_by_what_is_between_the_packets(name: str, tmp_path: Path) -> None:
    every = {"preset": "ultrafast", "g": "1"}
    source = write_video(tmp_path / name, Video(frames=100, width=320, height=240, options=every))
    data = source.read_bytes()
    start, end = (int(len(data) * share) // TS_PACKET * TS_PACKET for share in (0.5, 0.7))
    _written(source, data[:start] + bytes(end - start) + data[end:])
    with VideoReader(source) as reader:
        frames = sum(isinstance(item, av.VideoFrame) for item in reader)
        assert "1 stretch missing (at " in str(reader.damage)
        assert reader.lost_frames == 100 - frames > 15


@pytest.mark.parametrize("audio", [(), ("libmp3lame",)])
@pytest.mark.parametrize("kind", ["cut out", "zeros", "cut off"])
def test_frames_that_an_avi_counts_in_its_header_and_does_not_have_are_missing(
    kind: str, audio: tuple[str, ...], tmp_path: Path
) -> None:
    """AVI states no times, so what comes after a hole seems to follow at once."""
    video = Video(frames=100, width=160, height=120, codec="mpeg4", options={"g": "1"}, ticks=25, audio=audio)
    data = write_video(tmp_path / "in.avi", video).read_bytes()
    start, end = int(len(data) * 0.85), int(len(data) * 0.95)
    rest = {"cut out": data[end:], "zeros": bytes(end - start) + data[end:], "cut off": b""}[kind]
    holed = _written(tmp_path / "holed.avi", data[:start] + rest)
    for path, is_whole in ((tmp_path / "in.avi", True), (holed, False)):
        with VideoReader(path) as reader:
            frames = sum(isinstance(item, av.VideoFrame) for item in reader)
            assert reader.lost_frames == pytest.approx(100 - frames, abs=1)
            assert (frames == 100, reader.damage is None) == (is_whole, is_whole)


def test_what_an_avi_repeats_or_counts_wrong_is_no_gap(tmp_path: Path) -> None:
    repeating = replace(BARE, codec="mpeg4", pts=PAUSED)
    source = write_video(tmp_path / "in.avi", repeating)
    data = bytearray(source.read_bytes())
    place = data.index(b"strh") + 8 + 32  # of the number of frames
    wrong = _written(tmp_path / "wrong.avi", bytes(data[:place]) + b"\xff\xff\xff\x7f" + bytes(data[place + 4 :]))
    for path in (source, wrong):
        with VideoReader(path) as reader:
            assert sum(isinstance(item, av.VideoFrame) for item in reader) == 50
            assert reader.damage is None


@pytest.mark.parametrize("name", ["in.ts", "in.mkv", "in.mp4"])
def test_a_pause_of_a_video_without_audio_is_no_gap(name: str, tmp_path: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov"} if name == "in.mp4" else {}
    with VideoReader(write_video(tmp_path / name, Video(pts=PAUSED, container_options=fragments))) as reader:
        list(reader)
        assert reader.damage is None
        # An mp4 says that the frame before it lasts so long.
        told = [] if name == "in.mp4" else [(pytest.approx(1, abs=0.05), pytest.approx(3, abs=0.05))]
        assert reader.pauses == told


@pytest.mark.parametrize("name", ["in.ts", "in.mkv", "in.flv", "in.webm"])
def test_a_cut_between_packets_of_a_video_without_audio_is_told(
    name: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    """Nothing in the file shows it but the times of its frames."""
    codec = {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}} if name == "in.webm" else {}
    video = Video(frames=50, **codec)  # type: ignore[arg-type]
    whole = write_video(tmp_path / f"whole.{name}", video)
    holed = _without(whole, tmp_path / name, "video", 0, 0.9, 1.5)
    result = colorize_video(holed, tmp_path / "out.mkv", colorizer)
    told = " ".join((str(result.damage), *result.notes))
    assert re.search(r"stands still for up to 0\.\d s \(at [01]\.\d s\)|stretch missing", told), told


PAUSED = [Fraction(n, 25) + (3 if n >= 25 else 0) for n in range(50)]  # the video pauses for three seconds


def _without(source: Path, target: Path, kind: str, index: int, start: float, end: float) -> Path:
    """A copy without the packets between two times of one of its streams."""
    with av.open(source) as video, av.open(target, "w") as output:
        streams = [output.add_stream_from_template(stream, opaque=True) for stream in video.streams]
        left_out = [stream for stream in video.streams if stream.type == kind][index].index
        for packet in video.demux():
            if packet.dts is None:
                continue
            if packet.stream_index != left_out or not start < packet.dts * packet.time_base < end:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    return target


def test_a_pause_of_the_video_with_audio_is_no_gap(tmp_path: Path) -> None:
    video = Video(pts=PAUSED, audio=("aac", "aac"))
    whole = write_video(tmp_path / "in.mkv", video)
    pausing = _without(whole, tmp_path / "one.mkv", "audio", 1, 1.5, 3.5)
    silent = _without(pausing, tmp_path / "both.mkv", "audio", 0, 1.5, 3.5)
    found = []
    for path in (whole, pausing, silent):
        with VideoReader(path) as reader:
            list(reader)
            found.append(reader.damage)
    assert found[:2] == [None, None]
    assert "1 stretch missing (at 1.0 s)" in str(found[2])  # reported once


def test_uneven_frames_and_large_audio_packets_are_no_gaps(tmp_path: Path) -> None:
    steps = [Fraction(1, 2), Fraction(2), Fraction(1), Fraction(3, 2)] * 6
    times = [sum(steps[:n], Fraction(0)) for n in range(len(steps))]
    with VideoReader(write_video(tmp_path / "in.mkv", Video(pts=times, audio=("wavpack",)))) as reader:
        list(reader)
        assert reader.damage is None


def test_strict_stops_at_the_first_flaw_and_reports_it(tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(frames=60, width=320, height=240, options={"preset": "ultrafast", "g": "5"})
    source = write_video(tmp_path / "in.mp4", video)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 6000] = random.Random(0).randbytes(6000)
    _written(source, bytes(data))
    calls: list[int] = []
    with pytest.raises(MediaError, match=r"is damaged: .* (decoded with errors \(\d+|decoded).*it stopped after"):
        colorize_video(
            source,
            tmp_path / "out.mp4",
            colorizer,
            settings=VideoSettings(strict=True),
            progress=lambda done, _: calls.append(done),
        )
    assert 5 < calls[-1] < 50
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def _bare(path: Path) -> Path:
    """A video that decodes whatever its bytes are."""
    return write_video(path, replace(BARE, frames=SEGMENT_FRAMES + 20))


@pytest.mark.usefixtures("short_segments")
def test_nothing_is_kept_of_a_video_that_is_replaced_during_the_run(tmp_path: Path, colorizer: Colorizer) -> None:
    source = _bare(tmp_path / "in.y4m")

    def paint_over(done: int, _: int | None) -> None:
        if done == 20:
            content = source.read_bytes()
            with source.open("r+b") as file:
                file.seek(len(content) // 2)
                file.write(bytes(len(content) // 4))

    with pytest.raises(MediaError, match=r"in.y4m was changed, .*; it stopped after \d+ frames, at 0:\S+$"):
        colorize_video(source, tmp_path / "out.mkv", colorizer, progress=paint_over)
    assert [path.name for path in tmp_path.iterdir()] == ["in.y4m"]


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("change", ["grow", "touch", "replace"])
def test_a_video_that_is_only_touched_or_grows_is_colored(change: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source, other = _bare(tmp_path / "in.y4m"), write_video(tmp_path / "other.y4m", BARE)

    def change_it(done: int, _: int | None) -> None:
        if done == 20 and change == "grow":  # it is still being recorded
            with source.open("ab") as file:
                file.write(other.read_bytes()[-64 * 48 * 3 // 2 - 6 :])
        elif done == 20 and change == "touch":
            os.utime(source, (0, 0))
        elif done == 20:
            other.replace(source)

    result = colorize_video(source, tmp_path / "out.mkv", colorizer, progress=change_it)
    assert (result.frames, result.damage) == (SEGMENT_FRAMES + 20 + (change == "grow"), None)


def test_missing_and_backward_times_are_corrected(tmp_path: Path, colorizer: Colorizer) -> None:
    # A raw H.264 stream has no times at all.
    with av.open(tmp_path / "in.h264", "w", format="h264") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.codec_context.width, stream.codec_context.height = 64, 48
        for _ in range(10):
            output.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(stream.encode(None))
    result = colorize_video(tmp_path / "in.h264", tmp_path / "out.mp4", colorizer)
    assert result.frames == len(read_frames(tmp_path / "out.mp4")) == 10
    assert any("corrected" in note for note in result.notes)


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_video_gives_a_result_or_one_error(seed: int, tmp_path: Path, colorizer: Colorizer) -> None:
    chance = random.Random(seed)
    suffix = (".mp4", ".mkv", ".webm", ".avi")[seed % 4]
    codec = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(suffix, "libx264")
    sound = {".webm": "libopus", ".avi": "pcm_s16le"}.get(suffix, "aac")
    video = Video(frames=8, codec=codec, options={}, ticks=25 if suffix == ".avi" else 90_000, audio=[sound])
    source = write_video(tmp_path / f"in{suffix}", video)
    data = bytearray(source.read_bytes())
    for _ in range(chance.choice([1, 5, 40])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    source.write_bytes(bytes(data))
    result = None
    with contextlib.suppress(CganError):  # anything else fails the test
        result = colorize_video(source, tmp_path / "out.mkv", colorizer)
    assert (tmp_path / "out.mkv").exists() == (result is not None)
    if result is not None:
        assert len(read_frames(tmp_path / "out.mkv")) == result.frames > 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".cgan-")]


def test_the_rate_of_the_clock_is_not_the_frame_rate(tmp_path: Path) -> None:
    """Matroska that was copied packet by packet without a frame rate states the rate of its clock."""
    source, copy = write_video(tmp_path / "in.mp4", Video(frames=50)), tmp_path / "copy.mkv"
    with av.open(source) as container, av.open(copy, "w") as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        for packet in container.demux():
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    with av.open(copy) as container:
        assert (container.streams.video[0].average_rate or 0) > 1000
    with VideoReader(copy) as video:
        assert video.rate == 25
        assert video.stated_frames == 50
