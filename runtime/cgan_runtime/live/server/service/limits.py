"""Accepts the server's connections: so many at once, and so many TLS handshakes that are not finished.

    site = LimitedSite(runner, listener, ConnectionLimits(), tls)
    await site.start()
    site.connections, site.handshakes, site.refused

Without limits, anybody in the network could open connections until the process has no descriptors left, or begin
handshakes and never end them.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

_BACKLOG = 128  # connections that the system may hold back until they are accepted
_PAUSE_SECONDS = 0.1  # after the system has refused to accept one, as without free descriptors


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections the server has at most."""

    connections: int = 256  # in all
    handshakes: int = 32  # TLS handshakes that are not finished; beyond, the oldest of them is given up
    handshake_seconds: float = 10.0  # that one may take


class LimitedSite(web.BaseSite):
    """One address of a server.

    A connection above the limit is closed at once. A handshake above its limit ends the oldest one, so that who
    begins many of them shuts out nobody who ends theirs.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        listener: socket.socket,
        limits: ConnectionLimits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Take a bound socket; `start` listens."""
        super().__init__(runner)
        self.refused = {"connections": 0, "handshakes": 0}  # by the limit that they met
        self._listener, self._limits, self._tls = listener, limits, tls
        self._beginning: dict[asyncio.Task[None], None] = {}  # connections without a request handler yet, oldest first
        self._accepting: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Where it listens."""
        return str(self._listener.getsockname())

    @property
    def connections(self) -> int:
        """Connections that are open, with those in a handshake."""
        server = self._runner.server
        return len(self._beginning) + (len(server.connections) if server is not None else 0)

    @property
    def handshakes(self) -> int:
        """TLS handshakes that are not finished."""
        return len(self._beginning) if self._tls is not None else 0

    async def start(self) -> None:
        """Listen, and accept from now on."""
        await super().start()
        self._listener.setblocking(False)
        self._listener.listen(_BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Accept no more; connections that have a request handler stay."""
        await super().stop()
        tasks = [*self._beginning, *([self._accepting] if self._accepting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if self.connections >= self._limits.connections:
                self.refused["connections"] += 1
                connection.close()
                continue
            if self.handshakes >= self._limits.handshakes:
                self.refused["handshakes"] += 1
                next(iter(self._beginning)).cancel()
            task = loop.create_task(self._begin(connection))
            self._beginning[task] = None
            task.add_done_callback(self._beginning.pop)

    async def _begin(self, connection: socket.socket) -> None:
        """Hand a connection to aiohttp, after its handshake."""
        server = self._runner.server
        assert server is not None
        seconds = self._limits.handshake_seconds if self._tls is not None else None
        with suppress(OSError, ssl.SSLError, asyncio.TimeoutError):  # the handshake failed: asyncio has closed it
            await asyncio.get_running_loop().connect_accepted_socket(
                server, connection, ssl=self._tls, ssl_handshake_timeout=seconds
            )
