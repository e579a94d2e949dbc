"""Audio that is decoded and encoded again: its form, and one continuous line of samples.

form = audio_form(output, stream)                   # None if the container has no audio encoder here
samples = SampleLine()
for frame in decoded: samples.cut(frame)            # nothing is heard twice
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import av
import numpy as np

# FFmpeg's encoders, if their names differ from the codec's, or another one does better.
_ENCODERS = {"opus": "libopus", "vorbis": "libopus", "mp3": "libmp3lame", "ac3": "aac", "mp2": "aac"}
_COMMON_RATE = 48_000  # Hz; taken by every encoder, and the only full one of Opus
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_AUDIO_BIT_RATE = 96_000  # per channel, bit/s


@dataclass(frozen=True)
class AudioForm:
    """An audio encoder with a sample rate in Hz and a channel layout that it takes."""

    encoder: str
    rate: int
    layout: str

    def apply(self, context: av.AudioCodecContext) -> None:
        """Set up an encoder, except for its rate."""
        context.layout = self.layout
        context.bit_rate = _AUDIO_BIT_RATE * context.layout.nb_channels
        if formats := context.codec.audio_formats:
            context.format = formats[0]


class SampleLine:
    """The time line of decoded audio, on which frames may overlap: each moment is heard once."""

    def __init__(self) -> None:
        self._end: float | None = None  # seconds

    def cut(self, frame: av.AudioFrame) -> av.AudioFrame | None:
        """A frame without the samples that lie before the end of the frames so far; None if none is left."""
        rate, time = frame.sample_rate, frame.time
        if time is None or not rate:
            return frame
        late = 0 if self._end is None else round((self._end - time) * rate)
        if late >= frame.samples:
            return None
        self._end = max(self._end or 0.0, time + frame.samples / rate)
        return _without_first(frame, late) if late > _rounding(frame) else frame


def audio_form(output: av.container.OutputContainer, stream: av.AudioStream, *, same: bool = False) -> AudioForm | None:
    """The form nearest to a stream that an encoder takes; None if there is no encoder.

    The encoder is the one that the container recommends; with `same`, which says that the container takes the
    stream's own codec, the one of that.
    """
    source = stream.codec_context
    if source is None:
        return None
    codecs = [source.codec.canonical_name] if same else []
    encoders = [_ENCODERS.get(codec, codec) for codec in (*codecs, output.default_audio_codec)]
    layouts = (source.layout.name, _USUAL_LAYOUTS.get(source.layout.nb_channels, "stereo"), "stereo")
    forms = (
        AudioForm(encoder, rate, layout)
        for encoder in encoders
        for layout in layouts
        for rate in (source.sample_rate, _COMMON_RATE)
    )
    return next((form for form in forms if _opens(form)), None)


def _opens(form: AudioForm) -> bool:
    try:
        trial = cast(av.AudioCodecContext, av.CodecContext.create(form.encoder, "w"))
        trial.sample_rate = form.rate
        form.apply(trial)
        trial.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _rounding(frame: av.AudioFrame) -> int:
    """Samples by which the times of frames that follow each other may seem to overlap: two ticks of the clock."""
    tick = float(frame.time_base or 0)
    return round(2 * tick * frame.sample_rate)


def _without_first(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    content: Any = frame.to_ndarray()
    begin = samples if frame.format.is_planar else samples * frame.layout.nb_channels
    rest = av.AudioFrame.from_ndarray(np.ascontiguousarray(content[:, begin:]), frame.format.name, frame.layout.name)
    rest.sample_rate, rest.time_base = frame.sample_rate, frame.time_base
    rest.pts = (frame.pts or 0) + (round(samples / frame.sample_rate / frame.time_base) if frame.time_base else 0)
    return rest
