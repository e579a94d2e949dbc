"""What becomes of sound, subtitles, cover pictures and the rest: copied, transcoded, or left out and said.

    tracks, notes = plan_tracks(reader.container, reader.stream, output)
    tracks[packet.stream_index].write(packet)

All is decided before the first frame: whether a container takes a stream is asked of its muxer, by writing
a header into memory.
"""

from __future__ import annotations

import contextlib
import io
from abc import ABC, abstractmethod
from typing import Any, cast

import av
from av.stream import Stream

# FFmpeg's encoder for the codec that a container recommends, where the two have different names.
_SOUND_ENCODERS = {"opus": "libopus", "mp3": "libmp3lame", "vorbis": "libopus", "ac3": "aac"}
_OPUS_RATE = 48_000  # Hz; Opus knows few rates, and this is its own
_SOUND_BIT_RATE = 96_000  # per channel, bit/s
_STALE_TAGS = frozenset({"encoder", "duration", "number_of_frames", "number_of_bytes", "bps", "rotate"})
_KINDS = {"audio": "sound", "subtitle": "subtitle", "video": "further picture", "data": "data"}


class Track(ABC):
    """One stream of the output beside the film's picture. Used in one thread."""

    @abstractmethod
    def write(self, packet: av.Packet[Any]) -> None:
        """Take a packet of the input's stream."""

    def flush(self) -> None:  # noqa: B027 (optional on purpose)
        """Write what is still held back; called once, after the last packet."""


class CopiedTrack(Track):
    """Packets as they are, with time stamps that rise."""

    def __init__(self, output: av.container.OutputContainer, source: Stream) -> None:
        self._output = output
        self._stream = output.add_stream_from_template(source, opaque=True)
        copy_tags(source, self._stream)
        self._last_dts: int | None = None

    def write(self, packet: av.Packet[Any]) -> None:
        """Mux a packet; one without any time, or that goes back in a damaged film, is put behind the last."""
        if packet.dts is None:
            packet.dts = packet.pts
        last = self._last_dts
        if packet.dts is None or (last is not None and packet.dts <= last):
            packet.dts = 0 if last is None else last + 1
            packet.pts = max(packet.pts or 0, packet.dts)
        self._last_dts = packet.dts
        packet.stream = self._stream
        self._output.mux(packet)


class TranscodedSound(Track):
    """Sound decoded and encoded again, for a container that does not take its codec."""

    def __init__(self, output: av.container.OutputContainer, source: av.AudioStream, encoder: str) -> None:
        self._output, self._source = output, source
        rate = _OPUS_RATE if encoder == "libopus" else source.codec_context.sample_rate
        self._stream = cast(av.AudioStream, output.add_stream(encoder, rate=rate))
        context = self._stream.codec_context
        context.layout = source.codec_context.layout
        context.bit_rate = _SOUND_BIT_RATE * context.layout.nb_channels
        copy_tags(source, self._stream)
        self._resampler: av.AudioResampler | None = None

    def write(self, packet: av.Packet[Any]) -> None:
        """Decode, resample and encode a packet; what cannot be decoded is passed over."""
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
            if self._resampler is None:  # the encoder is open by now and states its frame size
                context = self._stream.codec_context
                self._resampler = av.AudioResampler(
                    context.format, context.layout, context.sample_rate, context.frame_size or None
                )
            self._mux(self._resampler.resample(frame))

    def _mux(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self._output.mux(self._stream.encode(frame))


def plan_tracks(
    source: av.container.InputContainer, film: av.VideoStream, output: av.container.OutputContainer
) -> tuple[dict[int, Track], list[str]]:
    """Add a stream to the output for every stream of the input that it can hold, the film's picture aside.

    Returns:
        The tracks by the index of the input's stream, and a sentence for each stream that is not copied.
    """
    tracks: dict[int, Track] = {}
    notes: list[str] = []
    for stream in source.streams:
        if stream.index == film.index:
            continue
        name = f"{_KINDS.get(stream.type, stream.type)} {_label(stream)}"
        encoder = _sound_encoder(output)
        if _holds(output, stream):
            tracks[stream.index] = CopiedTrack(output, stream)
        elif isinstance(stream, av.AudioStream) and _can_transcode(stream, encoder):
            tracks[stream.index] = TranscodedSound(output, stream, encoder)
            notes.append(f"{name} becomes {encoder}: {output.format.name} cannot hold it as it is")
        else:
            notes.append(f"{name} is left out: {output.format.name} cannot hold it")
    return tracks, notes


def copy_tags(source: Stream, target: Stream) -> None:
    """Language, title and the like, and what the stream is for (default, forced, ...)."""
    target.metadata.update(lasting_tags(source.metadata))
    target.disposition = source.disposition


def lasting_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags that stay true of a coloured copy."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower().split("-")[0] not in _STALE_TAGS and not key.upper().startswith("_STATISTICS")
    }


def _holds(output: av.container.OutputContainer, stream: Stream) -> bool:
    """Whether the output's muxer takes a copy of a stream, tried with a header in memory."""
    try:
        with av.open(io.BytesIO(), "w", format=output.format.name) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _sound_encoder(output: av.container.OutputContainer) -> str:
    codec = output.default_audio_codec
    return _SOUND_ENCODERS.get(codec, codec)


def _can_transcode(stream: av.AudioStream, encoder: str) -> bool:
    return (
        stream.codec_context is not None
        and stream.codec_context.sample_rate > 0
        and encoder in av.codecs_available
    )


def _label(stream: Stream) -> str:
    """`1 (pcm_s16le, eng)`: how a stream is named to people."""
    codec = stream.codec_context.name if stream.codec_context is not None else stream.name
    language = stream.metadata.get("language", "und")
    return f"{stream.index} ({', '.join(part for part in (codec, language) if part and part != 'und')})"
