"""Videos out: colored frames and the other streams' packets into one container.

    with VideoWriter(temporary, reader, settings) as writer:
        writer.write(colored_or_kept_frame_or_packet)
        writer.finish()

The name that it writes to is a temporary one, see `target.replacing`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import av
import numpy as np

from cgan_runtime.errors import MediaError
from cgan_runtime.files.formats import WRITTEN_VIDEOS
from cgan_runtime.files.pipe import OutputPipe
from cgan_runtime.system.cpu import has_avx512, usable_cores
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.resume.items import AlreadyEncoded, Colored, Skipped
from cgan_runtime.video.resume.work_folder import Work
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings
from cgan_runtime.video.write.encoder import VideoEncoder
from cgan_runtime.video.write.frame_rate import Pace
from cgan_runtime.video.write.tracks import lasting_tags, plan_tracks

_MOVIE_TIMESCALE = 1000  # ticks per second of an mp4's own clock, unless a start needs finer ones
_FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"  # an mp4 that never goes back
_TIMELESS = ("yuv4mpegpipe", "rawvideo")  # containers that hold no times
_CLOCK = Fraction(1, 90_000)  # seconds; for a video that states none
_MAX_TIMESCALE = (1 << 31) - 1
_FEW_THREADS = 2  # of x264: so many share a frame
_CONTAINER_TAGS = frozenset({"major_brand", "minor_version", "compatible_brands"})


class VideoWriter:
    """A video being written. Used in one thread at a time.

    Attributes:
        layout: How its frames are stored.
        notes: What is not kept as it was, one sentence each.
    """

    def __init__(
        self,
        path: Path | OutputPipe,
        reader: VideoReader,
        settings: EncoderSettings,
        work: Work | None = None,
        *,
        compare: bool = False,
    ) -> None:
        """Decide everything and write the header.

        Args:
            path: Where it goes; its suffix chooses the container.
            reader: The video that is colored.
            settings: Of the image's encoder.
            work: Where what is done is kept for a later run; None keeps nothing.
            compare: The frames show the gray image beside the colored one.

        Raises:
            MediaError: The container or the encoder cannot be used for this video.
            ConfigError: The encoder has no such setting.
        """
        codec = settings.codec_for(path)
        options = settings.options(codec) | _same_each_time(codec)
        self._path = path
        self._reader = reader
        self._threads = settings.codec_threads or usable_cores()
        self.layout = FrameLayout.plan(
            reader.first,
            codec=reader.stream.codec_context.name,
            accepted=_accepted(codec, reader.first),
            encoder=codec,
            compare=compare,
        )
        container_format = WRITTEN_VIDEOS[path.suffix.lower()]
        self._pace = Pace() if container_format in _TIMELESS else None
        with self._translate_errors():
            self._container = av.open(
                path.absolute() if isinstance(path, Path) else path,
                "w",
                format=container_format,
                container_options=_container_options(container_format, reader, isinstance(path, OutputPipe)),
            )
        try:
            with self._translate_errors():
                self._stream = self._add_video(codec, options)
                self._encoder = VideoEncoder(
                    lambda: self._another_encoder(options),
                    reader.stream.time_base or _CLOCK,
                    work,
                )
                rotation_notes = _keep_rotation(reader.first, self._stream, timeless=self._pace is not None)
                self._tracks, track_notes = plan_tracks(reader.container, reader.stream, self._container)
                self._copy_video_tags()
                self._container.start_encoding()
        except BaseException:
            self._close_quietly()
            raise
        self.notes = [*self.layout.notes, *rotation_notes, *track_notes]

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_quietly()

    def keep(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        """Encode a frame and keep it in its segment; the video itself gets nothing.

        Raises:
            MediaError: As `write`.
        """
        if not isinstance(item, av.Packet):
            with self._translate_errors():
                deque(self._encoder.take(item), maxlen=0)

    def finish_keeping(self, memory: bytes) -> None:
        """Complete the last segment; `memory` is what the painter remembers, for whoever goes on from there.

        Raises:
            MediaError: As `write`.
        """
        with self._translate_errors():
            deque(self._encoder.finish(memory), maxlen=0)

    def write(self, item: Colored | AlreadyEncoded | Skipped | av.Packet[Any]) -> None:
        """Take a colored frame, or a packet of another stream of the input.

        Raises:
            MediaError: It cannot be written (disk full, encoder refuses).
        """
        with self._translate_errors():
            if not isinstance(item, av.Packet):
                if self._pace is not None and isinstance(item, Colored):
                    self._pace.note(item.frame.pts or 0)
                self._mux(self._encoder.take(item))
            elif item.stream_index in self._tracks:
                self._tracks[item.stream_index].write(item)

    def finish(self) -> None:
        """Write what the encoders hold back and the end of the file.

        Raises:
            MediaError: As `write`.
        """
        with self._translate_errors():
            self._mux(self._encoder.finish())
            for track in self._tracks.values():
                track.flush()
            self._container.close()
        if self._pace is not None and self._pace.varies:
            self.notes.append(
                f"the video's frames last differently long, which {self._path.suffix} cannot hold: they will "
                "play evenly; mkv and mp4 keep their times"
            )

    def _add_video(self, codec: str, options: dict[str, str]) -> av.VideoStream:
        source = self._reader.stream
        stream = cast(
            av.VideoStream, self._container.add_stream(codec, rate=self._reader.rate, options=options)
        )
        stream.time_base = source.time_base or _CLOCK
        if self._pace is not None and self._reader.rate:  # FFmpeg's y4m takes its rate from the clock
            stream.time_base = 1 / Fraction(self._reader.rate)
        self._set_up(stream.codec_context)
        stream.metadata.update(lasting_tags(source.metadata))
        stream.disposition = source.disposition
        return stream

    def _set_up(self, context: av.VideoCodecContext) -> None:
        source, first, layout = self._reader.stream, self._reader.first, self.layout
        context.width, context.height = layout.stored_size
        context.pix_fmt = ENCODERS[context.name].packed.get(layout.pixel_format, layout.pixel_format)
        context.time_base = source.time_base or _CLOCK
        # A frame for each thread is no quicker beside the network then, and takes 50 MB more at 1080p.
        shared = context.name == "libx264" and self._threads <= _FEW_THREADS
        context.thread_type = "SLICE" if shared else "AUTO"
        context.thread_count = self._threads
        context.bit_rate = 0  # crf rules
        context.flags |= av.codec.context.Flags.frame_duration  # else each lasts as long as the mean
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio
        context.colorspace, context.color_range = layout.colorspace, layout.color_range
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc

    def _another_encoder(self, options: dict[str, str]) -> av.VideoCodecContext:
        """An encoder that is to the stream's own, which gives the header alone, as one twin to the other."""
        model = self._stream.codec_context
        context = cast(av.VideoCodecContext, av.CodecContext.create(model.codec.name, "w"))
        self._set_up(context)
        context.framerate, context.flags = model.framerate, model.flags
        context.options = dict(options)
        return context

    def _mux(self, packets: Iterable[av.Packet[Any]]) -> None:
        for packet in packets:
            packet.stream = self._stream
            self._container.mux(packet)

    def _copy_video_tags(self) -> None:
        source = self._reader.container
        tags = lasting_tags(source.metadata)
        self._container.metadata.update({key: tags[key] for key in tags if key not in _CONTAINER_TAGS})
        if chapters := source.chapters():
            self._container.set_chapters(chapters)

    @property
    def frames(self) -> int:
        """Given to the encoder so far."""
        return self._encoder.frames

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video."""
        return self.layout.stored_size

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn what FFmpeg raises into an error of ours."""
        try:
            yield
        except BrokenPipeError as error:
            raise MediaError(f"whoever read {self._path} has gone away") from error
        except (av.FFmpegError, OverflowError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MediaError(
                f"the video cannot be written ({reason}); is the disk full? "
                "else try another container or --codec"
            ) from error

    def _close_quietly(self) -> None:
        """Close a container that may already have failed, or have been finished."""
        if hasattr(self, "_encoder"):
            self._encoder.close()
        with suppress(
            av.FFmpegError, OSError
        ):  # what brought us here is the one to be told, and the file goes away
            self._container.close()


def _accepted(codec: str, first: av.VideoFrame) -> list[str]:
    """Pixel formats that an encoder takes for images of this size."""
    named = ENCODERS[codec].formats
    if named is not None:
        return list(named)
    formats = av.Codec(codec, "w").video_formats or []
    if ENCODERS[codec].even:
        side = 64  # any that all subsampling factors divide
        formats = [
            each
            for each in formats
            if first.width % (side // each.chroma_width(side)) == 0
            and first.height % (side // each.chroma_height(side)) == 0
        ]
    taken = [each.name for each in formats]
    return [*taken, *(planar for planar, packed in ENCODERS[codec].packed.items() if packed in taken)]


def _same_each_time(codec: str) -> dict[str, str]:
    """FFmpeg's options without which an encoder codes the same video in another way each time.

    Where it has AVX-512, x264 (core 165) weighs blocks by memory that nobody has written; AVX2 is no slower.
    """
    return {"x264-params": "asm=avx2"} if codec == "libx264" and has_avx512() else {}


def _container_options(container_format: str, reader: VideoReader, is_pipe: bool) -> dict[str, str]:
    """Make an mp4's or mov's own clock fine enough to hold where each stream starts."""
    if container_format == "yuv4mpegpipe":
        return {"strict": "-1"}  # more than 8 bits: no part of the standard, read by all
    if container_format not in ("mp4", "mov"):
        return {}
    clocks = [
        stream.time_base for stream in reader.container.streams if stream.start_time and stream.time_base
    ]
    timescale = math.lcm(_MOVIE_TIMESCALE, *(clock.denominator for clock in clocks))
    if timescale > _MAX_TIMESCALE and reader.stream.time_base:
        timescale = reader.stream.time_base.denominator
    options = {"movie_timescale": str(timescale)}
    return options | {"movflags": _FRAGMENTS} if is_pipe else options


def _keep_rotation(first: av.VideoFrame, stream: av.VideoStream, *, timeless: bool) -> list[str]:
    """Tag the output with the input's display matrix; bare images have no tags."""
    matrix: Any = first.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return []
    if timeless:
        return ["the video is turned by a tag, which bare images have not: they lie as they are stored"]
    if not hasattr(stream, "set_display_matrix"):  # PyAV before 18
        return ["the video is turned by a tag that this version of PyAV cannot write: it will play unturned"]
    stream.set_display_matrix(np.frombuffer(matrix, np.int32).tolist())
    return []
