"""Who may use the page: its own address, its own origin, and where others can reach it, a token.

    guardian = Guardian.for_address("0.0.0.0", token=None, names=(), tls=True)
    app = web.Application(middlewares=[guardian.middleware])

- A page of another site must not reach this server through a browser of somebody who may: the name in the
  Host header must be one of ours (DNS rebinding), and what changes something, or opens a WebSocket, must come
  from a page of ours (Origin).
- Where the server can be reached from other machines, a token is asked for. It comes once in the address,
  and stays in a cookie that scripts cannot read.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from cgan_runtime.errors import ConfigError

TOKEN_BYTES = 18  # 144 bits
LEAST_TOKEN = 16  # characters of one that is given
_COOKIE_SECONDS = 12 * 3600
_LOCAL_NAMES = frozenset({"localhost"})
_READING = frozenset({"GET", "HEAD"})
_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")


HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "cgan",
}

NO_ENTRY = """<!doctype html><html lang="en"><meta charset="utf-8"><title>cgan</title>
<p>This page needs the address that <code>cgan-run --serve</code> has printed, token included.</p></html>
"""


@dataclass(frozen=True)
class Guardian:
    """What is let through.

    Attributes:
        token: Asked for; None where this machine alone can reach the server.
        names: Host names that are ours, in lower case.
        any_ip: An IP address as host is ours too. It cannot be rebound: only names can.
        tls: The page is served over https.
    """

    token: str | None
    names: frozenset[str]
    any_ip: bool
    tls: bool

    @classmethod
    def for_address(cls, host: str, *, token: str | None, names: tuple[str, ...], tls: bool) -> Guardian:
        """Decide by the address that the server is bound to.

        Args:
            host: A name or an IP address; one that others can reach makes a token necessary.
            token: One that is given; None makes one where it is necessary.
            names: Further names that the page is reached by.
            tls: Over https.

        Raises:
            ConfigError: The token that is given is too short, or has characters that an address cannot hold.
        """
        if token is not None and (len(token) < LEAST_TOKEN or not _TOKEN.fullmatch(token)):
            raise ConfigError(
                f"the token must have at least {LEAST_TOKEN} letters and digits; leave it out and one is made"
            )
        local = is_loopback(host)
        own = {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local", host.lower()}
        known = _LOCAL_NAMES | {name.lower() for name in names} | (set() if local else own)
        if token is None and not local:
            token = secrets.token_urlsafe(TOKEN_BYTES)
        return cls(token, frozenset(known), not local, tls)

    @property
    def middleware(self) -> Middleware:
        """Of an aiohttp application."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (refusal := self._refusal(request)) is not None:
                return refusal
            if self.token is not None and "token" in request.query:
                return self._entered(request)
            return await handler(request)

        return guard

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """For `on_response_prepare`: every answer carries the headers, refusals and errors too."""
        response.headers.update(HEADERS)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not self.knows(request.host):
            return web.Response(status=421, text="this server has another name\n")
        origin = request.headers.get("Origin")
        acts = request.method not in _READING or "upgrade" in request.headers.get("Connection", "").lower()
        if (acts or origin is not None) and not self.is_own(origin, request.host):
            return web.Response(status=403, text="this comes from a page that is not ours\n")
        if self.token is not None and not self._has_token(request):
            return web.Response(status=401, text=NO_ENTRY, content_type="text/html")
        return None

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server, whatever the port: it may be forwarded."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name.rstrip(".") in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.any_ip or address.is_loopback

    def is_own(self, origin: str | None, host: str) -> bool:
        """Whether an Origin header is that of a page which was loaded from `host`.

        Without TLS of our own, somebody before us may have it.
        """
        own = {f"https://{host}".lower()} | (set() if self.tls else {f"http://{host}".lower()})
        return origin is not None and origin.lower() in own

    def _has_token(self, request: web.Request) -> bool:
        given = request.query.get("token") or request.cookies.get(self._cookie(request), "")
        return hmac.compare_digest(given.encode(), (self.token or "").encode())

    def _entered(self, request: web.Request) -> web.Response:
        """To the page itself, so that the token leaves the address bar; the cookie stays."""
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            self._cookie(request), self.token or "", max_age=_COOKIE_SECONDS, path="/",
            httponly=True, secure=self.tls, samesite="Lax",
        )  # fmt: skip
        return response

    @staticmethod
    def _cookie(request: web.Request) -> str:
        """Its name; browsers do not tell the cookies of two ports apart."""
        return f"cgan-{urlsplit(f'//{request.host}').port or 'page'}"


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host.lower() in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `HOST`, `:PORT`, or `[IPV6]:PORT`.

    Raises:
        ConfigError: It is none of these.
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/\s]*)(?::(\d{1,5}))?", address)
    if not found or not address or int(found[2] or 0) > 65535:
        raise ConfigError(f"{address!r} is no address; give HOST:PORT such as 127.0.0.1:8000 or 0.0.0.0:8000")
    return found[1].strip("[]") or "127.0.0.1", int(found[2] or 8000)
