"""The line that shows how far a piece of work is: percent, rate, time gone, time left, with words.

line = VideoProgress("in.mp4", kept=1500)
line(1600, 7400)                                    # frames done, and all
print(line.text(80))                                # 22%, 12.5 frames/s, 0:08 elapsed, 7:44 left

It is right from 50 columns up: what does not fit is left out, the least important first.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it would make --help slow
    from rich.console import Console, ConsoleOptions, RenderResult

Clock = Callable[[], float]

_LEAST_BAR, _MOST_BAR = 8, 30  # columns
_MOST_TITLE = 24
_LEAST_WRITTEN = 200_000  # bytes, from which the size of the whole is estimated
_SLOW = 100  # per second; below it a rate has a decimal


class ProgressLine(ABC):
    """A line that rich draws; `fraction` and `parts` are of a kind of work."""

    def __init__(self, title: str, clock: Clock = time.monotonic) -> None:
        self._title, self._clock = title, clock
        self._began = clock()

    @property
    @abstractmethod
    def fraction(self) -> float | None:
        """How much is done, 0 to 1; None if unknown."""

    @abstractmethod
    def parts(self) -> Sequence[tuple[int, str]]:
        """What the line says, each with its importance; the least important are left out first."""

    def text(self, width: int) -> str:
        """The words that fit into so many columns."""
        parts = list(self.parts())
        while len(", ".join(text for _, text in parts)) > width and len(parts) > 1:
            parts.remove(min(parts))
        return ", ".join(text for _, text in parts)[:width]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw title, bar and words into one line."""
        from rich.text import Text

        words = self.text(options.max_width - 1)
        room = options.max_width - 1 - len(words)
        title = self._title if len(self._title) <= _MOST_TITLE else f"{self._title[: _MOST_TITLE - 3]}..."
        drawn = Text(no_wrap=True, overflow="crop", end="")
        if room > len(title) + 2:
            drawn.append(f"{title}  ")
            room -= len(title) + 2
        if self.fraction is not None and room > _LEAST_BAR + 2:
            length = min(room - 2, _MOST_BAR)
            done = round(length * min(1.0, self.fraction))
            stroke = "#" if options.ascii_only else "\u2501"
            drawn.append(stroke * done, "green").append(stroke * (length - done), "dim").append("  ")
        yield drawn.append(words)

    def _elapsed(self) -> float:
        return self._clock() - self._began


class VideoProgress(ProgressLine):
    """The frames of a video. It is called with the frames that are done and all of them, None if unknown."""

    def __init__(
        self, title: str, *, kept: int = 0, size: Callable[[], int] | None = None, clock: Clock = time.monotonic
    ) -> None:
        """Begin.

        Args:
            title: What is made.
            kept: Frames that an earlier run has made: they count as done, but not in rate and time left.
            size: The bytes that are written so far.
            clock: In seconds.
        """
        super().__init__(title, clock)
        self._kept, self._size = kept, size
        self._done = 0
        self._total: int | None = None
        self._new_since = self._began  # when the first new frame began

    def __call__(self, done: int, total: int | None) -> None:
        """Take what is done."""
        if done <= self._kept:
            self._new_since = self._clock()
        self._done, self._total = done, total and max(done, total)  # an estimate may prove too small

    @property
    def rate(self) -> float | None:
        """New frames a second; None before the first one."""
        spent = self._clock() - self._new_since
        return (self._done - self._kept) / spent if self._done > self._kept and spent > 0 else None

    @property
    def fraction(self) -> float | None:
        """How much is done, 0 to 1; None if unknown."""
        return self._done / self._total if self._total else None

    def seconds_for(self, frames: int) -> float | None:
        """How long so many more frames take; None before the first one."""
        return frames / self.rate if self.rate else None

    def parts(self) -> Sequence[tuple[int, str]]:
        """Percent, rate, times, and the size that is expected."""
        if self._done == 0:
            return [(1, "begins")]
        if self._done < self._kept:
            return [(2, f"going to frame {self._kept}"), (1, f"{duration_text(self._elapsed())} elapsed")]
        share = f"{self.fraction:.0%}" if self.fraction is not None else f"{self._done} frames"
        parts = [(5, share)]
        if self.rate is not None:
            parts += [(4, rate_text(self.rate)), (2, f"{duration_text(self._elapsed())} elapsed")]
            if self._total:
                left = self.seconds_for(self._total - self._done)
                parts.append((3, f"{duration_text(left or 0)} left"))
                parts += self._expected_size()
        return parts

    def _expected_size(self) -> list[tuple[int, str]]:
        written = self._size() if self._size is not None else 0
        if written < _LEAST_WRITTEN:
            return []
        return [(1, f"about {size_text(round(written / self._done * (self._total or 0)))}")]


class ShareProgress(ProgressLine):
    """The share of any work that is done. It is called with that, 0 to 1, and with a text about it."""

    def __init__(self, title: str, clock: Clock = time.monotonic) -> None:
        super().__init__(title, clock)
        self._share, self._text = 0.0, ""
        self._first: float | None = None  # the share at the first call: a run may go on with another

    def __call__(self, share: float, text: str) -> None:
        """Take what is done."""
        self._first = share if self._first is None else self._first
        self._share, self._text = share, text

    @property
    def fraction(self) -> float | None:
        """How much is done, 0 to 1."""
        return self._share

    def parts(self) -> Sequence[tuple[int, str]]:
        """Percent, the text, and times."""
        parts = [(5, f"{self._share:.0%}"), *([(4, self._text)] if self._text else [])]
        parts.append((2, f"{duration_text(self._elapsed())} elapsed"))
        made = self._share - (self._first or 0.0)
        if made > 0:
            parts.append((3, f"{duration_text(self._elapsed() * (1 - self._share) / made)} left"))
        return parts


def duration_text(seconds: float) -> str:
    """A time for people: `0:42`, `12:05`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rate_text(rate: float) -> str:
    """A rate for people: `12.5 frames/s`, `230 frames/s`."""
    return f"{rate:.1f} frames/s" if rate < _SLOW else f"{rate:.0f} frames/s"


def size_text(size: int) -> str:
    """A file's size for people: `812 kB`, `1.4 MB`, `23.1 GB`."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{max(1, round(size / 1e3))} kB"


def count_text(count: int, thing: str) -> str:
    """A number with a word: `1 frame`, `2 frames`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
