"""Decoders and encoders in hardware: whether one works here, and what takes its place where none does.

    name, note = decoder_for(Path("video.mp4"), "auto")        # "cuda", or None for the processor
    settings, note = encoder_for(EncoderSettings("h264_nvenc"))

It is tried, not looked up: what a library was built with says nothing of the machine. What was asked for and
does not work costs one line, never the video.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.hwaccel import hwdevices_available

from cgan_runtime.errors import MediaError
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import Source
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings

NONE, AUTO = "none", "auto"

_PREFERRED = ("cuda", "videotoolbox", "vaapi", "qsv", "d3d11va", "dxva2", "amf")
"""What "auto" tries, of what PyAV has here; a device that decodes nothing by itself (drm, opencl) is not."""

_TRIAL_SIDE, _TRIAL_RATE = 256, 25  # of the image that an encoder is tried with: pixels, frames/s


def decoder_for(
    source: Path | Source, asked: str, *, stream: int | None = None
) -> tuple[str | None, str | None]:
    """The hardware decoder that works for a video.

    Args:
        source: The video; its first frame is decoded. What passes only once cannot be tried.
        asked: "none", "auto", or FFmpeg's name of a kind of device.
        stream: Of the file, to be colored.

    Returns:
        Its name, None for the processor, and what is to be told if that is not what was asked for.
    """
    if asked == NONE:
        return None, None
    if isinstance(source, Source):
        return None, f"{source} passes only once: it is decoded by the processor"
    there = hwdevices_available()
    reasons = []
    for name in [each for each in _PREFERRED if each in there] if asked == AUTO else [asked]:
        if name not in there:
            reasons.append(f"{name}: PyAV here has {', '.join(there) or 'no device'}")
            continue
        try:
            with VideoReader(source, stream=stream, hardware=name) as video:
                if video.in_hardware:
                    return name, None
                reasons.append(f"{name}: it does not decode {video.stream.codec_context.name}")
        except MediaError as error:
            reasons.append(
                f"{name}: {getattr(error.__cause__, 'strerror', None) or error.__cause__ or error}"
            )
    why = "; ".join(reasons) or "PyAV here has no device"
    return None, f"no hardware decoder for {source.name} ({why}): it is decoded by the processor"


def encoder_for(settings: EncoderSettings) -> tuple[EncoderSettings, str | None]:
    """The encoder that was asked for, or software in its place.

    Returns:
        The settings to take, and what is to be told if they are not those that were given.
    """
    stand_in = ENCODERS[settings.codec].stand_in if settings.codec else None
    if settings.codec is None or stand_in is None:
        return settings, None
    try:
        _try_encoder(settings.codec, settings.options(settings.codec))
    except (av.FFmpegError, ValueError, OSError) as error:
        # FFmpeg's own word for what an encoder's library refuses is "Unknown error".
        reason = "not in this build of FFmpeg" if isinstance(error, ValueError) else "no such hardware"
        return (
            replace(settings, codec=stand_in, preset=None),
            f"{settings.codec} does not work here ({reason}): {stand_in} takes its place",
        )
    return settings, None


def _try_encoder(codec: str, options: dict[str, str]) -> None:
    context = cast(av.VideoCodecContext, av.CodecContext.create(codec, "w"))
    context.width = context.height = _TRIAL_SIDE
    context.pix_fmt = ENCODERS[codec].packed.get("yuv420p", "yuv420p")
    context.time_base, context.framerate = Fraction(1, _TRIAL_RATE), Fraction(_TRIAL_RATE)
    context.bit_rate, context.options = 0, dict(options)
    context.encode(av.VideoFrame(_TRIAL_SIDE, _TRIAL_SIDE, context.pix_fmt))
    with suppress(av.EOFError):
        context.encode(None)
