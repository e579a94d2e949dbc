"""Videos in: the frames of one video stream and the packets of all others, in the order of the file.

    with VideoReader(Path("video.mp4")) as video:
        for item in video: ...                          # av.VideoFrame or av.Packet (sound, subtitles, ...)
        print(video.damage or "whole")

Damage is survived and counted: what can be decoded is yielded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av

from cgan_runtime.errors import MediaError
from cgan_runtime.files.pipe import InputPipe
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.video.read.container import open_options, open_video, video_stream
from cgan_runtime.video.read.damage import Damage, count
from cgan_runtime.video.read.deinterlace import Deinterlace, Deinterlacer
from cgan_runtime.video.read.source_file import SourceFile
from cgan_runtime.video.read.sources import MAX_RATE, Source
from cgan_runtime.video.read.timestamps import Clock
from cgan_runtime.video.resume.segment_file import SEGMENT_FRAMES

_MAX_FAILED_READS = 16  # in a row; then the rest of a damaged video is given up
_MISSING_TAIL = 0.25  # seconds short of the stated duration from which a video counts as cut off
_PLAYLISTS = frozenset({"hls", "dash"})  # any piece of these may be missing, and nobody says so
_MICROSECONDS = 1_000_000  # per second; the unit of a container's duration
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"


class VideoReader:
    """One video, opened; iterate it once, in one thread.

    Attributes:
        path: Where it lies, or what it comes from.
        container: The opened file.
        stream: The video stream that is colored.
        fingerprint: Tells it from other videos, not from copies.
        first: Its first frame (also yielded by iterating).
        stated_frames: How many frames the video should have, exact or by its duration; None where unknown.
        retimed_frames: Frames so far whose pts was missing or did not rise, and was put right.
        resized_frames: Of another size than the first; the video is written in that one's.
        has_late_stream: Whether a stream began within the video, which was passed over: none was told of it at
            the start.
    """

    def __init__(
        self,
        path: Path | Source,
        *,
        stream: int | None = None,
        deinterlace: Deinterlace = "auto",
        threads: int | None = None,
        hardware: str | None = None,
    ) -> None:
        """Open a video and decode its first frame.

        Args:
            path: The video, or what it comes from.
            stream: Index in the file of the video stream to take; None takes the default one.
            deinterlace: Which frames are made whole: those that say they are interlaced, none, or all.
            threads: CPU threads of the decoder; None takes one for each core.
            hardware: FFmpeg's name of the kind of device that decodes; None takes the processor.

        Raises:
            MediaError: Missing, a folder, not readable, not a video, without an image, or without a frame.
        """
        self.path = path
        self._packets = self._hidden = self._frames = 0
        self.retimed_frames = self.resized_frames = 0
        self._size: tuple[int, int] | None = None
        self.has_late_stream = False
        self._end = 0.0  # seconds, of the latest packet of any stream
        self._last_pts: int | None = None
        self._deinterlacer = Deinterlacer(deinterlace)
        with ExitStack() as opened:
            video = path if isinstance(path, Source) else opened.enter_context(SourceFile(path))
            self._original = video if isinstance(video, SourceFile) else None
            options = open_options(path)
            self._pipe = options["file"] if isinstance(options["file"], InputPipe) else None
            if self._pipe is not None:
                opened.enter_context(self._pipe)
            self.container = opened.enter_context(open_video(path, options, hardware))
            self.stream = video_stream(path, self.container, stream)
            self._clock, self._found = Clock(self.container), Damage(self.stream.index)
            self.stream.codec_context.thread_type = "AUTO"
            self.stream.codec_context.thread_count = threads or usable_cores()
            self._stated_end = (self.container.duration or 0) / _MICROSECONDS
            self._index_length = self._stated_packets()
            self.stated_frames = self._index_length or self._frames_by_duration()
            self._items = self._read()
            self._is_served = self._has_end_on_a_server()
            self.fingerprint = self._served_fingerprint() if self._is_served else video.fingerprint
            self._waiting: list[av.Packet[Any] | av.VideoFrame] = []
            self.first = self._first_frame()
            self._opened = opened.pop_all()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[av.VideoFrame | av.Packet[Any]]:
        """Yield all that the video holds.

        Raises:
            MediaError: Its file is not what it was any more, or its server has gone. A file is asked before
                each frame that completes a segment, so that none is kept which was made from anything else.
        """
        frames = 0
        while self._waiting:
            yield self._waiting.pop(0)  # the first frame is among these
            frames = 1
        for item in self._items:
            if isinstance(item, av.VideoFrame):
                if frames % SEGMENT_FRAMES == 0 and self._original is not None:
                    self._original.check()
                frames += 1
            yield item
        if self.damage and self._original is not None:
            self._original.check(closely=True)
        if self._is_served and self._found.failed_reads and self._is_cut_off():
            raise MediaError(
                f"{self.path} broke off; see that it can be reached, or save it to a file and color what "
                "there is of it"
            )

    def wake(self) -> None:
        """End the wait for a pipe that stands still: no more comes from it. Any thread may call."""
        if self._pipe is not None:
            self._pipe.wake()

    @property
    def rate(self) -> Fraction | None:
        """Frames per second, nominal; None where unknown. Some files state that of their clock instead."""
        average = self.stream.average_rate
        return average if average and average <= MAX_RATE else self.stream.guessed_rate

    @property
    def lost_frames(self) -> int:
        """Frames known to be missing, once the video has been iterated; mostly an estimate."""
        if not (self._is_cut_off() or self.flaws):
            return 0  # whole videos, too, may state more than they show
        missing = (self._should_be or 0) - self._hidden - self._frames
        return max(self._found.failed_decodes, missing)

    @property
    def flawed_frames(self) -> tuple[int, ...]:
        """Numbers, from 0 in the colored video, of the frames so far that decoded with errors."""
        return tuple(self._found.corrupt)

    @property
    def damage(self) -> str | None:
        """What is wrong with the video, once it has been iterated; None if nothing is known to be."""
        lost, of = self.lost_frames, f" of {self._should_be}" if self._should_be else ""
        parts = [
            "it is cut off" if self._is_cut_off() else "",
            f"about {count(lost, 'frame')}{of} could not be read" if lost else "",
            self.flaws,
        ]
        return ", ".join(part for part in parts if part) or None

    @property
    def flaws(self) -> str:
        """What was found wrong so far; empty if nothing was."""
        return self._found.flaws

    @property
    def is_endless(self) -> bool:
        """Whether it lasts until somebody ends it, as a camera's stream does: it states no length."""
        return isinstance(self.path, Source) and self.stated_frames is None

    @property
    def comes_again(self) -> bool:
        """Whether a later run can read the same video from its start: from a file, here or on a server."""
        return self._original is not None or self._is_served

    @property
    def in_hardware(self) -> bool:
        """Whether a device decodes the video; PyAV does not always say when it goes on without."""
        return bool(self.stream.codec_context.is_hwaccel)

    @property
    def jumps(self) -> int:
        """How often the video's clock jumped, as where recordings were joined; times go on."""
        return self._clock.jumps

    @property
    def deinterlaced_frames(self) -> int:
        """Interlaced frames that were made whole images."""
        return self._deinterlacer.frames

    def _read(self) -> Iterator[av.VideoFrame | av.Packet[Any]]:
        for packet in self._demux():
            self._clock.set_right(packet)
            self._found.look(packet)
            self._note_end(packet)
            if packet.stream_index != self.stream.index:
                yield packet
                continue
            self._packets += 1
            self._hidden += packet.is_discard  # cut away by an edit list
            yield from self._decode(packet)
        self._found.finish()
        yield from self._decode(None)
        yield from self._deinterlacer.flush()

    def _demux(self) -> Iterator[av.Packet[Any]]:
        in_a_row = 0
        while in_a_row < _MAX_FAILED_READS:
            try:
                for packet in self.container.demux():
                    in_a_row = 0
                    if (
                        packet.dts is not None or packet.pts is not None or packet.size
                    ):  # else: end of a stream
                        yield packet
                return
            except av.FFmpegError as error:
                self._found.failed_reads += 1
                in_a_row += 1
                if isinstance(error, av.error.ExitError):  # silent for too long: it has gone away
                    return
            except IndexError:  # PyAV's, behind the last packet, where a stream turned up within the video
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
            yield from self._deinterlacer.take(self._timed(frame))

    def _timed(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Give a frame a pts that is there and rises, in the stream's time base: encoders insist on both."""
        frame.time_base = self.stream.time_base
        if self._last_pts is None:
            self.retimed_frames += frame.pts is None
            frame.pts = frame.pts or 0
        elif frame.pts is None:
            self.retimed_frames += 1
            frame.pts = self._last_pts + max(1, frame.duration or self._nominal_duration())
        elif frame.pts <= self._last_pts:
            self.retimed_frames += 1
            frame.pts = self._last_pts + 1
        self._last_pts = frame.pts
        return frame

    def _nominal_duration(self) -> int:
        rate, base = self.rate, self.stream.time_base
        return round(1 / (rate * base)) if rate and base else 1

    def _first_frame(self) -> av.VideoFrame:
        for item in self._items:
            self._waiting.append(item)
            if isinstance(item, av.VideoFrame):
                return item
        raise MediaError(f"{self.path} holds no frame that can be decoded; is it whole?")

    def _note_end(self, packet: av.Packet[Any]) -> None:
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None:
            self._end = max(self._end, float((time + (packet.duration or 0)) * packet.time_base))

    def _has_end_on_a_server(self) -> bool:
        is_network = isinstance(self.path, Source) and self.path.timeout is not None
        whole = self.container.format.name not in _PLAYLISTS
        return is_network and whole and self.container.size > 0 and self.stated_frames is not None

    def _served_fingerprint(self) -> str:
        """Of what a server's file says of itself; to ask it for stretches would cost three connections."""
        said = (
            self.container.size,
            self.container.duration,
            self.stated_frames,
            self.stream.codec_context.name,
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def _is_cut_off(self) -> bool:
        if self._index_length:
            return self._packets < self._index_length
        return not self.jumps and self._stated_end - self._end >= _MISSING_TAIL

    @property
    def _should_be(self) -> int | None:
        """Frames that there should be; a clock that jumps tells nothing of that."""
        return None if self.jumps else self.stated_frames

    def _stated_packets(self) -> int:
        """Length of the index of an mp4 or mov: exactly what the file should hold, trimmed parts left out."""
        if self.container.format.name != _MOV or not self.stream.frames:
            return 0
        return len(getattr(self.stream, "index_entries", ()))

    def _frames_by_duration(self) -> int | None:
        rate, base = self.rate, self.stream.time_base
        if not rate:
            return None
        if self.stream.duration and base:
            return round(self.stream.duration * base * rate)
        start = max(0, self.container.start_time or 0) if "matroska" in self.container.format.name else 0
        seconds = Fraction((self.container.duration or 0) - start, _MICROSECONDS)
        return round(seconds * rate) or None
