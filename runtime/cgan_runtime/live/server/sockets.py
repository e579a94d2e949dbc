"""Frames over WebSockets: the server's camera to its viewers, and browsers' cameras there and back.

Protocol (numbers are little-endian; page/cameras.js is the other side):

    /live/view?camera=ID   to the page: 12 bytes (u32 frame number, f32 delay of the last shown frame, f32 time of
                           coloring; ms) and a JPEG; text {"status": camera} every second, as in control.py;
                           back: {"shown": number}, {"paused": true or false}
    /live/camera           from the page: u32 frame number and a JPEG; back: as above, with the delay in the
                           server; text {"camera": ID} first, then {"status": camera} every second, {"error": message}

The camera is the first one without `?camera`. A page that paused gets no frames, only the status.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from cgan_runtime.live.server.control import Cameras
from cgan_runtime.live.server.file_types import HEAD_BYTES, detect_file_type
from cgan_runtime.live.server.frame_sources import BrowserCamera, SourceSettings
from cgan_runtime.live.server.inference_thread import InferenceThread, RateLimit
from cgan_runtime.live.server.viewers import Viewer, ViewerHub, in_event_loop

_HEADER = struct.Struct("<Iff")
_NUMBER = struct.Struct("<I")
_NUMBERS = 1 << 32
_STATUS_SECONDS = 1.0
_HEARTBEAT_SECONDS = 10.0
_STALL_SECONDS = 15.0  # a page that shows nothing for so long is disconnected
_STALLED = b"This page showed nothing for a while; trying again."
_SHUTDOWN = b"The server has stopped; trying again."
_UNKNOWN_MESSAGE = "unknown message"


@dataclass(frozen=True)
class ServeSettings:
    """Limits of the server."""

    source: SourceSettings  # of every camera
    max_viewers: int = 32  # pages that may watch the server's cameras
    max_cameras: int = 4  # pages that may send their own camera
    frame_bytes: int = 1_000_000  # of a frame that a page sends
    frame_pixels: int = 1920 * 1088


class Sockets:
    """All WebSockets. This code waits only for the network; the inference thread colors."""

    def __init__(self, inference: InferenceThread, cameras: Cameras, settings: ServeSettings) -> None:
        self.cameras = cameras
        self._inference, self.settings = inference, settings
        self._sockets: set[web.WebSocketResponse] = set()

    async def view(self, request: web.Request) -> web.StreamResponse:
        """Handle /live/view: show a camera of the server."""
        hub = self.cameras.hub(request.query.get("camera"))
        if hub is None:
            raise web.HTTPNotFound(text="the server has no such camera")
        self.check_room()
        _check_upgrade(request)
        with hub.join() as viewer:
            send = partial(self._send_frames, viewer=viewer, hub=hub)
            async with self._open(request, 1024, send) as socket:
                await self._receive(socket, WSMsgType.TEXT, partial(_take_answer, viewer))
        return socket

    async def _send_frames(self, socket: web.WebSocketResponse, viewer: Viewer, hub: ViewerHub) -> None:
        """Send frames as the viewer confirms them, and the status every second."""
        limit = RateLimit(self.settings.source.max_rate)
        status_at = 0.0
        while not socket.closed:
            frame = await viewer.next(_STATUS_SECONDS)
            now = time.monotonic()
            if frame is not None and limit.allow():
                header = _HEADER.pack(frame.number % _NUMBERS, viewer.delay_ms, frame.color_ms)
                await socket.send_bytes(header + frame.jpeg)
                hub.sent += 1
            elif frame is not None:
                viewer.skip(frame.number)
            if viewer.stalled(_STALL_SECONDS):
                await socket.close(code=WSCloseCode.GOING_AWAY, message=_STALLED)
            if now >= status_at or viewer.error is not None:
                status_at = now + _STATUS_SECONDS
                error, viewer.error = viewer.error, None
                facts = self.cameras.facts(hub.name)
                await socket.send_str(json.dumps({"status": facts | ({"message": error} if error else {})}))

    def check_room(self) -> None:
        """Refuse one more viewer when there are as many as may be."""
        if self.viewers >= self.settings.max_viewers:
            raise web.HTTPServiceUnavailable(text="too many viewers")

    @property
    def viewers(self) -> int:
        """Pages that watch a camera of the server."""
        return sum(len(hub.viewers) for hub in self.cameras.hubs.values())

    async def camera(self, request: web.Request) -> web.StreamResponse:
        """Handle /live/camera: color the camera of a browser."""
        if len(self.cameras.browsers) >= self.settings.max_cameras:
            raise web.HTTPServiceUnavailable(text="too many pages send their camera")
        _check_upgrade(request)
        viewer, settings = Viewer(), self.settings
        source = BrowserCamera(self._inference, settings.source)
        source.deliver = in_event_loop(viewer.offer)
        name = self.cameras.add(source)
        send = partial(self._return_frames, viewer=viewer, name=name)
        try:
            async with self._open(request, settings.frame_bytes, send) as socket:
                self._inference.add(source)
                await self._receive(socket, WSMsgType.BINARY, partial(self._take_frame, source))
        finally:
            self._inference.remove(source)
            await self.cameras.remove(name)
        return socket

    async def _return_frames(self, socket: web.WebSocketResponse, viewer: Viewer, name: str) -> None:
        """Send a browser its own frames back, always the newest, and the status every second."""
        await socket.send_str(json.dumps({"camera": name}))
        status_at = time.monotonic() + _STATUS_SECONDS
        while not socket.closed:
            frame = await viewer.next(_STATUS_SECONDS)
            if frame is not None:
                age_ms = (time.perf_counter() - frame.captured_at) * 1000
                await socket.send_bytes(_HEADER.pack(frame.number, age_ms, frame.color_ms) + frame.jpeg)
                viewer.confirm(frame.number)  # the page limits itself
            if viewer.error is not None:
                error, viewer.error = viewer.error, None
                await socket.send_str(json.dumps({"error": error}))
            if time.monotonic() >= status_at:
                status_at = time.monotonic() + _STATUS_SECONDS
                await socket.send_str(json.dumps({"status": self.cameras.facts(name)}))

    def _take_frame(self, source: BrowserCamera, data: bytes) -> None:
        """Check the type and size of a frame before anything decodes it."""
        jpeg = data[_NUMBER.size :]
        found = detect_file_type(jpeg[:HEAD_BYTES])
        if found is None or found.name != "jpeg" or not found.sequential:
            raise ValueError("a frame must be a sequential JPEG")
        if not 0 < found.pixels <= self.settings.frame_pixels:
            raise ValueError(f"a frame of {found.width}x{found.height} pixels is too large")
        source.put(_NUMBER.unpack_from(data)[0], jpeg)

    @asynccontextmanager
    async def _open(
        self, request: web.Request, max_bytes: int, send: Callable[[web.WebSocketResponse], Awaitable[None]]
    ) -> AsyncIterator[web.WebSocketResponse]:
        """Open a WebSocket; `send` runs beside the block until its end."""
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT_SECONDS, max_msg_size=max_bytes, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        sender = asyncio.ensure_future(send(socket))
        try:
            yield socket
        finally:
            self._sockets.discard(socket)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _receive(self, socket: web.WebSocketResponse, kind: WSMsgType, handle: Callable[[Any], None]) -> None:
        """Handle each message until the page leaves; one that breaks the protocol closes the socket."""
        most = 4 * self.settings.source.max_rate
        limit = RateLimit(most)
        excess = 0
        async for message in socket:
            excess = 0 if limit.allow() else excess + 1
            try:
                if excess > most:
                    raise ValueError("too many messages")
                if message.type is not kind:
                    raise ValueError(_UNKNOWN_MESSAGE)
                handle(message.data)
            except ValueError as error:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:120])
                return

    async def close_all(self, _app: web.Application) -> None:
        """Close all WebSockets, so that the server can stop."""
        await asyncio.gather(
            *(socket.close(code=WSCloseCode.GOING_AWAY, message=_SHUTDOWN) for socket in self._sockets),
            return_exceptions=True,
        )


def _check_upgrade(request: web.Request) -> None:
    """Refuse plain HTTP. Browsers hide why a WebSocket was refused, so the page asks again without one."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise web.HTTPUpgradeRequired(text="frames come by WebSocket")


def _take_answer(viewer: Viewer, text: str) -> None:
    """Take in what a page says: which frame it has shown, or whether it paused."""
    try:
        message = json.loads(text)
        (key, value), *more = message.items()
    except (AttributeError, TypeError, RecursionError, ValueError) as error:
        raise ValueError(_UNKNOWN_MESSAGE) from error
    if key == "paused" and isinstance(value, bool) and not more:
        viewer.pause(value)
    elif key == "shown" and isinstance(value, int) and not more:
        viewer.confirm(value)
    else:
        raise ValueError(_UNKNOWN_MESSAGE)
