"""Frames from all of a video within moments, by seeking, and what its streams take.

for frame in spread_frames(container, stream, 12): ...
for frame in frames_from_middle(container, stream, 50, seconds=2.0): ...
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import av

_LEAST = 3  # frames from the middle, however long they take
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


def frames_from_middle(
    container: av.container.InputContainer, stream: av.VideoStream, count: int, *, seconds: float
) -> Iterator[av.VideoFrame]:
    """Frames one after another from the middle of a video: so many, or fewer if that takes longer than `seconds`."""
    middle = next(spread_frames(container, stream, 1), None)
    if middle is None:
        return
    yield middle
    ends = time.monotonic() + seconds
    with suppress(av.EOFError):  # there may be no other frame
        for number, frame in enumerate(container.decode(stream), 2):
            yield frame
            if number >= count or (number >= _LEAST and time.monotonic() > ends):
                return


def packet_sizes(path: Path) -> list[int]:
    """The bytes of each packet of the first video stream of a file."""
    with av.open(path) as container:
        return [packet.size for packet in container.demux(video=0) if packet.size]


def size_of_sound(container: av.container.InputContainer) -> int:
    """Bytes of the audio of a video, where it states them."""
    return sum(
        int(stream.bit_rate * stream.duration * stream.time_base / 8)
        for stream in container.streams
        if isinstance(stream, av.AudioStream) and stream.bit_rate and stream.duration and stream.time_base
    )
