"""The presentation time of each decoded frame: rising, and right where the container has none.

    times = FrameTimes(container, stream)
    times.sent(packet)                              # each packet of the video, before it is decoded
    frame = times.timed(frame, rate)                # each frame, in the order of presentation

AVI has only decoding times, and so has Matroska made of AVI: FFmpeg guesses when frames out of order are
shown, and is wrong for H.264. But what is decoded in a certain order is shown without gaps, so the n-th frame
that is shown has the n-th decoding time.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags

_NO_TAG = "\0\0\0\0"  # Matroska's own codecs have no tag of four characters; those of AVI have


class FrameTimes:
    """The times of one video, in ticks of its stream."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        """Prepare, before the first packet is decoded."""
        self.corrected = 0  # frames whose time was missing or did not rise
        self._stream = stream
        self._last: int | None = None
        self._in_order = _has_decoding_times_only(container, stream)
        self._decoding: deque[int] = deque()  # decoding times that no frame has taken yet
        self._sent = self._taken = 0
        if self._in_order:
            stream.codec_context.flags |= Flags.copy_opaque  # tells which packet a frame came from

    def sent(self, packet: av.Packet[Any]) -> None:
        """Take note of a packet."""
        if self._in_order and packet.size and packet.dts is not None:
            packet.opaque = self._sent
            self._decoding.append(packet.dts)
            self._sent += 1

    def timed(self, frame: av.VideoFrame, rate: Fraction | None) -> av.VideoFrame:
        """Give a frame a pts that rises, in the time base of the stream: encoders need both."""
        if self._in_order and self._decoding:
            frame.pts = self._next(frame)
        frame.time_base = self._stream.time_base
        if self._last is None:
            self.corrected += frame.pts is None
            frame.pts = frame.pts or 0
        elif frame.pts is None:
            self.corrected += 1
            base = self._stream.time_base
            nominal = round(1 / (rate * base)) if rate and base else 1
            frame.pts = self._last + max(1, frame.duration or nominal)
        elif frame.pts <= self._last:
            self.corrected += 1
            frame.pts = self._last + 1
        self._last = frame.pts
        return frame

    def _next(self, frame: av.VideoFrame) -> int:
        """The next decoding time. A key frame is shown after all that were decoded before it.

        So if more packets than frames came before a key frame, some could not be decoded: their times pass.
        """
        if frame.key_frame and isinstance(frame.opaque, int):
            while self._taken < frame.opaque and len(self._decoding) > 1:
                self._decoding.popleft()
                self._taken += 1
        self._taken += 1
        return self._decoding.popleft()


def _has_decoding_times_only(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    name = container.format.name
    return name == "avi" or ("matroska" in name and stream.codec_context.codec_tag != _NO_TAG)
