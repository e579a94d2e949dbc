"""Stages on threads of their own with short queues between them: constant memory, in order, errors raised.

    run_stages(reader, color, enlarge, writer.write, depth=8)

The second stage runs in the calling thread, so that a back end stays in the thread that opened it.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterable, Iterator
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
    taken: Channel[T] = Channel(depth)
    further = len(sinks) - 1
    worked = [Channel[Any](max(1, depth - further)), *(Channel[Any](1) for _ in range(further))]
    failures: list[BaseException] = []
    begun: list[bool] = []
    ended: SimpleQueue[None] = SimpleQueue()

    def guarded(body: Callable[[], None]) -> None:
        try:
            body()
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001 (raised again below, in the calling thread)
            failures.append(error)
            for channel in (taken, *worked):
                channel.cancel()

    def drain() -> None:
        for item in worked[-1]:
            sinks[-1](item)

    def between(place: int) -> Callable[[], None]:
        return lambda: worked[place + 1].feed(map(sinks[place], worked[place]))

    threads = [
        threading.Thread(target=guarded, args=(lambda: taken.feed(source),), name="source"),
        *(threading.Thread(target=guarded, args=(between(i),), name=f"sink {i}") for i in range(further)),
        threading.Thread(target=guarded, args=(drain,), name="sink"),
    ]

    def start() -> None:
        for thread in threads:
            thread.start()

    def outer() -> None:
        begun.append(True)
        if not failures:  # else Ctrl-C was raised just before
            guarded(start)
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for _ in range(2):  # Ctrl-C may be raised when `get` has taken one
            ended.put(None)

    def middle() -> None:
        # Ctrl-C in `Thread.start` can leave a lock of `threading` taken for ever; this call is atomic.
        _thread.start_new_thread(outer, ())
        worked[0].feed(map(work, taken))
        ended.get()

    with opencv_beside_stages():
        guarded(middle)
    if failures:
        wake()
        if begun:
            ended.get()
        raise failures[0]
