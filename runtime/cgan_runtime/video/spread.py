"""Frames from all of a video within moments, by seeking.

for frame in spread_frames(container, stream, 12): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import av

_FORWARD = 60  # frames decoded after a key frame at most: a place may be missed by so many
_SHORT = 1500  # frames; a video up to this is decoded as far as needed


def spread_frames(
    container: av.container.InputContainer, stream: av.VideoStream, count: int, *, exact: bool = False
) -> Iterator[av.VideoFrame]:
    """Frames near the middles of equal stretches of time, fewer if the video has fewer.

    Args:
        container: An open video; it is left where the last frame was.
        stream: The video stream in it.
        count: Of the frames.
        exact: Decode from the key frame before a place to that place, at least in a short video; else take the
            key frame.
    """
    clock = stream.time_base
    length = stream.duration or (
        round(container.duration / av.time_base / clock) if container.duration and clock else 0
    )
    if not length:
        yield from islice(container.decode(stream), count)
        return
    start, before = stream.start_time or 0, None
    short = 0 < stream.frames <= _SHORT
    for index in range(count):
        place = start + length * (2 * index + 1) // (2 * count)
        container.seek(place, stream=stream)
        frame = None
        for number, later in enumerate(container.decode(stream)):
            if frame is not None and (later.pts or 0) > place:
                break
            frame = later
            if not exact or (number >= _FORWARD and not short):
                break
        if frame is not None and frame.pts != before:
            before = frame.pts
            yield frame
