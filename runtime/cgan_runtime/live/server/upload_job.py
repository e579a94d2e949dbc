"""Colors one uploaded file, in a process of its own with resource limits. uploads.py starts it.

python -m cgan_runtime.live.server.upload_job < order.json         # prints one JSON object per line
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from cgan_runtime.errors import CganError, MediaError

_NICE = 10  # live cameras have priority
_MEMORY_FRACTION = 0.75
_MAX_OUTPUT = 2_000_000_000  # bytes
_MAX_RATE = 120  # frames/s, to bound a video that states no duration


def main() -> None:
    """Read the order, color the file, report the outcome."""
    order = json.load(sys.stdin)
    _limit_resources(order["limits"])
    try:
        _report(ready=True, **_color(order))
    except CganError as error:
        _report(error=_without_paths(str(error), order))
    except MemoryError:
        _report(error="the file needs too much memory")


def _color(order: dict[str, Any]) -> dict[str, Any]:
    """Color the file; what is damaged in it, and what else a person should know, as the page is told."""
    from cgan_runtime.colorizer import MAX_SATURATION, Colorizer  # after the limits are set
    from cgan_runtime.guide.memory import takes_guide
    from cgan_runtime.guide.settings import Guide, Hint
    from cgan_runtime.image.read_write import read_image
    from cgan_runtime.live.guided_picture import View
    from cgan_runtime.pipeline.image import colorize_image
    from cgan_runtime.pipeline.settings import VideoSettings
    from cgan_runtime.pipeline.video import colorize_video
    from cgan_runtime.temporal.settings import TemporalSettings

    source, target, limits = Path(order["source"]), Path(order["target"]), order["limits"]
    if order["video"]:
        _check_video(source, limits)
    model = order["model"]
    model["saturation"] = min(order["strength"] * model["saturation"], MAX_SATURATION)
    guide = Guide(hints=[Hint(**hint) for hint in order["hints"]])
    with Colorizer.open(**model) as colorizer:
        if not order["video"]:
            _report(done=0, total=1)
            image = colorize_image(source, target, colorizer, guide=guide, overwrite=True)
            if takes_guide(colorizer.backend.manifest) and not guide.hints:
                Path(order["view"]).write_bytes(View.of_image(read_image(source), colorizer).to_bytes())
            _report(done=1, total=1)
            return {"damage": None, "notes": [_without_paths(note, order) for note in image.notes]}

        def progress(done: int, total: int | None) -> None:
            if done > limits["video_seconds"] * _MAX_RATE:
                raise MediaError("the video is longer than it states")
            _report(done=done, total=total)

        settings = VideoSettings(temporal=TemporalSettings(**order["temporal"]), guide=guide)
        video = colorize_video(source, target, colorizer, settings=settings, progress=progress, overwrite=True)
        notes = [_without_paths(note, order) for note in video.notes]
        return {"damage": video.damage and _without_paths(video.damage, order), "notes": notes}


def _check_video(source: Path, limits: dict[str, Any]) -> None:
    """Refuse a video that is too large or too long before its frames are decoded."""
    from cgan_runtime.live.capture.feeds import video_size

    try:
        width, height, seconds = video_size(source)
    except MediaError as error:
        raise MediaError("the video is damaged or of an unsupported kind") from error
    if width * height > limits["video_pixels"]:
        raise MediaError(f"the video has {width}x{height} pixels; make it smaller")
    if seconds > limits["video_seconds"]:
        limit = limits["video_seconds"]
        raise MediaError(f"the video lasts {seconds:.0f} seconds; at most {limit:.0f} are accepted")


def _limit_resources(limits: dict[str, Any]) -> None:
    """Limit memory, time and disk of this process, where the system can."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    try:
        import resource
    except ImportError:  # Windows
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    resources = {
        resource.RLIMIT_DATA: min(limits["job_memory"], int(_MEMORY_FRACTION * memory)),
        resource.RLIMIT_CPU: int(limits["job_seconds"]) * (os.cpu_count() or 1),
        resource.RLIMIT_FSIZE: _MAX_OUTPUT,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in resources.items():
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _without_paths(message: str, order: dict[str, Any]) -> str:
    """Remove paths of this machine from a message."""
    for path in (order["source"], order["target"]):
        message = message.replace(path, "the file").replace(Path(path).name, "the file")
    return message


def _report(**message: Any) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
