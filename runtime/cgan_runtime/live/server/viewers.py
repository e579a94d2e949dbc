"""The viewers of a camera of the server: each gets the newest frame as fast as it shows them, never an old one.

    hub = ViewerHub("0", "HD Webcam", camera, always_on=False)
    with hub.join() as viewer:
        frame = await viewer.next(timeout)
        ...                                          # send it
        viewer.confirm(number)                       # the page has shown it; now it gets more

Everything runs in the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cgan_runtime.live.server.frame_sources import DeliverCallback, JpegFrame, ServerCamera

IN_FLIGHT = 2  # frames sent but not confirmed: one travels while the page draws the other
LINGER_SECONDS = 5.0  # that the camera stays on after the last viewer left, for a page that is reloaded


class Viewer:
    """One page."""

    def __init__(self, on_shown: Callable[[float], None] = lambda seconds: None) -> None:
        """`on_shown` is called with the delay of each frame that the page confirms, seconds."""
        self._on_shown = on_shown
        self.paused = False  # whether it wants no frames
        self.delay_ms = 0.0  # of the last confirmed frame, from capture to confirmation
        self.error: str | None = None  # the last error message, until it was sent
        self._newest: JpegFrame | None = None
        self._changed = asyncio.Event()
        self._sent: OrderedDict[int, float] = OrderedDict()  # frame number -> captured
        self._waiting_since = 0.0  # for a confirmation

    def offer(self, item: JpegFrame | str) -> None:
        """Replace the waiting frame, or set the error message."""
        if isinstance(item, str):
            self.error = item
        else:
            self._newest = item
        self._changed.set()

    async def next(self, timeout: float) -> JpegFrame | None:
        """Wait until there is a new frame and the viewer may get it; None after `timeout` or on an error."""
        end = time.monotonic() + timeout
        while self.error is None and (left := end - time.monotonic()) > 0:
            if self._newest is not None and not self.paused and len(self._sent) < IN_FLIGHT:
                frame, self._newest = self._newest, None
                if not self._sent:
                    self._waiting_since = time.monotonic()
                self._sent[frame.number] = frame.captured_at
                return frame
            self._changed.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
        return None

    def pause(self, paused: bool) -> None:
        """Send no frames until it is called again; those that are on their way count as shown."""
        self.paused = paused
        self._sent.clear()
        self._changed.set()

    def skip(self, number: int) -> None:
        """Forget a frame that was taken but not sent."""
        self._sent.pop(number, None)

    def stalled(self, seconds: float) -> bool:
        """Whether the page has owed a confirmation for so long."""
        return bool(self._sent) and time.monotonic() - self._waiting_since > seconds

    def confirm(self, number: int) -> None:
        """The page has shown this frame; frames sent before it count as shown too."""
        if number not in self._sent:
            return
        seconds = time.perf_counter() - self._sent[number]
        self.delay_ms = seconds * 1000
        self._on_shown(seconds)
        self._waiting_since = time.monotonic()
        while self._sent.popitem(last=False)[0] != number:
            pass
        self._changed.set()


class ViewerHub:
    """Distributes the frames of a camera, which is on while there are viewers or recordings."""

    def __init__(self, name: str, title: str, camera: ServerCamera, *, always_on: bool) -> None:
        """Take a camera, which is opened and closed here; `always_on` opens it now, as for a recording.

        `name` is how a page asks for it, `title` how people know it.
        """
        self.name, self.title = name, title
        self.viewers: set[Viewer] = set()
        self.sent = 0  # frames sent to viewers so far
        self.on_shown: Callable[[float], None] = lambda seconds: None  # as of `Viewer`; may be set
        self.camera = camera
        self._always_on = always_on
        self._closing: asyncio.TimerHandle | None = None
        camera.deliver = in_event_loop(self._offer)
        if always_on:
            camera.open()

    @contextmanager
    def join(self) -> Iterator[Viewer]:
        """Add a viewer for the duration of the block."""
        viewer = Viewer(self.on_shown)
        self.viewers.add(viewer)
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self.camera.open()
        try:
            yield viewer
        finally:
            self.viewers.discard(viewer)
            self.close_soon()

    def close_soon(self) -> None:
        """Turn the camera off in a moment if nobody needs it: no viewer, no recording."""
        if not self.viewers and not self._always_on and self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._close_camera)

    def facts(self) -> dict[str, Any]:
        """What is told about the camera, for JSON; control.py says what each is."""
        state, counts = self.camera.state, self.camera.counts
        return {
            "id": self.name, "name": self.title, "state": state.status.value, "message": state.message,
            "viewers": len(self.viewers), "read": counts.read, "dropped": counts.dropped, **self.camera.facts(),
        }  # fmt: skip

    def _offer(self, item: JpegFrame | str) -> None:
        for viewer in self.viewers:
            viewer.offer(item)

    def _close_camera(self) -> None:
        self._closing = None
        if self.camera.sinks:
            self.close_soon()  # looks again
        elif not self.viewers:
            asyncio.get_running_loop().run_in_executor(None, self.camera.close)


def in_event_loop(offer: DeliverCallback) -> DeliverCallback:
    """Wrap a callback so that other threads may call it; it runs in the current event loop."""
    loop = asyncio.get_running_loop()

    def deliver(item: JpegFrame | str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(offer, item)

    return deliver
