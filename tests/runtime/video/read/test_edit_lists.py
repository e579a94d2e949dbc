"""Videos that were cut without coding them again: edit lists of mp4 and mov."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, image

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video

FPS = 10
RATE = 48_000  # Hz
SECONDS = 6
Edits = Sequence[tuple[float | None, float]]  # start in the media and duration, in seconds; None waits


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


@pytest.fixture(scope="module", params=["aac", "pcm_s16le"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds; each second of sound has a tone of its own, 200 Hz, 400 Hz, ..."""
    path, codec = tmp_path_factory.mktemp("whole") / "whole.mov", request.param
    with av.open(path, "w", options={"use_editlist": "0"}) as output:
        stream = output.add_stream("libx264", rate=FPS, options={"bf": "0", "g": "20", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound = output.add_stream(codec, rate=RATE, layout="mono")
        moments = np.arange(SECONDS * RATE) / RATE
        wave = (12_000 * np.sin(2 * np.pi * (200 + 200 * np.floor(moments)) * moments)).astype(np.int16)[None]
        tone = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        tone.sample_rate, tone.pts = RATE, 0
        context = sound.codec_context
        resampler = av.AudioResampler(context.format, "mono", RATE, context.frame_size or 1024)
        for part in [*resampler.resample(tone), *resampler.resample(None)]:
            output.mux(sound.encode(part))
        output.mux(sound.encode(None))
        for number in range(SECONDS * FPS):
            frame = image(Video(), number)
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def _find(data: bytes, *path: bytes) -> bytes:
    inside = next(body for kind, body in _boxes(data) if kind == path[0])
    return inside if len(path) == 1 else _find(inside, *path[1:])


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _edited(source: Path, target: Path, *lists: Edits) -> Path:
    """The same file with an edit list for each track; the last one is for all further tracks."""
    out, tracks = b"", 0
    for kind, body in _boxes(source.read_bytes()):
        if kind == b"moov":
            (movie_clock,) = struct.unpack_from(">I", _find(body, b"mvhd"), 12)
            moov = b""
            for inner, content in _boxes(body):
                if inner == b"trak":
                    (clock,) = struct.unpack_from(">I", _find(content, b"mdia", b"mdhd"), 12)
                    edits = lists[min(tracks, len(lists) - 1)]
                    tracks += 1
                    rows = b"".join(
                        struct.pack(
                            ">IiI", round(length * movie_clock), -1 if at is None else round(at * clock), 1 << 16
                        )
                        for at, length in edits
                    )
                    edts = _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(edits)) + rows))
                    content = b"".join(
                        _box(each, part) + (edts if each == b"tkhd" else b"")
                        for each, part in _boxes(content)
                        if each != b"edts"
                    )
                moov += _box(inner, content)
            body = moov
        out += _box(kind, body)
    target.write_bytes(out)
    return target


def _heard(path: Path) -> list[int]:
    """The tone of each tenth of a second, as the hundreds of hertz; 0 for silence."""
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
    line = np.zeros(round((frames[-1].time + 0.1) * frames[0].sample_rate))
    rate = frames[0].sample_rate
    for frame in frames:
        samples = frame.to_ndarray()[0].astype(float)
        at = round(frame.time * rate)
        part = samples[max(0, -at) : max(0, len(line) - at)]
        line[max(0, at) : max(0, at) + len(part)] = part / max(1.0, float(np.abs(samples).max()))
    step, tones = rate // 10, []
    for begin in range(0, len(line) - step + 1, step):
        spectrum = np.abs(np.fft.rfft(line[begin : begin + step] * np.hanning(step)))
        tones.append(round(int(spectrum.argmax()) * rate / step / 100) if spectrum.max() > step / 50 else 0)
    return tones


def _frames(path: Path) -> list[Any]:
    with av.open(path) as container:
        return [frame.time for frame in container.decode(video=0)]


@pytest.mark.parametrize("output", ["out.mov", "out.mkv"])
@pytest.mark.parametrize(
    ("edits", "tones"),
    [
        ([(1, 1), (4, 1)], [4] * 10 + [10] * 10),
        ([(1, 1), (1, 1)], [4] * 20),  # repeated
        ([(0.5, 0.5), (3.13, 0.5), (5, 1)], [2] * 5 + [8] * 5 + [12] * 10),
        ([(3, 2)], [8] * 10 + [10] * 10),
    ],
)
def test_what_an_edit_list_hides_stays_hidden(
    edits: Edits, tones: list[int], output: str, whole: Path, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = _edited(whole, tmp_path / "in.mov", edits)
    result = colorize_video(source, tmp_path / output, colorizer)
    heard = _heard(tmp_path / output)
    wrong = [place for place, (a, b) in enumerate(zip(heard, tones, strict=False)) if a != b]
    borders = {0, len(tones) - 1, *(place for place in range(1, len(tones)) if tones[place] != tones[place - 1])}
    assert len(heard) <= len(tones) + 1
    assert set(wrong) <= borders | {place - 1 for place in borders}, (heard, result.notes)
    assert len(_frames(tmp_path / output)) == pytest.approx(len(tones) * FPS / 10, abs=1)
    notes = [note for note in result.notes if "encoded again" in note]
    assert len(notes) == (len(edits) > 1), result.notes


def test_a_delay_by_an_edit_list_is_kept(whole: Path, tmp_path: Path, colorizer: Colorizer) -> None:
    source = _edited(whole, tmp_path / "in.mov", [(0, 3)], [(None, 0.5), (1, 1)])
    colorize_video(source, tmp_path / "out.mov", colorizer)
    heard = _heard(tmp_path / "out.mov")
    assert heard[:4] == [0] * 4
    assert heard[6:14] == [4] * 8
    assert len(_frames(tmp_path / "out.mov")) == 3 * FPS
