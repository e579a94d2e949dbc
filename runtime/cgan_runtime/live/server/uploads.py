"""Photos and short videos dropped on the page: looked at, colored in a process of their own, kept a while.

    async with Uploads(settings, limits) as uploads:
        job = await uploads.take(stream, length, strength)      # refused before it is decoded, or queued
        uploads.find(job.id).state

Decoding and coloring happen in a child process (job.py) with bounds on memory, time and disk. Whatever
a file does to a decoder, the child alone is hit.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cgan_runtime.errors import MediaError
from cgan_runtime.live.server.file_types import HEAD_BYTES, Kind, kind_of

State = Literal["queued", "working", "ready", "failed"]
_KILL_SECONDS = 1.0


@dataclass(frozen=True)
class JobSettings:
    """How a job colors; as the live image."""

    model: str | None = None
    backend: str = "auto"
    threads: int | None = None
    size: int | None = None
    saturation: float = 1.0
    temporal: str = "high"
    every: int = 1
    precision: str = "auto"


@dataclass(frozen=True)
class UploadLimits:
    """What is taken.

    Attributes:
        bytes: Of a file.
        image_pixels: Of a photo; phones have up to 50 million.
        video_pixels: Of each frame of a video.
        video_seconds: Of a video.
        arrive_seconds: Until a file has come.
        silent_seconds: From a piece of it to the next.
        job_seconds: Until a job is ended.
        job_memory: Bytes of data that a job may have; less on a machine that has less.
        waiting: Jobs that may wait.
        kept: Results that are kept, the newest.
        kept_seconds: How long.
    """

    bytes: int = 256_000_000
    image_pixels: int = 50_000_000
    video_pixels: int = 3840 * 2160
    video_seconds: float = 120.0
    arrive_seconds: float = 600.0
    silent_seconds: float = 20.0
    job_seconds: float = 1800.0
    job_memory: int = 6 << 30
    waiting: int = 4
    kept: int = 8
    kept_seconds: float = 900.0


class Refused(Exception):
    """A file is not taken, with the HTTP status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Job:
    """One file and what becomes of it.

    Attributes:
        id: A name that cannot be guessed: who has it may see the result.
        kind: Of the file.
        strength: Of the color.
        source: The file as it came.
        result: The colored one.
        state: Where it stands.
        done: Frames that are colored.
        total: Frames in all; None while that is not known.
        error: Why it failed.
        finished: When, by the monotonic clock.
    """

    id: str
    kind: Kind
    strength: float
    source: Path
    result: Path
    state: State = "queued"
    done: int = 0
    total: int | None = None
    error: str | None = None
    finished: float | None = None
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    def told(self, ahead: int) -> dict[str, Any]:
        """For the page."""
        return {
            "id": self.id, "state": self.state, "done": self.done, "total": self.total, "error": self.error,
            "video": self.kind.video, "type": self.result_type, "ahead": ahead, "strength": self.strength,
        }  # fmt: skip

    @property
    def result_type(self) -> str:
        """MIME type of the result."""
        return "video/mp4" if self.kind.video else f"image/{self.kind.name}"


class Uploads:
    """All jobs. Lives in the event loop; one job runs at a time, behind the live images."""

    def __init__(self, settings: JobSettings, limits: UploadLimits | None = None) -> None:
        self.limits = limits or UploadLimits()
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._arriving = 0

    async def __aenter__(self) -> Uploads:
        self._folder = tempfile.TemporaryDirectory(prefix="cgan-live-", ignore_cleanup_errors=True)
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        if self._folder is not None:
            self._folder.cleanup()

    async def take(self, stream: AsyncIterator[bytes], length: int | None, strength: float) -> Job:
        """Keep a file, piece by piece as it comes, and queue it.

        Args:
            stream: Its content.
            length: As the sender states it.
            strength: Of the color.

        Raises:
            Refused: Too large, no image or video that is taken, or too many wait already.
        """
        self._tidy()
        waiting = sum(job.state in ("queued", "working") for job in self._jobs.values()) + self._arriving
        if waiting > self.limits.waiting:
            raise Refused(503, "too many files are waiting; try again in a minute")
        if length is not None and length > self.limits.bytes:
            raise self._too_large()
        assert self._folder is not None
        name = secrets.token_urlsafe(16)
        source = Path(self._folder.name) / f"{name}.in"
        self._arriving += 1
        try:
            kind = await asyncio.wait_for(self._receive(stream, source), self.limits.arrive_seconds)
        except asyncio.TimeoutError as error:
            source.unlink(missing_ok=True)
            raise Refused(408, "the file came too slowly") from error
        except BaseException:
            source.unlink(missing_ok=True)
            raise
        finally:
            self._arriving -= 1
        source = source.rename(source.with_suffix(kind.suffix))
        result = source.with_name(f"{name}.color{'.mp4' if kind.video else kind.suffix}")
        job = self._jobs[name] = Job(name, kind, strength, source, result)
        self._queue.put_nowait(job)
        return job

    def find(self, name: str) -> Job | None:
        """The job of this name, while it is kept."""
        self._tidy()
        return self._jobs.get(name)

    def ahead(self, job: Job) -> int:
        """Jobs that come before it."""
        jobs = list(self._jobs.values())
        return sum(each.state in ("queued", "working") for each in jobs[: jobs.index(job)])

    async def drop(self, job: Job) -> None:
        """Forget a job; one that runs is ended."""
        self._jobs.pop(job.id, None)
        if job.process is not None and job.process.returncode is None:
            job.process.kill()
        job.state = "failed"
        for path in (job.source, job.result):
            path.unlink(missing_ok=True)

    async def _receive(self, stream: AsyncIterator[bytes], target: Path) -> Kind:
        """Write the content; look at its beginning before the rest is taken."""
        kind: Kind | None = None
        head, size = b"", 0
        with target.open("wb") as file:
            async for piece in _in_time(stream, self.limits.silent_seconds):
                size += len(piece)
                if size > self.limits.bytes:
                    raise self._too_large()
                await asyncio.to_thread(file.write, piece)  # a slow card must not stop live images
                if kind is None and len(head := head + piece) >= HEAD_BYTES:
                    kind = self._accepted(head)
        return kind or self._accepted(head)

    def _accepted(self, head: bytes) -> Kind:
        kind = kind_of(head)
        if kind is None:
            raise Refused(
                415, "no photo or video that is taken here; drop a JPEG, PNG, WebP, MP4, MOV, WebM or MKV"
            )
        if kind.pixels > self.limits.image_pixels:
            most = self.limits.image_pixels // 1_000_000
            raise Refused(
                413, f"the image has {kind.width}x{kind.height} pixels; at most {most} million are taken"
            )
        return kind

    def _too_large(self) -> Refused:
        return Refused(413, f"the file is too large; at most {self.limits.bytes // 1_000_000} MB are taken")

    async def _work(self) -> None:
        while True:
            job = await self._queue.get()
            if job.id in self._jobs:
                try:
                    await self._color(job)
                except (OSError, MediaError) as error:
                    job.state, job.error = "failed", str(error)
                finally:
                    job.finished = time.monotonic()
                    job.source.unlink(missing_ok=True)

    async def _color(self, job: Job) -> None:
        job.state = "working"
        order = {
            "source": str(job.source), "target": str(job.result), "video": job.kind.video,
            "strength": job.strength, "settings": asdict(self._settings), "limits": asdict(self.limits),
        }  # fmt: skip
        job.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cgan_runtime.live.server.upload_job",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.wait_for(self._follow(job, order), self.limits.job_seconds)
        except asyncio.TimeoutError:
            job.error = "it took too long"
        finally:
            if job.process.returncode is None:
                job.process.kill()
            await job.process.wait()
        if job.state == "working":  # nothing was said at the end
            job.state, job.error = "failed", job.error or "the file broke its decoder"

    async def _follow(self, job: Job, order: dict[str, Any]) -> None:
        process = job.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(order).encode())
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            said = json.loads(line)
            if "error" in said:
                job.state, job.error = "failed", said["error"]
            elif "ready" in said:
                job.state = "ready"
            else:
                job.done, job.total = said["done"], said["total"]

    def _tidy(self) -> None:
        """Forget results that are old, or more than are kept."""
        now = time.monotonic()
        done = [job for job in self._jobs.values() if job.finished is not None]
        for place, job in enumerate(reversed(done)):
            if place >= self.limits.kept or now - (job.finished or now) > self.limits.kept_seconds:
                self._jobs.pop(job.id, None)
                job.result.unlink(missing_ok=True)


async def _in_time(stream: AsyncIterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    """The pieces of a stream; TimeoutError where one lets wait for too long."""
    while True:
        try:
            yield await asyncio.wait_for(stream.__anext__(), seconds)
        except StopAsyncIteration:
            return
