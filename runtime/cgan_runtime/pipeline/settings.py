"""TODO."""

from __future__ import annotations

from dataclasses import dataclass, field

from cgan_runtime.temporal.filter import TemporalSettings
from cgan_runtime.video.read.deinterlace import Deinterlace
from cgan_runtime.video.write.codecs import EncoderSettings


@dataclass(frozen=True)
class Videosettings:
    """How a video is colored; as the arguments of `colorize_video`."""

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    temporal: TemporalSettings = field(default_factory=TemporalSettings)
    stream: int | None = None
    deinterlace: Deinterlace = "auto"
    compare: bool = False
