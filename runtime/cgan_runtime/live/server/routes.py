"""The HTTP routes of the page: its files, /about, and uploads; frames go through sockets.py.

    runner = web.AppRunner(Routes(inference, access, uploads, sockets, endpoints).app())

POST /uploads sends a file and returns its job; GET /uploads/ID, GET /uploads/ID/result, DELETE /uploads/ID. A job that
is ready says in "damage" what could not be read of the file (null: nothing), and in "notes" what else is different.
What is refused is answered by refusals.py.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib.resources import files

from aiohttp import web

from cgan_runtime.colorizer import MAX_SATURATION
from cgan_runtime.live.server.file_types import KINDS
from cgan_runtime.live.server.guided import GuidedRoutes
from cgan_runtime.live.server.inference_thread import InferenceThread
from cgan_runtime.live.server.refusals import refusals
from cgan_runtime.live.server.security import AccessPolicy
from cgan_runtime.live.server.service.endpoints import Endpoints
from cgan_runtime.live.server.sockets import Sockets
from cgan_runtime.live.server.uploads import Upload, Uploads

CONTENT_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_NO_FORM = "this is a form; send the file's bytes as the body, as curl does with --data-binary @FILE"
# The files of the page; no other file is served.
PAGE = sorted(each.name for each in (files(__package__) / "page").iterdir())


@dataclass(frozen=True)
class Routes:
    """Answers requests in the event loop without blocking it."""

    inference: InferenceThread
    access: AccessPolicy
    uploads: Uploads
    sockets: Sockets
    endpoints: Endpoints
    no_camera: str = ""  # why the server has none, for people

    def app(self) -> web.Application:
        """Build the application."""
        app = web.Application(middlewares=[refusals, self.access.middleware], client_max_size=1 << 16)
        app.on_response_prepare.append(self.access.add_headers)
        app.on_shutdown.append(self.sockets.close_all)
        app.router.add_get("/", _file("index.html"))
        for name in PAGE:
            app.router.add_get(f"/{name}", _file(name))
        app.router.add_get("/about", self._about)
        self.sockets.cameras.add_routes(app.router)
        self.endpoints.add_routes(app.router)
        GuidedRoutes(self.inference, self.uploads, self.sockets.cameras.source).add_to(app.router)
        app.router.add_get("/live/view", self.sockets.view)
        app.router.add_get("/live/camera", self.sockets.camera)
        app.router.add_post("/uploads", self._post)
        app.router.add_get("/uploads/{id}", self._get)
        app.router.add_delete("/uploads/{id}", self._delete)
        app.router.add_get("/uploads/{id}/result", self._result)
        return app

    async def _about(self, _request: web.Request) -> web.Response:
        limits = self.uploads.limits
        about = {
            "inference": asdict(self.inference.info),
            "camera": bool(self.sockets.cameras.hubs),
            "no_camera": self.no_camera,
            "upload": {"bytes": limits.bytes, "seconds": limits.video_seconds, "kinds": KINDS},
            "max_rate": self.sockets.settings.source.max_rate,
        }
        return web.json_response(about)

    async def _post(self, request: web.Request) -> web.Response:
        if unknown := request.query.keys() - {"strength"}:
            raise web.HTTPBadRequest(text=f"{', '.join(sorted(unknown))} is not known here; strength is")
        try:
            strength = float(request.query.get("strength", "1"))
        except ValueError:
            strength = math.nan
        if not 0 <= strength <= MAX_SATURATION:
            raise web.HTTPBadRequest(text=f"strength must be between 0 and {MAX_SATURATION:g}")
        if request.content_type.startswith("multipart/"):
            raise web.HTTPUnsupportedMediaType(text=_NO_FORM)
        content = request.content.iter_chunked(1 << 16)
        upload = await self.uploads.receive(content, request.content_length, strength)
        return web.json_response(self.uploads.status(upload), status=202)

    def _find(self, request: web.Request) -> Upload:
        upload = self.uploads.find(request.match_info["id"])
        if upload is None:
            raise web.HTTPNotFound(text="no such file, or it was deleted")
        return upload

    async def _get(self, request: web.Request) -> web.Response:
        upload = self._find(request)
        upload.fetched |= upload.state == "failed"
        return web.json_response(self.uploads.status(upload))

    async def _delete(self, request: web.Request) -> web.Response:
        self.uploads.delete(self._find(request))
        return web.Response(status=204)

    async def _result(self, request: web.Request) -> web.StreamResponse:
        upload = self._find(request)
        if upload.state != "ready":
            raise web.HTTPConflict(text="the file is not ready")
        # The page names the download, so that no name given by a user gets into a header.
        headers = {"Content-Type": upload.result_type, "Content-Disposition": "attachment"}
        upload.fetched = True
        return web.FileResponse(upload.result, headers=headers)


def _file(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = (files(__package__) / "page" / name).read_bytes()
    content_type = CONTENT_TYPES[name.rpartition(".")[2]]

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return answer
