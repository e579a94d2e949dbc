"""What takes every colored frame of a camera: a recorder, one that begins a new file every hour, a page's recording."""

from __future__ import annotations

from typing import Protocol

from cgan_runtime.live.ycc_frame import YccFrame


class FrameSink(Protocol):
    """Takes frames in one thread, and never makes that wait."""

    @property
    def ended(self) -> bool:
        """Whether it takes no more frames."""

    def write(self, frame: YccFrame, captured: float) -> None:
        """Take a frame, and when it was captured, seconds of any clock."""
