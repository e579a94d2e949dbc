"""The results that `colorize_video` and `colorize_image` return."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Shot:
    """A shot of a video that was colored with a guide.

    Attributes:
        first: Number of its first frame.
        frames: How many it has.
        keys: Frames in it whose colors were given, as a key or hints.
        similarity: How much its frames are like what the guide remembers, mean, 0 to 1; None if no frame of it
            was compared.
    """

    first: int
    frames: int
    keys: tuple[int, ...] = ()
    similarity: float | None = None


@dataclass(frozen=True)
class VideoResult:
    """The result of coloring a video.

    Attributes:
        output: The colored video: a file or the pattern of an image sequence; None for standard output.
        bytes: Its size.
        width: In pixels, as it is shown.
        height: In pixels, as it is shown.
        frames: Frames of the colored video, those of an earlier run included.
        seconds: From opening the input to the finished output.
        backend: Name of the back end that predicted the color.
        lost_frames: Frames that are missing because the input is damaged.
        flawed_frames: Numbers of the frames that decoded with errors, from 0 in the colored video.
        damage: What is wrong with the input; None if no damage is known.
        notes: What differs from the input apart from the color, one sentence each.
        kept_frames: Frames that an earlier, interrupted run had colored.
        settings: Everything that decides how the video looks, by names for people.
        stages: Mean, median and 99th percentile of each stage's time for a frame, milliseconds; kept frames
            count, and take almost no time.
        shots: With a guide: all shots, and how sure its memory was of each.
    """

    output: Path | None
    bytes: int
    width: int
    height: int
    frames: int
    seconds: float
    backend: str
    lost_frames: int = 0
    flawed_frames: tuple[int, ...] = ()
    damage: str | None = None
    notes: tuple[str, ...] = ()
    kept_frames: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    shots: tuple[Shot, ...] = ()

    @property
    def output_name(self) -> str:
        """The output for people."""
        return "standard output" if self.output is None else str(self.output)

    @property
    def fps(self) -> float:
        """Frames per second that this run colored, all stages together."""
        return (self.frames - self.kept_frames) / self.seconds


@dataclass(frozen=True)
class ImageResult:
    """The result of coloring an image; fields as of `VideoResult`."""

    output: Path
    bytes: int
    width: int
    height: int
    seconds: float
    backend: str
    notes: tuple[str, ...] = ()
