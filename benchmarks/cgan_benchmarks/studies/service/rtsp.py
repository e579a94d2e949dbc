"""A small RTSP server and cameras for it, in threads of this process: enough to try a server of cameras.

    with RtspServer() as server:
        with FakeCamera(server.url("front"), rate=25) as camera:
            ...                                     # play server.url("front")
            server.drop("front")                    # everybody who sends or plays it loses the connection
            camera.frames                           # sent so far

What is sent to a path (RFC 2326: ANNOUNCE, SETUP, RECORD) is passed on to those who play it (DESCRIBE, SETUP, PLAY),
over TCP only, RTP interleaved with RTSP. Nobody is asked who they are.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from cgan_runtime.live.sinks.stream_output import StreamOutput
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.write.codecs import EncoderSettings

_STREAM = re.compile(r"/?streamid=\d+$")  # FFmpeg's name of a stream within a path
_MOST_WAITING = 1 << 20  # bytes; who plays too slowly loses packets beyond


@dataclass
class _Path:
    """What is known of one path."""

    sdp: bytes = b""  # of the sender; empty without one
    senders: set[asyncio.StreamWriter] = field(default_factory=set)
    players: set[asyncio.StreamWriter] = field(default_factory=set)


@dataclass
class _Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class RtspServer:
    """Serves at a free port of this machine while its `with` block runs."""

    def __init__(self) -> None:
        self.port = 0  # valid in the block
        self.plays: Counter[str] = Counter()  # how often each path was played
        self._paths: dict[str, _Path] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="rtsp-server", daemon=True)
        self._started = threading.Event()

    def __enter__(self) -> RtspServer:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"rtsp://127.0.0.1:{self.port}/{path}"

    def is_played(self, path: str) -> bool:
        """Whether anybody plays a path now."""
        return bool(self._paths.get(path, _Path()).players)

    def drop(self, path: str) -> None:
        """Close the connections of all who send or play a path."""
        self._loop.call_soon_threadsafe(self._drop, path)

    def _drop(self, path: str) -> None:
        known = self._paths.get(path, _Path())
        for writer in known.senders | known.players:
            writer.transport.abort()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._loop.set_exception_handler(lambda loop, context: None)  # connections end as they like here
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._loop.run_until_complete(_cancel_all())
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        path = _Path()
        try:
            while True:
                first = await reader.readexactly(1)
                if first == b"$":
                    await _pass_on(reader, path, writer)
                    continue
                request = await _read_request(first, reader)
                path = self._paths.setdefault(request.path, _Path())
                self.plays[request.path] += request.method == "PLAY"
                writer.write(_answer(request, path, writer))
        except (EOFError, ConnectionError, ValueError):
            pass
        finally:
            path.players.discard(writer)
            if writer in path.senders:
                path.senders.discard(writer)
                path.sdp = b""
                for player in path.players:
                    player.transport.abort()
            writer.transport.abort()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, path: _Path, sender: asyncio.StreamWriter) -> None:
    """Read one interleaved packet, and give one of a sender to all players."""
    head = await reader.readexactly(3)
    packet = b"$" + head + await reader.readexactly(int.from_bytes(head[1:], "big"))
    if sender in path.senders:
        for player in path.players:
            if player.transport.get_write_buffer_size() < _MOST_WAITING:
                player.write(packet)


async def _read_request(first: bytes, reader: asyncio.StreamReader) -> _Request:
    lines = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, url, _ = lines[0].split()
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path = _STREAM.sub("", urlsplit(url).path.strip("/"))
    return _Request(method, path, headers, body)


def _answer(request: _Request, path: _Path, writer: asyncio.StreamWriter) -> bytes:
    """Do what a request asks, and return the response."""
    status, headers, body = "200 OK", {"CSeq": request.headers.get("cseq", "0"), "Session": "1"}, b""
    if request.method == "OPTIONS":
        headers["Public"] = "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, TEARDOWN, GET_PARAMETER"
    elif request.method == "ANNOUNCE":
        path.sdp = request.body
    elif request.method == "DESCRIBE" and not path.sdp:
        status = "404 Not Found"
    elif request.method == "DESCRIBE":
        body = path.sdp
        headers |= {"Content-Type": "application/sdp", "Content-Base": f"{request.path}/"}
    elif request.method == "SETUP" and "TCP" not in request.headers.get("transport", ""):
        status = "461 Unsupported Transport"
    elif request.method == "SETUP":
        headers["Transport"] = request.headers["transport"]
    elif request.method in ("RECORD", "PLAY"):
        (path.senders if request.method == "RECORD" else path.players).add(writer)
    headers["Content-Length"] = str(len(body))
    return "\r\n".join([f"RTSP/1.0 {status}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]).encode() + body


class FakeCamera:
    """Sends gray moving pictures to an RTSP server, and comes back when it was dropped."""

    def __init__(self, url: str, *, size: tuple[int, int] = (320, 240), rate: int = 25) -> None:
        """Take where to, width and height, and frames/s."""
        self._output = StreamOutput(url, EncoderSettings(preset="ultrafast"))
        self._size, self._rate = size, rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-camera", daemon=True)

    @property
    def frames(self) -> int:
        """Frames sent so far."""
        return self._output.counts.sent

    def __enter__(self) -> FakeCamera:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._output.close()

    def _run(self) -> None:
        began = time.monotonic()
        number = 0
        while not self._stopping.wait(max(0.0, began + number / self._rate - time.monotonic())):
            self._output.write(self._picture(number), number / self._rate)
            number += 1

    def _picture(self, number: int) -> YccFrame:
        width, height = self._size
        luma = np.linspace(40, 200, width, dtype=np.uint8)[None].repeat(height, 0).copy()
        left = number * 5 % width
        luma[height // 4 : height // 2, left : left + width // 8] = 230
        gray = np.full(YccFrame.chroma_shape(luma), 128, np.uint8)
        return YccFrame(luma, gray, gray)
