"""Starts a server as a user does, and helpers that talk to it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest
from tests.runtime.live.conftest import gray_image
from tests.videos import Video, read_frames, write_video

RUN = Path(sys.executable).with_name("cgan-run")
TIMEOUT = 60.0  # seconds; only a failing test waits so long
HEADER = struct.Struct("<Iff")
MAX_STOP_SECONDS = 15.0  # on a busy machine; test_speed.py has the real limit
MAX_GROWTH = 40_000_000  # bytes of memory that a load test may add: buffers, not leaks
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    output: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return re.sub(r"/(\?.*)?$", "", self.url)

    @property
    def token(self) -> str | None:
        found = re.search(r"token=(.+)$", self.url)
        return found[1] if found else None

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    @property
    def memory(self) -> int:
        """Memory of the server's process in bytes, without its children."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1000  # type: ignore[index]

    def stop(self, number: int = signal.SIGINT) -> float:
        """Stop it by a signal and return the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(TIMEOUT)
        return time.monotonic() - began


@contextmanager
def serving(
    *options: str | Path,
    address: str = "127.0.0.1:0",
    folder: Path | None = None,
    program: Sequence[str | Path] = (RUN,),
) -> Iterator[Server]:
    """Start `cgan-run --serve` and wait until it has printed its address."""
    process = subprocess.Popen(
        [*program, "--serve", address, "--threads", "1", *options], cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.extend(process.stdout), daemon=True)  # type: ignore[arg-type]
    reader.start()
    try:
        until(lambda: process.poll() is not None or any("Ctrl-C" in line for line in output))
        urls = [line.split()[1] for line in output if line.startswith("open ")]
        assert urls, output
        yield Server(process, urls[0], output)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def until(condition: Callable[[], object], interval: float = 0.02) -> None:
    """Wait for a condition; fail after `TIMEOUT`."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(interval)


@asynccontextmanager
async def client(server: Server, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        server.origin, headers={"Origin": server.origin, **headers}, timeout=aiohttp.ClientTimeout(TIMEOUT)
    ) as session:
        yield session


def jpeg(size: tuple[int, int] = (120, 160)) -> bytes:
    return bytes(cv2.imencode(".jpg", gray_image(1, size))[1].tobytes())


async def frame_of(ws: aiohttp.ClientWebSocketResponse) -> tuple[int, float, bytes]:
    """Receive the next frame: number, delay in ms, JPEG."""
    while True:
        message = await ws.receive(TIMEOUT)
        if message.type is aiohttp.WSMsgType.BINARY:
            number, delay, _ = HEADER.unpack_from(message.data)
            return number, delay, message.data[HEADER.size :]
        assert message.type is aiohttp.WSMsgType.TEXT, message


async def check_alive(server: Server) -> None:
    async with client(server) as session, session.get("/about") as answer:
        assert answer.status == 200


def chroma_of(data: bytes) -> float:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return float(np.ptp(image.astype(int), axis=2).mean())


async def upload(session: aiohttp.ClientSession, data: bytes, query: str = "") -> tuple[int, dict[str, Any]]:
    async with session.post(f"/uploads{query}", data=data) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else {}


async def outcome(session: aiohttp.ClientSession, job: dict[str, Any]) -> dict[str, Any]:
    while job["state"] in ("queued", "working"):
        await asyncio.sleep(0.1)
        async with session.get(f"/uploads/{job['id']}") as answer:
            job = await answer.json()
    return job


def stop_under_load(video: Path, folder: Path) -> float:
    """Press Ctrl-C while a server records, has a viewer, and colors a browser's camera and an uploaded video.

    Check that the recording is playable and no process is left, and return the seconds that it took.
    """
    upload_video = write_video(folder / "upload.mp4", Video(frames=60, width=320, height=240)).read_bytes()

    async def stream(own: aiohttp.ClientWebSocketResponse) -> None:
        for number in itertools.count():
            await own.send_bytes(struct.pack("<I", number) + jpeg())
            await frame_of(own)

    async def load_and_stop(server: Server) -> float:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        async with (
            client(server) as session,
            session.ws_connect("/live/view") as ws,
            session.ws_connect("/live/camera") as own,
        ):
            streaming = asyncio.create_task(stream(own))
            _, job = await upload(session, upload_video)
            for _ in range(25):
                shown, _, _ = await frame_of(ws)
                await ws.send_str(json.dumps({"shown": shown}))
            while job["state"] == "queued":
                async with session.get(f"/uploads/{job['id']}") as answer:
                    job = await answer.json()
            assert not streaming.done()
            pids = children.read_text().split() if children.exists() else []
            seconds = await asyncio.to_thread(server.stop)
            await asyncio.gather(streaming, return_exceptions=True)
            assert not any(Path(f"/proc/{pid}/stat").exists() for pid in pids)
            return seconds

    recording = folder / "out.mp4"
    with serving("--webcam", video, "--record", recording) as server:
        seconds = asyncio.run(load_and_stop(server))
        assert server.process.returncode == 128 + signal.SIGINT
    assert any("frames recorded" in line for line in server.output)
    assert len(read_frames(recording)) >= 20
    return seconds
