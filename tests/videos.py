"""Videos made for the tests: any size, pixel format, codec, timing, audio, subtitles, rotation."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Plane = np.ndarray[Any, np.dtype[np.uint8]]

FPS = 25
TICKS = 90_000  # of the video's clock, per second


@dataclass(frozen=True)
class Video:
    """A test video. `pts` are seconds; by default there are FPS frames a second from 0."""

    frames: int = 12
    width: int = 64
    height: int = 48
    pixel_format: str = "yuv420p"
    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast"})
    pts: Sequence[Fraction] | None = None
    ticks: int = TICKS
    colorspace: int = 2
    color_range: int = 0
    rotation: int = 0
    aspect: Fraction | None = None
    audio: Sequence[str] = ()
    languages: Sequence[str] = ()
    subtitle: str | None = None
    cover: bool = False
    container_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    chapters: bool = False

    def times(self) -> list[Fraction]:
        """Presentation times in seconds."""
        return list(self.pts) if self.pts is not None else [Fraction(n, FPS) for n in range(self.frames)]


@contextmanager
def _usual_priority() -> Iterator[None]:
    """Undo what SVT-AV1 does as root: it makes the calling thread a real-time one, for good."""
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler"):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def write_video(path: Path, video: Video | None = None, *, seconds: float | None = None) -> Path:
    """Write a test video: a gray wedge with a moving bright bar, and a tone for each audio stream."""
    video = video or Video()
    with _usual_priority(), av.open(path, "w", container_options=video.container_options) as output:
        output.metadata.update(video.metadata)
        video_stream = _add_video(output, video)
        tones = [output.add_stream(codec, rate=48_000) for codec in video.audio]
        for stream, language in zip(tones, video.languages, strict=False):
            stream.metadata["language"] = language
        subtitle = _add_subtitle(output, video, path)
        cover = _add_cover(output, path) if video.cover else None
        if video.chapters:
            second = Fraction(1, 1000)
            output.set_chapters([{"id": 1, "start": 0, "end": 400, "time_base": second, "metadata": {"title": "One"}}])
        output.start_encoding()
        for stream in tones:
            _write_tone(output, stream, seconds or float(video.times()[-1]) + 1 / FPS)
        if subtitle is not None:
            _write_subtitle(output, subtitle, video)
        if cover is not None:
            packet = av.Packet(_png())
            packet.stream, packet.pts, packet.dts = cover, 0, 0
            output.mux(packet)
        for index, time in enumerate(video.times()):
            frame = image(video, index)
            frame.pts, frame.time_base = round(time * video.ticks), Fraction(1, video.ticks)
            output.mux(video_stream.encode(frame))
        output.mux(video_stream.encode(None))
    return path


def scenes(count: int, scene: Callable[[int], int], shape: tuple[int, int]) -> list[Plane]:
    """Frames of moving textures, one texture for each scene; a negative scene is white."""
    height, width = shape
    frames = []
    for number in range(count):
        which = scene(number)
        if which < 0:
            frames.append(np.full(shape, 235, np.uint8))
            continue
        dice = np.random.default_rng(which)
        coarse = dice.integers(20, 235, (height // 8, 2 * width // 8), dtype=np.uint8)
        texture = coarse.repeat(8, 0).repeat(8, 1)
        frames.append(np.roll(texture, number, 1)[:, :width])
    return frames


def write_scenes(path: Path, frames: list[Plane], times: list[Fraction]) -> Path:
    """Write a video losslessly, with audio."""
    height, width = frames[0].shape
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast", "g": "60"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, 9000)
        audio = output.add_stream("aac", rate=48_000)
        for start in range(0, int(float(times[-1]) * 48_000), 1024):
            tone = av.AudioFrame.from_ndarray(
                (np.arange(1024, dtype=np.float32) / 1024)[None], format="fltp", layout="mono"
            )
            tone.sample_rate, tone.pts, tone.time_base = 48_000, start, Fraction(1, 48_000)
            output.mux(audio.encode(tone))
        output.mux(audio.encode(None))
        for luma, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = round(time * 9000), Fraction(1, 9000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def decoded(path: Path) -> list[tuple[Fraction, bytes]]:
    """Time and content of every frame."""
    with av.open(path) as container:
        return [
            (frame.pts * frame.time_base, b"".join(bytes(plane) for plane in frame.planes))
            for frame in container.decode(video=0)
        ]


def image(video: Video, index: int) -> av.VideoFrame:
    """Frame `index` of a test video, in its own pixel format."""
    wedge = np.linspace(40, 200, video.width, dtype=np.uint8)[None].repeat(video.height, 0).copy()
    wedge[:, (index * 5) % video.width : (index * 5) % video.width + 4] = 230
    gray = av.VideoFrame.from_ndarray(wedge, format="gray")
    frame = gray.reformat(format=video.pixel_format) if video.pixel_format != "gray" else gray
    frame.colorspace, frame.color_range = video.colorspace, video.color_range
    return frame


def read_frames(path: Path) -> list[av.VideoFrame]:
    """All frames of the first video stream."""
    with av.open(path) as container:
        return list(container.decode(video=0))


def times_of(path: Path) -> list[Fraction]:
    """Presentation times in seconds."""
    return [frame.pts * frame.time_base for frame in read_frames(path)]


def luma_of(frame: av.VideoFrame) -> np.ndarray[Any, Any]:
    """The luma of a planar or gray frame, read row by row without the code under test."""
    plane, deep = frame.planes[0], frame.format.components[0].bits > 8
    data, stride, width = bytes(plane), plane.line_size, frame.width * (2 if deep else 1)
    rows = [data[y * stride : y * stride + width] for y in range(frame.height)]
    return np.frombuffer(b"".join(rows), "<u2" if deep else "u1").reshape(frame.height, frame.width)


def chroma_span(frame: av.VideoFrame) -> int:
    """Largest difference between chroma codes of a plane: 0 for an image that is gray or of one tint."""
    return max(int(codes.max()) - int(codes.min()) for codes in _chroma(frame))


def tint_of(frame: av.VideoFrame) -> int:
    """Largest distance of a chroma code from gray, in steps of 8 bits; the model tints made-up images little."""
    bits = frame.format.components[0].bits
    return max(int(np.abs(codes.astype(int) - (128 << (bits - 8))).max()) >> (bits - 8) for codes in _chroma(frame))


def _chroma(frame: av.VideoFrame) -> list[np.ndarray]:
    planar = frame if frame.format.name.startswith("yuv") else frame.reformat(format="yuv420p")
    deep = np.dtype("<u2" if planar.format.components[0].bits > 8 else "u1")
    found = []
    for plane in planar.planes[1:3]:
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
        found.append(rows[: plane.height, : plane.width * deep.itemsize].view(deep))
    return found


def packets_of(path: Path, kind: str) -> dict[int, list[str]]:
    """The hashes of all packets of each stream of a type, by its place among them."""
    with av.open(path) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        found: dict[int, list[str]] = {place: [] for place in range(len(streams))}
        places = {stream.index: place for place, stream in enumerate(streams)}
        for packet in container.demux():
            if packet.size and packet.stream_index in places:
                found[places[packet.stream_index]].append(hashlib.sha256(bytes(packet)).hexdigest())
    return found


def _add_video(output: av.container.OutputContainer, video: Video) -> av.VideoStream:
    stream = output.add_stream(video.codec, rate=FPS, options=dict(video.options))
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = video.width, video.height, video.pixel_format
    stream.time_base = context.time_base = Fraction(1, video.ticks)
    context.colorspace, context.color_range = video.colorspace, video.color_range
    if video.aspect:
        context.sample_aspect_ratio = video.aspect
    if video.rotation:
        stream.set_display_rotation(video.rotation)
    return stream


def _write_tone(output: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    rate = 48_000
    wave = (8000 * np.sin(np.arange(int(seconds * rate)) * 440 * 2 * np.pi / rate)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    context = stream.codec_context
    resampler = av.AudioResampler(context.format, context.layout, rate, context.frame_size or None)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        output.mux(stream.encode(part))
    output.mux(stream.encode(None))


_SRT = "1\n00:00:00,040 --> 00:00:00,300\nHello\n\n2\n00:00:00,320 --> 00:00:00,400\nThere\n\n"


def _add_subtitle(output: av.container.OutputContainer, video: Video, path: Path) -> Any:
    if video.subtitle is None:
        return None
    if video.subtitle == "subrip":
        source = path.with_suffix(".srt")
        source.write_text(_SRT, encoding="utf-8")
        with av.open(source) as container:
            stream = output.add_stream_from_template(container.streams.subtitles[0], opaque=True)
    else:
        stream = output.add_mux_stream(video.subtitle)
    stream.metadata["language"] = "eng"
    return stream


def _write_subtitle(output: av.container.OutputContainer, stream: Any, video: Video) -> None:
    for start, text in ((40, b"Hello"), (320, b"There")):
        packet = av.Packet(len(text).to_bytes(2, "big") + text if video.subtitle == "mov_text" else text)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = start
        packet.duration = 80
        output.mux(packet)


def _add_cover(output: av.container.OutputContainer, path: Path) -> Any:
    source = path.with_suffix(".png")
    source.write_bytes(_png())
    with av.open(source) as container:
        stream = output.add_stream_from_template(container.streams.video[0], opaque=True)
    stream.disposition = 1 << 10  # attached_pic
    return stream


def _png() -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", np.full((16, 16, 3), 90, np.uint8))[1].tobytes())
