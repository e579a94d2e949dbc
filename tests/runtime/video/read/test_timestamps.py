"""Videos whose clock jumps, such as recordings that were joined byte by byte."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeBackend
from tests.videos import FPS, Video, times_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.stretch import Stretch
from cgan_runtime.video.read.timestamps import Clock
from cgan_runtime.video.read.transport.joined import JoinedRecordings

_FLV_HEADER = 13  # bytes
FRAMES = 50  # of each part, two seconds
RECORDING = Video(frames=FRAMES, audio=("mp2",))
TITLE = Video(frames=FRAMES, codec="mpeg2video", options={}, ticks=FPS, audio=("mp2",))


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _joined(path: Path, video: Video, starts: tuple[int, ...]) -> Path:
    """A file of joined recordings, whose clocks begin at these seconds."""
    parts = []
    for start in starts:
        part = replace(video, container_options={"output_ts_offset": str(start)})
        parts.append(write_video(path.with_stem("part"), part).read_bytes())
    path.write_bytes(b"".join(parts))
    return path


def _sound_times(path: Path) -> list[Fraction]:
    with av.open(path) as container:
        frames = container.decode(container.streams.audio[0])
        return [frame.pts * frame.time_base for frame in frames if frame.pts is not None]


@pytest.mark.parametrize("output", ["out.mkv", "out.webm", "out.mp4"])  # audio copied, transcoded, copied
@pytest.mark.parametrize(
    ("name", "video", "starts"),
    [
        ("in.ts", RECORDING, (0, 0, 0)),
        ("in.ts", RECORDING, (0, 100, 30)),
        ("in.mpg", TITLE, (0, 0, 0)),
        ("in.mpg", TITLE, (0, 1000)),
    ],
)
def test_times_go_on_after_a_jump_of_the_clock(
    name: str, video: Video, starts: tuple[int, ...], output: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    joined = _joined(tmp_path / name, video, starts)
    result = colorize_video(joined, tmp_path / output, colorizer)
    length = len(starts) * FRAMES / FPS
    for times in (times_of(tmp_path / output), _sound_times(tmp_path / output)):
        steps = [float(b - a) for a, b in pairwise(times)]
        assert min(steps) > 0
        assert max(steps) < 0.6
        assert float(times[-1] - times[0]) == pytest.approx(length, abs=0.8)
    assert result.frames == len(starts) * FRAMES
    assert result.damage is None
    assert any("clock jumped" in note for note in result.notes)
    assert not any("went back" in note for note in result.notes)


def test_a_silence_of_picture_and_sound_is_no_jump(tmp_path: Path) -> None:
    part, silent = write_video(tmp_path / "part.mp4", RECORDING), tmp_path / "in.ts"
    with av.open(silent, "w") as output:
        for start in (0, 17):
            with av.open(part) as source:
                if not output.streams:
                    streams = [output.add_stream_from_template(stream, opaque=True) for stream in source.streams]
                for packet in source.demux():
                    if packet.size:
                        ticks = round(start / packet.time_base)
                        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                        packet.stream = streams[packet.stream_index]
                        output.mux(packet)
    with VideoReader(silent) as reader:
        frames = [item for item in reader if isinstance(item, av.VideoFrame)]
        assert reader.jumps == 0
    assert float((frames[FRAMES].pts - frames[0].pts) * frames[0].time_base) == pytest.approx(17, abs=0.001)
    joined = _joined(tmp_path / "joined.ts", RECORDING, (0, 17))  # of two recordings: nothing was between them
    with VideoReader(joined) as reader:
        frames = [item for item in reader if isinstance(item, av.VideoFrame)]
        assert reader.jumps == 1
    assert float((frames[FRAMES].pts - frames[0].pts) * frames[0].time_base) == pytest.approx(2, abs=0.5)


def test_joined_recordings_with_other_pids_go_on(tmp_path: Path, colorizer: Colorizer) -> None:
    first = write_video(tmp_path / "first.ts", RECORDING)
    second = replace(RECORDING, container_options={"mpegts_start_pid": "512", "output_ts_offset": "2"})
    joined = tmp_path / "in.ts"
    joined.write_bytes(first.read_bytes() + write_video(tmp_path / "second.ts", second).read_bytes())
    result = colorize_video(joined, tmp_path / "out.mkv", colorizer)
    assert (result.frames, result.damage) == (2 * FRAMES, None)
    with av.open(tmp_path / "out.mkv") as container:
        assert sorted(stream.type for stream in container.streams) == ["audio", "video"]


def test_video_and_audio_stay_together(tmp_path: Path) -> None:
    joined = _joined(tmp_path / "in.ts", RECORDING, (0, 0, 0))
    with VideoReader(joined) as video:
        items = list(video)
    moved = []
    for kind in (av.VideoFrame, av.Packet):
        times = [float(item.pts * item.time_base) for item in items if isinstance(item, kind)]
        part = len(times) // 3
        moved.append([times[part] - times[0], times[2 * part] - times[0]])
    assert moved[0] == pytest.approx(moved[1], abs=0.02)


@pytest.mark.parametrize("wrong", [-3600, -3, 5, 3600])
def test_one_wrong_time_moves_video_and_audio_alike(wrong: int, tmp_path: Path) -> None:
    path = write_video(tmp_path / "in.ts", RECORDING)
    with av.open(path) as container:
        clock = Clock(container)
        before: dict[str, list[Fraction]] = {"video": [], "audio": []}
        after: dict[str, list[Fraction]] = {"video": [], "audio": []}
        for number, packet in enumerate(p for p in container.demux() if p.dts is not None):
            before[packet.stream.type].append(packet.dts * packet.time_base)
            if number == 60:
                packet.dts += wrong * 90_000
            clock.correct(packet)
            after[packet.stream.type].append(packet.dts * packet.time_base)
    shifts = [after[kind][-1] - before[kind][-1] for kind in before]
    assert abs(shifts[0] - shifts[1]) < 0.1
    assert 0 <= max(shifts) < 4


@pytest.mark.parametrize("audio", [0, 5, 121])  # seconds
def test_a_paused_video_stream_is_no_jump(audio: int, tmp_path: Path) -> None:
    """A camera that sends a frame a minute, in a container whose clock may jump."""
    video = Video(pts=[Fraction(0), Fraction(60), Fraction(120)], audio=("mp2",) if audio else ())
    with VideoReader(write_video(tmp_path / "in.ts", video, seconds=audio or None)) as reader:
        frames = [item for item in reader if isinstance(item, av.VideoFrame)]
        assert [float((frame.pts - frames[0].pts) * frame.time_base) for frame in frames] == [0, 60, 120]
        assert reader.jumps == 0


def test_audio_that_begins_within_the_video_is_left_out_with_a_note(tmp_path: Path, colorizer: Colorizer) -> None:
    silent = write_video(tmp_path / "silent.flv", Video(frames=400))  # longer than is read to find the streams
    loud = replace(RECORDING, audio=("aac",), container_options={"output_ts_offset": "16"})
    headless = write_video(tmp_path / "loud.flv", loud).read_bytes()[_FLV_HEADER:]
    joined = tmp_path / "in.flv"
    joined.write_bytes(silent.read_bytes() + headless)
    result = colorize_video(joined, tmp_path / "out.mkv", colorizer)
    assert result.frames == 400 + FRAMES
    assert any("begins within the video" in note for note in result.notes)


def test_a_video_whose_size_changes_is_scaled_with_a_note(tmp_path: Path, colorizer: Colorizer) -> None:
    small = write_video(tmp_path / "small.ts", Video(frames=8)).read_bytes()
    large = write_video(tmp_path / "large.ts", Video(frames=8, width=128, height=96)).read_bytes()
    joined = tmp_path / "in.ts"
    joined.write_bytes(small + large)
    result = colorize_video(joined, tmp_path / "out.mkv", colorizer)
    assert (result.width, result.height, result.frames) == (64, 48, 16)
    assert "8 frames of another size than the first: scaled to that" in result.notes


@pytest.mark.parametrize("changed", [
    {"mpegts_service_id": "7"},
    {"mpegts_service_id": "7", "mpegts_start_pid": "512"},
    {"mpegts_service_id": "7", "mpegts_start_pid": "512", "mpegts_pmt_start_pid": "256"},
    {"mpegts_service_id": "7", "mpegts_m2ts_mode": "1"},
])  # fmt: skip
@pytest.mark.parametrize("cut", [0, 1000])  # bytes that the first recording lacks: no whole packets
def test_joined_recordings_of_other_programs_go_on(
    changed: dict[str, str], cut: int, tmp_path: Path, colorizer: Colorizer
) -> None:
    m2ts = {key: value for key, value in changed.items() if "m2ts" in key}
    parts = []
    for number, options in enumerate((m2ts, changed | {"output_ts_offset": "2"}, m2ts | {"output_ts_offset": "4"})):
        part = replace(RECORDING, container_options=options)
        parts.append(write_video(tmp_path / f"{number}.ts", part).read_bytes())
    joined = tmp_path / "in.ts"
    joined.write_bytes(parts[0][: len(parts[0]) - cut] + parts[1] + parts[2])
    result = colorize_video(joined, tmp_path / "out.mkv", colorizer)
    assert 3 * FRAMES - 3 * bool(cut) <= result.frames <= 3 * FRAMES
    assert cut or result.damage is None
    with av.open(tmp_path / "out.mkv") as container:
        assert sorted(stream.type for stream in container.streams) == ["audio", "video"]
        times = [packet.pts * packet.time_base for packet in container.demux(audio=0) if packet.size]
        assert float(times[-1] - times[0]) == pytest.approx(6, abs=0.2)


def test_a_joined_recording_is_found_by_seeking(tmp_path: Path) -> None:
    first = write_video(tmp_path / "first.ts", RECORDING)
    other = {"mpegts_service_id": "7", "mpegts_start_pid": "512", "output_ts_offset": "2"}
    second = write_video(tmp_path / "second.ts", replace(RECORDING, container_options=other))
    joined = tmp_path / "in.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with VideoReader(joined, stretch=Stretch(Fraction(5, 2), Fraction(3))) as reader:
        frames = [item for item in reader if isinstance(item, av.VideoFrame)]
    assert len(frames) == FPS // 2


def test_a_single_recording_is_read_as_it_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "in.ts", RECORDING)
    data = path.read_bytes()
    with JoinedRecordings.of(path) as file:  # type: ignore[union-attr]
        assert file.read() == data
        for start, size in ((0, 10), (1000, 5), (187, 400), (len(data) - 3, 99)):
            file.seek(start)
            assert file.read(size) == data[start : start + size]
    assert JoinedRecordings.of(write_video(tmp_path / "in.mp4", Video())) is None


@given(data=st.binary(max_size=80))
def test_no_table_is_too_damaged(data: bytes) -> None:
    for head in (b"\x47\x40\0\x10\0\0\xb0", b"\x47\x41\0\x10\0\2\xb0"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(head + data)
            file.flush()
            assert JoinedRecordings.of(Path(file.name)) is None
            with JoinedRecordings(Path(file.name), 188, b"", ()) as changed:
                assert changed.read() == head + data
