"""Addresses, host names, origins and tokens."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from cgan_runtime.errors import ConfigError
from cgan_runtime.live.server.refusals import refusals
from cgan_runtime.live.server.security import AccessPolicy, is_loopback, split_address


def policy(host: str = "127.0.0.1", *, tls: bool = False, names: tuple[str, ...] = ()) -> AccessPolicy:
    return AccessPolicy.for_address(host, token=None, names=names, tls=tls)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9000", ("::1", 9000)),
        ("box.local", ("box.local", 8000)),
        (":7000", ("127.0.0.1", 7000)),
        ("8123", ("127.0.0.1", 8123)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address", ["", "a b", "::1", "host:port", "host:70000", "70000", "123456", "http://host:1", "[::1"]
)
def test_malformed_addresses(address: str) -> None:
    with pytest.raises(ConfigError, match="is no address"):
        split_address(address)


def test_only_loopback_needs_no_token() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "box")] == [False] * 4
    assert policy().token is None
    assert policy("0.0.0.0").token != policy("0.0.0.0").token
    assert len(policy("box").token or "") >= 24


@pytest.mark.parametrize("token", ["short", "has spaces in it, and more", "ünicode-is-not-for-urls"])
def test_token_that_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="at least 16"):
        AccessPolicy.for_address("0.0.0.0", token=token, names=(), tls=False)


def test_the_variable_with_the_wrong_token_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CGAN_TOKEN", "secret123")
    with pytest.raises(ConfigError, match=r"^CGAN_TOKEN must have at least 16"):
        AccessPolicy.for_address("0.0.0.0", token="secret123", names=(), tls=False)
    with pytest.raises(ConfigError, match=r"^--token must have at least 16"):
        AccessPolicy.for_address("0.0.0.0", token="secret12", names=(), tls=False)


def test_allowed_hosts() -> None:
    local = policy()
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST", "localhost.:80"):
        assert local.allows_host(host), host
    for host in ("evil.example", "192.168.1.2:8000", "localhost.evil.example", "", "[::1", "127.0.0.1.evil.example"):
        assert not local.allows_host(host), host
    outside = policy("0.0.0.0", names=("Box.example",))
    for host in ("192.168.1.2:8000", "[fe80::1]", socket.gethostname(), "box.example:443"):
        assert outside.allows_host(host), host
    assert not outside.allows_host("evil.example")


def test_allowed_origins() -> None:
    assert policy().allows_origin("http://localhost:8000", "localhost:8000")
    assert policy().allows_origin("https://box.example", "box.example")  # a proxy adds TLS
    for origin in (None, "null", "", "http://evil.example", "http://localhost:9", "http://localhost:8000.evil.example"):
        assert not policy().allows_origin(origin, "localhost:8000")
    assert not policy(tls=True).allows_origin("http://localhost:8000", "localhost:8000")


TOKEN = "a-token-of-the-page-1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BASIC = {"Authorization": "Basic " + base64.b64encode(f"any:{TOKEN}".encode()).decode()}
OWN, FOREIGN = {"Origin": "http://localhost:8000"}, {"Origin": "http://evil.example"}


def status_of(headers: dict[str, str], token: str | None = TOKEN) -> int:
    """The status of a request that sends a file; 200 if it is let through."""
    return answer_to("POST", "/uploads", headers, token).status


def answer_to(
    method: str, path: str, headers: dict[str, str] | None = None, token: str | None = TOKEN
) -> web.StreamResponse:
    """The answer to a request; an empty one with 200 if it is let through."""
    access = AccessPolicy.for_address("127.0.0.1", token=token, names=(), tls=False)
    request = make_mocked_request(method, path, headers={"Host": "localhost:8000", **(headers or {})})

    async def through(_request: web.Request) -> web.StreamResponse:
        return web.Response()

    try:
        return asyncio.run(refusals(request, partial(access.middleware, handler=through)))
    except web.HTTPException as page:
        return page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (BEARER, 200),
        (BASIC, 200),
        (BEARER | OWN, 200),
        ({"Authorization": "Bearer not-this-token-at-all"}, 401),
        ({}, 403),
        ({"Authorization": "Digest x"}, 403),
        (BEARER | FOREIGN, 403),
        (BASIC | FOREIGN, 403),  # a form of another page, with a password that the browser knows
        (BASIC | {"Origin": "null"}, 403),
        (BASIC | {"Sec-Fetch-Site": "cross-site"}, 403),
        (BASIC | {"Sec-Fetch-Site": "same-site"}, 403),
        (BASIC | {"Cookie": f"cgan-8000={TOKEN}"}, 403),
        ({"Cookie": f"cgan-8000={TOKEN}"}, 403),
        (OWN | {"Cookie": f"cgan-8000={TOKEN}"}, 200),
    ],
)
def test_a_program_with_the_token_needs_no_origin(headers: dict[str, str], status: int) -> None:
    assert status_of(headers) == status


def test_without_a_token_the_origin_is_needed() -> None:
    assert status_of(BEARER, token=None) == 403
    assert status_of(OWN, token=None) == 200


def test_the_page_that_asks_for_the_token_has_its_look_without_it() -> None:
    asked = answer_to("GET", "/", {"Accept": "text/html,*/*"})
    assert isinstance(asked, web.Response)
    assert asked.status == 401
    assert asked.content_type == "text/html"
    look = set(re.findall(r'(?:href|src)="([^"]+)"', asked.text or ""))
    assert {path.rpartition(".")[2] for path in look} == {"css", "svg"}
    assert {answer_to("GET", path).status for path in look} == {200}
    for path in ("/main.js", "/about", "/uploads", "/page.css/", "/cameras/0/stream.mjpg"):
        assert answer_to("GET", path).status == 401, path
    assert answer_to("GET", "/page.css", {"Host": "evil.example"}).status == 421


@pytest.mark.parametrize(
    ("headers", "told"),
    [({}, "a token is needed"), ({"Authorization": "Bearer not-this-token-at-all"}, "this is not the token")],
)
def test_a_program_is_asked_for_the_token_by_json(headers: dict[str, str], told: str) -> None:
    answer = answer_to("GET", "/cameras", headers)
    assert isinstance(answer, web.Response)
    assert answer.status == 401
    assert json.loads(answer.text or "")["error"] == f"{told}; give it as Authorization: Bearer TOKEN"
