"""The video encoders that can be chosen, their settings, and the containers that take them.

settings = EncoderSettings(codec="libx264", crf=20)
codec = settings.codec_for(Path("out.mp4"))
options = settings.options(codec)                  # FFmpeg's
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.files.formats import IMAGES, WRITTEN_VIDEOS
from cgan_runtime.files.output import Output, output_for

FALLBACK_SUFFIX = ".mkv"  # takes every codec; chosen if the container of the input cannot be written


@dataclass(frozen=True)
class Encoder:
    """One of the video encoders that can be chosen."""

    suffixes: frozenset[str]  # containers that take it
    crf: int | None = None  # default quality, lower is better and bigger; None if it has no such setting
    max_crf: int = 0
    preset: str | None = None  # the default; None if it has none
    presets: tuple[str, ...] = ()  # from fast to small
    lossless: dict[str, str] = field(default_factory=dict)  # options in place of crf 0
    formats: tuple[str, ...] | None = None  # pixel formats that it takes; None asks FFmpeg
    even: bool = False  # width and height must be whole numbers of chroma samples
    options: dict[str, str] = field(default_factory=dict)  # passed to FFmpeg as they are
    quality: tuple[str, ...] = ("crf",)  # FFmpeg's options that take the crf
    stand_in: str | None = None  # software used when the hardware is missing; None if it is software itself
    packed: dict[str, str] = field(default_factory=dict)  # formats with CbCr in one plane, by planar formats


_X264_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip
_COMMON = frozenset({".mp4", ".m4v", ".mov", ".mkv"})
_RAW_DEPTHS = ("", "9le", "10le", "12le", "14le", "16le")
_RAW_FORMATS = tuple(f"yuv{chroma}p{depth}" for chroma in (420, 422, 444) for depth in _RAW_DEPTHS)
_PACKED = {"yuv420p": "nv12", "yuv420p10le": "p010le"}


def _in_hardware(quality: tuple[str, ...], **more: Any) -> Encoder:
    """A hardware encoder; its crf means about the same as that of libx264."""
    return Encoder(suffixes=_COMMON, crf=20, max_crf=51, even=True, quality=quality, stand_in="libx264", **more)


_NVENC = _in_hardware(("cq",), options={"rc": "vbr", "preset": "p4"})
_QSV = _in_hardware(("global_quality",), packed=_PACKED)
_AMF = _in_hardware(("qp_i", "qp_p"), options={"rc": "cqp"}, packed=_PACKED)
_APPLE = Encoder(  # its quality has 100 steps of 118, FFmpeg's lambda unit
    suffixes=_COMMON,
    even=True,
    options={"flags": "+qscale", "global_quality": str(65 * 118)},
    stand_in="libx264",
    packed=_PACKED,
)

ENCODERS: dict[str, Encoder] = {
    "libx264": Encoder(
        suffixes=_COMMON, crf=18, max_crf=51, preset="veryfast", presets=_X264_PRESETS, lossless={"qp": "0"}, even=True
    ),
    "libvpx-vp9": Encoder(
        suffixes=frozenset({".webm", ".mkv", ".mp4"}),
        crf=24,
        max_crf=63,
        lossless={"lossless": "1"},
        # b=0: quality is set by crf alone. The rest is as fast as a network on a few cores.
        options={"b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1"},
    ),
    "ffv1": Encoder(suffixes=frozenset({".mkv"}), options={"level": "3", "slicecrc": "1"}),
    "rawvideo": Encoder(suffixes=frozenset({".y4m", ".yuv"}), formats=_RAW_FORMATS),
    "h264_nvenc": _NVENC,
    "hevc_nvenc": _NVENC,
    "h264_qsv": _QSV,
    "hevc_qsv": _QSV,
    "h264_amf": _AMF,
    "hevc_amf": _AMF,
    "h264_videotoolbox": _APPLE,
    "hevc_videotoolbox": _APPLE,
}
"""The default of a container is the first that it takes. VAAPI's encoders are missing because they take only
frames in device memory, where PyAV cannot put them."""


@dataclass(frozen=True)
class EncoderSettings:
    """What a user asks of the encoder; None takes a default. A ConfigError if there is no such encoder.

    Attributes:
        codec: Name of the encoder.
        crf: Quality, lower is better and bigger.
        preset: Speed, for encoders that have presets.
        codec_threads: CPU threads of the encoder and of the decoder each; None takes one for each core.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    codec_threads: int | None = None

    def __post_init__(self) -> None:
        if self.codec is not None and self.codec not in ENCODERS:
            raise ConfigError(f"no encoder {self.codec!r}; choose one of {', '.join(ENCODERS)}")

    def codec_for(self, target: Path | Output) -> str:
        """The encoder for an output; for an image sequence its suffix.

        Raises:
            MediaError: The container cannot be written, or does not take the encoder.
            ConfigError: Images have no such settings.
        """
        output = output_for(target)
        suffix = output.suffix
        if output.images is not None:
            if (self.codec, self.crf, self.preset) != (None, None, None):
                raise ConfigError("images have no --codec, --crf or --preset; leave them out")
            return suffix
        if suffix not in WRITTEN_VIDEOS:
            raise MediaError(
                f"{target} names no video that can be written; end it in one of "
                f"{', '.join(sorted(WRITTEN_VIDEOS))}, or name an image sequence: frames/%05d.png"
            )
        if self.codec is None:
            return next(name for name, encoder in ENCODERS.items() if suffix in encoder.suffixes)
        if suffix not in (fitting := ENCODERS[self.codec].suffixes):
            raise MediaError(
                f"{suffix} takes no {self.codec}; end the output in one of {', '.join(sorted(fitting))}, "
                "or leave --codec out"
            )
        return self.codec

    def options(self, codec: str) -> dict[str, str]:
        """FFmpeg's options for an encoder; a ConfigError if it has no such setting or value."""
        if codec in IMAGES:
            return {}
        encoder = ENCODERS[codec]
        options = dict(encoder.options)
        if self.preset is not None and not encoder.presets:
            raise ConfigError(f"{codec} has no presets; leave --preset out")
        if self.preset is not None and self.preset not in encoder.presets:
            raise ConfigError(f"{codec} has no preset {self.preset!r}; choose one of {', '.join(encoder.presets)}")
        if self.crf is not None and encoder.crf is None:
            kind = "has" if encoder.stand_in else "is lossless and has"
            raise ConfigError(f"{codec} {kind} no crf; leave --crf out")
        if preset := self.preset or encoder.preset:
            options["preset"] = preset
        crf = encoder.crf if self.crf is None else self.crf
        if crf is not None and not 0 <= crf <= encoder.max_crf:
            raise ConfigError(f"--crf {crf} is not within 0 (lossless) and {encoder.max_crf}, as {codec} takes")
        if crf == 0 and not encoder.lossless:
            raise ConfigError(f"{codec} cannot be lossless; take --crf 1 or more, or libx264")
        if crf is not None:
            options |= encoder.lossless if crf == 0 else dict.fromkeys(encoder.quality, str(crf))
        return options


def video_suffix(source: Path, settings: EncoderSettings) -> str:
    """The suffix of the input if its container can be written and takes the encoder, else the fallback."""
    suffix = source.suffix.lower()
    fitting = frozenset(WRITTEN_VIDEOS) if settings.codec is None else ENCODERS[settings.codec].suffixes
    return source.suffix if suffix in fitting else FALLBACK_SUFFIX
