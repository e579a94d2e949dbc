"""The web page's server: its files, what it says of itself, dropped files; images go by sockets.py.

    server = Server(engine, guardian, uploads, sockets, settings)
    runner = web.AppRunner(server.app())             # serve.py runs it

/uploads: POST a file, get its job; GET /uploads/ID, GET /uploads/ID/result, DELETE /uploads/ID.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

from cgan_runtime.colorizer import MAX_SATURATION
from cgan_runtime.live.server.inference_thread import Engine
from cgan_runtime.live.server.security import Guardian
from cgan_runtime.live.server.sockets import ServeSettings, Sockets
from cgan_runtime.live.server.uploads import Job, Refused, Uploads

PAGE = {
    "index.html": "text/html",
    "page.css": "text/css",
    "main.js": "text/javascript",
    "stage.js": "text/javascript",
    "sources.js": "text/javascript",
    "drop.js": "text/javascript",
    "graph.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""The page's own files; no other is served."""


class Server:
    """Answers requests; everything but coloring happens in the event loop, and nothing there waits."""

    def __init__(
        self,
        engine: Engine,
        guardian: Guardian,
        uploads: Uploads,
        sockets: Sockets,
        settings: ServeSettings,
    ) -> None:
        self._engine, self._guardian, self._uploads = engine, guardian, uploads
        self._sockets, self._settings = sockets, settings
        page = files(__package__) / "page"
        self._files = {name: (page / name).read_bytes() for name in PAGE}

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[_plainly, self._guardian.middleware], client_max_size=1 << 16)
        app.on_response_prepare.append(self._guardian.add_headers)
        app.on_shutdown.append(self._sockets.hang_up)
        app.router.add_get("/", self._file("index.html"))
        for name in PAGE:
            app.router.add_get(f"/{name}", self._file(name))
        app.router.add_get("/about", self._about)
        app.router.add_get("/live/view", self._sockets.view)
        app.router.add_get("/live/camera", self._sockets.camera)
        app.router.add_post("/uploads", self._upload)
        app.router.add_get("/uploads/{id}", self._job)
        app.router.add_delete("/uploads/{id}", self._drop)
        app.router.add_get("/uploads/{id}/result", self._result)
        return app

    def _file(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(body=self._files[name], content_type=PAGE[name], charset="utf-8")

        return answer

    async def _about(self, _request: web.Request) -> web.Response:
        limits = self._uploads.limits
        return web.json_response(
            {
                "engine": asdict(self._engine.info),
                "camera": self._sockets.hub is not None,
                "upload": {"bytes": limits.bytes, "seconds": limits.video_seconds},
                "max_rate": self._settings.max_rate,
                "max_strength": MAX_SATURATION,
            }
        )

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            strength = float(request.query.get("strength", "1"))
        except ValueError:
            strength = math.nan
        if not 0 <= strength <= MAX_SATURATION:
            raise web.HTTPBadRequest(text=f"strength must be within 0 and {MAX_SATURATION:g}\n")
        try:
            job = await self._uploads.take(
                request.content.iter_chunked(1 << 16), request.content_length, strength
            )
        except Refused as refused:
            return web.json_response({"error": str(refused)}, status=refused.status)
        return web.json_response(job.told(self._uploads.ahead(job)), status=202)

    def _find(self, request: web.Request) -> Job:
        job = self._uploads.find(request.match_info["id"])
        if job is None:
            raise web.HTTPNotFound(text="no such file, or it is no longer kept\n")
        return job

    async def _job(self, request: web.Request) -> web.Response:
        job = self._find(request)
        return web.json_response(job.told(self._uploads.ahead(job)))

    async def _drop(self, request: web.Request) -> web.Response:
        await self._uploads.drop(self._find(request))
        return web.Response(status=204)

    async def _result(self, request: web.Request) -> web.StreamResponse:
        job = self._find(request)
        if job.state != "ready":
            raise web.HTTPConflict(text="it is not ready\n")
        # No name: the page gives it, and other people's names stay out of headers.
        headers = {"Content-Type": job.result_type, "Content-Disposition": "attachment"}
        return web.FileResponse(job.result, headers=headers)


@web.middleware
async def _plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A bug is answered as one, and told in the terminal; the server goes on."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        logging.getLogger("cgan").exception("a request failed")
        return web.Response(status=500, text="something failed here\n")
