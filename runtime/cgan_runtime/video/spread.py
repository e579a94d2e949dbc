"""Frames from all of a video within moments, by seeking, and what its streams take.

for frame in spread_frames(container, stream, 12): ...
for frame in frames_from_middle(container, stream, 50, seconds=2.0): ...
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path

import av

_LEAST = 3  # frames from the middle, however long they take
_FORWARD = 60  # frames decoded after a key frame at most: a place may be missed by so many
_SHORT = 1500  # frames; a video up to this is decoded as far as needed

Part = tuple[Fraction, Fraction | None]  # seconds on the clock of the video; None is its end
WHOLE: Part = (Fraction(0), None)


def spread_frames(
    container: av.container.InputContainer, stream: av.VideoStream, count: int, *, exact: bool = False,
    part: Part = WHOLE,
) -> Iterator[av.VideoFrame]:  # fmt: skip
    """Frames near the middles of equal stretches of time, fewer if the video has fewer.

    Args:
        container: An open video; it is left where the last frame was.
        stream: The video stream in it.
        count: Of the frames.
        exact: Decode from the key frame before a place to that place, at least in a short video; else take the
            key frame, or the first frame of the part.
        part: Take frames of this part only.
    """
    start, end = _ticks(container, stream, part)
    if end is None:
        yield from islice((frame for frame in container.decode(stream) if _is_from(start, frame)), count)
        return
    before = None
    short = 0 < stream.frames <= _SHORT
    for index in range(count):
        place = start + (end - start) * (2 * index + 1) // (2 * count)
        container.seek(place, stream=stream)
        frame = None
        for number, later in enumerate(container.decode(stream)):
            if frame is not None and (later.pts or 0) > place:
                break
            frame = later
            if _is_from(start, later) and (not exact or (number >= _FORWARD and not short)):
                break
        if frame is not None and frame.pts != before and _is_from(start, frame):
            before = frame.pts
            yield frame


def frames_from_middle(
    container: av.container.InputContainer, stream: av.VideoStream, count: int, *, seconds: float, part: Part = WHOLE
) -> Iterator[av.VideoFrame]:
    """Frames one after another from the middle of a video or part: so many, or fewer if that takes `seconds`."""
    middle = next(spread_frames(container, stream, 1, part=part), None)
    if middle is None:
        return
    yield middle
    ends = time.monotonic() + seconds
    _, end = _ticks(container, stream, part)
    with suppress(av.EOFError):  # there may be no other frame
        for number, frame in enumerate(container.decode(stream), 2):
            if part[1] is not None and end is not None and _is_from(end, frame):
                return
            yield frame
            if number >= count or (number >= _LEAST and time.monotonic() > ends):
                return


def _ticks(container: av.container.InputContainer, stream: av.VideoStream, part: Part) -> tuple[int, int | None]:
    """Start and end of a part, in the clock of the video; an empty part beyond the end, None for an unknown end."""
    clock = stream.time_base
    length = stream.duration or (
        round(container.duration / av.time_base / clock) if container.duration and clock else 0
    )
    begin = stream.start_time or 0
    if part == WHOLE or not clock:
        return begin, begin + length if length else None
    start, stop = max(begin, ceil(part[0] / clock)), None if part[1] is None else ceil(part[1] / clock)
    ends = [end for end in (stop, begin + length if length else None) if end is not None]
    return start, max(start, min(ends)) if ends else None


def _is_from(start: int, frame: av.VideoFrame) -> bool:
    return frame.pts is None or frame.pts >= start


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
