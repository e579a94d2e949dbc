"""The server under attack: malformed input, decompression bombs, crashing decoders, foreign pages."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import pytest
from tests.runtime.live.conftest import gray_image
from tests.runtime.live.serving import (
    MAX_GROWTH,
    TIMEOUT,
    Server,
    check_alive,
    client,
    jpeg,
    linux,
    outcome,
    serving,
    until,
    upload,
)
from tests.videos import Video, write_video

from cgan_runtime.live.server.uploads import UploadLimits, UploadRejected, open_uploads
from cgan_runtime.options.model import ModelOptions
from cgan_runtime.temporal.settings import TemporalSettings

HUGE_JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00" + bytes(99)
"""States 65535 x 65535 pixels."""


def malformed_message(rng: random.Random) -> bytes | str:
    """A WebSocket message that our page never sends."""
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randbytes(rng.randrange(2000))
    if kind == 1:
        return struct.pack("<I", 1) + jpeg()[: rng.randrange(4, 400)]
    if kind == 2:
        return struct.pack("<I", 1) + HUGE_JPEG
    if kind == 3:
        return "[" * rng.randrange(1, 900)
    if kind == 4:
        return json.dumps({"shown": rng.choice([None, "1", -1, 1e300, 2**80, [], {}])})
    if kind == 5:
        damaged = bytearray(jpeg())
        for _ in range(20):
            damaged[rng.randrange(200, len(damaged))] = rng.randrange(256)
        return struct.pack("<I", 5) + bytes(damaged)
    if kind == 6:
        progressive = cv2.imencode(".jpg", gray_image(0), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
        return struct.pack("<I", 6) + bytes(progressive)
    return "\x00" * rng.randrange(5000)


def malformed_request(rng: random.Random) -> bytes:
    """A request that no browser sends."""
    lines = [
        rng.randbytes(rng.randrange(1, 400)),
        b"GET /" + b"A" * rng.randrange(1, 20_000) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /page.css/../../options.py HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n",
        b"POST /uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /uploads HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /live/view HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * rng.randrange(1, 3000) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n",
        b"GET /uploads/..%2f..%2fx HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    ]
    return rng.choice(lines)


@linux
def test_two_hundred_malformed_requests_and_messages(server: Server) -> None:
    rng = random.Random(8)

    async def send_messages() -> None:
        async with client(server) as session:
            for _ in range(100):
                path = rng.choice(["/live/view", "/live/camera"])
                async with session.ws_connect(path) as ws:
                    message = malformed_message(rng)
                    await (ws.send_bytes(message) if isinstance(message, bytes) else ws.send_str(message))
                    if path == "/live/view":
                        continue
                    await ws.receive(TIMEOUT)  # it is closed, or an error

    def send_requests() -> None:
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as connection:
                connection.sendall(malformed_request(rng))
                connection.settimeout(0.1)
                try:
                    answer = connection.recv(1 << 16)
                except (TimeoutError, ConnectionResetError):
                    continue  # the server waits for the rest
                assert b"root:" not in answer
                assert b"Traceback" not in answer
                if answer.startswith(b"HTTP/1.1 200"):
                    assert b"Content-Security-Policy" in answer

    asyncio.run(send_messages())
    before = server.memory
    send_requests()
    asyncio.run(send_messages())
    asyncio.run(check_alive(server))
    assert server.memory - before < MAX_GROWTH
    assert not any("Traceback" in line for line in server.output)


def png_bomb(side: int) -> bytes:
    """A PNG of side * side black pixels in a few hundred kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@linux
def test_decompression_bombs_are_refused(server: Server, tmp_path: Path) -> None:
    flat = write_video(
        tmp_path / "large.mkv",
        Video(frames=1, width=4096, height=4096, codec="mjpeg", pixel_format="yuvj420p", options={}),
    )
    webp = b"RIFF\xff\xff\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff\x3f\x00" * 2 + bytes(99)

    async def bomb() -> None:
        async with client(server) as session:
            before = server.memory
            for data in (png_bomb(30_000), HUGE_JPEG, HUGE_JPEG.replace(b"\xff\xc0", b"\xff\xc2"), webp):
                status, answer = await upload(session, data)
                assert status == 413
                assert "pixels" in answer["error"]
            status, job = await upload(session, flat.read_bytes())
            assert status == 202
            job = await outcome(session, job)
            assert job["state"] == "failed"
            assert "4096x4096" in job["error"]
            assert server.memory - before < MAX_GROWTH

    asyncio.run(bomb())
    asyncio.run(check_alive(server))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 415),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"PK\x03\x04" + bytes(99), 415),
        (b"%PDF-1.7", 415),
    ],
    ids=["empty", "m3u", "ffconcat", "svg", "gif", "pdf"],
)
def test_other_file_types_are_refused(server: Server, data: bytes, status: int) -> None:
    async def ask() -> int:
        async with client(server) as session:
            return (await upload(session, data))[0]

    assert asyncio.run(ask()) == status


@pytest.mark.parametrize("strength", ["-1", "9", "nan", "inf", "much"])
def test_strength_out_of_range_is_refused(server: Server, strength: str) -> None:
    async def ask() -> int:
        async with client(server) as session:
            return (await upload(session, jpeg(), f"?strength={strength}"))[0]

    assert asyncio.run(ask()) == 400


def test_damaged_files_fail_with_an_error(server: Server, tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mp4").read_bytes()
    files = [video[:200], jpeg()[:60], b"\x1a\x45\xdf\xa3" + bytes(2000), video[:40] + random.Random(8).randbytes(5000)]

    async def ask() -> list[dict[str, Any]]:
        async with client(server) as session:
            outcomes = []
            for data in files:
                status, job = await upload(session, data)
                outcomes.append(await outcome(session, job) if status == 202 else {"state": "failed", "error": "x"})
            return outcomes

    for job in asyncio.run(ask()):
        assert job["state"] == "failed"
        assert job["error"]
        assert "/" not in job["error"]  # no paths
    asyncio.run(check_alive(server))


@linux
def test_crashing_decoder_does_not_crash_the_server(server: Server, tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mp4", Video(frames=60, width=320, height=240)).read_bytes()
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    until(lambda: not children.read_text())  # of the test before

    async def ask() -> dict[str, Any]:
        async with client(server) as session:
            _, job = await upload(session, video)
            while not (pids := children.read_text().split()):
                await asyncio.sleep(0.02)
            subprocess.run(["kill", "-SEGV", pids[0]], check=True)
            return await outcome(session, job)

    job = asyncio.run(ask())
    assert (job["state"], job["error"]) == ("failed", "the decoder crashed")
    asyncio.run(check_alive(server))


def test_foreign_pages_are_refused(server: Server) -> None:
    async def ask() -> list[int]:
        statuses = []
        async with client(server, Host="evil.example") as session, session.get("/") as answer:
            statuses.append(answer.status)  # DNS rebinding
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            async with client(server) as session:
                async with session.post("/uploads", data=jpeg(), headers={"Origin": origin}) as answer:
                    statuses.append(answer.status)
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect("/live/camera", headers={"Origin": origin})
                statuses.append(refused.value.status)
        async with aiohttp.ClientSession(server.origin) as session:  # no Origin at all
            async with session.post("/uploads", data=jpeg()) as answer:
                statuses.append(answer.status)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect("/live/view")
            statuses.append(refused.value.status)
        return statuses

    assert asyncio.run(ask()) == [421] + [403, 403] * 3 + [403, 403]
    asyncio.run(check_alive(server))


def test_only_files_of_the_page_are_served_with_security_headers(server: Server) -> None:
    async def ask() -> dict[str, tuple[int, str]]:
        found = {}
        async with client(server) as session:
            for path in ("/", "/page.css", "/main.js", "/server.py", "/page/", "/.", "/static/", "/uploads"):
                async with session.get(path) as answer:
                    found[path] = answer.status, answer.content_type
                    for header in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
                        assert header in answer.headers, path
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"
                    assert "aiohttp" not in answer.headers["Server"]
        return found

    found = asyncio.run(ask())
    assert found["/"] == (200, "text/html")
    assert found["/page.css"] == (200, "text/css")
    assert found["/main.js"] == (200, "text/javascript")
    assert {found[path][0] for path in ("/server.py", "/page/", "/static/")} == {404}
    assert found["/uploads"][0] == 405


def test_other_addresses_need_the_token(video: Path) -> None:
    with serving("--webcam", video, address="0.0.0.0:0") as server:
        assert server.token is not None
        assert len(server.token) >= 24
        assert any("--cert and --key" in line for line in server.output)
        own = f"http://127.0.0.1:{server.port}"

        async def ask() -> list[int]:
            statuses = []
            async with aiohttp.ClientSession(
                own, headers={"Origin": own}, cookie_jar=aiohttp.CookieJar(unsafe=True)
            ) as session:
                for query in ("", "?token=", "?token=wrong", f"?token={server.token[:-1]}x", "?token=%00%ff"):
                    async with session.get(f"/{query}") as answer:
                        statuses.append(answer.status)
                async with session.post("/uploads", data=jpeg()) as answer:
                    statuses.append(answer.status)
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect("/live/camera")
                statuses.append(refused.value.status)
                async with session.get(f"/?token={server.token}") as answer:
                    statuses.append(answer.status)
                    assert "token" not in str(answer.url)
                async with session.get("/about") as answer:
                    statuses.append(answer.status)
                async with session.get("/", headers={"Host": "evil.example"}) as answer:
                    statuses.append(answer.status)
            return statuses

        assert asyncio.run(ask()) == [401] * 7 + [200, 200, 421]


SHORT_TIMEOUT = (
    "from cgan_runtime.live.server import serve; serve._IDLE_SECONDS = 1; import cgan_runtime.cli as c; c.main()"
)


def test_silent_and_slow_connections_are_closed(video: Path) -> None:
    half = b"GET / HTTP/1.1\r\nHost: localhost\r\n"

    async def hold(server: Server, first: bytes, dribble: bytes) -> bytes:
        """Keep a connection open and return the answers until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(first)
        reading = asyncio.create_task(reader.read())
        with suppress(ConnectionError):
            while not reading.done():
                writer.write(dribble)
                await asyncio.sleep(0.1)
        writer.close()
        return await asyncio.wait_for(reading, TIMEOUT)

    async def hold_many(server: Server) -> list[bytes]:
        many = [(b"", b""), (half, b""), (half, b"X"), (half + b"\r\n", b""), (half + b"\r\nGET", b" ")] * 10
        return await asyncio.gather(*(hold(server, *each) for each in many))

    with serving("--webcam", video, program=(sys.executable, "-c", SHORT_TIMEOUT)) as server:
        answers = asyncio.run(hold_many(server))
        asyncio.run(check_alive(server))
    assert [answer[:15] for answer in answers[:5]] == [b"", b"", b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK"]


def test_stalled_upload_is_given_up(tmp_path: Path) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield jpeg()
        await asyncio.sleep(TIMEOUT)

    async def send() -> None:
        limits = UploadLimits(silent_seconds=0.05, waiting=0)
        async with open_uploads(ModelOptions(), TemporalSettings(), limits) as uploads:
            for _ in range(3):  # without blocking the queue
                with pytest.raises(UploadRejected, match="too slowly"):
                    await uploads.receive(stalled(), None, 1.0)

    asyncio.run(send())
