"""Stages on threads of their own with short queues between them: constant memory, in order, errors raised.

    run_stages(reader, color, enlarge, writer.write, depth=8)

The second stage runs in the calling thread, so that a back end stays in the thread that opened it.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from cgan_runtime.system.cpu import opencv_beside_stages

T = TypeVar("T")


class Cancelled(Exception):
    """The other end of a channel has stopped; never leaves `run_stages`."""


class _End:
    """Stands after the last item."""


class Channel(Generic[T]):
    """A bounded queue between two threads, closed by its feeder; any thread may cancel it.

    It is made of `SimpleQueue`, whose calls are atomic: Ctrl-C may be raised at any moment in the main
    thread, and inside a `Condition` it could leave the lock taken for ever.
    """

    def __init__(self, depth: int) -> None:
        self._items: SimpleQueue[T | _End] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()  # one for each item that may still be put
        for _ in range(depth):
            self._room.put(None)
        self._cancelled = False

    def feed(self, source: Iterable[T]) -> None:
        """Put all items of `source`, waiting while the channel is full, then close it; raises `Cancelled`."""
        for item in source:
            self._room.get()
            if self._cancelled:
                raise Cancelled
            self._items.put(item)
        self._items.put(_End())

    def __iter__(self) -> Iterator[T]:
        """Yield the items until the channel is closed and empty; raises `Cancelled`, and drops items then."""
        while True:
            item = self._items.get()
            if self._cancelled:
                raise Cancelled
            if isinstance(item, _End):
                return
            self._room.put(None)
            yield item

    def cancel(self) -> None:
        """Wake both ends and stop them."""
        self._cancelled = True
        self._room.put(None)
        self._items.put(_End())


def run_stages(
    source: Iterable[T],
    work: Callable[[T], Any],
    *sinks: Callable[[Any], Any],
    depth: int,
    wake: Callable[[], object] = lambda: None,
) -> None:
    """Run `sinks[-1](... sinks[0](work(item)))` for every item of `source`, in order, each stage in its own thread.

    `work` runs in the calling thread. `depth` items may wait before it, and as many after it in all. Raises what was
    raised first in any stage, Ctrl-C included, once all have stopped. `wake` is called after a failure: it must end a
    read of the source that waits for something from outside.
    """
    run = _Run(source, work, sinks, depth)
    with opencv_beside_stages():
        run.guarded(run.middle)
    if run.failures:
        wake()
        run.wait()
        raise run.failures[0]


class _Run:
    """The threads of one run, the channels between them, and what was raised in any."""

    def __init__(
        self, source: Iterable[Any], work: Callable[[Any], Any], sinks: Sequence[Callable[[Any], Any]], depth: int
    ) -> None:
        self.failures: list[BaseException] = []
        self._work = work
        self._taken: Channel[Any] = Channel(depth)
        further = len(sinks) - 1
        self._worked = [Channel[Any](max(1, depth - further)), *(Channel[Any](1) for _ in range(further))]
        bodies = {"source": partial(self._taken.feed, source)}
        bodies |= {f"sink {i}": partial(self._between, i, sinks[i]) for i in range(further)}
        bodies["sink"] = partial(self._drain, sinks[-1])
        self._threads = [
            threading.Thread(target=self.guarded, args=(body,), name=name) for name, body in bodies.items()
        ]
        self._begun = False
        self._ended: SimpleQueue[None] = SimpleQueue()

    def guarded(self, body: Callable[[], None]) -> None:
        """Run the body of a thread; what it raises stops all stages."""
        try:
            body()
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 (raised again by `run_stages`, in the calling thread)
            self.failures.append(error)
            for channel in (self._taken, *self._worked):
                channel.cancel()

    def middle(self) -> None:
        """The stage of the calling thread."""
        # Ctrl-C in `Thread.start` can leave a lock of `threading` taken for ever; this call is atomic.
        _thread.start_new_thread(self._outer, ())
        self._worked[0].feed(map(self._work, self._taken))
        self._ended.get()

    def wait(self) -> None:
        """Wait until all threads have ended, if they were ever begun."""
        if self._begun:
            self._ended.get()

    def _outer(self) -> None:
        """Start the other threads, and wait for them."""
        self._begun = True
        if not self.failures:  # else Ctrl-C was raised just before
            self.guarded(self._start)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        for _ in range(2):  # Ctrl-C may be raised when `get` has taken one
            self._ended.put(None)

    def _start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _between(self, place: int, sink: Callable[[Any], Any]) -> None:
        self._worked[place + 1].feed(map(sink, self._worked[place]))

    def _drain(self, sink: Callable[[Any], Any]) -> None:
        for item in self._worked[-1]:
            sink(item)
