"""All who look at the box's camera: each gets the newest frame as fast as it shows them, never an old one.

    hub = Hub(lane, loop)
    with hub.joined() as viewer:
        frame = await viewer.next()
        ...                                          # sent
        viewer.shown(number)                         # the page says so; only then it gets more

Lives in the event loop. Only `deliver` is called from the engine's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from cgan_runtime.live.latency_meter import Meter
from cgan_runtime.live.server.frame_sources import CameraLane, Colored

IN_FLIGHT = 2
"""Frames that are sent before one is said to be shown: one on the way while the other is drawn."""

LINGER_SECONDS = 5.0
"""That the camera stays on after the last viewer has gone; a page that is loaded anew finds it open."""


class Viewer:
    """One page.

    Attributes:
        meter: Its delay, from capture to when it said that the frame is drawn, and its frames per second.
        shown_ms: Delay of the frame that was shown last, milliseconds.
        trouble: What went wrong last, to be told.
    """

    def __init__(self) -> None:
        self.meter = Meter()
        self.shown_ms = 0.0
        self.trouble: str | None = None
        self._newest: Colored | None = None
        self._changed = asyncio.Event()
        self._sent: OrderedDict[int, float] = OrderedDict()  # frame: when it was captured

    def offer(self, item: Colored | str) -> None:
        """Here is a newer frame, or a sentence."""
        if isinstance(item, str):
            self.trouble = item
        else:
            self._newest = item
        self._changed.set()

    async def next(self, timeout: float) -> Colored | None:
        """The newest frame, when it may have one; None after `timeout` seconds, or where trouble is told."""
        end = time.monotonic() + timeout
        while self.trouble is None:
            if self._newest is not None and len(self._sent) < IN_FLIGHT:
                frame, self._newest = self._newest, None
                self._sent[frame.number] = frame.captured
                return frame
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, end - time.monotonic()))
            except asyncio.TimeoutError:
                return None
        return None

    def skip(self, number: int) -> None:
        """A frame that was taken is not sent after all."""
        self._sent.pop(number, None)

    @property
    def stalled_since(self) -> float | None:
        """When the oldest frame was captured that it has not shown yet; None where it owes none."""
        return next(iter(self._sent.values()), None)

    def shown(self, number: int) -> None:
        """It says that it has drawn this frame; what was sent before counts as done too."""
        if number not in self._sent:
            return
        now = time.perf_counter()
        captured = self._sent[number]
        self.shown_ms = (now - captured) * 1000
        self.meter.shown(captured, now)
        while self._sent:
            sent, _ = self._sent.popitem(last=False)
            if sent == number:
                break
        self._changed.set()


class Hub:
    """The viewers of the box's camera, which is open while there are any.

    Attributes:
        viewers: Those who look now.
    """

    def __init__(self, lane: CameraLane, *, always_on: bool) -> None:
        """Take the lane.

        Args:
            lane: Opened and closed here.
            always_on: The camera is on from the start, as for a recording.
        """
        self.viewers: set[Viewer] = set()
        self.lane = lane
        self._always_on = always_on
        self._loop = asyncio.get_running_loop()
        self._turning_off: asyncio.TimerHandle | None = None
        if always_on:
            lane.open()

    def deliver(self, item: Colored | str) -> None:
        """Hand a frame to all viewers. Called in the engine's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._offer, item)

    @contextmanager
    def joined(self) -> Iterator[Viewer]:
        """Look, for as long as the block lasts."""
        viewer = Viewer()
        self.viewers.add(viewer)
        if self._turning_off is not None:
            self._turning_off.cancel()
            self._turning_off = None
        self.lane.open()
        try:
            yield viewer
        finally:
            self.viewers.discard(viewer)
            if not self.viewers and not self._always_on:
                self._turning_off = self._loop.call_later(LINGER_SECONDS, self._turn_off)

    def _offer(self, item: Colored | str) -> None:
        for viewer in self.viewers:
            viewer.offer(item)

    def _turn_off(self) -> None:
        self._turning_off = None
        self._loop.run_in_executor(None, self.lane.close)
