"""The other streams of a video, such as audio and subtitles: copied, transcoded, or left out with a note.

    tracks, notes = plan_tracks(reader, output, options)
    tracks[packet.stream_index].write(packet)

All is decided before the first frame: the muxer itself says whether a container takes a stream, when it is
tried in memory.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any, cast

import av
from av.stream import Disposition, Stream

from cgan_runtime.video.read.edit_lists import has_inner_cut, hidden_start
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.stream_copy import (
    add_copy,
    attach_image,
    codec_name,
    copy_tags,
    stand_in,
    takes_attachments,
    takes_copy,
)
from cgan_runtime.video.write.transcoded_audio import AudioForm, SampleLine, audio_form

APPLE_CONTAINERS = ("mp4", "mov")  # with edit lists, cover images as streams, timecode tracks
_TAGGED = ("matroska", "webm")  # with tags of any name for each stream
_PRIMING = 0.1  # seconds; Opus has the longest, 80 ms
_CHAPTER_TEXT = "bin_data"  # stream of chapter titles in mp4 and mov; chapters are copied without it
_TOGETHER = ("subtitle", "data")  # several packets of these types may have the same time
TIMECODE = "timecode"  # tag of a track that counts frames; mp4 and mov make the track of it again


class Track(ABC):
    """One stream of the output beside the colored one, `stream`. Used in one thread."""

    stream: Stream

    @abstractmethod
    def write(self, packet: av.Packet[Any]) -> None:
        """Take a packet of the input's stream."""

    @abstractmethod
    def rehearse(self, packet: av.Packet[Any] | None) -> bool:
        """Write something like `packet` into a trial; whether anything could be. The input stays as it is."""

    def flush(self) -> None:  # noqa: B027 (optional on purpose)
        """Write what is held back; called once, after the last packet."""


class CopiedTrack(Track):
    """Packets as they are, with rising time stamps, without those that an edit list hides."""

    def __init__(self, output: av.container.OutputContainer, source: Stream) -> None:
        self._output, self._source = output, source
        self.stream = add_copy(output, source)
        copy_tags(source, self.stream)
        self._last_dts: int | None = None  # in ticks of the output
        self._step = 0 if source.type in _TOGETHER else 1
        self._shown = False  # whether a packet came that is not hidden
        # A decoder needs a moment of sound before what is heard. An edit list of the output hides more, too, if
        # it is before zero.
        hidden, begin = hidden_start(source)
        hides = hidden <= _PRIMING or (output.format.name in APPLE_CONTAINERS and begin <= 0)
        self._leaves_out_start = not (source.type == "audio" and hides)

    def write(self, packet: av.Packet[Any]) -> None:
        """Mux a packet. In a damaged video one may have no time or go back: it follows the last one."""
        if packet.is_discard and (self._shown or self._leaves_out_start):
            return
        self._shown |= not packet.is_discard
        if packet.dts is None:
            packet.dts = packet.pts
        ratio = Fraction(packet.time_base) / (self.stream.time_base or 1)  # the header has set the output's clock
        last, dts = self._last_dts, None if packet.dts is None else _rounded(packet.dts * ratio)
        if dts is None or (last is not None and dts < last + self._step):
            dts = 0 if last is None else last + self._step
            packet.pts = max(_rounded((packet.pts or 0) * ratio), dts)
            packet.dts, packet.duration = dts, _rounded((packet.duration or 0) * ratio)
            packet.time_base = self.stream.time_base or packet.time_base
        self._last_dts = dts
        packet.stream = self.stream
        self._output.mux(packet)

    def rehearse(self, packet: av.Packet[Any] | None) -> bool:  # noqa: D102
        copy: av.Packet[Any] = av.Packet(stand_in(self._source) if packet is None else bytes(packet))
        if not copy.size:
            return False
        copy.time_base, copy.is_keyframe, copy.pts, copy.dts = self._source.time_base or Fraction(1), True, 0, 0
        if packet is not None:
            copy.duration, copy.pts, copy.dts = packet.duration, packet.pts, packet.dts
        try:
            self.write(copy)
        except av.FFmpegError:
            if packet is not None:
                raise
            return False  # no real packet is so
        return True


class CopiedData(CopiedTrack):
    """A data stream, whose failure must not end the video: after one, the rest is left out."""

    def __init__(self, output: av.container.OutputContainer, source: Stream, notes: list[str]) -> None:
        super().__init__(output, source)
        self._name, self._notes, self._failed = stream_name(source), notes, False

    def write(self, packet: av.Packet[Any]) -> None:  # noqa: D102
        if self._failed:
            return
        try:
            super().write(packet)
        except av.FFmpegError as error:
            if isinstance(error, OSError):  # the disk's, not the packet's
                raise
            self._failed = True
            self._notes.append(f"{self._name} is incomplete: {self._output.format.name} did not take all of it")


class TranscodedAudio(Track):
    """Audio that is decoded and encoded again, because its packets cannot be copied."""

    stream: av.AudioStream

    def __init__(self, output: av.container.OutputContainer, source: av.AudioStream, form: AudioForm) -> None:
        self._output, self._source = output, source
        self.stream = cast(av.AudioStream, output.add_stream(form.encoder, rate=form.rate))
        form.apply(self.stream.codec_context)
        copy_tags(source, self.stream)
        self._line, self._begun = SampleLine(), False
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None  # of the frames that the resampler takes

    def write(self, packet: av.Packet[Any]) -> None:
        """Decode, resample and encode a packet; one that cannot be decoded is skipped."""
        self._begun = True
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            return
        self._encode(frames)

    def rehearse(self, packet: av.Packet[Any] | None) -> bool:
        """Encode a little silence."""
        context = self.stream.codec_context
        silence = av.AudioFrame(context.format.name, context.layout.name, context.frame_size or 1024)
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        silence.sample_rate, silence.pts, silence.time_base = context.sample_rate, 0, Fraction(1, context.sample_rate)
        self._output.mux([*self.stream.encode(silence), *self.stream.encode(None)])
        return True

    def flush(self) -> None:
        """Drain decoder, resampler and encoder."""
        if not self._begun:  # a rehearsal leaves the input's decoder as it is
            return
        with contextlib.suppress(av.FFmpegError):  # a damaged end
            self._encode(self._source.decode(None))
        if self._resampler is not None:
            self._mux(self._resampler.resample(None))
            self._output.mux(self.stream.encode(None))

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for decoded in frames:
            frame = self._line.cut(decoded)
            if frame is None:
                continue
            form = (frame.format.name, frame.layout.name, frame.sample_rate)
            if self._resampler is None or form != self._form:  # the encoder is open now and has a frame size
                if self._resampler is not None:
                    self._mux(self._resampler.resample(None))
                self._form = form
                context = self.stream.codec_context
                self._resampler = av.AudioResampler(
                    context.format, context.layout, context.sample_rate, context.frame_size or None
                )
            self._mux(self._resampler.resample(frame))

    def _mux(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self._output.mux(self.stream.encode(frame))


def plan_tracks(
    reader: VideoReader, output: av.container.OutputContainer, options: dict[str, str]
) -> tuple[dict[int, Track], list[str]]:
    """Add a stream to the output for each stream of the input that it can hold, but for the colored one.

    Args:
        reader: The input.
        output: A container without a header yet.
        options: Of its muxer.

    Returns:
        The tracks by the index of the input's stream, and a sentence for each stream not copied. Tracks may
        add to the sentences.
    """
    tracks: dict[int, Track] = {}
    notes: list[str] = []
    if reader.stretch.start and any(TIMECODE in stream.metadata for stream in reader.container.streams):
        notes.append("the timecode is that of the beginning of the whole video")
    kind, source = output.format.name, reader.container
    for stream in source.streams:
        if stream.index == reader.stream.index or (codec_name(stream) == _CHAPTER_TEXT and source.chapters()):
            continue
        packet = reader.first_packets.get(stream.index)
        if stream.disposition & Disposition.attached_pic and kind not in APPLE_CONTAINERS:
            if packet is not None and takes_attachments(kind):
                attach_image(output, cast(av.VideoStream, stream), packet)
            else:
                notes.append(f"{stream_name(stream)} is left out: {kind} cannot hold it")
            continue
        attached = stream.type == "attachment"
        counts = TIMECODE in stream.metadata and stream.type == "data"  # a timecode track; made again of its tag
        copied = takes_attachments(kind) if attached else not counts and takes_copy(kind, options, stream, packet)
        cut = copied and isinstance(stream, av.AudioStream) and has_inner_cut(stream)
        if copied and not cut:
            is_data = stream.type == "data"
            tracks[stream.index] = CopiedData(output, stream, notes) if is_data else CopiedTrack(output, stream)
        elif isinstance(stream, av.AudioStream) and (form := audio_form(output, stream, same=cut)):
            tracks[stream.index] = TranscodedAudio(output, stream, form)
            notes.append(_reason(stream, form, kind, cut=cut))
        elif counts:
            notes += _keep_timecode(stream, output)
        else:
            notes.append(f"{stream_name(stream)} is left out: {kind} cannot hold it")
    return tracks, notes


def stream_name(stream: Stream) -> str:
    """The name of a stream for people: `audio 1 (pcm_s16le, eng)`."""
    is_cover = stream.disposition & Disposition.attached_pic
    kind = "cover image" if is_cover else stream.type.replace("video", "further video")
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else codec_name(stream)
    language = stream.metadata.get("language", "und")
    details = ", ".join(part for part in (codec, language) if part and part != "und")
    return f"{kind} {stream.index} ({details})" if details else f"{kind} {stream.index}"


def _keep_timecode(stream: Stream, output: av.container.OutputContainer) -> list[str]:
    """Keep the timecode of a track as a tag of the video; returns notes."""
    tags, kind = output.streams[0].metadata, output.format.name
    tags.setdefault(TIMECODE, stream.metadata[TIMECODE])
    if kind in APPLE_CONTAINERS:  # the muxer makes a track of the tag
        return []
    if kind not in _TAGGED:
        return [f"{stream_name(stream)} is left out: {kind} cannot hold it"]
    return [f"{stream_name(stream)} is left out: {kind} keeps the timecode {tags[TIMECODE]} as a tag"]


def _reason(stream: av.AudioStream, form: AudioForm, kind: str, *, cut: bool) -> str:
    if cut:
        return f"{stream_name(stream)} is encoded again by {form.encoder}: an edit list cuts it within packets"
    elsewhere = "" if kind == "matroska" else "; an output that ends in .mkv can"
    return f"{stream_name(stream)} becomes {form.encoder}: {kind} cannot hold it as it is{elsewhere}"


def _rounded(ticks: Fraction | int) -> int:
    """The nearest tick; halves go up."""
    return int((ticks * 2 + 1) // 2)
