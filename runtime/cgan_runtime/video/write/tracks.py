"""The other streams of a video, such as audio and subtitles: copied, transcoded, or left out with a note.

    tracks, notes = plan_tracks(reader.container, reader.stream, output)
    tracks[packet.stream_index].write(packet)

All is decided before the first frame: the muxer itself says whether a container takes a stream, when a
header is written into memory.
"""

from __future__ import annotations

import contextlib
import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

import av
from av.stream import Disposition, Stream

# FFmpeg's encoders for codecs that containers recommend, if their names differ.
_AUDIO_ENCODERS = {"opus": "libopus", "vorbis": "libopus", "ac3": "aac"}
_COMMON_RATE = 48_000  # Hz; taken by every encoder, and the only full one of Opus
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_AUDIO_BIT_RATE = 96_000  # per channel, bit/s
_STALE_TAGS = frozenset({"encoder", "duration", "number_of_frames", "number_of_bytes", "bps", "rotate"})
_COVER_KEEPERS = frozenset({"mp4", "mov"})  # Matroska keeps cover images as attachments
_CHAPTER_TEXT = "bin_data"  # stream of chapter titles in mp4 and mov; chapters are copied without it
_TOGETHER = ("subtitle", "data")  # several packets of these types may have the same time
_SILENCE = bytes(64)  # whole samples of any PCM up to 64 bits and 8 channels


@dataclass(frozen=True)
class AudioForm:
    """An audio encoder with a sample rate in Hz and a channel layout that it takes."""

    encoder: str
    rate: int
    layout: str


class Track(ABC):
    """One stream of the output beside the colored one. Used in one thread."""

    @abstractmethod
    def write(self, packet: av.Packet[Any]) -> None:
        """Take a packet of the input's stream."""

    def flush(self) -> None:  # noqa: B027 (optional on purpose)
        """Write what is held back; called once, after the last packet."""


class CopiedTrack(Track):
    """Packets as they are, with rising time stamps."""

    def __init__(self, output: av.container.OutputContainer, source: Stream) -> None:
        self._output = output
        self._stream = output.add_stream_from_template(source, opaque=True)
        copy_tags(source, self._stream)
        self._last_dts: int | None = None
        self._step = 0 if source.type in _TOGETHER else 1

    def write(self, packet: av.Packet[Any]) -> None:
        """Mux a packet. In a damaged video one may have no time or go back: it follows the last one."""
        if packet.dts is None:
            packet.dts = packet.pts
        last = self._last_dts
        if packet.dts is None or (last is not None and packet.dts < last + self._step):
            packet.dts = 0 if last is None else last + self._step
            packet.pts = max(packet.pts or 0, packet.dts)
        self._last_dts = packet.dts
        packet.stream = self._stream
        self._output.mux(packet)


class TranscodedAudio(Track):
    """Audio that is decoded and encoded again, because the container does not take its codec."""

    def __init__(self, output: av.container.OutputContainer, source: av.AudioStream, form: AudioForm) -> None:
        self._output, self._source = output, source
        self._stream = cast(av.AudioStream, output.add_stream(form.encoder, rate=form.rate))
        _apply(form, self._stream.codec_context)
        copy_tags(source, self._stream)
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None  # of the frames that the resampler takes

    def write(self, packet: av.Packet[Any]) -> None:
        """Decode, resample and encode a packet; one that cannot be decoded is skipped."""
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            return
        self._encode(frames)

    def flush(self) -> None:
        """Drain decoder, resampler and encoder."""
        with contextlib.suppress(av.FFmpegError):  # a damaged end
            self._encode(self._source.decode(None))
        if self._resampler is not None:
            self._mux(self._resampler.resample(None))
            self._output.mux(self._stream.encode(None))

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            form = (frame.format.name, frame.layout.name, frame.sample_rate)
            if self._resampler is None or form != self._form:  # the encoder is open now and has a frame size
                if self._resampler is not None:
                    self._mux(self._resampler.resample(None))
                self._form = form
                context = self._stream.codec_context
                self._resampler = av.AudioResampler(
                    context.format, context.layout, context.sample_rate, context.frame_size or None
                )
            self._mux(self._resampler.resample(frame))

    def _mux(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self._output.mux(self._stream.encode(frame))


def plan_tracks(
    source: av.container.InputContainer, video: av.VideoStream, output: av.container.OutputContainer
) -> tuple[dict[int, Track], list[str]]:
    """Add a stream to the output for each stream of the input that it can hold, but for the colored one.

    Returns the tracks by the index of the input's stream, and a sentence for each stream not copied.
    """
    tracks: dict[int, Track] = {}
    notes: list[str] = []
    for stream in source.streams:
        if stream.index == video.index or (stream.name == _CHAPTER_TEXT and source.chapters()):
            continue
        name = _name(stream)
        if _holds(output, stream):
            tracks[stream.index] = CopiedTrack(output, stream)
        elif isinstance(stream, av.AudioStream) and (form := _audio_form(output, stream)):
            tracks[stream.index] = TranscodedAudio(output, stream, form)
            elsewhere = "" if output.format.name == "matroska" else "; an output that ends in .mkv can"
            notes.append(f"{name} becomes {form.encoder}: {output.format.name} cannot hold it as it is{elsewhere}")
        else:
            notes.append(f"{name} is left out: {output.format.name} cannot hold it")
    return tracks, notes


def copy_tags(source: Stream, target: Stream) -> None:
    """Language, title and the like, and what the stream is for (default, forced, ...)."""
    target.metadata.update(lasting_tags(source.metadata))
    target.disposition = source.disposition


def lasting_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags that are still true of a colored copy."""
    lasting = {key: value for key, value in tags.items() if not key.upper().startswith("_STATISTICS")}
    return {key: value for key, value in lasting.items() if key.lower().split("-")[0] not in _STALE_TAGS}


def _holds(output: av.container.OutputContainer, stream: Stream) -> bool:
    """Whether the muxer of the output takes a copy of a stream; it is tried in memory."""
    if stream.disposition & Disposition.attached_pic and output.format.name not in _COVER_KEEPERS:
        return False
    try:
        with av.open(io.BytesIO(), "w", format=output.format.name) as trial:
            copy = trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
            if (stream.name or "").startswith("pcm_"):  # mp4 looks at the channel layout only with a sample
                packet = av.Packet(_SILENCE)
                packet.stream, packet.pts, packet.dts = copy, 0, 0
                trial.mux(packet)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _audio_form(output: av.container.OutputContainer, stream: av.AudioStream) -> AudioForm | None:
    """The form nearest to a stream that the container's own audio encoder takes; None if there is none."""
    codec = output.default_audio_codec
    encoder = _AUDIO_ENCODERS.get(codec, codec)
    if stream.codec_context is None or encoder not in av.codecs_available:
        return None
    source = stream.codec_context
    layouts = (source.layout.name, _USUAL_LAYOUTS.get(source.layout.nb_channels, "stereo"), "stereo")
    forms = (AudioForm(encoder, rate, layout) for layout in layouts for rate in (source.sample_rate, _COMMON_RATE))
    return next((form for form in forms if _opens(form)), None)


def _opens(form: AudioForm) -> bool:
    trial = cast(av.AudioCodecContext, av.CodecContext.create(form.encoder, "w"))
    try:
        trial.sample_rate = form.rate
        _apply(form, trial)
        trial.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _apply(form: AudioForm, context: av.AudioCodecContext) -> None:
    context.layout = form.layout
    context.bit_rate = _AUDIO_BIT_RATE * context.layout.nb_channels
    if formats := context.codec.audio_formats:
        context.format = formats[0]


def _name(stream: Stream) -> str:
    """The name of a stream for people: `audio 1 (pcm_s16le, eng)`."""
    is_cover = stream.disposition & Disposition.attached_pic
    kind = "cover image" if is_cover else stream.type.replace("video", "further video")
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else stream.name
    language = stream.metadata.get("language", "und")
    details = ", ".join(part for part in (codec, language) if part and part != "und")
    return f"{kind} {stream.index} ({details})"
