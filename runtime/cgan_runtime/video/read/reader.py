"""Read a video: the frames of one video stream and the packets of all others, in the order of the file.

with VideoReader(Path("video.mp4")) as video:
    for item in video: ...                          # av.VideoFrame or av.Packet (audio, subtitles, ...)
    print(video.damage or "no damage")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from cgan_runtime.color.levels import UNCHANGED, Levels
from cgan_runtime.errors import MediaError
from cgan_runtime.files.pipe import InputPipe
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.video.frame_levels import FrameLevels
from cgan_runtime.video.read.container import (
    counted_frames,
    fingerprint_on_server,
    indexed_packets,
    is_file_on_server,
    open_options,
    open_video,
    stated_end,
    stated_frames,
    video_stream,
)
from cgan_runtime.video.read.crop import Crop
from cgan_runtime.video.read.damage import Damage, count
from cgan_runtime.video.read.deinterlace import Deinterlace, Deinterlacer
from cgan_runtime.video.read.frame_times import FrameTimes
from cgan_runtime.video.read.overlaps import Overlaps
from cgan_runtime.video.read.source_file import SourceFile
from cgan_runtime.video.read.sources import MAX_RATE, FFmpegInput
from cgan_runtime.video.read.stretch import WHOLE, Stretch, TimeLine
from cgan_runtime.video.read.timestamps import Clock, may_jump
from cgan_runtime.video.segments import SEGMENT_FRAMES

_MAX_FAILED_READS = 16  # in a row; after so many the rest of a damaged video is given up
_MISSING_TAIL = 0.25  # seconds; a video that ends so much before its stated end counts as cut off


class VideoReader(AbstractContextManager["VideoReader"]):
    """One video, opened. Iterate it once, in one thread. Counts of frames are those so far."""

    def __init__(
        self,
        path: Path | FFmpegInput,
        *,
        stream: int | None = None,
        deinterlace: Deinterlace = "auto",
        threads: int | None = None,
        hardware: str | None = None,
        stretch: Stretch = WHOLE,
        levels: Levels = UNCHANGED,
    ) -> None:
        """Open a video and decode its first frame.

        Args:
            path: The file or the other input.
            stream: Index in the file of the video stream to color; None takes the default one.
            deinterlace: Which frames are deinterlaced: marked ones, none, or all.
            threads: CPU threads of the decoder; None takes one for each core.
            hardware: FFmpeg's name of the kind of device that decodes; None takes the CPU.
            stretch: The part of the video to read, and its clock.
            levels: What becomes black and white.

        Raises:
            MediaError: Missing, a folder, not readable, no video, or without a frame.
        """
        self.path, self.stretch = path, stretch
        self._packets = self._hidden = self._frames = 0
        self.resized_frames = 0  # of another size than the first, which is the size of the output
        self._size: tuple[int, int] | None = None
        self.has_late_stream = False  # one that began within the video; it is left out
        self._end = 0.0  # seconds; end of the packets of all streams, of AVI those of the video
        self._waiting: list[av.Packet[Any] | av.VideoFrame] = []
        # The first packet of each other stream that was read until the first frame; also yielded.
        self.first_packets: dict[int, av.Packet[Any]] = {}
        with ExitStack() as opened:
            video = self._open(opened, stream, hardware)
            self._clock, self._overlaps = Clock(self.container), Overlaps(self.container)
            self._found = Damage(self.stream.index, padded=may_jump(self.container))
            self._times = FrameTimes(self.container, self.stream)
            self.crop = Crop(self.stream)
            self._deinterlacer = Deinterlacer(deinterlace)
            self._levels = FrameLevels(levels, self.stream.codec_context.codec.canonical_name)
            self.line = TimeLine(self.container, self.stream, stretch)
            self.stream.codec_context.thread_type = "AUTO"
            self.stream.codec_context.thread_count = threads or usable_cores()
            self._ask_container(video)
            self.line.seek()
            self._items = self._read()
            self.first = self._first_frame()  # also yielded
            self._opened = opened.pop_all()

    def _open(self, opened: ExitStack, stream: int | None, hardware: str | None) -> SourceFile | FFmpegInput:
        """Open the file or the other input, and its video stream."""
        path = self.path
        video = path if isinstance(path, FFmpegInput) else opened.enter_context(SourceFile(path))
        self._file = video if isinstance(video, SourceFile) else None
        options = open_options(path)
        self._input = options["file"]
        if not isinstance(self._input, (str, Path)):  # read here, not by FFmpeg
            opened.enter_context(self._input)
        self.container = opened.enter_context(open_video(path, options, hardware))
        self.stream = video_stream(path, self.container, stream)
        return video

    def _ask_container(self, video: SourceFile | FFmpegInput) -> None:
        """Ask the container what the video should have, and how it is recognized."""
        container, stream = self.container, self.stream
        self._stated_end = stated_end(container, stream)
        self._counted = counted_frames(container, stream)
        self._indexed = indexed_packets(container, stream)
        # Frames that the video should have, exact or by its duration; None if unknown.
        self.stated_frames = stated_frames(container, stream, self.rate, self.stretch)
        self._on_server = is_file_on_server(self.path, container) and self.stated_frames is not None
        # Differs between videos, but not between copies of one.
        self.fingerprint = video.fingerprint
        if self._on_server:
            self.fingerprint = fingerprint_on_server(container, stream, self.stated_frames)

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[av.VideoFrame | av.Packet[Any]]:
        """Yield everything that the video holds; raise a MediaError if the file changed or the server went.

        A file is checked before each frame that completes a segment, so that none of another video is kept.
        """
        frames = 1
        while self._waiting:
            yield self._waiting.pop(0)  # the first frame is among these
        for item in self._items:
            if isinstance(item, av.VideoFrame):
                if frames % SEGMENT_FRAMES == 0 and self._file is not None:
                    self._file.check()
                frames += 1
            yield item
        if self.damage and self._file is not None:
            self._file.check(closely=True)
        if self._on_server and self._found.failed_reads and self._is_cut_off():
            raise MediaError(
                f"{self.path} broke off; check the connection, or save the stream to a file and color that"
            )

    def wake(self) -> None:
        """End a read that waits for a pipe; no more comes from it. Any thread may call this."""
        if isinstance(self._input, InputPipe):
            self._input.wake()

    @property
    def rate(self) -> Fraction | None:
        """Nominal frames per second; None if unknown. Some files state the rate of their clock instead."""
        average = self.stream.average_rate
        return average if average and average <= MAX_RATE else self.stream.guessed_rate

    @property
    def lost_frames(self) -> int:
        """Frames that are missing, mostly an estimate. Known after the last frame."""
        if not (self._is_cut_off() or self.flaws):
            return 0  # undamaged videos, too, may state more frames than they have
        missing = (self._expected_frames or 0) - self._hidden - self._frames
        return max(self._found.failed_decodes, missing)

    @property
    def flawed_frames(self) -> tuple[int, ...]:
        """Numbers, from 0, of the frames so far that decoded with errors."""
        return tuple(self._found.corrupt)

    @property
    def damage(self) -> str | None:
        """What is wrong with the video, for people; None if nothing is. Known after the last frame."""
        lost, expected = self.lost_frames, self._expected_frames
        of = f" of {expected}" if expected else ""
        cut_off = ("it is cut off" + " or has holes" * bool(self._counted)) * self._is_cut_off()
        parts = (cut_off, f"about {count(lost, 'frame')}{of} could not be read" if lost else "", self.flaws)
        return ", ".join(part for part in parts if part) or None

    @property
    def flaws(self) -> str:  # noqa: D102
        return self._found.flaws

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """Start and length, in seconds, of pauses of a video without audio, where nothing tells of damage."""
        return self._found.pauses

    @property
    def is_endless(self) -> bool:
        """Whether it states no length, as the stream of a camera, which lasts until somebody ends it."""
        return isinstance(self.path, FFmpegInput) and self.stated_frames is None

    @property
    def rereadable(self) -> bool:
        """Whether a later run can read the same video from its start: a file, here or on a server."""
        return self._file is not None or self._on_server

    @property
    def in_hardware(self) -> bool:
        """Whether a device decodes the video. PyAV may fall back to the CPU without saying so."""
        return bool(self.stream.codec_context.is_hwaccel)

    @property
    def jumps(self) -> int:
        """How often the clock of the video jumped, as where recordings were joined. Times go on there."""
        return self._clock.jumps

    @property
    def retimed_frames(self) -> int:
        """Frames whose pts was missing or did not rise, and was corrected."""
        return self._times.corrected

    @property
    def deinterlaced_frames(self) -> int:
        """Frames that were deinterlaced."""
        return self._deinterlacer.frames

    def _read(self) -> Iterator[av.VideoFrame | av.Packet[Any]]:
        for packet in self._demux():
            self._clock.correct(packet)
            if not self._overlaps.is_heard(packet):
                continue
            self._found.look(packet)
            time = packet.pts if packet.pts is not None else packet.dts
            if time is not None and (packet.stream_index == self.stream.index or not self._counted):
                self._end = max(self._end, float((time + (packet.duration or 0)) * packet.time_base))
            if self.line.has_passed(packet):
                return
            if packet.stream_index != self.stream.index:
                if self.line.cut(packet):
                    self.line.move(packet)
                    yield packet
                continue
            self._packets += 1
            self._hidden += packet.is_discard  # cut off by an edit list
            self._times.sent(packet)
            self.crop.look(packet)
            yield from self._shown(self._decode(packet))
        self._found.finish()
        self.has_late_stream |= getattr(self._input, "has_others", False)
        yield from self._shown(self._decode(None))
        yield from self._shown(self._deinterlacer.flush())

    def _shown(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The frames of the stretch, on the clock of the output."""
        for frame in frames:
            if self.line.has(frame):
                self.line.move(frame)
                yield self._levels.stretched(self.crop.cut(frame))

    def _demux(self) -> Iterator[av.Packet[Any]]:
        in_a_row = 0
        while in_a_row < _MAX_FAILED_READS:
            try:
                for packet in self.container.demux():
                    in_a_row = 0
                    if packet.dts is not None or packet.pts is not None or packet.size:
                        yield packet  # any other marks the end of a stream
                return
            except av.FFmpegError as error:
                self._found.failed_reads += 1
                in_a_row += 1
                if isinstance(error, av.error.ExitError):  # a network stream has timed out
                    return
            except IndexError:  # from PyAV, after the last packet, if a stream began within the video
                self.has_late_stream = True
                return

    def _decode(self, packet: av.Packet[Any] | None) -> Iterator[av.VideoFrame]:
        try:
            frames = self.stream.decode(packet)
        except av.EOFError:
            return
        except av.FFmpegError:
            self._found.failed_decodes += 1
            return
        for frame in frames:
            if frame.is_corrupt:
                self._found.corrupt.append(self._frames)
            self._frames += 1
            self._size = self._size or (frame.width, frame.height)
            self.resized_frames += (frame.width, frame.height) != self._size
            yield from self._deinterlacer.take(self._times.timed(frame, self.rate))

    def _first_frame(self) -> av.VideoFrame:
        for item in self._items:
            self._waiting.append(item)
            if isinstance(item, av.VideoFrame):
                return item
            self.first_packets.setdefault(item.stream_index, item)
        where = "" if self.stretch.is_whole else f" from {self.stretch.text}"
        if 0 < self._stated_end <= self.stretch.start:
            raise MediaError(f"{self.path} ends at {self._stated_end:.3g} s; let --start be earlier")
        raise MediaError(f"{self.path} holds no frame that can be decoded{where}; is it complete?")

    def _is_cut_off(self) -> bool:
        if not self.stretch.is_whole:
            return False
        if self._indexed:
            return self._packets < self._indexed
        return not self.jumps and self._stated_end - self._end >= _MISSING_TAIL

    @property
    def _expected_frames(self) -> int | None:
        """Frames that there should be; unknown if the clock jumps."""
        return None if self.jumps or not self.stretch.is_whole else self.stated_frames
