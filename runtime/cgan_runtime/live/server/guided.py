"""The HTTP side of colors that a person places on the page: on a photo, a paused video, a held camera.

    POST   /hints?name=FILE       a file of hints; 200: {"hints": [hint, ...]}, checked, colors as "#rrggbb";
                                  with &still=1 for an image
    POST   /guides                a picture, JPEG; 201: guide
    POST   /guides?upload=ID      the same of a photo that was sent to /uploads
    POST   /guides/ID/picture     {"hints": [hint, ...]}; the picture in these colors, JPEG; 409: newer ones came
    POST   /uploads/ID/hints      {"hints": [hint, ...]}: color the file again with them; 202: as GET /uploads/ID
    PUT    /cameras/ID/guide?guide=ID    {"hints": [hint, ...]}: what a camera sees takes the colors of that
                                         picture from now on, for all who watch it; 204
    DELETE /cameras/ID/guide      the model's own colors again; 204

A hint is that of a file of hints, and what is wrong with one is said in the same words: {"error": sentence}, 400.
A guide is {"id": "Xy...", "width": 1280, "height": 720}, the size of its pictures.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError
from cgan_runtime.guide.hints import parse_hints
from cgan_runtime.guide.settings import Hint, rgb_of
from cgan_runtime.live.guided_picture import GuidedPicture, View, check_still
from cgan_runtime.live.server.file_types import HEAD_BYTES, detect_file_type
from cgan_runtime.live.server.frame_sources import CameraSource
from cgan_runtime.live.server.inference_thread import FrameSource, InferenceThread
from cgan_runtime.live.server.uploads import Upload, Uploads
from cgan_runtime.live.ycc_frame import YccFrame, luma_of_jpeg

MAX_HINTS = 500  # of a picture on the page: each is a mark that can be dragged
KEPT = 16  # pictures, of three megabytes each at most
MAX_BODY = 1 << 20  # bytes of hints or a picture
MAX_PIXELS = 1920 * 1088  # of a picture
BODY_SECONDS = 20.0  # for a body to arrive

Work = Callable[[Colorizer], Any]


class Desk(FrameSource):
    """Does single pieces of work in the inference thread, between the frames of cameras, one each time."""

    def __init__(self, inference: InferenceThread) -> None:
        self._inference = inference
        self._waiting: deque[tuple[Work, asyncio.Future[Any], asyncio.AbstractEventLoop]] = deque()

    async def do(self, work: Work) -> Any:
        """Run `work` with the colorizer in its thread, and return what it returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((work, future, loop))
        self._inference.wake()
        return await future

    def take(self, colorizer: Colorizer) -> Callable[[], None] | None:
        """Return the next piece of work, or None."""
        if not self._waiting:
            return None
        work, future, loop = self._waiting.popleft()

        def tell(set_outcome: Callable[[Any], None], outcome: object) -> None:
            if not future.done():  # the page may have gone
                set_outcome(outcome)

        def run() -> None:
            set_outcome: Callable[[Any], None] = future.set_result
            outcome: object
            try:
                outcome = work(colorizer)
            except Exception as error:  # noqa: BLE001 (raised again by `do`)
                set_outcome, outcome = future.set_exception, error
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, set_outcome, outcome)

        return run

    def failed(self, error: Exception) -> None:
        """Nothing fails but `run`, which tells its own errors."""


class _Guide:
    """A picture, and the newest hints that it is to be shown with."""

    def __init__(self, picture: GuidedPicture) -> None:
        self.picture, self.newest = picture, 0


class GuidedRoutes:
    """Answers requests in the event loop."""

    def __init__(
        self, inference: InferenceThread, uploads: Uploads, camera: Callable[[str], CameraSource | None]
    ) -> None:
        """`camera` finds a camera by its id."""
        self._uploads, self._camera = uploads, camera
        self._size = inference.info.size
        self._desk = Desk(inference)
        inference.add(self._desk)
        self._guides: OrderedDict[str, _Guide] = OrderedDict()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        for method, path, handler in (
            ("POST", "/hints", self._check),
            ("POST", "/guides", self._open),
            ("POST", "/guides/{id}/picture", self._show),
            ("POST", "/uploads/{id}/hints", self._color_file),
            ("PUT", "/cameras/{id}/guide", self._guide_camera),
            ("DELETE", "/cameras/{id}/guide", self._leave_camera),
        ):
            router.add_route(method, path, handler)

    async def _check(self, request: web.Request) -> web.Response:
        hints = parse_hints(await _body(request), request.query.get("name") or "the file", MAX_HINTS)
        if request.query.get("still"):
            check_still(hints)
        plain = [replace(hint, color="#{:02x}{:02x}{:02x}".format(*rgb_of(hint.color))) for hint in hints]
        return web.json_response({"hints": [_json(hint) for hint in plain]})

    async def _open(self, request: web.Request) -> web.Response:
        if name := request.query.get("upload"):
            upload = self._upload(name)
            if not upload.view.exists():
                raise web.HTTPConflict(text="this file has no picture to place colors on")
            view = View.from_bytes(await asyncio.to_thread(upload.view.read_bytes))
            guide = _Guide(GuidedPicture(view, upload.strength))
        else:
            jpeg = await _body(request)
            found = detect_file_type(jpeg[:HEAD_BYTES])
            if found is None or found.name != "jpeg" or not found.sequential or not 0 < found.pixels <= MAX_PIXELS:
                raise ConfigError(f"the picture is no sequential JPEG of at most {MAX_PIXELS} pixels")
            luma = await asyncio.to_thread(luma_of_jpeg, jpeg)

            def see(colorizer: Colorizer) -> View:
                colorizer.size = self._size  # a camera may have set another
                return View.of_luma(luma, colorizer)

            guide = _Guide(GuidedPicture(await self._desk.do(see)))
        name = secrets.token_urlsafe(16)
        self._guides[name] = guide
        while len(self._guides) > KEPT:
            self._guides.popitem(last=False)
        height, width = guide.picture.size
        return web.json_response({"id": name, "width": width, "height": height}, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        guide = self._guide(request.match_info["id"])
        hints = parse_hints(await _body(request), "the picture", MAX_HINTS)
        number = guide.newest = guide.newest + 1

        def color(colorizer: Colorizer) -> tuple[YccFrame | None, float]:
            began = time.perf_counter()
            frame = guide.picture.color(colorizer, hints) if number == guide.newest else None
            return frame, (time.perf_counter() - began) * 1000

        frame, color_ms = await self._desk.do(color)
        if frame is None:
            raise web.HTTPConflict(text="newer hints came")
        began = time.perf_counter()
        jpeg = await asyncio.to_thread(frame.jpeg)
        encode_ms = (time.perf_counter() - began) * 1000
        timing = f"color;dur={color_ms:.1f}, encode;dur={encode_ms:.1f}"
        return web.Response(body=jpeg, content_type="image/jpeg", headers={"Server-Timing": timing})

    async def _color_file(self, request: web.Request) -> web.Response:
        upload = self._upload(request.match_info["id"])
        hints = parse_hints(await _body(request), "the file", MAX_HINTS)
        if not upload.type.video:
            check_still(hints)
        self._uploads.color_again(upload, [_json(hint) for hint in hints])
        return web.json_response(self._uploads.status(upload), status=202)

    async def _guide_camera(self, request: web.Request) -> web.Response:
        source, guide = self._source(request), self._guide(request.query.get("guide", ""))
        hints = parse_hints(await _body(request), "the picture", MAX_HINTS)
        source.guidance = await self._desk.do(lambda colorizer: guide.picture.memory(colorizer, hints))
        return web.Response(status=204)

    async def _leave_camera(self, request: web.Request) -> web.Response:
        self._source(request).guidance = None
        return web.Response(status=204)

    def _guide(self, name: str) -> _Guide:
        if name not in self._guides:
            raise web.HTTPNotFound(text="this picture is no longer kept")
        self._guides.move_to_end(name)
        return self._guides[name]

    def _upload(self, name: str) -> Upload:
        upload = self._uploads.find(name)
        if upload is None:
            raise web.HTTPNotFound(text="no such file, or it was deleted")
        return upload

    def _source(self, request: web.Request) -> CameraSource:
        source = self._camera(request.match_info["id"])
        if source is None:
            raise web.HTTPNotFound(text="no such camera")
        return source


async def _body(request: web.Request) -> bytes:
    """The body of a request; refused if it is large or comes slowly."""
    body = bytearray()

    async def read() -> None:
        async for chunk in request.content.iter_chunked(1 << 16):
            body.extend(chunk)
            if len(body) > MAX_BODY:
                raise web.HTTPRequestEntityTooLarge(MAX_BODY, len(body), text="at most 1 MB is read here")

    try:
        await asyncio.wait_for(read(), BODY_SECONDS)
    except asyncio.TimeoutError as error:
        raise web.HTTPRequestTimeout(text="the request came too slowly") from error
    return bytes(body)


def _json(hint: Hint) -> dict[str, Any]:
    """A hint without what it does not say."""
    return {name: value for name, value in asdict(hint).items() if value is not None}
