"""Connections and unfinished TLS handshakes have limits, and who connects properly is let in."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cgan_runtime.live.server.service.limits import ConnectionLimits, LimitedSite

TIMEOUT = aiohttp.ClientTimeout(30)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem and key.pem for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", "key.pem", "-out", "cert.pem", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        cwd=folder, capture_output=True, check=True,
    )  # fmt: skip
    return folder


@asynccontextmanager
async def site(limits: ConnectionLimits, certificate: Path | None = None) -> AsyncIterator[tuple[LimitedSite, int]]:
    """A site with one page, and its port."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    app = web.Application()
    app.router.add_get("/", _hello)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = LimitedSite(runner, listener, limits, tls)
        await made.start()
        try:
            yield made, listener.getsockname()[1]
        finally:
            await runner.cleanup()


async def _hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def ask(port: int, certificate: Path | None = None) -> str:
    trust = ssl.create_default_context(cafile=certificate / "cert.pem") if certificate else True
    scheme = "https" if certificate else "http"
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT) as session,
        session.get(f"{scheme}://localhost:{port}/", ssl=trust) as answer,
    ):
        return await answer.text()


async def met(condition: object) -> None:
    """Wait until a condition holds."""
    assert callable(condition)
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition was never met")


def test_connections_above_the_limit_are_closed_and_others_served() -> None:
    async def crowd() -> None:
        async with site(ConnectionLimits(connections=3)) as (served, port):
            kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            await met(lambda: served.connections == 3)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""  # closed at once
            writer.close()
            assert served.refused == {"connections": 1, "handshakes": 0}
            kept.pop()[1].close()
            await met(lambda: served.connections == 2)
            assert await ask(port) == "hello"
            for _, left in kept:
                left.close()

    asyncio.run(crowd())


def test_who_begins_handshakes_and_never_ends_them_shuts_nobody_out(certificate: Path) -> None:
    async def attack() -> None:
        async with site(ConnectionLimits(handshakes=4), certificate) as (served, port):
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
            await met(lambda: served.refused["handshakes"] == 16)
            assert served.handshakes == 4
            assert await ask(port, certificate) == "hello"
            for reader, _ in silent[:16]:
                assert await reader.read() == b""  # the oldest were given up
            await met(lambda: served.connections <= 4)
            for _, writer in silent:
                writer.close()

    asyncio.run(attack())


def test_a_handshake_that_takes_too_long_is_given_up(certificate: Path) -> None:
    async def wait() -> None:
        async with site(ConnectionLimits(handshake_seconds=0.1), certificate) as (served, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            await met(lambda: served.connections == 0)
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"this is no handshake\n")
            await reader.read()
            await met(lambda: served.connections == 0)
            writer.close()

    asyncio.run(wait())


def test_the_end_waits_for_no_handshake(certificate: Path) -> None:
    async def leave() -> None:
        async with site(ConnectionLimits(), certificate) as (served, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await met(lambda: served.handshakes == 1)
        assert served.handshakes == 0
        writer.close()

    asyncio.run(leave())
