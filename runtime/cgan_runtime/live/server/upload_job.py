"""One dropped file colored, in a process of its own with bounds: started by uploads.py, not by people.

python -m cgan_runtime.live.server.upload_job < order.json         # says one JSON object a line on stdout
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_NICE = 10  # live images go first
_SHARE_OF_MEMORY = 0.75
_MOST_OUTPUT = 2_000_000_000  # bytes


def main() -> None:
    """Read the order, color, say how it went."""
    order = json.load(sys.stdin)
    _bound(order["limits"])
    from cgan_runtime.errors import CganError

    try:
        _color(order)
        _say({"ready": True})
    except CganError as error:
        _say({"error": _without_places(str(error), order)})
    except MemoryError:
        _say({"error": "the file needs more memory than it is given"})


def _color(order: dict[str, Any]) -> None:
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.colorizer import MAX_SATURATION, Colorizer
    from cgan_runtime.models import bundled_model
    from cgan_runtime.pipeline.image import colorize_image
    from cgan_runtime.pipeline.settings import VideoSettings
    from cgan_runtime.pipeline.video import colorize_video
    from cgan_runtime.temporal.settings import TemporalSettings

    settings, limits = order["settings"], order["limits"]
    source, target = Path(order["source"]), Path(order["target"])
    if order["video"]:
        _look_at_video(source, limits)
    model = Path(settings["model"]) if settings["model"] else bundled_model()
    backend = open_backend(
        model, settings["backend"], threads=settings["threads"], precision=settings["precision"]
    )
    saturation = min(order["strength"] * settings["saturation"], MAX_SATURATION)
    with Colorizer(backend, side=settings["size"], saturation=saturation) as colorizer:
        if not order["video"]:
            _say({"done": 0, "total": 1})
            colorize_image(source, target, colorizer)
            return
        temporal = TemporalSettings(settings["temporal"], settings["every"])
        progress = _Progress(limits)
        colorize_video(
            source, target, colorizer, settings=VideoSettings(temporal=temporal), progress=progress
        )


def _look_at_video(source: Path, limits: dict[str, Any]) -> None:
    """Refuse a video that is too large or too long before its frames are decoded."""
    from cgan_runtime.errors import MediaError
    from cgan_runtime.live.capture.feeds import video_size

    try:
        width, height, seconds = video_size(source)
    except MediaError as error:
        raise MediaError("it is damaged, or a kind of video that cannot be read here") from error
    if width * height > limits["video_pixels"]:
        raise MediaError(f"the video has {width}x{height} pixels; make it smaller")
    if seconds > limits["video_seconds"]:
        raise MediaError(
            f"the video lasts {seconds:.0f} seconds; at most {limits['video_seconds']:.0f} are taken"
        )


class _Progress:
    """Says how far a video is, and ends one that is longer than it stated."""

    _MOST_RATE = 120  # frames/s

    def __init__(self, limits: dict[str, Any]) -> None:
        self._most = limits["video_seconds"] * self._MOST_RATE

    def __call__(self, done: int, total: int | None) -> None:
        from cgan_runtime.errors import MediaError

        if done > self._most:
            raise MediaError("the video is longer than it says")
        _say({"done": done, "total": total})


def _bound(limits: dict[str, Any]) -> None:
    """Bound memory, time and disk of this process, where the system can."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = int(limits["job_seconds"]) * (os.cpu_count() or 1)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for what, most in (
        (resource.RLIMIT_DATA, min(limits["job_memory"], int(_SHARE_OF_MEMORY * memory))),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _MOST_OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bounded, hard))


def _without_places(message: str, order: dict[str, Any]) -> str:
    """A message without the names of folders of this machine."""
    for path in (order["source"], order["target"]):
        message = message.replace(path, "the file").replace(Path(path).name, "the file")
    return message


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
