"""Hardware decoders and encoders: whether one works on this machine, and what is used instead.

    name, note = decoder_for(Path("video.mp4"), "auto")        # "cuda", or None for the CPU
    settings, note = encoder_for(EncoderSettings("h264_nvenc"))

Each is tried, because what a library was built with does not tell what the machine has. One that does not
work is replaced, and a note says so.
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
from cgan_runtime.video.ffmpeg_errors import reason_of
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import FFmpegInput
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings

NONE, AUTO = "none", "auto"

# What "auto" tries of what PyAV has. Devices that only help others (drm, opencl) are missing.
PREFERRED = ("cuda", "videotoolbox", "vaapi", "qsv", "d3d11va", "dxva2", "amf")
_TRIAL_SIDE, _TRIAL_RATE = 256, 25  # of the frame that an encoder is tried with: pixels, frames/s


def decoder_for(source: Path | FFmpegInput, asked: str, *, stream: int | None = None) -> tuple[str | None, str | None]:
    """The hardware decoder that works for a video, None for the CPU, and a note if it is not as asked.

    Its first frame is decoded to try it. An input that can be read only once is not tried.
    `asked` is "none", "auto", or FFmpeg's name of a kind of device.
    """
    if asked == NONE:
        return None, None
    if isinstance(source, FFmpegInput):
        return None, f"{source} can be read only once: the CPU decodes it"
    there = hwdevices_available()
    reasons = []
    for name in [each for each in PREFERRED if each in there] if asked == AUTO else [asked]:
        if name not in there:
            reasons.append(f"{name}: PyAV here has {', '.join(there) or 'no device'}")
            continue
        try:
            with VideoReader(source, stream=stream, hardware=name) as video:
                if video.in_hardware:
                    return name, None
                reasons.append(f"{name}: it does not decode {video.stream.codec_context.name}")
        except MediaError as error:
            reasons.append(f"{name}: {reason_of(error.__cause__ or error)}")
    why = "; ".join(reasons) or "PyAV here has no device"
    return None, f"no hardware decoder for {source.name} ({why}): the CPU decodes it; cgan-doctor tries all"


def encoder_for(settings: EncoderSettings) -> tuple[EncoderSettings, str | None]:
    """The settings, or those of a software encoder and a note if the hardware asked for does not work."""
    stand_in = ENCODERS[settings.codec].stand_in if settings.codec else None
    if settings.codec is None or stand_in is None:
        return settings, None
    try:
        _try_encoder(settings.codec, settings.options(settings.codec))
    except (av.FFmpegError, ValueError, OSError) as error:
        # FFmpeg's own message for a missing device is "Unknown error".
        reason = "not in this build of FFmpeg" if isinstance(error, ValueError) else "no such hardware"
        return (
            replace(settings, codec=stand_in, preset=None),
            f"{settings.codec} does not work here ({reason}): {stand_in} is used instead; cgan-doctor tries all",
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
