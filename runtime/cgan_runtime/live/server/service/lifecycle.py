"""The life of a server that runs by itself: what its log says, its signs of life, and its end.

tasks = [asyncio.create_task(log_cameras(hubs, console)), asyncio.create_task(feed_watchdog(endpoints))]
number = await until_stopped(endpoints, signals, seconds, console)
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
import traceback
from collections.abc import Collection

from cgan_runtime.console import Console
from cgan_runtime.live.capture.camera import CameraStatus
from cgan_runtime.live.server.service.endpoints import Endpoints
from cgan_runtime.live.server.viewers import ViewerHub
from cgan_runtime.live.sinks.stream_output import OutputState
from cgan_runtime.progress import count_text
from cgan_runtime.system.systemd import notify, watchdog_seconds

_LOOK_SECONDS = 0.25  # between looks at what has no callback


class ConsoleHandler(logging.Handler):
    """What libraries log, and unexpected errors with their traceback, in the console's log."""

    def __init__(self, console: Console) -> None:
        """Take where to; warnings and worse are logged."""
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        facts = {"logger": record.name}
        if record.exc_info is not None:
            facts["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        say = self._console.error if record.levelno >= logging.ERROR else self._console.warn
        say(record.getMessage(), **facts)


async def log_cameras(hubs: Collection[ViewerHub], console: Console) -> None:
    """Say when a camera was lost, when it is there again, and once why it has ended, until this task is canceled."""
    known: dict[str, CameraStatus] = {}
    ended: dict[str, str] = {}
    while True:
        for hub in hubs:
            state = hub.camera.state
            if state.status is known.get(hub.name):
                continue
            known[hub.name] = state.status
            if state.status is CameraStatus.LIVE:
                console.note(f"{hub.title}: {state.message}", event="camera_live", camera=hub.title)
            elif state.status is CameraStatus.LOST:
                console.warn(f"{hub.title}: {state.message}", event="camera_lost", camera=hub.title)
            elif state.status is CameraStatus.ENDED and ended.get(hub.name) != state.message:
                ended[hub.name] = state.message
                console.error(f"{hub.title}: {state.message}", event="camera_ended", camera=hub.title)
        await asyncio.sleep(_LOOK_SECONDS)


def log_output(console: Console, camera: str, state: OutputState) -> None:
    """Say that the RTSP server was lost, or is there again. In any thread."""
    say, event = (console.note, "rtsp_out_live") if state.connected else (console.warn, "rtsp_out_lost")
    say(f"{camera}: {state.message}", event=event, camera=camera)


async def feed_watchdog(endpoints: Endpoints) -> None:
    """Tell the service manager that the server works, as often as it asks, until this task is canceled."""
    seconds = watchdog_seconds()
    while seconds is not None:
        if endpoints.draining or not endpoints.trouble:
            notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)


async def until_stopped(endpoints: Endpoints, signals: asyncio.Queue[int], drain: float, console: Console) -> int:
    """Wait for a signal and return it. After SIGTERM, go on until nobody waits for a file, at most `drain` seconds.

    Meanwhile no more files are taken, and /healthz and the log say so. Another signal ends the wait.
    """
    notify("READY=1")
    number = await signals.get()
    notify("STOPPING=1")
    if number != signal.SIGTERM:
        return number
    endpoints.draining = endpoints.uploads.closed = True
    if waiting := endpoints.uploads.waiting:
        wait = f"{count_text(waiting, 'file')} {'waits' if waiting == 1 else 'wait'}"
        console.note(f"stopping: {wait} to be colored, for {drain:g} s at most", event="stopping", files=waiting)
    again = asyncio.ensure_future(signals.get())
    end = time.monotonic() + drain
    while endpoints.uploads.in_work and not again.done() and time.monotonic() < end:
        await asyncio.wait([again], timeout=_LOOK_SECONDS)
    again.cancel()
    return number
