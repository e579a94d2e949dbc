"""Which part of a video is read, and on which clock its times are.

    stretch = Stretch(start=Fraction(3, 2), end=Fraction(13, 4))        # seconds from the beginning
    line = TimeLine(container, video_stream, stretch)
    line.seek()
    if line.has(frame): line.move(frame)

Without a stretch a video begins at zero, whatever its clock says: all streams are moved alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cgan_runtime.checks import check_types
from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:  # light to import
    import av
    from av.container.core import Chapter

_SEEKABLE = ("mov,mp4", "matroska")  # beginnings of containers with an index, whose clocks do not jump
_RUN_UP = 2  # seconds before the start from which on is read: for sound, and for deinterlacing
_LAG = 5  # seconds that streams may lie apart in a file
_MICROSECONDS = 1_000_000  # per second; the unit of seeking


@dataclass(frozen=True)
class Stretch:
    """A part of a video, in seconds from its beginning. A ConfigError if there is no such part.

    Attributes:
        start: The first frame is at this time or after it.
        end: All frames are before this time; None is the end of the video.
        duration: In place of `end`, from the start on.
        keep_start: Leave times as they are, instead of beginning at zero.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    duration: Fraction | None = None
    keep_start: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        if self.end is not None and self.duration is not None:
            raise ConfigError("--end and --duration say the same; leave one out")
        if self.start < 0 or (self.until is not None and self.until <= self.start):
            raise ConfigError(
                f"no video from {float(self.start):g} s to {float(self.until or 0):g} s; let it end later"
            )

    @property
    def until(self) -> Fraction | None:
        """The end in seconds from the beginning of the video, whichever way it is given."""
        return self.end if self.duration is None else self.start + self.duration

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole video."""
        return not self.start and self.until is None

    @property
    def text(self) -> str:
        """The stretch for people."""
        until = "the end" if self.until is None else f"{float(self.until):g} s"
        kept = ", times as they are" if self.keep_start else ""
        return f"{float(self.start):g} s to {until}{kept}"


WHOLE = Stretch()


class TimeLine:
    """Moves times of one video, and cuts away what lies outside of its stretch."""

    def __init__(self, container: av.container.InputContainer, video: av.VideoStream, stretch: Stretch) -> None:
        self._container, self._video, self._stretch = container, video, stretch
        beginning = max(_beginning(container), Fraction(0))
        self._start = beginning + stretch.start  # seconds on the clock of the video
        self._end = None if stretch.until is None else beginning + stretch.until
        tick = video.time_base or Fraction(1, _MICROSECONDS)
        # What times are moved by: whole ticks of the video.
        self.offset = Fraction(0) if stretch.keep_start else self._start // tick * tick
        self._passed: set[int] = set()  # streams that have come to the end

    @property
    def part(self) -> tuple[Fraction, Fraction | None]:
        """Start and end in seconds on the clock of the video; None is its end."""
        return self._start, self._end

    def seek(self) -> None:
        """Begin to read shortly before the stretch, where the container has an index."""
        if self._start > _RUN_UP and self._stretch.start and self._container.format.name.startswith(_SEEKABLE):
            self._container.seek(int((self._start - _RUN_UP) * _MICROSECONDS))

    def has(self, frame: av.VideoFrame) -> bool:
        """Whether a frame lies in the stretch; its times are those of the video."""
        if self._stretch.is_whole or frame.pts is None or frame.time_base is None:
            return True
        time = frame.pts * frame.time_base
        if self._end is not None and time >= self._end:
            self._passed.add(self._video.index)
            return False
        return time >= self._start

    def cut(self, packet: av.Packet[Any]) -> bool:
        """Cut a packet of another stream to the stretch; whether something is left of it.

        Subtitles are cut to the moment, sound to a packet.
        """
        time = packet.pts if packet.pts is not None else packet.dts
        if self._stretch.is_whole or time is None:
            return True
        base = packet.time_base
        start, end = -(-self._start // base), None if self._end is None else -(-self._end // base)
        if end is not None and time >= end:
            self._passed.add(packet.stream_index)
            return False
        if packet.stream.type == "subtitle" and packet.duration:
            stop = time + packet.duration if end is None else min(time + packet.duration, end)
            if stop <= start:
                return False
            begin = int(max(time, start))
            packet.pts, packet.dts, packet.duration = begin, begin, int(stop - begin)
            return True
        return time >= start

    def has_passed(self, packet: av.Packet[Any]) -> bool:
        """Whether nothing of the stretch comes from this packet on."""
        if self._end is None or self._video.index not in self._passed:
            return False
        sound = {stream.index for stream in self._container.streams.audio}
        late = packet.dts is not None and packet.dts * packet.time_base > self._end + _LAG
        return late or sound <= self._passed

    def move(self, item: av.VideoFrame | av.Packet[Any]) -> None:
        """Put a frame or packet on the clock of the output."""
        if self.offset and item.time_base:
            ticks = round(self.offset / item.time_base)
            item.pts = None if item.pts is None else item.pts - ticks
            item.dts = None if item.dts is None else item.dts - ticks

    def chapters(self) -> list[Chapter]:
        """The chapters of the stretch, on the clock of the output."""
        chapters: list[Chapter] = []
        for chapter in self._container.chapters():
            base = chapter["time_base"] or Fraction(1, _MICROSECONDS)
            low, high = chapter["start"] * base, chapter["end"] * base
            if not self._stretch.is_whole:
                low = max(low, self._start)
                high = high if self._end is None else min(high, self._end)
                if low >= high:
                    continue
            begin, stop = (max(0, round((time - self.offset) / base)) for time in (low, high))
            changed = chapter.copy()
            changed["start"], changed["end"] = begin, stop
            chapters.append(changed)
        return chapters


def _beginning(container: av.container.InputContainer) -> Fraction:
    """When the first of video and sound begins, in seconds; cover images have no time."""
    streams = [*container.streams.video, *container.streams.audio]
    times = [
        stream.start_time * stream.time_base
        for stream in streams
        if stream.start_time is not None and stream.time_base and not stream.disposition & (1 << 10)
    ]
    return min(times, default=Fraction(0))
