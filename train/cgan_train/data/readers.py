"""Threads that read photos, which never keep the program from ending: a read from a network may hang for ever.

pool = Readers(2)
job = pool.submit(read, path)
image = wait(job, requested)        # Stuck: it hangs, and the program is to stop
pool.close()
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError
from typing import Any, TypeVar

T = TypeVar("T")

_ASK_SECONDS = 0.2  # between questions whether to go on waiting
_END_SECONDS = 2.0  # for the photos that are being read; the interpreter must not end in the middle of a decoder


class Stuck(Exception):
    """A read takes long, and the program is to stop."""


class Readers:
    """A pool of daemon threads: unlike those of `concurrent.futures`, the interpreter does not wait for them."""

    def __init__(self, threads: int) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name="reader", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Queue a call; its result or error comes with the future."""
        future: Future[T] = Future()
        self._jobs.put((future, lambda: function(*args)))
        return future

    def close(self) -> None:
        """Drop what is queued, and end the threads after what they are doing, except those that hang."""
        while not self._jobs.empty():
            try:
                self._jobs.get_nowait()
            except queue.Empty:  # a thread took it
                break
        for _ in self._threads:
            self._jobs.put(None)
        until = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 (it is for the one who waits)
                future.set_exception(error)
            del job, future, call  # so that an image is freed as soon as it was used


def wait(job: Future[T], requested: Callable[[], bool]) -> T:
    """The result of a job.

    Raises:
        Stuck: `requested` says that the program is to stop, and there is no result yet.
    """
    while True:
        try:
            return job.result(_ASK_SECONDS)
        except TimeoutError:
            if job.done():  # just now, or the error is its own
                return job.result()
            if requested():
                raise Stuck from None
