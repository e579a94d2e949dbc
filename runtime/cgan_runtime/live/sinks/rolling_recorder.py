"""Records a camera for weeks: a new file every hour, say, and the oldest ones go when all are too large.

    recorder = RollingRecorder(Path("door.mp4"), Rolling(seconds=3600), keep=20_000_000_000)
    recorder.write(frame, captured)                # door-20260101-120000.mp4, then door-20260101-130000.mp4
    recorder.close()

Where a file cannot be begun or continued, as on a disk that is nearly full, it is told once, coloring goes on, and
another file is tried every minute.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cgan_runtime.errors import CganError, MediaError
from cgan_runtime.files.atomic import is_stream
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.options.live import Rolling
from cgan_runtime.video.write.codecs import EncoderSettings

RETRY_SECONDS = 60.0  # until a file is tried again after one has failed
LOOK_SECONDS = 5.0  # between two looks at the size of all files
_TIME = r"(\d{8}-\d{6})(?:-(\d+))?"  # in the names of files; a number when several begin in one second


class RollingRecorder:
    """A recorder of many files. One thread writes and closes."""

    ended = False  # it never ends by itself

    def __init__(
        self,
        path: Path,
        rolling: Rolling,
        settings: EncoderSettings | None = None,
        *,
        keep: int | None = None,
        on_failure: Callable[[str], None] = lambda reason: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check that files can be written beside `path`, whose name gets a time before its suffix.

        Args:
            path: What files are named after.
            rolling: When a new one begins.
            settings: Of the encoder.
            keep: Bytes of all together, above which the oldest are deleted; None keeps all.
            on_failure: Called with a sentence when a recording ends by itself, from any thread.
            clock: Returns seconds.

        Raises:
            MediaError: The format is unsupported, or the folder cannot be written.
            ConfigError: The encoder has no such setting.
        """
        if is_stream(path):
            raise MediaError(f"--record-every makes new files, and {path} is a pipe or a device; name a file")
        self.frames = self.files = self.deleted = 0  # recorded, begun, and deleted as the oldest
        self.dropped = 0
        self._path, self._rolling, self._settings, self._keep = path, rolling, settings, keep
        self._on_failure, self._clock = on_failure, clock
        self._name = re.compile(rf"{re.escape(path.stem)}-{_TIME}{re.escape(path.suffix)}")
        self._current: Recorder | None = self._begin()
        self._looked = self._tried = clock()
        self._told = False

    @property
    def path(self) -> Path:
        """The newest file, or what files are named after."""
        return self._path if self._current is None else self._current.path

    def write(self, frame: YccFrame, captured: float) -> None:
        """Queue a frame, in a new file if it is time for one."""
        now, current = self._clock(), self._current
        if current is not None and (current.failure or self._is_full(current)):
            current.end()
            self._tried = now
            current = None if current.failure else self._next(now)
        elif current is None and now - self._tried >= RETRY_SECONDS:
            current = self._next(now)
        self._current = current
        if current is None:
            return
        before = current.frames, current.dropped
        current.write(frame, captured)
        self.frames += current.frames - before[0]
        self.dropped += current.dropped - before[1]
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._delete_oldest()

    def close(self) -> None:
        """Finish the newest file. A second call does nothing."""
        if self._current is not None:
            self._current.close()

    def _is_full(self, recorder: Recorder) -> bool:
        seconds, size = self._rolling.seconds, self._rolling.bytes
        return (seconds is not None and recorder.seconds >= seconds) or (size is not None and recorder.bytes >= size)

    def _next(self, now: float) -> Recorder | None:
        """Begin a file, or say once why not."""
        self._tried = now
        try:
            self._delete_oldest()
            recorder = self._begin()
        except CganError as error:
            if not self._told:
                self._told = True
                self._on_failure(f"{error}; coloring goes on, and recording as soon as it can")
            return None
        self._told = False
        return recorder

    def _begin(self) -> Recorder:
        now = datetime.now().astimezone()
        stem = f"{self._path.stem}-{now:%Y%m%d-%H%M%S}"
        names = (f"{stem}{'' if number == 1 else f'-{number}'}{self._path.suffix}" for number in range(1, 1000))
        free = (path for name in names if not (path := self._path.with_name(name)).exists())
        path = next(free, self._path.with_name(f"{stem}{self._path.suffix}"))
        recorder = Recorder(path, self._settings, on_failure=self._on_failure)
        self.files += 1
        return recorder

    def _delete_oldest(self) -> None:
        """Delete the oldest files, but never the newest, until all together are small enough."""
        if self._keep is None:
            return
        found = [(path, self._name.fullmatch(path.name)) for path in self._path.parent.iterdir()]
        own = sorted((each[1], int(each[2] or 1), path) for path, each in found if each)
        sizes = {path: path.stat().st_size for _, _, path in own}
        for _, _, path in own[:-1]:
            if sum(sizes.values()) <= self._keep:
                return
            path.unlink(missing_ok=True)
            del sizes[path]
            self.deleted += 1
