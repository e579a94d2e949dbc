"""The HTTP side of cameras: what there are, snapshots, recordings, and how fine they are colored.

    GET    /cameras                  [camera, ...] of the server; the first is the one that a page shows at first
    PATCH  /cameras/ID               {"adapt": bool} or {"size": pixels}; back: camera. For all who watch it.
    GET    /cameras/ID/snapshot      the newest picture in color, PNG; 409: there is none yet
    POST   /cameras/ID/recording     201: recording; 409: it records already; 507: there is no room for one
    DELETE /cameras/ID/recording     200: recording, finished; 404: it does not record
    GET    /recordings/ID            the video, MP4, as a download; also while it is recorded
    DELETE /recordings/ID            204

Errors are JSON, {"error": sentence without a full stop}. ID is that of /cameras, or for a browser's own camera the
one that /live/camera tells it first, as text {"camera": ID}. A camera in JSON:

    {"id": "0", "name": "HD Webcam", "state": "opening" | "live" | "lost" | "ended" | "off", "message": text,
     "viewers": 2, "read": 900, "dropped": 31,                          frames since it was opened, frames left out
     "age": 0.04,                            seconds since its newest picture was colored; null: there is none yet
     "dim": false,                         its pictures use little of the range from black to white: --levels auto helps
     "adapt": true, "size": 192, "full_size": 256,                      pixels, as of --size
     "rate": 14.8, "left_out": 0.03,                 colored a second; share of the last pictures that was left out
     "suggested_size": 160,                                  a size at which it would keep up; null: it does, or none
     "recording": recording or null}

The text {"status": camera} comes through /live/view every second, and through /live/camera without "viewers". A
recording in JSON:

    {"id": "Xy...", "name": "HD-Webcam-20260101-120000.mp4", "url": "/recordings/Xy...",
     "state": "recording" | "finished" | "failed", "message": why it ended by itself, or "",
     "seconds": 12.5, "bytes": 1200000, "frames": 300, "dropped": 0}
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from cgan_runtime.errors import CganError
from cgan_runtime.live.server.frame_sources import BrowserCamera, CameraSource
from cgan_runtime.live.server.viewers import ViewerHub
from cgan_runtime.live.sinks.page_recordings import PageRecording, PageRecordings


class Cameras:
    """All cameras by their ids: those of the server, and those of browsers while they are connected."""

    def __init__(self, hubs: Sequence[ViewerHub], recordings: PageRecordings) -> None:
        """Take the cameras of the server, and where pages record."""
        self.hubs = {hub.name: hub for hub in hubs}
        self.browsers: dict[str, BrowserCamera] = {}
        self.on_add: Callable[[BrowserCamera], None] = lambda camera: None  # of a browser; may be set
        self.recordings = recordings

    def hub(self, name: str | None) -> ViewerHub | None:
        """The camera of the server with this id, or the first one; None if there is none."""
        return next(iter(self.hubs.values()), None) if name is None else self.hubs.get(name)

    def add(self, camera: BrowserCamera) -> str:
        """Add the camera of a browser and return its id, which cannot be guessed."""
        name = secrets.token_urlsafe(16)
        self.browsers[name] = camera
        self.on_add(camera)
        return name

    async def remove(self, name: str) -> None:
        """Forget the camera of a browser; its recording is finished."""
        await asyncio.to_thread(self.recordings.end, self.browsers.pop(name))

    def facts(self, name: str) -> dict[str, Any]:
        """A camera as JSON."""
        hub = self.hubs.get(name)
        camera = hub.camera if hub else self.browsers[name]
        recording = self.recordings.of(camera)
        own = hub.facts() if hub else {"id": name, **camera.facts()}
        return own | {"recording": recording.facts() if recording else None}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer the requests above."""
        router.add_get("/cameras", self._list)
        router.add_patch("/cameras/{id}", self._patch)
        router.add_get("/cameras/{id}/snapshot", self._snapshot)
        router.add_post("/cameras/{id}/recording", self._record)
        router.add_delete("/cameras/{id}/recording", self._end)
        router.add_get("/recordings/{id}", self._download)
        router.add_delete("/recordings/{id}", self._delete)

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([self.facts(name) for name in self.hubs])

    async def _patch(self, request: web.Request) -> web.Response:
        name, camera = self._camera(request)
        try:
            wishes = await request.json()
            (key, value), *more = wishes.items()
        except (ValueError, AttributeError):
            key, value, more = "", None, []
        adapter = camera.adapter
        if key == "adapt" and isinstance(value, bool) and not more:
            adapter.on = value
        elif key == "size" and value in adapter.sizes and not more:
            adapter.hold(value)
        else:
            sizes = ", ".join(map(str, adapter.sizes))
            raise web.HTTPBadRequest(text=f'send {{"adapt": true}}, false, or {{"size": one of {sizes}}}')
        return web.json_response(self.facts(name))

    async def _snapshot(self, request: web.Request) -> web.Response:
        _, camera = self._camera(request)
        frame = camera.newest
        if frame is None:
            raise web.HTTPConflict(text="there is no picture yet")
        png = await asyncio.to_thread(frame.png)
        return web.Response(body=png, content_type="image/png", headers={"Content-Disposition": "attachment"})

    async def _record(self, request: web.Request) -> web.Response:
        name, camera = self._camera(request)
        if self.recordings.of(camera) is not None:
            raise web.HTTPConflict(text="this camera is recorded already")
        try:
            title = self.hubs[name].title if name in self.hubs else "camera"
            recording = await asyncio.to_thread(self.recordings.begin, camera, title)
        except CganError as error:
            raise web.HTTPInsufficientStorage(text=str(error)) from error
        return web.json_response(recording.facts(), status=201)

    async def _end(self, request: web.Request) -> web.Response:
        name, camera = self._camera(request)
        recording = await asyncio.to_thread(self.recordings.end, camera)
        if recording is None:
            raise web.HTTPNotFound(text="this camera is not recorded")
        if name in self.hubs:
            self.hubs[name].close_soon()
        return web.json_response(recording.facts())

    async def _download(self, request: web.Request) -> web.StreamResponse:
        recording = self._recording(request)
        if not recording.path.exists():
            raise web.HTTPConflict(text="there is no picture in it yet")
        disposition = f'attachment; filename="{recording.name}"'
        return web.FileResponse(
            recording.path, headers={"Content-Type": "video/mp4", "Content-Disposition": disposition}
        )

    async def _delete(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self.recordings.delete, self._recording(request))
        return web.Response(status=204)

    def source(self, name: str) -> CameraSource | None:
        """The camera with this id, of the server or of a browser; None if there is none."""
        return self.hubs[name].camera if name in self.hubs else self.browsers.get(name)

    def _camera(self, request: web.Request) -> tuple[str, CameraSource]:
        name = request.match_info["id"]
        if (camera := self.source(name)) is not None:
            return name, camera
        raise web.HTTPNotFound(text="there is no such camera, or it was turned off")

    def _recording(self, request: web.Request) -> PageRecording:
        recording = self.recordings.find(request.match_info["id"])
        if recording is None:
            raise web.HTTPNotFound(text="there is no such recording, or it was deleted")
        return recording
