"""Runs the page's server until it is told to stop: engine, camera, address, token, signals.

serve(options, live, console)
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import segno
from aiohttp import web

from cgan_runtime.commands.open_model import load_colorizer
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.capture.feeds import is_device
from cgan_runtime.live.server.frame_sources import CameraLane, Colored
from cgan_runtime.live.server.inference_thread import Engine
from cgan_runtime.live.server.routes import Server
from cgan_runtime.live.server.security import Guardian, is_loopback, split_address
from cgan_runtime.live.server.sockets import ServeSettings, Sockets
from cgan_runtime.live.server.uploads import JobSettings, Uploads
from cgan_runtime.live.server.viewers import Hub
from cgan_runtime.live.setup import feed_opener, open_recorder, tell_what_was_recorded
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.options.live import DEFAULT_CAMERA, LiveOptions
from cgan_runtime.options.run import RunOptions

_SHUTDOWN_SECONDS = 0.5  # for answers that are on their way
_IDLE_SECONDS = 20.0  # for a request to come whole, also the first of a connection
_EVERYWHERE = frozenset({"0.0.0.0", "::"})


def serve(options: RunOptions, live: LiveOptions, console: Console) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        CganError: A model, address, certificate or file cannot be used.
        KeyboardInterrupt: It was told to stop by Ctrl-C; all is closed by then.
        SystemExit: Likewise, by SIGTERM.
    """
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # what strangers send is no news
    told = asyncio.run(_serve(options, live, console))
    if told == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + told)


async def _serve(options: RunOptions, live: LiveOptions, console: Console) -> int:
    host, port = split_address(live.serve or "")
    tls = _tls(live.cert, live.key)
    guardian = Guardian.for_address(host, token=live.token, names=live.allow_host, tls=tls is not None)
    temporal = options.video.temporal
    settings = ServeSettings(temporal, max_viewers=live.max_viewers, max_rate=live.max_rate)
    stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as opened:
        door = opened.enter_context(_bound(host, port))
        virtual = opened.enter_context(VirtualCamera()) if live.virtual_camera else None
        recorder = open_recorder(options, live)
        if recorder is not None:
            opened.callback(tell_what_was_recorded, recorder, console)
        engine = Engine(lambda: load_colorizer(options, console))
        await asyncio.to_thread(engine.start)
        console.result(f"back end: {engine.info.backend} on {engine.info.device}")
        opened.push_async_callback(asyncio.to_thread, engine.stop)
        hub = _hub(engine, live, settings, recorder, virtual)
        if hub is not None:
            opened.push_async_callback(asyncio.to_thread, hub.lane.close)
        uploads = await opened.enter_async_context(Uploads(_job_settings(options)))
        server = Server(engine, guardian, uploads, Sockets(engine, hub, settings), settings)
        runner = web.AppRunner(
            server.app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS,
            keepalive_timeout=_IDLE_SECONDS, auto_decompress=False,
        )  # fmt: skip
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        await web.SockSite(runner, door, ssl_context=tls).start()
        _listen_to_signals(stop)
        _tell(console, host, door.getsockname()[1], guardian)
        return await stop


def _hub(
    engine: Engine,
    live: LiveOptions,
    settings: ServeSettings,
    recorder: Recorder | None,
    virtual: VirtualCamera | None,
) -> Hub | None:
    """Those who look at the box's camera; None where there is none."""
    always_on = recorder is not None or virtual is not None
    if live.webcam is None and not always_on and not _is_there(DEFAULT_CAMERA):
        return None
    box: list[Hub] = []

    def deliver(item: Colored | str) -> None:
        for hub in box:
            hub.deliver(item)

    lane = CameraLane(
        feed_opener(live), engine, settings.temporal, settings.max_rate, deliver,
        recorder=recorder, virtual=virtual,
    )  # fmt: skip
    hub = Hub(lane, always_on=always_on)
    box.append(hub)
    engine.add(lane)
    return hub


def _is_there(camera: str) -> bool:
    """Whether a device can be there; where it cannot be told without turning it on, it may."""
    return not (sys.platform == "linux" and is_device(camera)) or Path(f"/dev/video{camera}").exists()


def _job_settings(options: RunOptions) -> JobSettings:
    asked = options.model
    return JobSettings(
        str(asked.model.absolute()) if asked.model else None, asked.backend, asked.threads, asked.size,
        asked.saturation, options.video.temporal.strength, options.video.temporal.every, asked.precision,
    )  # fmt: skip


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if (cert is None) != (key is None):
        raise ConfigError("--cert and --key go together; give both, or neither")
    if cert is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ConfigError(f"{cert} and {key} are no certificate and key in PEM form ({reason})") from error
    return context


def _bound(host: str, port: int) -> socket.socket:
    """The socket that is listened at, taken before anything slow is done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        door = socket.socket(family, kind, protocol)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
    except OSError as error:
        raise ConfigError(
            f"cannot serve at {host}:{port} ({error.strerror}); give another address with --serve"
        ) from error
    return door


def _listen_to_signals(stop: asyncio.Future[int]) -> None:
    def told(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows, where Ctrl-C cancels the loop by itself
            asyncio.get_running_loop().add_signal_handler(number, told, number)


def _tell(console: Console, host: str, port: int, guardian: Guardian) -> None:
    """Print where the page is, and as a QR code where a phone may go there."""
    scheme = "https" if guardian.tls else "http"
    path = f"/?token={guardian.token}" if guardian.token else "/"
    names = _own_addresses(host) if host in _EVERYWHERE else [host]
    urls = [f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{path}" for name in names]
    for url in urls:
        console.result(f"open {url}")
    if not is_loopback(host):
        if sys.stdout.isatty():
            segno.make(urls[0], error="m").terminal(compact=True)
        if not guardian.tls:
            console.note(
                "browsers give their camera to secure pages only, https or localhost: "
                "for a phone's own camera give --cert and --key"
            )
    console.result("Ctrl-C ends it")
    sys.stdout.flush()


def _own_addresses(host: str) -> list[str]:
    """Addresses by which others may find this machine, the one that leads out first."""
    family, away = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:  # nothing is sent: it only asks for the way
        try:
            probe.connect((away, 9))
            return [str(probe.getsockname()[0])]
        except OSError:
            return [socket.gethostname()]
