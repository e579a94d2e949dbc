"""Runs the server of the page until a signal stops it: opens the model, the camera and the address."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import segno
from aiohttp import web

from cgan_runtime.commands.open_model import load_colorizer
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.capture.devices import is_missing, others
from cgan_runtime.live.capture.feeds import is_device
from cgan_runtime.live.server.control import Cameras
from cgan_runtime.live.server.frame_sources import ServerCamera, SourceSettings
from cgan_runtime.live.server.inference_thread import InferenceThread
from cgan_runtime.live.server.routes import Routes
from cgan_runtime.live.server.security import AccessPolicy, is_loopback, split_address
from cgan_runtime.live.server.service.endpoints import Endpoints
from cgan_runtime.live.server.service.lifecycle import (
    ConsoleHandler,
    feed_watchdog,
    log_cameras,
    log_output,
    until_stopped,
)
from cgan_runtime.live.server.service.limits import ConnectionLimits, LimitedSite
from cgan_runtime.live.server.service.metrics import Metrics
from cgan_runtime.live.server.sockets import ServeSettings, Sockets
from cgan_runtime.live.server.uploads import UploadLimits, open_uploads
from cgan_runtime.live.server.viewers import ViewerHub
from cgan_runtime.live.setup import CameraChoice, choices, feed_opener, file_name, finish_recording, open_recorder
from cgan_runtime.live.sinks.frame_sink import FrameSink
from cgan_runtime.live.sinks.page_recordings import open_recordings
from cgan_runtime.live.sinks.stream_output import StreamOutput
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.tls import REMOTE, address_towards, context_of, own_certificate
from cgan_runtime.options.live import DEFAULT_CAMERA, LiveOptions
from cgan_runtime.options.run import RunOptions
from cgan_runtime.system.signals import stop_by_signal
from cgan_runtime.system.systemd import inherited_socket

_SHUTDOWN_SECONDS = 0.5  # for answers in progress
_IDLE_SECONDS = 20.0  # for a request to arrive completely, also the first of a connection
_ALL_INTERFACES = frozenset({"0.0.0.0", "::"})
_NO_CAMERA = "the server has no camera; plug one in, or name a stream or a video with --webcam, and start again"


def serve(options: RunOptions, live: LiveOptions, console: Console) -> None:
    """Serve the page until Ctrl-C (KeyboardInterrupt) or SIGTERM (SystemExit); then everything is closed.

    CganError is raised when the model, an address, a certificate or a file cannot be used.
    """
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # malformed requests are no news
    if console.log == "json":
        logging.getLogger().addHandler(ConsoleHandler(console))
    stop_by_signal(asyncio.run(_serve(options, live, console)))


async def _serve(options: RunOptions, live: LiveOptions, console: Console) -> int:
    """Serve until a signal comes, and return it."""
    listener = inherited_socket()
    host, port = listener.getsockname()[:2] if listener is not None else split_address(live.serve or "")
    wanted = live.webcam or live.record or live.virtual_camera or live.service.rtsp_out
    cameras = choices(live) if wanted or not is_missing(DEFAULT_CAMERA) else []
    for named in cameras:
        if is_device(named.source) and is_missing(named.source):
            about = f"no camera at {named.source} ({others(named.source)})"
            console.warn(f"{about}; the page shows it once it is plugged in")
    tls = _tls(host, live, console)
    access = AccessPolicy.for_address(
        host, token=live.token, names=live.allow_host, tls=tls is not None, metrics_token=live.service.metrics_token
    )
    source = SourceSettings(options.video.temporal, live.max_rate, live.adapt, options.video.levels)
    settings = ServeSettings(source, max_viewers=live.max_viewers)
    async with AsyncExitStack() as opened:
        listener = opened.enter_context(listener or _bind(host, port))
        sinks = [_open_sinks(opened, options, live, console, choice) for choice in cameras]
        inference = InferenceThread(lambda: load_colorizer(options, console))
        await asyncio.to_thread(inference.start)
        console.result(f"back end: {inference.info.backend} on {inference.info.device}")
        opened.push_async_callback(asyncio.to_thread, inference.stop)
        hubs = []
        for number, choice in enumerate(cameras):
            camera = ServerCamera(inference, source, feed_opener(choice.source, options, live), sinks[number])
            hubs.append(ViewerHub(str(number), choice.name, camera, always_on=bool(sinks[number])))
            opened.push_async_callback(asyncio.to_thread, camera.close)
        limits = UploadLimits(bytes=live.service.max_upload)
        uploads = await opened.enter_async_context(open_uploads(options.model, source.temporal, limits))
        recordings = opened.enter_context(open_recordings())
        sockets = Sockets(inference, Cameras(hubs, recordings), settings)
        endpoints = Endpoints(inference, sockets, uploads, Metrics(inference, sockets.cameras, uploads))
        for hub in hubs:
            inference.add(hub.camera)  # after the metrics, which count from the first frame
        routes = Routes(inference, access, uploads, sockets, endpoints, "" if hubs else _NO_CAMERA)
        runner = await _open_runner(opened, routes)
        site = LimitedSite(runner, listener, ConnectionLimits(live.service.max_connections), tls)
        endpoints.metrics.site = site
        await site.start()
        await opened.enter_async_context(_in_background(log_cameras(hubs, console), feed_watchdog(endpoints)))
        signals = _signals()
        # A log keeps no secret that its reader has.
        known = live.token is not None and (console.log == "json" or not sys.stdout.isatty())
        _print_addresses(console, host, listener.getsockname()[1], access, show_token=not known)
        return await until_stopped(endpoints, signals, live.service.drain, console)


async def _open_runner(opened: AsyncExitStack, routes: Routes) -> web.AppRunner:
    """Open what answers requests."""
    runner = web.AppRunner(
        routes.app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=_IDLE_SECONDS, auto_decompress=False,
    )  # fmt: skip
    await runner.setup()
    opened.push_async_callback(runner.cleanup)
    return runner


def _signals() -> asyncio.Queue[int]:
    """The signals that ask the server to stop, from now on."""
    came: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows, where Ctrl-C cancels the loop
            asyncio.get_running_loop().add_signal_handler(number, came.put_nowait, number)
    return came


@asynccontextmanager
async def _in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do work beside the block, until its end."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _open_sinks(
    opened: AsyncExitStack, options: RunOptions, live: LiveOptions, console: Console, choice: CameraChoice
) -> list[FrameSink]:
    """Open what takes all frames of a camera, whether anybody watches or not."""
    several = len(live.webcam) > 1
    sinks: list[FrameSink] = [opened.enter_context(VirtualCamera())] if live.virtual_camera else []
    recorder = open_recorder(options, live, console, choice.name if several else "")
    if recorder is not None:
        opened.callback(finish_recording, recorder, console)
        sinks.append(recorder)
    if live.service.rtsp_out is not None:
        url = live.service.rtsp_out.rstrip("/") + (f"/{file_name(choice.name)}" if several else "")
        output = StreamOutput(url, options.video.encoder, partial(log_output, console, choice.name))
        opened.push_async_callback(asyncio.to_thread, output.close)
        sinks.append(output)
    return sinks


def _tls(host: str, live: LiveOptions, console: Console) -> ssl.SSLContext | None:
    """The context of the page's certificate; None without one."""
    if live.https:
        own = own_certificate(host, live.allow_host)
        console.result(f"certificate: SHA-256 {own.fingerprint}")
        console.note("browsers warn of it once, since nobody has signed it: compare the fingerprint there, then go on")
        return context_of(own.path, own.path)
    return context_of(live.cert, live.key) if live.cert is not None and live.key is not None else None


def _bind(host: str, port: int) -> socket.socket:
    """Bind the socket, before anything slow is done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        message = f"cannot serve at {host}:{port} ({error.strerror}); give another address with --serve"
        raise ConfigError(message) from error
    return listener


def _print_addresses(console: Console, host: str, port: int, access: AccessPolicy, *, show_token: bool) -> None:
    """Print the address of the page, also as a QR code when a phone can reach it."""
    scheme = "https" if access.tls else "http"
    name = _own_address(host) if host in _ALL_INTERFACES else host
    path = f"/?token={access.token}" if access.token and show_token else "/"
    url = f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{path}"
    console.result(f"open {url}")
    if not is_loopback(host):
        if sys.stdout.isatty():
            segno.make(url, error="m").terminal(compact=True)
        if not access.tls:
            console.note(
                "browsers allow a camera only on secure pages (https or localhost); "
                "for a phone's own camera give --https, or --cert and --key"
            )
    console.result("Ctrl-C ends it")
    sys.stdout.flush()


def _own_address(host: str) -> str:
    """The address of this machine that others can use."""
    return address_towards(REMOTE[":" in host]) or socket.gethostname()
