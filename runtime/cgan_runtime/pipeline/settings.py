"""How a video is colored: one object for the API, the command line, batches and uploads. Light to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cgan_runtime.checks import check_types
from cgan_runtime.color.levels import Levels
from cgan_runtime.guide.settings import Guide
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.read.stretch import WHOLE, Stretch
from cgan_runtime.video.write.codecs import EncoderSettings


@dataclass(frozen=True)
class VideoSettings:
    """How a video is read, colored and written.

    Attributes:
        encoder: Codec and quality; by default those of the container.
        temporal: How steady the color is kept, and how often the network runs.
        guide: Colors that are known.
        stream: Index in the file of the video stream to color; None takes the default one.
        deinterlace: Which frames are deinterlaced: those that are marked ("auto"), none ("off"), all ("on").
        compare: Put the gray video beside the colored one, on its left as the video is shown.
        hwaccel: The device that decodes: "none", "auto", or FFmpeg's name of one. Where it does not work the
            processor decodes, and a note of the result says so. Frames are the same.
        levels: What becomes black and white of a dim video.
        stretch: The part of the video that is colored, and its clock.
        strict: Stop at the first flaw of a damaged video instead of coloring what can be read.

    Raises:
        ConfigError: A value is none of those above.
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    temporal: TemporalSettings = field(default_factory=TemporalSettings)
    guide: Guide = field(default_factory=Guide)
    stream: int | None = None
    deinterlace: Literal["auto", "off", "on"] = "auto"
    compare: bool = False
    hwaccel: str = "none"
    levels: Levels = field(default_factory=Levels)
    stretch: Stretch = WHOLE
    strict: bool = False

    def __post_init__(self) -> None:
        check_types(self)
