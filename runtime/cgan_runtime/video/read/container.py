"""Opening a video, and choosing the video stream in it that is colored.

container = open_video(path, open_options(path), None)
stream = video_stream(path, container, None)
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.hwaccel import HWAccel
from av.stream import Disposition

from cgan_runtime.errors import MediaError
from cgan_runtime.video.ffmpeg_errors import reason_of
from cgan_runtime.video.read.sources import PIPE_BUFFER, FFmpegInput
from cgan_runtime.video.read.stretch import Stretch
from cgan_runtime.video.read.transport.joined import JoinedRecordings

_LEAST_CHUNK = 8  # bytes that each frame of an AVI takes
_MICROSECONDS = 1_000_000  # per second; the unit of a container's duration
_JOINED = {"merge_pmt_versions": "1"}  # where recordings of other PIDs are joined, streams of ts go on
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"
_PLAYLISTS = frozenset({"hls", "dash"})  # pieces of these may be missing without an error
_KINDS = {"subtitle": "subtitles", "video": "a cover image"}


def open_video(path: Path | FFmpegInput, options: dict[str, Any], hardware: str | None) -> av.container.InputContainer:
    """Open a video with what `open_options` gave; `hardware` is FFmpeg's name of the device that decodes.

    Raises a MediaError if it cannot be read, is not a video, or there is no such device.
    """
    try:
        container: av.container.InputContainer = av.open(
            mode="r",
            metadata_errors="replace",  # tags of old files may not be UTF-8
            hwaccel=HWAccel(hardware) if hardware else None,
            container_options=_JOINED,
            **options,
        )
    except (av.FFmpegError, ValueError, RuntimeError) as error:  # RuntimeError: the device decodes no stream
        reason = reason_of(error)
        raise MediaError(f"{path} is no video that can be read ({reason}); is it complete?") from error
    if not isinstance(path, FFmpegInput) and container.format.name.endswith(("_pipe", "image2")):
        container.close()
        raise MediaError(f"{path} is an image, not a video; color it with --image")
    return container


def open_options(path: Path | FFmpegInput) -> dict[str, Any]:
    """The arguments of `av.open`; a MediaError if the pixel format or the file does not exist."""
    if not isinstance(path, FFmpegInput):
        if not isinstance(path, Path):  # remote storage is read as a Python stream
            return {"file": path.open("rb")}
        if (transport := JoinedRecordings.of(path)) is not None:
            return {"file": transport, "buffer_size": PIPE_BUFFER}
        return {"file": path.absolute()}  # which FFmpeg does not take for a URL
    name = path.options.get("pixel_format", "yuv420p")
    try:
        av.VideoFormat(name)
    except ValueError as error:
        raise MediaError(f"{name!r} is no pixel format of FFmpeg; give one such as yuv420p") from error
    return path.open_options()


def video_stream(path: Path | FFmpegInput, container: av.container.InputContainer, index: int | None) -> av.VideoStream:
    """The video stream of an index in the file; for None the one marked as default, or the first.

    Raises a MediaError if there is no video stream, none of that index, or its codec cannot be decoded.
    """
    videos = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not videos:
        kinds = sorted({_KINDS.get(stream.type, stream.type) for stream in container.streams})
        raise MediaError(f"{path} has no video to color, only {' and '.join(kinds) or 'nothing'}; give a video")
    if index is None:
        chosen = next((stream for stream in videos if stream.disposition & Disposition.default), videos[0])
    elif (named := next((stream for stream in videos if stream.index == index), None)) is not None:
        chosen = named
    else:
        there = ", ".join(str(stream.index) for stream in videos)
        raise MediaError(f"stream {index} of {path} is no video; its videos are stream {there}")
    if chosen.codec_context is None:
        raise MediaError(f"{path} has a video codec that cannot be decoded here; convert it first")
    return chosen


def stated_end(container: av.container.InputContainer, stream: av.VideoStream | None = None) -> float:
    """Seconds that a container says it lasts, or, of AVI, this stream in it; 0 if it does not say."""
    if stream is not None and (counted := counted_frames(container, stream)) is not None:
        return float(((stream.start_time or 0) + counted) * (stream.time_base or 0))
    return (container.duration or 0) / _MICROSECONDS


def counted_frames(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    """Frames that the header of an AVI counts, with those that repeat the one before; 0 if that cannot be right.

    AVI has no other times. FFmpeg shortens the duration of a file that lacks a part, but not this count. None if
    there is no count, as in a recording that was never closed, and for other containers.
    """
    if container.format.name != "avi" or not stream.frames:
        return None
    return stream.frames if stream.frames * _LEAST_CHUNK < container.size else 0


def indexed_packets(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """Packets in the index of an mp4 or mov, exact, without those cut off by an edit list; else 0."""
    if container.format.name != _MOV or not stream.frames:
        return 0
    return len(getattr(stream, "index_entries", ()))


def frames_by_duration(
    container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction | None
) -> int | None:
    """Frames by the stated duration and the frame rate; None if one of them is unknown."""
    if not rate:
        return None
    if stream.time_base and (counted := counted_frames(container, stream)) is not None:
        return round(counted * stream.time_base * rate) or None
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    start = max(0, container.start_time or 0) if "matroska" in container.format.name else 0
    return round(Fraction((container.duration or 0) - start, _MICROSECONDS) * rate) or None


def is_file_on_server(path: Path | FFmpegInput, container: av.container.InputContainer) -> bool:
    """Whether a video is a file that a server keeps, not a stream or a playlist."""
    served = isinstance(path, FFmpegInput) and path.timeout is not None
    return served and container.format.name not in _PLAYLISTS and container.size > 0


def stated_frames(
    container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction | None, stretch: Stretch
) -> int | None:
    """Frames that a stretch of a video should have, exact or by its duration; None if unknown."""
    whole = indexed_packets(container, stream) or frames_by_duration(container, stream, rate)
    return whole if stretch.is_whole else frames_in(stretch, whole, rate)


def fingerprint_on_server(container: av.container.InputContainer, stream: av.VideoStream, frames: int | None) -> str:
    """By what a file on a server states; to read samples of it would take three connections."""
    stated = (container.size, container.duration, frames, stream.codec_context.name)
    return hashlib.sha256(repr(stated).encode()).hexdigest()


def frames_in(stretch: Stretch, whole: int | None, rate: Fraction | None) -> int | None:
    """About how many frames a stretch of a video has, whose whole has so many; None if unknown."""
    if rate is None:
        return None
    most = None if whole is None else max(0, whole - round(stretch.start * rate))
    if stretch.until is None:
        return most
    asked = round((stretch.until - stretch.start) * rate)
    return asked if most is None else min(asked, most)
