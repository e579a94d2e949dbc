"""The video encoders that can be chosen, their settings, and the containers that take them.

settings = EncoderSettings(codec="h264", crf=20)
codec = settings.codec_for(Path("out.mp4"))        # FFmpeg's name: libx264
options = settings.options(codec)                  # FFmpeg's
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from cgan_runtime.checks import check_types
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.files.formats import IMAGES, WRITTEN_VIDEOS
from cgan_runtime.files.output import Output, output_for

FALLBACK_SUFFIX = ".mkv"  # takes every codec; chosen if the container of the input cannot be written

Quality = Literal["low", "medium", "high"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)

Effort = Literal["fast", "balanced", "best"]


@dataclass(frozen=True)
class Encoder:
    """One of the video encoders that can be chosen."""

    suffixes: frozenset[str]  # containers that take it
    crf: tuple[int, int, int] | None = None  # of the QUALITIES, lower is better; None if it has no such setting
    max_crf: int = 0
    preset: str | None = None  # the default; None if it has none
    presets: tuple[str, ...] = ()  # from fast to small
    efforts: tuple[str, str] | None = None  # the presets for "fast" and "best"
    lossless: dict[str, str] = field(default_factory=dict)  # options in place of crf 0
    formats: tuple[str, ...] | None = None  # pixel formats that it takes; None asks FFmpeg
    playable: tuple[str, ...] = ()  # of these the ones that common players take; () if it keeps all formats
    even: bool = False  # width and height must be whole numbers of chroma samples
    least: int = 1  # width and height, pixels
    options: dict[str, str] = field(default_factory=dict)  # passed to FFmpeg as they are
    quality: tuple[str, ...] = ("crf",)  # FFmpeg's options that take the crf
    steps: tuple[dict[str, str], ...] = ()  # FFmpeg's options of the QUALITIES where there is no crf
    stand_in: str | None = None  # software used when the hardware is missing; None if it is software itself
    packed: dict[str, str] = field(default_factory=dict)  # formats with CbCr in one plane, by planar formats


_X264_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip
_COMMON = frozenset({".mp4", ".m4v", ".mov", ".mkv"})
_BROADCAST = _COMMON | {".ts", ".m2ts", ".mts"}
_RAW_DEPTHS = ("", "9le", "10le", "12le", "14le", "16le")
_RAW_FORMATS = tuple(f"yuv{chroma}p{depth}" for chroma in (420, 422, 444) for depth in _RAW_DEPTHS)
_PACKED = {"yuv420p": "nv12", "yuv420p10le": "p010le"}
_EIGHT_BITS, _TEN_BITS = ("yuv420p",), ("yuv420p", "yuv420p10le")


def _in_hardware(quality: tuple[str, ...], **more: Any) -> Encoder:
    """A hardware encoder of H.264; its crf means about the same as that of libx264."""
    return Encoder(
        suffixes=_BROADCAST, crf=(30, 25, 20), max_crf=51, even=True, quality=quality, playable=_EIGHT_BITS,
        stand_in="libx264", **more,
    )  # fmt: skip


def _hevc(h264: Encoder) -> Encoder:
    """The encoder of HEVC beside one of H.264."""
    return replace(h264, playable=_TEN_BITS)


_NVENC = _in_hardware(("cq",), options={"rc": "vbr", "preset": "p4"})
_QSV = _in_hardware(("global_quality",), packed=_PACKED)
_AMF = _in_hardware(("qp_i", "qp_p"), options={"rc": "cqp"}, packed=_PACKED)
_APPLE = Encoder(  # its quality has 100 steps of 118, FFmpeg's lambda unit
    suffixes=_BROADCAST,
    even=True,
    playable=_EIGHT_BITS,
    options={"flags": "+qscale"},
    steps=tuple({"global_quality": str(step * 118)} for step in (40, 50, 65)),
    stand_in="libx264",
    packed=_PACKED,
)

ENCODERS: dict[str, Encoder] = {
    "libx264": Encoder(
        suffixes=_BROADCAST,
        crf=(28, 23, 18),
        max_crf=51,
        preset="veryfast",
        presets=_X264_PRESETS,
        efforts=("superfast", "slow"),
        lossless={"qp": "0"},
        playable=_EIGHT_BITS,
        even=True,
    ),
    "libvpx-vp9": Encoder(
        suffixes=frozenset({".webm", ".mkv", ".mp4"}),
        crf=(38, 31, 24),
        max_crf=63,
        lossless={"lossless": "1"},
        playable=_TEN_BITS,
        # b=0: quality is set by crf alone. The rest is as fast as a network on a few cores.
        options={"b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1"},
    ),
    "libx265": Encoder(
        suffixes=_BROADCAST,
        crf=(30, 25, 20),
        max_crf=51,
        preset="superfast",
        presets=_X264_PRESETS,
        efforts=("ultrafast", "medium"),
        playable=_TEN_BITS,
        even=True,
        least=16,
        options={"x265-params": "log-level=error"},
    ),
    "libsvtav1": Encoder(
        suffixes=frozenset({".mp4", ".mkv", ".webm"}),
        crf=(45, 36, 28),
        max_crf=63,
        preset="10",
        presets=tuple(str(step) for step in range(13, -1, -1)),
        efforts=("12", "6"),
        playable=_TEN_BITS,
        even=True,
        least=4,
    ),
    "prores_ks": Encoder(
        suffixes=frozenset({".mov", ".mkv"}), steps=({"profile": "1"}, {"profile": "2"}, {"profile": "3"})
    ),
    "ffv1": Encoder(suffixes=frozenset({".mkv"}), options={"level": "3", "slicecrc": "1"}),
    "rawvideo": Encoder(suffixes=frozenset({".y4m", ".yuv"}), formats=_RAW_FORMATS),
    "h264_nvenc": _NVENC,
    "hevc_nvenc": _hevc(_NVENC),
    "h264_qsv": _QSV,
    "hevc_qsv": _hevc(_QSV),
    "h264_amf": _AMF,
    "hevc_amf": _hevc(_AMF),
    "h264_videotoolbox": _APPLE,
    "hevc_videotoolbox": _hevc(_APPLE),
}
"""The default of a container is the first that it takes. VAAPI's encoders are missing because they take only
frames in device memory, where PyAV cannot put them."""

COMMON_NAMES = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9", "prores": "prores_ks"}
"""Encoders by the name of the codec, which people know."""

_MAX_CRF = max(encoder.max_crf for encoder in ENCODERS.values())

DEEP_DEFAULT = "libx265"
"""In place of libx264 by default for more than 8 bits, which players take only in HEVC."""


@dataclass(frozen=True)
class EncoderSettings:
    """What a user asks of the encoder; None takes a default.

    Attributes:
        codec: Name of the encoder, or of the codec as people know it (h264, hevc, av1, vp9, prores).
        crf: Quality, lower is better and bigger.
        quality: The same in a word, "low", "medium" or "high"; not with `crf`.
        preset: Speed, for encoders that have presets.
        effort: Speed in a word, "fast", "balanced" or "best", where `preset` is None.
        codec_threads: CPU threads of the encoder and of the decoder each; None takes one for each core.
        keep_format: Keep the input's depth, chroma subsampling and range where the encoder can, even if few
            players take that. Lossless encoders always do.

    Raises:
        ConfigError: A value is none of those above, out of range, or not for this `codec`.
    """

    codec: str | None = None
    crf: int | None = None
    quality: Quality | None = None
    preset: str | None = None
    effort: Effort = "balanced"
    codec_threads: int | None = None
    keep_format: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        object.__setattr__(self, "codec", COMMON_NAMES.get(self.codec or "", self.codec))
        if self.codec is not None and self.codec not in ENCODERS:
            raise ConfigError(f"no encoder {self.codec!r}; choose one of {', '.join((*COMMON_NAMES, *ENCODERS))}")
        if self.quality is not None and self.crf is not None:
            raise ConfigError("quality and crf say the same; give one of them")
        if self.crf is not None and not 0 <= self.crf <= _MAX_CRF:
            raise ConfigError(f"crf {self.crf} is out of range; give 0 to {_MAX_CRF}")
        if self.codec_threads is not None and self.codec_threads < 1:
            raise ConfigError(f"codec_threads is {self.codec_threads}; give 1 or more")
        if self.codec is not None:
            self.options(self.codec)

    def codec_for(self, target: Path | Output) -> str:
        """The encoder for an output; for an image sequence its suffix.

        Raises:
            MediaError: The container cannot be written, or does not take the encoder.
            ConfigError: Images have no such settings.
        """
        output = output_for(target)
        suffix = output.suffix
        if output.images is not None:
            if (self.codec, self.crf, self.preset, self.quality) != (None, None, None, None):
                raise ConfigError("images have no codec, crf, quality or preset; leave them out")
            return suffix
        if suffix not in WRITTEN_VIDEOS:
            raise MediaError(
                f"{target} names no video that can be written{_why_not(suffix)}; end it in one of "
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
            raise ConfigError(f"{codec} has no presets; leave the preset out")
        if self.preset is not None and self.preset not in encoder.presets:
            raise ConfigError(f"{codec} has no preset {self.preset!r}; choose one of {', '.join(encoder.presets)}")
        if preset := self.preset or _preset_for(encoder, self.effort):
            options["preset"] = preset
        return options | self._quality_options(codec, encoder)

    def keeps_format(self, codec: str) -> bool:
        """Whether an encoder, or an image format, keeps the input's pixel format as far as it can."""
        if codec in IMAGES or self.keep_format:
            return True
        return not ENCODERS[codec].playable or (self.crf == 0 and bool(ENCODERS[codec].lossless))

    def _quality_options(self, codec: str, encoder: Encoder) -> dict[str, str]:
        level = QUALITIES.index(self.quality or QUALITIES[-1])
        if encoder.crf is None:
            kind = "has" if encoder.steps else "is lossless and has"
            if self.crf is not None:
                raise ConfigError(f"{codec} {kind} no crf; leave it out")
            if self.quality is not None and not encoder.steps:
                raise ConfigError(f"{codec} {kind} no quality; leave it out")
            return encoder.steps[level] if encoder.steps else {}
        crf = encoder.crf[level] if self.crf is None else self.crf
        if not 0 <= crf <= encoder.max_crf:
            raise ConfigError(f"crf {crf} is out of range; {codec} takes 0 to {encoder.max_crf}")
        if crf == 0 and not encoder.lossless:
            raise ConfigError(f"{codec} cannot be lossless here; take a crf of 1 or more, or the codec libx264")
        return encoder.lossless if crf == 0 else dict.fromkeys(encoder.quality, str(crf))


def video_suffix(source: Path, settings: EncoderSettings) -> str:
    """The suffix of the input if its container can be written and takes the encoder, else the fallback."""
    suffix = source.suffix.lower()
    fitting = frozenset(WRITTEN_VIDEOS) if settings.codec is None else ENCODERS[settings.codec].suffixes
    fallback = FALLBACK_SUFFIX if FALLBACK_SUFFIX in fitting else min(fitting)
    return source.suffix if suffix in fitting else fallback


def _preset_for(encoder: Encoder, effort: Effort) -> str | None:
    if effort == "balanced" or encoder.efforts is None:
        return encoder.preset
    return encoder.efforts[effort == "best"]


def _why_not(suffix: str) -> str:
    return " (AVI has no presentation times: players would show the frames too late)" if suffix == ".avi" else ""
