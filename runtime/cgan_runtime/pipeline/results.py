"""What became of a video or a still: returned by `pipeline`, printed by `jobs`, written by `stats`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cgan_runtime.files.pipe import OutputPipe


@dataclass(frozen=True)
class VideoResult:
    """What became of a video.

    Attributes:
        output: The colored video.
        bytes: Its size.
        width: In pixels.
        height: In pixels.
        frames: Colored and written, those of an earlier run included.
        seconds: From opening the input to the finished output.
        backend: Name of the back end that predicted the color.
        lost_frames: Known to be missing in the output because the input is damaged.
        flawed_frames: Numbers, from 0 in the colored video, of those that decoded with errors.
        damage: What is wrong with the input; None if nothing is known to be.
        notes: What could not be kept as it was, one sentence each.
        kept_frames: Taken over from an earlier run that was cut off.
        settings: All that decides what the video looks like, by names for people.
        stages: Median and 99th percentile of what a frame takes in each stage, milliseconds; kept frames
            count, and take next to nothing.
    """

    output: Path | OutputPipe
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

    @property
    def fps(self) -> float:
        """Frames per second that this run colored, all stages together."""
        return (self.frames - self.kept_frames) / self.seconds


@dataclass(frozen=True)
class ImageResult:
    """What became of a still: the colored image, its size in bytes and pixels, the seconds it took."""

    output: Path
    bytes: int
    width: int
    height: int
    seconds: float
    backend: str
