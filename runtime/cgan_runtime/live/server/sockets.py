"""Images over WebSockets: the box's camera to all who look, and browsers' own cameras there and back.

    sockets = Sockets(engine, hub, settings)
    app.router.add_get("/live/view", sockets.view)
    app.router.add_get("/live/camera", sockets.camera)

What is spoken (all numbers little-endian):

    /live/view     to the page: 12 bytes (u32 frame, f32 delay of the frame shown last, f32 coloring; ms)
                   and JPEG, and text {"status": ...} every second; from the page: text {"shown": frame}
    /live/camera   to the server: u32 frame + JPEG; back: as above, the delay being that within the server
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from cgan_runtime.live.server.file_types import HEAD_BYTES, kind_of
from cgan_runtime.live.server.frame_sources import BrowserLane, Colored
from cgan_runtime.live.server.inference_thread import Engine, RateLimit
from cgan_runtime.live.server.viewers import Hub, Viewer
from cgan_runtime.temporal.filter import TemporalSettings

_HEADER = struct.Struct("<Iff")
_NUMBER = struct.Struct("<I")
_NUMBERS = 1 << 32
_STATUS_SECONDS = 1.0
_HEARTBEAT_SECONDS = 10.0
_STALL_SECONDS = 15.0  # a page that shows nothing for so long is let go
_MS = 1000.0  # per second
_SHOWED_NOTHING = b"This page showed nothing for a while; trying again."
_ENDED = b"The server has ended; trying again."


@dataclass(frozen=True)
class ServeSettings:
    """What the server allows.

    Attributes:
        temporal: How steady color is kept, of every camera.
        max_viewers: Pages that look at the box's camera.
        max_cameras: Pages that send their own.
        max_rate: Frames a second, of each.
        frame_bytes: Of a frame that a browser sends.
        frame_pixels: Likewise.
    """

    temporal: TemporalSettings
    max_viewers: int = 32
    max_cameras: int = 4
    max_rate: float = 30.0
    frame_bytes: int = 1_000_000
    frame_pixels: int = 1920 * 1088


class Sockets:
    """All WebSockets. Nothing here waits but for the network; coloring is the engine's.

    Attributes:
        hub: Who looks at the box's camera; None where there is none.
        cameras: Browsers that send their own.
    """

    def __init__(self, engine: Engine, hub: Hub | None, settings: ServeSettings) -> None:
        self.hub = hub
        self.cameras = 0
        self._engine, self._settings = engine, settings
        self._open_ones: set[web.WebSocketResponse] = set()

    async def view(self, request: web.Request) -> web.StreamResponse:
        """Show the box's camera."""
        hub = self.hub
        if hub is None:
            raise web.HTTPNotFound(text="there is no camera at this machine\n")
        if len(hub.viewers) >= self._settings.max_viewers:
            raise web.HTTPServiceUnavailable(text="too many look already\n")
        _check_upgrade(request)
        with hub.joined() as viewer:
            socket = await self._open(request, max_bytes=1024)
            sender = asyncio.create_task(self._show(socket, viewer, hub))
            try:
                await self._listen(socket, text=lambda said: viewer.shown(_shown_number(said)))
            finally:
                self._open_ones.discard(socket)
                await _ended(sender)
        return socket

    async def _show(self, socket: web.WebSocketResponse, viewer: Viewer, hub: Hub) -> None:
        """Send frames as the viewer shows them, and every second how things are."""
        loop = asyncio.get_running_loop()
        limit = RateLimit(self._settings.max_rate)
        status_at, quiet_since = 0.0, loop.time()
        while not socket.closed:
            frame = await viewer.next(_STATUS_SECONDS)
            now = loop.time()
            if frame is not None and limit.passes():
                await socket.send_bytes(
                    _HEADER.pack(frame.number % _NUMBERS, viewer.shown_ms, frame.color_ms) + frame.jpeg
                )
            elif frame is not None:
                viewer.skip(frame.number)
            if viewer.stalled_since is None:
                quiet_since = now
            elif now - quiet_since > _STALL_SECONDS and viewer.meter.rate(now) == 0:
                await socket.close(code=WSCloseCode.GOING_AWAY, message=_SHOWED_NOTHING)
            if now >= status_at or viewer.trouble is not None:
                status_at = now + _STATUS_SECONDS
                trouble, viewer.trouble = viewer.trouble, None
                await socket.send_str(json.dumps({"status": self._status(hub, viewer, trouble)}))

    def _status(self, hub: Hub, viewer: Viewer, trouble: str | None) -> dict[str, Any]:
        now, state, counts = time.perf_counter(), hub.lane.state, hub.lane.counts
        return {
            "camera": state.status.value,
            "message": trouble or state.message,
            "viewers": len(hub.viewers),
            "rate": round(viewer.meter.rate(now), 1),
            "p50": round(viewer.meter.delay_ms(50, now)),
            "p95": round(viewer.meter.delay_ms(95, now)),
            "read": counts.read,
            "dropped": counts.dropped,
        }

    async def camera(self, request: web.Request) -> web.StreamResponse:
        """Color a browser's own camera."""
        if self.cameras >= self._settings.max_cameras:
            raise web.HTTPServiceUnavailable(text="too many send their camera already\n")
        _check_upgrade(request)
        self.cameras += 1
        loop = asyncio.get_running_loop()
        viewer = Viewer()

        def deliver(item: Colored | str) -> None:  # in the engine's thread
            if not loop.is_closed():
                loop.call_soon_threadsafe(viewer.offer, item)

        lane = BrowserLane(self._engine, self._settings.temporal, self._settings.max_rate, deliver)
        sender: asyncio.Task[None] | None = None
        socket = None
        try:
            socket = await self._open(request, max_bytes=self._settings.frame_bytes)
            sender = asyncio.create_task(_answer(socket, viewer))
            self._engine.add(lane)
            await self._listen(socket, binary=lambda data: self._take_frame(lane, data))
        finally:
            self.cameras -= 1
            self._engine.remove(lane)
            if socket is not None:
                self._open_ones.discard(socket)
            if sender is not None:
                await _ended(sender)
        return socket

    def _take_frame(self, lane: BrowserLane, data: bytes) -> None:
        """Look at a frame's size before anything decodes it."""
        jpeg = data[_NUMBER.size :]
        kind = kind_of(jpeg[:HEAD_BYTES])
        if kind is None or kind.name != "jpeg" or not kind.plain:
            raise ValueError("a frame must be a sequential JPEG")
        if not 0 < kind.pixels <= self._settings.frame_pixels:
            raise ValueError(f"a frame of {kind.width}x{kind.height} pixels is too large")
        lane.put(_NUMBER.unpack_from(data)[0], jpeg)

    async def _open(self, request: web.Request, max_bytes: int) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT_SECONDS, max_msg_size=max_bytes, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        self._open_ones.add(socket)
        return socket

    async def _listen(
        self,
        socket: web.WebSocketResponse,
        *,
        text: Callable[[str], None] | None = None,
        binary: Callable[[bytes], None] | None = None,
    ) -> None:
        """Take messages until the other side has gone; one that breaks the rules ends it."""
        flood = RateLimit(4 * self._settings.max_rate)
        misses = 0
        async for message in socket:
            misses = 0 if flood.passes() else misses + 1
            try:
                if misses > 4 * self._settings.max_rate:
                    raise ValueError("too many messages")
                if message.type is WSMsgType.TEXT and text is not None:
                    text(message.data)
                elif message.type is WSMsgType.BINARY and binary is not None:
                    binary(message.data)
                else:
                    raise ValueError("this is not what is spoken here")
            except ValueError as error:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:120])
                return

    async def hang_up(self, _app: web.Application) -> None:
        """Close all WebSockets, so that the server can end."""
        await asyncio.gather(
            *(socket.close(code=WSCloseCode.GOING_AWAY, message=_ENDED) for socket in self._open_ones),
            return_exceptions=True,
        )


def _check_upgrade(request: web.Request) -> None:
    """A page that was refused a WebSocket asks without one for the reason, which browsers keep from it."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise web.HTTPUpgradeRequired(text="images come by WebSocket\n")


async def _answer(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    """Send a browser its own frames back, the newest that is ready."""
    while not socket.closed:
        frame = await viewer.next(_STATUS_SECONDS)
        if frame is not None:
            age_ms = (time.perf_counter() - frame.captured) * _MS
            await socket.send_bytes(_HEADER.pack(frame.number, age_ms, frame.color_ms) + frame.jpeg)
            viewer.shown(frame.number)  # its page holds back by itself
        if viewer.trouble is not None:
            trouble, viewer.trouble = viewer.trouble, None
            await socket.send_str(json.dumps({"trouble": trouble}))


async def _ended(task: asyncio.Task[None]) -> None:
    """Stop a task whose socket has gone."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _shown_number(said: str) -> int:
    try:
        number = json.loads(said)["shown"]
    except (TypeError, KeyError, RecursionError) as error:  # JSONDecodeError is a ValueError
        raise ValueError("this is not what is spoken here") from error
    if not isinstance(number, int):
        raise ValueError("a frame has a whole number")
    return number
