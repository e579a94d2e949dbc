"""Recordings joined byte by byte, each of which begins a little before the one before it ends."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from tests.fakes import FakeBackend
from tests.videos import FPS, Video, times_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.reader import VideoReader

LENGTH = Fraction(2, 5)  # seconds of each recording
PACKET = 1024 / 48_000  # seconds


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _joined(path: Path, count: int, overlap: Fraction) -> Path:
    """So many copies of a recording, each beginning before the end of the one before."""
    part = write_video(path.with_name("part.mp4"), Video(frames=10, options={"bf": "0"}, audio=("aac",)))
    data = b""
    for number in range(count):
        start = number * (LENGTH - overlap) + 10
        with av.open(part) as source, av.open(path, "w", format="mpegts", options={"muxdelay": "0"}) as output:
            streams = [output.add_stream_from_template(stream, opaque=True) for stream in source.streams]
            for packet in source.demux():
                if packet.size:
                    ticks = round(start / packet.time_base)
                    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                    packet.stream = streams[packet.stream_index]
                    output.mux(packet)
        data += path.read_bytes()
    path.write_bytes(data)
    return path


def _sound(path: Path) -> tuple[list[tuple[float, float]], float]:
    """Times and durations of the packets of sound, and the seconds that are heard."""
    with av.open(path) as container:
        times = [
            (float(p.pts * p.time_base), float(p.duration * p.time_base)) for p in container.demux(audio=0) if p.size
        ]
    with av.open(path) as container:
        return times, sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.mark.parametrize(
    ("overlap", "output"),
    [
        (Fraction(1, 100), "out.mkv"),
        (Fraction(3, 100), "out.mkv"),
        (Fraction(3, 100), "out.mp4"),
        (Fraction(3, 100), "out.webm"),
        (Fraction(9, 100), "out.mp4"),
    ],
)
def test_overlapping_recordings_become_one_continuous_sound(
    overlap: Fraction, output: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = _joined(tmp_path / "in.ts", 3, overlap)
    result = colorize_video(source, tmp_path / output, colorizer)
    times, heard = _sound(tmp_path / output)
    for (time, length), (following, _) in pairwise(times):
        assert following - time == pytest.approx(length, abs=0.0015)
    assert result.frames == 30
    shown = float(times_of(tmp_path / output)[-1]) + 1 / FPS
    assert heard == pytest.approx(shown, abs=2 * PACKET)


def test_sound_does_not_drift_over_a_hundred_joins(tmp_path: Path) -> None:
    overlap = Fraction(3, 100)
    source = _joined(tmp_path / "in.ts", 100, overlap)
    lag = []
    with av.open(source) as plain, VideoReader(source) as reader:
        moved = {bytes(p): p for p in plain.demux(audio=0) if p.size}
        assert len(moved) < 40  # the recordings are copies
        frames = list(reader)
    packets = [item for item in frames if isinstance(item, av.Packet)]
    pictures = [item for item in frames if isinstance(item, av.VideoFrame)]
    line = [float(packet.pts * packet.time_base) for packet in packets]
    content = [bytes(packet) for packet in packets]
    third = content[3]  # of each recording, three packets after its first picture
    for place, (time, data) in enumerate(zip(line, content, strict=True)):
        if data == third:
            near = min(pictures[::10], key=lambda frame: abs(frame.time - time))
            lag.append(time - near.time)
        assert place == 0 or time > line[place - 1]
    assert len(lag) == 100
    assert max(lag) - min(lag) < 0.022  # a packet, half of it early and half of it late


def test_sound_without_overlaps_stays_as_it_is(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.ts", Video(frames=25, audio=("aac", "mp2")))
    with av.open(source) as plain:
        wanted = [(p.stream_index, p.pts, p.dts) for p in plain.demux() if p.size and p.stream.type == "audio"]
    with VideoReader(source) as reader:
        first = reader.line.offset
        found = [item for item in reader if isinstance(item, av.Packet)]
    ticks = round(first * 90_000)
    assert [(p.stream_index, p.pts + ticks, p.dts + ticks) for p in found] == wanted
