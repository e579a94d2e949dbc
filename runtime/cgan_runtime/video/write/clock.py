"""The clock of the video in the output: the input's own, or a coarser one whose ticks fit the container's fields.

clock = OutputClock(container_format, reader)
clock.set(frame)                                # its times in ticks of clock.base
"""

from __future__ import annotations

from fractions import Fraction

import av

from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.tracks import APPLE_CONTAINERS

_USUAL = Fraction(1, 90_000)  # seconds; the time base of a video that states none
_MAX_TICKS = (1 << 31) - 1  # that a frame may last in mp4 and mov
_MICROSECONDS = 1_000_000  # per second; the unit of a container's duration


class OutputClock:
    """The time base of the output's video. Used in one thread."""

    def __init__(self, container_format: str, reader: VideoReader) -> None:
        self.base = reader.stream.time_base or _USUAL  # seconds
        self._is_own = True
        self._last: int | None = None
        longest = max(1, -(-(reader.container.duration or 0) // _MICROSECONDS))
        fitting = _MAX_TICKS // longest  # ticks per second, even if one frame lasts as long as the video
        if container_format in APPLE_CONTAINERS and 1 / self.base > fitting:
            self._is_own, self.base = False, Fraction(1, max(1, fitting // 100 * 100 or fitting))

    @property
    def options(self) -> dict[str, str]:
        """What tells the muxer of this clock, which mp4 and mov otherwise make finer."""
        return {} if self._is_own else {"video_track_timescale": str(self.base.denominator)}

    def set(self, frame: av.VideoFrame) -> None:
        """Put the times of a frame on this clock; they rise."""
        if not self._is_own:
            frame.pts = self.ticks(frame.pts or 0, frame.time_base or self.base)
            frame.duration = round((frame.duration or 0) * (frame.time_base or self.base) / self.base)
            frame.time_base = self.base

    def ticks(self, pts: int, base: Fraction) -> int:
        """The next frame's time on this clock; `base` is the time base of `pts`, seconds."""
        if self._is_own:
            return pts
        ticks = round(pts * base / self.base)
        self._last = ticks if self._last is None else max(ticks, self._last + 1)
        return self._last
