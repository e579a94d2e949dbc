"""Whether a video has colors already.

if has_colors(Path("in.mp4")): ...
"""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.color.hues import is_colored
from cgan_runtime.errors import CganError
from cgan_runtime.video.read.container import open_options, open_video, video_stream
from cgan_runtime.video.spread import spread_frames

COLORED_ALREADY = "this video has colors already; they are replaced"
"""The note about such a video."""

_PLACES = 5  # frames that are looked at
_SIDE = 96  # pixels, of each of them


def has_colors(path: Path, stream: int | None = None) -> bool:
    """Whether most of a few frames of a video have colors; false for one that cannot be read.

    Args:
        path: The video.
        stream: Index in the file of the video stream; None takes the default one.
    """
    found = []
    try:
        with open_video(path, open_options(path), None) as container:
            for frame in spread_frames(container, video_stream(path, container, stream), _PLACES):
                small = frame.reformat(width=_SIDE, height=_SIDE, format="rgb24", interpolation="AREA")
                found.append(is_colored(small.to_ndarray()))
    except (CganError, OSError, ValueError):  # the run itself says what is wrong
        pass
    return 2 * sum(found) > len(found)
