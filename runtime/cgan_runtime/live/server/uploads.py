"""Photos and short videos sent by the page: checked, colored in a process of their own, kept for a while.

    async with open_uploads(ModelOptions(), TemporalSettings()) as uploads:
        upload = await uploads.receive(stream, length, strength)   # queued, or UploadRejected
        uploads.find(upload.id).state

A child process (upload_job.py) with limits on memory, time and disk decodes and colors, so that a malicious
file harms nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cgan_runtime.files.temporary import swept_folder
from cgan_runtime.live.server.file_types import HEAD_BYTES, KINDS, FileType, detect_file_type
from cgan_runtime.options.model import ModelOptions
from cgan_runtime.temporal.settings import TemporalSettings

State = Literal["queued", "working", "ready", "failed", "deleted"]
_UNFINISHED = ("queued", "working")
_MANY = "too many files are waiting; try again in a minute"


@dataclass(frozen=True)
class UploadLimits:
    """What is accepted."""

    bytes: int = 256_000_000  # size of a file
    image_pixels: int = 50_000_000  # of a photo; phones have up to this
    video_pixels: int = 3840 * 2160  # of a video's frame
    video_seconds: float = 120.0  # duration of a video
    receive_seconds: float = 600.0  # until a file has arrived
    silent_seconds: float = 20.0  # between two chunks of it
    job_seconds: float = 1800.0  # of coloring
    job_memory: int = 6 << 30  # bytes, for coloring; less on a small machine
    waiting: int = 4  # files that may wait
    kept: int = 8  # results that are kept, the newest
    kept_seconds: float = 900.0  # how long they are kept


class UploadRejected(Exception):
    """A file is not accepted; `status` is the HTTP status for it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Upload:
    """One file and its progress."""

    id: str  # cannot be guessed; whoever knows it may see the result
    type: FileType
    strength: float
    source: Path  # the file as received, kept to be colored again with hints
    result: Path  # the colored file
    state: State = "queued"
    done: int = 0  # frames colored so far
    total: int | None = None  # frames in all; None while unknown
    error: str | None = None  # why it failed
    damage: str | None = None  # what of it could not be read, for people; None if nothing is known
    notes: list[str] = field(default_factory=list)  # what else differs from the file as sent, one sentence each
    finished: float | None = None  # when it was colored or failed, seconds of the monotonic clock
    fetched: bool = False  # whether the page has the result, or knows that there is none
    hints: list[dict[str, Any]] = field(default_factory=list)  # colors that a person placed, as in a file of hints
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def view(self) -> Path:
        """A photo as the page and the network see it; there once it is colored, if the model takes hints."""
        return self.result.with_suffix(".view")

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is kept of it."""
        return self.source, self.result, self.view

    @property
    def result_type(self) -> str:
        """MIME type of the result."""
        return "video/mp4" if self.type.video else f"image/{self.type.name}"


@asynccontextmanager
async def open_uploads(
    model: ModelOptions, temporal: TemporalSettings, limits: UploadLimits | None = None
) -> AsyncIterator[Uploads]:
    """Accept uploads for the duration of the block; their files are deleted at its end."""
    path = model.model and str(model.model.absolute())
    settings = {"model": asdict(model) | {"model": path}, "temporal": asdict(temporal)}
    with swept_folder() as folder:
        uploads = Uploads(folder, settings, limits or UploadLimits())
        worker = asyncio.create_task(uploads.work())
        try:
            yield uploads
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


class Uploads:
    """All uploads, in the event loop. One file is colored at a time, with lower priority than cameras."""

    def __init__(self, folder: Path, settings: dict[str, Any], limits: UploadLimits) -> None:
        self.limits = limits
        self.outcomes = dict.fromkeys(("ready", "failed", "deleted"), 0)  # how so many files ended so far
        self.closed = False  # whether no more files are taken, since the server is about to stop
        self._folder, self._settings = folder, settings
        self._uploads: dict[str, Upload] = {}
        self._queue: asyncio.Queue[Upload] = asyncio.Queue()
        self._receiving = 0

    async def receive(self, stream: AsyncIterator[bytes], length: int | None, strength: float) -> Upload:
        """Store a file chunk by chunk and queue it; `length` is what the sender states, in bytes.

        UploadRejected is raised for a file that is too large, slow or of no accepted type, or too many files.
        """
        self._delete_old()
        if self.closed:
            raise UploadRejected(503, "the server is about to stop; try again in a minute")
        if self.waiting > self.limits.waiting:
            raise UploadRejected(503, _MANY)
        if length is not None and length > self.limits.bytes:
            raise self._too_large()
        name = secrets.token_urlsafe(16)
        source = self._folder / f"{name}.in"
        self._receiving += 1
        try:
            file_type = await asyncio.wait_for(self._store(stream, source), self.limits.receive_seconds)
        except BaseException as error:
            source.unlink(missing_ok=True)
            if isinstance(error, asyncio.TimeoutError):
                raise UploadRejected(408, "the file came too slowly") from error
            raise
        finally:
            self._receiving -= 1
        source = source.rename(source.with_suffix(file_type.suffix))
        result = source.with_name(f"{name}.color{'.mp4' if file_type.video else file_type.suffix}")
        upload = self._uploads[name] = Upload(name, file_type, strength, source, result)
        self._queue.put_nowait(upload)
        return upload

    @property
    def waiting(self) -> int:
        """Files that arrive, wait or are being colored."""
        return sum(upload.state in _UNFINISHED for upload in self._uploads.values()) + self._receiving

    @property
    def in_work(self) -> bool:
        """Whether somebody still waits for a file: it is not colored, or its page does not know how that ended."""
        return self.waiting > 0 or any(not upload.fetched for upload in self._uploads.values())

    def find(self, name: str) -> Upload | None:
        """The upload with this id, while it is kept."""
        self._delete_old()
        return self._uploads.get(name)

    def status(self, upload: Upload) -> dict[str, Any]:
        """The status for the page; "ahead" is the number of files before it in the queue."""
        uploads = list(self._uploads.values())
        ahead = sum(each.state in _UNFINISHED for each in uploads[: uploads.index(upload)])
        return {
            "id": upload.id, "state": upload.state, "done": upload.done, "total": upload.total,
            "error": upload.error, "damage": upload.damage, "notes": upload.notes, "ahead": ahead,
            "video": upload.type.video, "type": upload.result_type,
        }  # fmt: skip

    def color_again(self, upload: Upload, hints: list[dict[str, Any]]) -> None:
        """Queue a file that was colored once more, with hints; UploadRejected while it is being colored."""
        if upload.state in _UNFINISHED:
            raise UploadRejected(409, "the file is being colored already")
        if sum(each.state in _UNFINISHED for each in self._uploads.values()) > self.limits.waiting:
            raise UploadRejected(503, _MANY)
        upload.hints, upload.state, upload.error, upload.finished = hints, "queued", None, None
        upload.done, upload.total, upload.fetched = 0, None, False
        self._uploads[upload.id] = self._uploads.pop(upload.id)  # it is the last in the queue
        self._queue.put_nowait(upload)

    def delete(self, upload: Upload) -> None:
        """Delete an upload; one in progress is stopped."""
        self._uploads.pop(upload.id, None)
        if upload.process is not None:
            kill(upload.process)
        if upload.state in _UNFINISHED:
            upload.state = "deleted"
        _remove(upload)

    async def _store(self, stream: AsyncIterator[bytes], target: Path) -> FileType:
        """Write the content; check the type as soon as its first bytes are there."""
        file_type: FileType | None = None
        head, size = b"", 0
        with target.open("wb") as file:
            async for chunk in _with_timeout(stream, self.limits.silent_seconds):
                size += len(chunk)
                if size > self.limits.bytes:
                    raise self._too_large()
                await asyncio.to_thread(file.write, chunk)  # a slow disk must not block live video
                if file_type is None and len(head := head + chunk) >= HEAD_BYTES:
                    file_type = self._check_type(head)
        return file_type or self._check_type(head)

    def _check_type(self, head: bytes) -> FileType:
        found = detect_file_type(head)
        if found is None:
            raise UploadRejected(415, f"this type of file cannot be read here; choose a {KINDS}")
        if found.pixels > self.limits.image_pixels:
            size, limit = f"{found.width}x{found.height}", self.limits.image_pixels // 1_000_000
            raise UploadRejected(413, f"the image has {size} pixels; the limit is {limit} million")
        return found

    def _too_large(self) -> UploadRejected:
        limit = self.limits.bytes // 1_000_000
        return UploadRejected(413, f"the file is too large; the limit is {limit} MB")

    async def work(self) -> None:
        """Color the queued files until this task is canceled."""
        while True:
            upload = await self._queue.get()
            try:
                if upload.state == "queued":
                    await self._color(upload)
            except OSError as error:
                upload.state, upload.error = "failed", str(error)
            finally:
                upload.finished = time.monotonic()
                self.outcomes[upload.state if upload.state in self.outcomes else "failed"] += 1

    async def _color(self, upload: Upload) -> None:
        """Run the child process."""
        upload.state = "working"
        order = self._settings | {
            "source": str(upload.source), "target": str(upload.result), "video": upload.type.video,
            "strength": upload.strength, "limits": asdict(self.limits), "hints": upload.hints,
            "view": str(upload.view),
        }  # fmt: skip
        process = upload.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cgan_runtime.live.server.upload_job",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.wait_for(_follow(upload, process, order), self.limits.job_seconds)
        except asyncio.TimeoutError:
            upload.error = "coloring took too long"
        finally:
            kill(process)
            await process.wait()
        if upload.state == "working":  # it ended without a last message
            upload.state, upload.error = "failed", upload.error or "the decoder crashed"

    def _delete_old(self) -> None:
        """Delete results that are too old or too many."""
        now = time.monotonic()
        done = [upload for upload in self._uploads.values() if upload.finished is not None]
        for place, upload in enumerate(reversed(done)):
            if place >= self.limits.kept or now - (upload.finished or now) > self.limits.kept_seconds:
                self._uploads.pop(upload.id, None)
                _remove(upload)


def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a child process, if it has not ended.

    `Process.kill` looks first whether it has ended, which takes its exit status from asyncio: that would warn of an
    "Unknown child process".
    """
    if process.returncode is None:
        if sys.platform == "win32":
            process.kill()
        else:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _remove(upload: Upload) -> None:
    for path in upload.files:
        path.unlink(missing_ok=True)


async def _follow(upload: Upload, process: asyncio.subprocess.Process, order: dict[str, Any]) -> None:
    """Send the order to the child process and read its messages."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(json.dumps(order).encode())
        await process.stdin.drain()
        process.stdin.close()
    async for line in process.stdout:
        message = json.loads(line)
        if "error" in message:
            upload.state, upload.error = "failed", message["error"]
        elif "ready" in message:
            upload.state, upload.damage, upload.notes = "ready", message["damage"], message["notes"]
        else:
            upload.done, upload.total = message["done"], message["total"]


async def _with_timeout(stream: AsyncIterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    """Yield the chunks of a stream; raise TimeoutError when one takes longer than `seconds`."""
    while True:
        try:
            yield await asyncio.wait_for(stream.__anext__(), seconds)
        except StopAsyncIteration:
            return
