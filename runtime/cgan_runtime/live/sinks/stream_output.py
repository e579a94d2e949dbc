"""Sends a colored camera to an RTSP server, such as MediaMTX or go2rtc, and goes on when that was away.

    output = StreamOutput("rtsp://127.0.0.1:8554/front", EncoderSettings())
    output.write(frame, captured)                    # never waits for the network
    output.state, output.counts
    output.close()

Those servers pass the stream on as RTSP, HLS and WebRTC. Frames keep the times at which they were captured. They are
encoded here; a process of its own (rtsp_sender.py) talks to the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import IO, cast

import av

from cgan_runtime.errors import ConfigError
from cgan_runtime.files.urls import without_credentials
from cgan_runtime.live.sinks.recorder import frames_to_encode
from cgan_runtime.live.sinks.rtsp_sender import SENT
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.write.codecs import EncoderSettings

_SENDER = [sys.executable, "-m", "cgan_runtime.live.sinks.rtsp_sender"]
FIRST_RETRY, MAX_RETRY = 0.5, 8.0  # seconds until a lost server is tried again; doubles with each attempt
_SCHEMES = ("rtsp://", "rtsps://")
_CODECS = ("libx264", "libx265")  # what RTSP servers and those who play from them take, and their hardware forms
_TIME_BASE = Fraction(1, 90_000)  # seconds; RTP's clock for video
_NOMINAL_RATE = 30  # frames/s in the header; players use the time of each frame
_KEY_SECONDS = 2.0  # between key frames, from which a new viewer can begin
_MAX_KEY_DISTANCE = 1000  # frames; in practice `_KEY_SECONDS` forces key frames earlier
_CLOSE_SECONDS = 1.0  # that `close` waits for a server that hangs
_QUEUE = 4  # frames that may wait; beyond, the oldest is dropped
_BT601, _FULL_RANGE = 6, 2  # ITU-T H.273; FFmpeg's AVColorRange


@dataclass(frozen=True)
class OutputCounts:
    """Frames sent so far, frames dropped because the server or the encoder was slow or away, and connections."""

    sent: int = 0
    dropped: int = 0
    connections: int = 0


@dataclass(frozen=True)
class OutputState:
    """Whether the server takes the stream, and why not."""

    connected: bool = False
    message: str = "waiting for the first picture"


class StreamOutput:
    """Encodes and sends in its own thread. One thread writes; any may read `state` and `counts`."""

    def __init__(
        self, url: str, settings: EncoderSettings, on_change: Callable[[OutputState], None] = lambda state: None
    ) -> None:
        """Prepare; the first frame opens the connection.

        Args:
            url: rtsp:// or rtsps://, with user name and password if need be.
            settings: Of the encoder, H.264 by default.
            on_change: Called in a thread of the output when the server was lost or is there again.

        Raises:
            ConfigError: The address is none, or the encoder is not for RTSP.
        """
        if not url.lower().startswith(_SCHEMES):
            raise ConfigError(
                f"--rtsp-out {without_credentials(url)} is no address of RTSP; give rtsp://HOST:PORT/PATH"
            )
        self._codec = settings.codec or _CODECS[0]
        if not self._codec.startswith(("h264", "hevc", *_CODECS)):
            raise ConfigError(f"--rtsp-out sends h264 or hevc, not {self._codec}; leave --codec out")
        self._options = settings.options(self._codec)
        if self._codec in _CODECS:
            self._options["tune"] = "zerolatency"
        self.url = without_credentials(url)
        self.state, self.counts = OutputState(), OutputCounts()
        self._target, self._on_change = url, on_change
        self._waiting: deque[tuple[YccFrame, float]] = deque(maxlen=_QUEUE)
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtsp-out", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it takes no more frames."""
        return self._closing.is_set()

    def write(self, frame: YccFrame, captured: float) -> None:
        """Queue a frame with its time of capture, seconds of any clock; the oldest is dropped if too many wait."""
        with self._changed:
            if len(self._waiting) == _QUEUE:
                self.counts = replace(self.counts, dropped=self.counts.dropped + 1)
            self._waiting.append((frame, captured))
            self._changed.notify_all()

    def close(self) -> None:
        """End the stream; a server that hangs is not waited for. A second call does nothing."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(_CLOSE_SECONDS)

    def _next(self) -> tuple[YccFrame, float] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            return None if self._closing.is_set() else self._waiting.popleft()

    def _run(self) -> None:
        wait = FIRST_RETRY
        while (first := self._next()) is not None:
            sent = self.counts.sent
            reason = self._send_until_lost(first)
            if self._closing.is_set():
                return
            wait = FIRST_RETRY if self.counts.sent > sent else min(2 * wait, MAX_RETRY)
            self._set_state(OutputState(False, f"{self.url} does not take the stream ({reason})"))
            self._closing.wait(wait)

    def _send_until_lost(self, first: tuple[YccFrame, float]) -> str:
        """Send frames until there are no more or the server is lost; return why it was."""
        sender = subprocess.Popen(
            _SENDER, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert sender.stdin is not None
        assert sender.stdout is not None
        reason: list[bytes] = []
        listener = threading.Thread(target=self._listen, args=(sender.stdout, reason), name="rtsp-out-answers")
        listener.start()
        try:
            with suppress(av.FFmpegError, OSError, ValueError), sender.stdin:
                sender.stdin.write(f"{self._target}\n".encode())
                self._encode(first, sender.stdin)
            with suppress(subprocess.TimeoutExpired):
                sender.wait(_CLOSE_SECONDS)
        finally:
            sender.kill()
            sender.wait()
            listener.join()
            sender.stdout.close()
        return b"".join(reason).decode(errors="replace").strip() or "it was lost"

    def _listen(self, answers: IO[bytes], reason: list[bytes]) -> None:
        """Count what was sent, until the sender ends."""
        while data := os.read(answers.fileno(), 4096):
            text, _, why = data.partition(b"\n")
            reason.append(why)
            if not (sent := text.count(SENT)):
                continue
            fresh = not self.state.connected
            self.counts = replace(
                self.counts, sent=self.counts.sent + sent, connections=self.counts.connections + fresh
            )
            if fresh:
                self._set_state(OutputState(True, f"sending to {self.url}"))

    def _encode(self, first: tuple[YccFrame, float], target: IO[bytes]) -> None:
        """Encode frames until there are no more; one of another size is scaled to the first."""
        frame, began = first
        with av.open(target, "w", format="nut", options={"flush_packets": "1"}) as container:
            stream = cast(av.VideoStream, container.add_stream(self._codec, rate=_NOMINAL_RATE, options=self._options))
            context = stream.codec_context
            context.width, context.height = (side // 2 * 2 for side in frame.luma.shape[::-1])
            context.pix_fmt, context.bit_rate, context.gop_size = "yuv420p", 0, _MAX_KEY_DISTANCE
            context.color_range, context.colorspace = _FULL_RANGE, _BT601
            stream.time_base = context.time_base = _TIME_BASE
            frames = chain([first], iter(self._next, None))
            for encoded in frames_to_encode(frames, stream, began, _KEY_SECONDS):
                container.mux(stream.encode(encoded))

    def _set_state(self, state: OutputState) -> None:
        changed = state != self.state
        self.state = state
        if changed:
            self._on_change(state)
