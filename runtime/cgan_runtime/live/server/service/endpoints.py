"""The routes of the server for programs: health, metrics, and each camera as a stream of JPEGs.

    GET /healthz                    200 or 503, and one line that says why; no token
    GET /metrics                    Prometheus' text format; `Authorization: Bearer TOKEN` where there is a token
    GET /cameras/ID/stream.mjpg     the camera in color as motion JPEG, for go2rtc, Frigate and img elements

A service manager asks /healthz whether to restart the server, and a proxy whether to send it anybody.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from cgan_runtime.live.server.inference_thread import InferenceThread
from cgan_runtime.live.server.service.metrics import CONTENT_TYPE, Metrics
from cgan_runtime.live.server.sockets import Sockets
from cgan_runtime.live.server.uploads import Uploads

_BOUNDARY = "cgan-frame"
_WAIT_SECONDS = 10.0  # without a frame, until the stream of JPEGs ends
_STALL_SECONDS = 15.0  # that a client may take for one frame


@dataclass
class Endpoints:
    """Answers programs, in the event loop."""

    inference: InferenceThread
    sockets: Sockets
    uploads: Uploads
    metrics: Metrics
    draining: bool = False  # whether the server takes no more work

    @property
    def trouble(self) -> str:
        """Why the server cannot work; empty while it can. A lost camera is no trouble: it is opened again."""
        if self.draining:
            return "the server is about to stop"
        return "" if self.inference.healthy else "the model no longer answers"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer the requests above."""
        router.add_get("/healthz", self._health)
        router.add_get("/metrics", self._metrics)
        router.add_get("/cameras/{id}/stream.mjpg", self._stream)

    async def _health(self, _request: web.Request) -> web.Response:
        trouble = self.trouble
        return web.Response(text=f"{trouble or 'ok'}\n", status=503 if trouble else 200)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Send frames as fast as the client takes them, always the newest."""
        hub = self.sockets.cameras.hubs.get(request.match_info["id"])
        if hub is None:
            raise web.HTTPNotFound(text="the server has no such camera")
        self.sockets.check_room()
        response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={_BOUNDARY}"})
        await response.prepare(request)
        with hub.join() as viewer, suppress(ConnectionError, asyncio.TimeoutError):
            while (frame := await viewer.next(_WAIT_SECONDS)) is not None or viewer.error is not None:
                viewer.error = None
                if frame is None:
                    continue
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(frame.jpeg)}\r\n\r\n"
                await asyncio.wait_for(response.write(head.encode() + frame.jpeg + b"\r\n"), _STALL_SECONDS)
                hub.sent += 1
                viewer.confirm(frame.number)
        return response
