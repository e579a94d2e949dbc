"""Write a video: colored frames and the packets of the other streams into one container.

    with VideoWriter(output, reader, layout, settings) as writer:
        writer.write(colored_frame_or_packet)
        writer.finish()

It writes to `output.destination`, which is a draft after `output.begin()`.
"""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import WRITTEN_VIDEOS
from cgan_runtime.files.output import Output
from cgan_runtime.progress import size_text
from cgan_runtime.system.cpu import has_avx512, usable_cores
from cgan_runtime.system.priority import ordinary_priority
from cgan_runtime.video.ffmpeg_errors import is_full, translate_ffmpeg_errors
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.resume.segment_file import KEPT_STATES
from cgan_runtime.video.resume.work_folder import WorkFolder
from cgan_runtime.video.segments import SEGMENT_FRAMES, AlreadyEncoded, Colored, Skipped
from cgan_runtime.video.side_data import (
    CAPTIONS,
    STRICT,
    give_side_data,
    kinds_of,
    profile_of,
    with_side_data,
    writes_captions,
)
from cgan_runtime.video.write.clock import OutputClock
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings
from cgan_runtime.video.write.encoder import VideoEncoder
from cgan_runtime.video.write.frame_rate import Pace
from cgan_runtime.video.write.stream_copy import copy_tags, lasting_tags, usual_case
from cgan_runtime.video.write.tracks import APPLE_CONTAINERS, plan_tracks

_MOVIE_TIMESCALE = 1000  # ticks per second of an mp4's clock, unless the start of a stream needs more
_FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"  # an mp4 that is written without seeking
TIMELESS = ("yuv4mpegpipe", "rawvideo")  # containers without times
_MAX_TIMESCALE = (1 << 31) - 1
_ALPHA = "alpha_mode"  # a tag that says that the video has transparency
_FEW_THREADS = 2  # of x264; so many work on one frame


class VideoWriter(AbstractContextManager["VideoWriter"]):
    """A video being written. Used in one thread at a time."""

    def __init__(
        self,
        output: Output,
        reader: VideoReader,
        layout: FrameLayout,
        settings: EncoderSettings,
        work: WorkFolder | None = None,
        muxer: dict[str, str] | None = None,
    ) -> None:
        """Set up all streams and write the header.

        `work` keeps finished segments for a later run. `muxer` has options of the container beside its own.

        Raises:
            MediaError: The container or the encoder cannot be used for this video.
            ConfigError: The encoder has no such setting.
        """
        codec = settings.codec_for(output)
        options = with_side_data(settings.options(codec) | _deterministic_options(codec), codec, reader.first)
        self._codec, self._has_captions, self._loses_alpha = codec, False, False
        self.size = layout.stored_size  # (width, height)
        self._output, self._reader, self._layout, self._work = output, reader, layout, work
        self._full: MediaError | None = None  # the draft has filled the disk; the segment is still completed
        self._threads = settings.codec_threads or usable_cores()
        container_format = WRITTEN_VIDEOS[output.suffix]
        self._pace = Pace() if container_format in TIMELESS else None
        self._clock = OutputClock(container_format, reader)
        of_container = container_options(container_format, reader, output) | self._clock.options | (muxer or {})
        with translate_ffmpeg_errors(output):
            self._container = av.open(output.destination, "w", format=container_format, container_options=of_container)
        try:
            with translate_ffmpeg_errors(output):
                self._stream = self._add_video(codec, options)
                self._encoder = VideoEncoder(
                    lambda: self._fresh_encoder(options), self._clock.base, work, self._make_room
                )
                rotation_notes = _keep_rotation(reader.first, self._stream, timeless=self._pace is not None)
                self.tracks, self.notes = plan_tracks(reader, self._container, of_container)
                self._container.metadata.update(usual_case(lasting_tags(reader.container.metadata)))
                if chapters := reader.line.chapters():
                    self._container.set_chapters(chapters)
                with ordinary_priority():
                    self._container.start_encoding()
        except BaseException:
            self._close_quietly()
            raise
        # What is not kept as it was, one sentence each. Tracks may add to them.
        alpha_notes = ["the transparency of the video is left out"] if self._loses_alpha else []
        self.notes[:0] = [*layout.notes, *alpha_notes, *rotation_notes]

    def __exit__(self, *_: object) -> None:
        self._close_quietly()

    def keep(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        """Encode a frame into its segment alone, not into the video; errors as of `write`."""
        if not isinstance(item, av.Packet):
            with translate_ffmpeg_errors(self._output):
                deque(self._encoder.take(self._timed(item)), maxlen=0)

    def finish_segment(self, filter_state: bytes) -> None:
        """Complete the last segment with the state of the temporal filter after it; errors as of `write`."""
        with translate_ffmpeg_errors(self._output):
            deque(self._encoder.finish(filter_state), maxlen=0)

    def write(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        """Write a frame, or a packet of another stream; a MediaError if disk or encoder refuses it.

        Where a full disk refuses it, the segment is completed first, without the draft, so that it is kept.
        """
        if self._full is not None:
            with self._said_once():
                self._keep_to_border(item)
            return
        with self._said_once(), translate_ffmpeg_errors(self._output):
            packets = None
            if not isinstance(item, av.Packet):
                if isinstance(item, Colored):
                    self._has_captions = self._has_captions or CAPTIONS in kinds_of(item.frame)
                    if self._pace is not None:
                        self._pace.note(item.frame.pts or 0)
                packets = list(self._encoder.take(self._timed(item)))  # they are in the segment now
            try:
                if packets is not None and self._full is None:
                    self._mux(packets)
                elif isinstance(item, av.Packet) and item.stream_index in self.tracks:
                    self.tracks[item.stream_index].write(item)
            except (av.FFmpegError, OSError) as error:
                if not is_full(error) or self._work is None or isinstance(item, AlreadyEncoded):
                    raise
                self._full = self._give_up_draft()

    def finish(self) -> None:
        """Write what the encoders hold back, and the end of the file; errors as of `write`."""
        if self._full is not None:
            with self._said_once():
                self.finish_segment(b"")
            raise self._full
        with translate_ffmpeg_errors(self._output):
            self._mux(self._encoder.finish())
            if self._full is not None:  # the last segment needed the room
                raise self._full
            for track in self.tracks.values():
                track.flush()
            self._container.close()
        if self._has_captions and not writes_captions(self._codec):
            self.notes.append(f"closed captions are left out: {self._codec} writes none; libx264 and libx265 do")
        if self._pace is not None and self._pace.varies:
            self.notes.append(
                f"the frames of the video have uneven durations, which {self._output.suffix} cannot hold: "
                "they will play evenly; mkv and mp4 keep their times"
            )

    @contextmanager
    def _said_once(self) -> Iterator[None]:
        """A disk that is full once more, without the draft, ends the run with what was said of it first."""
        try:
            yield
        except MediaError as error:
            if self._full is None or error.__cause__ is None or not is_full(error.__cause__):
                raise
            raise self._full from error

    def _keep_to_border(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        assert self._full is not None
        if isinstance(item, Colored) and self._encoder.frames % SEGMENT_FRAMES == 0:
            self.finish_segment(item.filter_state)
            raise self._full
        self.keep(item)

    def _make_room(self, error: OSError) -> bool:
        """Give up the draft where a full disk does not take a segment; says whether that was possible."""
        if not is_full(error) or self._full is not None:
            return False
        self._full = self._give_up_draft()
        return True

    def _give_up_draft(self) -> MediaError:
        """Remove the draft, which makes room for the rest of the segment; returns the error to end with."""
        draft = Path(self._output.destination)
        written, total, done = draft.stat().st_size, self._reader.stated_frames, max(1, self._encoder.frames)
        with suppress(av.FFmpegError, OSError):
            self._container.close()
        self._output.discard()
        free, need = shutil.disk_usage(draft.parent).free, ""
        if total:  # the draft of the whole, and the segments and filter states that are not there yet
            whole = written * max(total, done) // done
            states = [path.stat().st_size for path in draft.parent.glob("*.state")]
            coming = max(states, default=0) * (KEPT_STATES + 1 - len(states))
            need = f" for about {size_text(max(1, 2 * whole - written + coming - free))} more"
        return MediaError(f"the disk of {self._output} is full; make room there{need}")

    def _timed(self, item: Colored | AlreadyEncoded | Skipped) -> Colored | AlreadyEncoded | Skipped:
        """A frame with its time on the clock of the output."""
        if isinstance(item, Colored):
            self._clock.set(item.frame)
        elif isinstance(item, Skipped):
            return Skipped(self._clock.ticks(item.pts, self._reader.first.time_base or self._clock.base))
        return item

    def _add_video(self, codec: str, options: dict[str, str]) -> av.VideoStream:
        source = self._reader.stream
        stream = cast(av.VideoStream, self._container.add_stream(codec, rate=self._reader.rate, options=options))
        stream.time_base = self._clock.base
        if self._pace is not None and self._reader.rate:  # FFmpeg's y4m takes its rate from the clock
            stream.time_base = 1 / Fraction(self._reader.rate)
        give_side_data(stream, self._reader.first, self._container.format.name)
        self._set_up(stream.codec_context)
        copy_tags(source, stream)
        for tag in [tag for tag in stream.metadata if tag.lower() == _ALPHA]:  # of VP8 and VP9 in WebM
            self._loses_alpha = stream.metadata.pop(tag) != "0"
        return stream

    def _set_up(self, context: av.VideoCodecContext) -> None:
        source, first, layout = self._reader.stream, self._reader.first, self._layout
        context.width, context.height = layout.stored_size
        if context.codec.canonical_name == "hevc" and self._container.format.name in APPLE_CONTAINERS:
            context.codec_tag = "hvc1"  # players of Apple take no other
        context.pix_fmt = ENCODERS[context.name].packed.get(layout.pixel_format, layout.pixel_format)
        context.time_base = self._clock.base
        # With few threads one frame for each is no faster, and takes 50 MB more at 1080p.
        shared = context.name == "libx264" and self._threads <= _FEW_THREADS
        context.thread_type = "SLICE" if shared else "AUTO"
        context.thread_count = self._threads
        context.bit_rate = 0  # quality is set by crf
        context.flags |= av.codec.context.Flags.frame_duration  # else all frames get the mean duration
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio
        context.colorspace, context.color_range = layout.colorspace, layout.color_range
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc

    def _fresh_encoder(self, options: dict[str, str]) -> av.VideoCodecContext:
        """A new encoder set up like that of the stream, which only provides the header of the file."""
        model = self._stream.codec_context
        context = cast(av.VideoCodecContext, av.CodecContext.create(model.codec.name, "w"))
        self._set_up(context)
        context.framerate, context.flags = model.framerate, model.flags
        context.options = dict(options)
        with ordinary_priority():
            context.open()
        return context

    def _mux(self, packets: Iterable[av.Packet[Any]]) -> None:
        for packet in packets:
            if self._full is None:
                packet.stream = self._stream
                self._container.mux(packet)

    @property
    def frames(self) -> int:
        """Frames that were written."""
        return self._encoder.frames

    def _close_quietly(self) -> None:
        """Close a container that may have failed or been finished. Only the first error counts."""
        if hasattr(self, "_encoder"):
            self._encoder.close()
        with suppress(av.FFmpegError, OSError):
            self._container.close()


def _deterministic_options(codec: str) -> dict[str, str]:
    # With AVX-512, x264 (core 165) reads uninitialized memory when it weighs blocks. AVX2 is no slower.
    return {"x264-params": "asm=avx2"} if codec == "libx264" and has_avx512() else {}


def container_options(container_format: str, reader: VideoReader, output: Output) -> dict[str, str]:
    """Make the clock of an mp4 or mov fine enough for the start of each stream; allow deep y4m."""
    if container_format == "yuv4mpegpipe":
        return {"strict": "-1"}  # more than 8 bits: not standard, but all programs read it
    if container_format not in APPLE_CONTAINERS:
        return {}
    streams = reader.container.streams
    clocks = [stream.time_base for stream in streams if stream.start_time and stream.time_base]
    timescale = math.lcm(_MOVIE_TIMESCALE, *(clock.denominator for clock in clocks))
    if timescale > _MAX_TIMESCALE and reader.stream.time_base:
        timescale = reader.stream.time_base.denominator
    # With its index at the start a file plays while it is loaded.
    strict = {"strict": "unofficial"} if kinds_of(reader.first) & STRICT else {}
    flags = ("faststart" if output.path else _FRAGMENTS) + "+prefer_icc" * bool(profile_of(reader.first))
    return strict | {"movie_timescale": str(timescale), "movflags": flags}


def _keep_rotation(first: av.VideoFrame, stream: av.VideoStream, *, timeless: bool) -> list[str]:
    """Copy the display matrix of the input; returns notes. Raw video has no tags."""
    matrix: Any = first.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return []
    if timeless:
        return ["the video is rotated by a tag, which raw video cannot hold: frames stay as they are stored"]
    if not hasattr(stream, "set_display_matrix"):  # PyAV before 18
        return ["the video is rotated by a tag that this version of PyAV cannot write: it will play unrotated"]
    stream.set_display_matrix(np.frombuffer(matrix, np.int32).tolist())
    return []
