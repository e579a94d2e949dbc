"""Which encoders, decoders and devices work on this machine: each is tried with a frame.

software, hardware = try_encoders()        # {"libx264": None, ...}, {"h264_nvenc": "no such hardware", ...}

None means that it works; else the text says why not.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import av
from av.codec.hwaccel import hwdevices_available

from cgan_runtime.system.priority import ordinary_priority
from cgan_runtime.video.ffmpeg_errors import reason_of
from cgan_runtime.video.hardware import PREFERRED, decoder_for, encoder_for
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings

Tried = dict[str, str | None]

_MADE_BY = {  # what people bring, by FFmpeg's decoder, and an encoder that makes a frame of it
    "h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9", "vp8": "libvpx",
    "prores": "prores_ks", "ffv1": "ffv1", "mpeg2video": "mpeg2video", "mpeg4": "mpeg4", "dvvideo": "dvvideo",
    "mjpeg": "mjpeg", "huffyuv": "huffyuv",
}  # fmt: skip
_FORMATS = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p", "huffyuv": "yuv422p"}
_CONTAINERS = {"prores_ks": "mov"}  # of those that NUT does not take
_SIZES = {"dvvideo": (720, 576)}  # pixels; PAL
_SIZE, _RATE = (256, 256), 25
_CLIP = "libx264"  # what devices are tried with


def try_encoders() -> tuple[Tried, Tried]:
    """Try every video encoder that can be chosen: those in software, those in hardware."""
    software, hardware = Tried(), Tried()
    for name, encoder in ENCODERS.items():
        if encoder.stand_in is None:
            software[name] = _reason(partial(_encode, name, EncoderSettings(name).options(name)))
        else:
            _, note = encoder_for(EncoderSettings(name))
            hardware[name] = note and note.partition("(")[2].partition(")")[0]
    return software, hardware


def try_decoders() -> Tried:
    """Encode a frame in each codec that people bring, and decode it."""
    return {codec: _reason(partial(_decode, codec)) for codec in _MADE_BY}


def try_devices() -> Tried:
    """Decode a frame of H.264 on each kind of device that PyAV has; the names are values of --hwaccel."""
    tried = Tried()
    with tempfile.TemporaryDirectory(prefix="cgan-trial-") as folder:
        clip = Path(folder) / "clip.mp4"
        clip.write_bytes(_encode(_CLIP, {}, "mp4").getvalue())
        for name in [each for each in PREFERRED if each in hwdevices_available()]:
            device, note = decoder_for(clip, name)
            tried[name] = None if device else re.sub(rf".*\({name}: |\): the CPU.*", "", note or "")
    return tried


def _reason(trial: Callable[[], object]) -> str | None:
    try:
        with ordinary_priority():
            trial()
    except (av.FFmpegError, ValueError, OSError, StopIteration) as error:
        return "not in this build of FFmpeg" if isinstance(error, ValueError) else reason_of(error)
    return None


def _encode(encoder: str, options: dict[str, str], container: str | None = None) -> io.BytesIO:
    """A file with one frame; PyAV's errors are raised."""
    file = io.BytesIO()
    with av.open(file, "w", format=container or _CONTAINERS.get(encoder, "nut")) as output:
        stream = cast(av.VideoStream, output.add_stream(encoder, rate=_RATE, options=options))
        stream.width, stream.height = _SIZES.get(encoder, _SIZE)
        stream.pix_fmt = _FORMATS.get(encoder, "yuv420p")
        frame = av.VideoFrame(stream.width, stream.height, stream.pix_fmt)
        output.mux([*stream.encode(frame), *stream.encode(None)])
    file.seek(0)
    return file


def _decode(codec: str) -> None:
    """Encode a frame and decode it; PyAV's errors are raised."""
    with av.open(_encode(_MADE_BY[codec], {}), "r") as container:
        next(container.decode(video=0))
