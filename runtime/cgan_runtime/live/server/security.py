"""Decides who may use the page: by host name, origin and, when other machines can reach it, a token.

    access = AccessPolicy.for_address("0.0.0.0", token=None, names=(), tls=True)
    app = web.Application(middlewares=[access.middleware])

Another web site must not reach this server through a user's browser. So the Host header must be one of our
names (against DNS rebinding), and a request that changes something or opens a WebSocket must come from our
page (Origin header). The page's address contains the token once; then a cookie keeps it, hidden from scripts.
Programs give it with each request: `Authorization: Bearer TOKEN`, or as the password of Basic. They may leave Origin
out: browsers never do, whatever passwords they know. /healthz is open, and so is the look of the page that asks for it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from cgan_runtime.errors import ConfigError
from cgan_runtime.options.service import MIN_TOKEN

TOKEN_BYTES = 18  # 144 bits
_COOKIE_SECONDS = 12 * 3600
_LOCAL_NAMES = frozenset({"localhost"})
_METRICS = "/metrics"
_OF_BROWSERS = ("Origin", "Sec-Fetch-Site", "Cookie")  # headers that no program needs to send
_OPEN = frozenset({"/healthz", "/icon.svg", "/page.css", "/token.css"})  # tell nothing to who can connect
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "cgan",
}

TOKEN_REQUIRED = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>cgan live</title>
  <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
  <meta name="color-scheme" content="light dark">
  <meta name="theme-color" content="#f6f5f2" media="(prefers-color-scheme: light)">
  <meta name="theme-color" content="#14151a" media="(prefers-color-scheme: dark)">
  <link rel="icon" href="/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/page.css">
  <link rel="stylesheet" href="/token.css">
</head>
<body>
  <form action="/" method="get">
    <h1><img src="/icon.svg" alt="" width="26" height="26"><span>cgan <small>live</small></span></h1>
    <p id="reason">{reason}</p>
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" aria-describedby="reason" required
      autofocus>
    <button class="primary">Open</button>
  </form>
</body>
</html>
"""
_ASKED = "Open this page with the address that <code>cgan-run --serve</code> has printed, or type the token in it."
_BEARER = "give it as Authorization: Bearer TOKEN"
_FOREIGN = "this request comes from another page"
_NO_ORIGIN = (
    "this request does not say where it comes from; a program gives the token, as Authorization: Bearer TOKEN, or "
    "where there is none this server's own address, as Origin: http://HOST:PORT"
)
_WRONG = "This is not the token. It stands behind <code>token=</code> in the address that was printed last."


@dataclass(frozen=True)
class AccessPolicy:
    """Which requests are allowed."""

    token: str | None  # the required token; None when only this machine can reach the server
    names: frozenset[str]  # our host names in lower case
    any_ip: bool  # whether any IP address is allowed as host; DNS rebinding needs a name
    tls: bool  # whether the page is served over https
    metrics_token: str | None = None  # opens /metrics, and nothing else

    @classmethod
    def for_address(
        cls, host: str, *, token: str | None, names: tuple[str, ...], tls: bool, metrics_token: str | None = None
    ) -> AccessPolicy:
        """Choose the policy for the address that the server is bound to.

        When others can reach `host`, a token is necessary; it is made if `token` is None. `names` are further
        host names of the page. A token that is too short or needs escaping in a URL raises ConfigError.
        """
        for name, variable, given in (
            ("--token", "CGAN_TOKEN", token), ("--metrics-token", "CGAN_METRICS_TOKEN", metrics_token),
        ):  # fmt: skip
            if given is not None and (len(given) < MIN_TOKEN or not _TOKEN.fullmatch(given)):
                source = variable if os.environ.get(variable) == given else name
                raise ConfigError(f"{source} must have at least {MIN_TOKEN} letters and digits, or be left out")
        known = _LOCAL_NAMES | {name.lower() for name in names}
        if is_loopback(host):
            return cls(token, known, False, tls, metrics_token)
        machine = socket.gethostname().lower()
        known |= {machine, f"{machine}.local", host.lower()}
        return cls(token or secrets.token_urlsafe(TOKEN_BYTES), known, True, tls, metrics_token)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check a request. The middleware for an aiohttp application."""
        self._check(request)
        if self.token is not None and "token" in request.query:
            return self._set_cookie(request)
        return await handler(request)

    async def add_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the security headers to every answer, errors included. For `on_response_prepare`."""
        response.headers.update(HEADERS)

    def _check(self, request: web.Request) -> None:
        if not self.allows_host(request.host):
            raise web.HTTPMisdirectedRequest(text="this server has another name")
        origin = request.headers.get("Origin")
        upgrades = "upgrade" in request.headers.get("Connection", "").lower()
        needs_origin = upgrades or request.method not in _SAFE_METHODS or origin is not None
        if needs_origin and not self._is_program(request) and not self.allows_origin(origin, request.host):
            raise web.HTTPForbidden(text=_FOREIGN if origin is not None else _NO_ORIGIN)
        tokens = {self.token, self.metrics_token if request.path == _METRICS else None} - {None}
        if tokens and request.path not in _OPEN and not _has_token(request, tokens):
            raise _unauthorized(request)

    def _is_program(self, request: web.Request) -> bool:
        """Whether a request gives a token, right or wrong, as no page of another site can make a browser do."""
        of_browser = any(name in request.headers for name in _OF_BROWSERS)
        return self.token is not None and bool(_authorization(request)) and not of_browser

    def allows_host(self, host: str) -> bool:
        """Whether a Host header names this server; the port may be forwarded and is not checked."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        address = _ip_address(name)
        return name.rstrip(".") in self.names or bool(address and (self.any_ip or address.is_loopback))

    def allows_origin(self, origin: str | None, host: str) -> bool:
        """Whether an Origin header is that of a page loaded from `host`."""
        # Without our own TLS, a proxy may add it, so https is allowed too.
        own = {f"https://{host}".lower()} | (set() if self.tls else {f"http://{host}".lower()})
        return origin is not None and origin.lower() in own

    def _set_cookie(self, request: web.Request) -> web.Response:
        """Put the token into a cookie and redirect, so that it leaves the address bar."""
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            _cookie_name(request), self.token or "", max_age=_COOKIE_SECONDS, path="/",
            httponly=True, secure=self.tls, samesite="Lax",
        )  # fmt: skip
        return response


def _unauthorized(request: web.Request) -> web.HTTPException:
    """Ask for the token: a person by a page, a program by one sentence."""
    if "text/html" not in request.headers.get("Accept", ""):
        wrong = _authorization(request) or "token" in request.query
        return web.HTTPUnauthorized(text=f"{'this is not the token' if wrong else 'a token is needed'}; {_BEARER}")
    page = TOKEN_REQUIRED.format(reason=_WRONG if "token" in request.query else _ASKED)
    return web.HTTPUnauthorized(text=page, content_type="text/html")


def _has_token(request: web.Request, tokens: Collection[str | None]) -> bool:
    given = _authorization(request) or request.query.get("token") or request.cookies.get(_cookie_name(request), "")
    return any(hmac.compare_digest(given.encode(), token.encode()) for token in tokens if token is not None)


def _authorization(request: web.Request) -> str:
    """The token of an Authorization header; empty if there is none."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
    return ""


def _cookie_name(request: web.Request) -> str:
    """The cookie's name holds the port, since browsers share cookies between ports."""
    return f"cgan-{urlsplit(f'//{request.host}').port or 'page'}"


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    address = _ip_address(host)
    return host.lower() in _LOCAL_NAMES or bool(address and address.is_loopback)


def split_address(address: str) -> tuple[str, int]:
    """Split `HOST:PORT`, `HOST`, `PORT`, `:PORT` or `[IPV6]:PORT` into host and port, or raise ConfigError."""
    text = f":{address}" if address.isdigit() else address
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/\s]*)(?::(\d{1,5}))?", text, re.ASCII)
    if not found or not address or int(found[2] or 0) > 65535:
        raise ConfigError(f"{address!r} is no address; give HOST:PORT such as 127.0.0.1:8000 or 0.0.0.0:8000")
    return found[1].strip("[]") or "127.0.0.1", int(found[2] or 8000)
