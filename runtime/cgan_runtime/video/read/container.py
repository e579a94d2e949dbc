"""Opening a video: its file, pipe or address, and the image in it that is colored.

container = open_video(path, open_options(path), None)
stream = video_stream(path, container, None)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
from av.codec.hwaccel import HWAccel
from av.stream import Disposition

from cgan_runtime.errors import MediaError
from cgan_runtime.video.read.sources import Source


def open_video(
    path: Path | Source, options: dict[str, Any], hardware: str | None
) -> av.container.InputContainer:
    """Open what `open_options` gave; `hardware` is FFmpeg's name of the kind of device that decodes.

    Raises:
        MediaError: Not readable, not a video, or no such device.
    """
    try:
        # Tags should be UTF-8; in old files some are not.
        container: av.container.InputContainer = av.open(
            mode="r",
            metadata_errors="replace",
            hwaccel=HWAccel(hardware) if hardware else None,
            **options,
        )
    except (av.FFmpegError, ValueError, RuntimeError) as error:  # the last: no device for any stream of it
        raise MediaError(f"{path} is no video that can be read ({_reason(error)}); is it whole?") from error
    if not isinstance(path, Source) and container.format.name.endswith(("_pipe", "image2")):
        container.close()
        raise MediaError(f"{path} is an image, not a video; color it with --image")
    return container


def open_options(path: Path | Source) -> dict[str, Any]:
    """What `av.open` is told; under `file` the path, the address or the opened pipe.

    Raises:
        MediaError: No such pixel format, or a path that cannot be read.
    """
    if isinstance(path, Source):
        if (name := path.options.get("pixel_format")) is not None:
            _check_pixel_format(name)
        return path.open_options()
    # An absolute path cannot be taken for a protocol; what is no local path is read as a stream.
    return {"file": path.absolute() if isinstance(path, Path) else path.open("rb")}


def _check_pixel_format(name: str) -> None:
    try:
        av.VideoFormat(name)
    except ValueError as error:
        raise MediaError(f"{name!r} is no pixel format of FFmpeg; give one such as yuv420p") from error


def video_stream(
    path: Path | Source, container: av.container.InputContainer, index: int | None
) -> av.VideoStream:
    """The video's image: the default one, or the one of an index in the file.

    Raises:
        MediaError: There is none, none of that index, or it cannot be decoded here.
    """
    videos = [
        stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic
    ]
    if not videos:
        raise MediaError(f"{path} has no image to color, only {_kinds(container)}; give a video")
    if index is None:
        chosen = next((stream for stream in videos if stream.disposition & Disposition.default), videos[0])
    elif (named := next((stream for stream in videos if stream.index == index), None)) is not None:
        chosen = named
    else:
        there = ", ".join(str(stream.index) for stream in videos)
        raise MediaError(f"stream {index} of {path} is no video; its videos are stream {there}")
    if chosen.codec_context is None:
        raise MediaError(f"{path} has an image in a codec that cannot be decoded here; convert it first")
    return chosen


def _kinds(container: av.container.InputContainer) -> str:
    names = {"audio": "sound", "subtitle": "subtitles", "video": "a cover image"}
    kinds = sorted({names.get(stream.type, stream.type) for stream in container.streams})
    return " and ".join(kinds) or "nothing"


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error)
