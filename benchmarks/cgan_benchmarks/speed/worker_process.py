"""The parent's end of a worker process.

with Worker() as worker:
    worker.ask("open", subject=subject.to_json(), threads=2)
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from types import TracebackType
from typing import Any

from cgan_benchmarks.machine.environment import as_it_comes
from cgan_runtime import errors
from cgan_runtime.console import one_line

_LEAVE_SECONDS = 10.0


class Worker:
    """A process with one subject; see `worker` for what can be asked."""

    def __init__(self) -> None:
        """Start it."""
        self.began = time.perf_counter()
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed below)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cgan_benchmarks.speed.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            env=as_it_comes(),
        )

    def ask(self, what: str, **details: object) -> dict[str, Any]:
        """Ask, and wait for the answer.

        Raises:
            CganError: What the worker refused, as the error it was there.
            BackendUnavailable: The worker died.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **details}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise errors.BackendUnavailable(f"its process ended ({self._last_words()})")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            kind: type[errors.CganError] = getattr(errors, reply["error"])
            raise kind(reply["message"])
        return reply

    def close(self) -> None:
        """End it: it leaves when its input ends."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has died, with a question unread
                self._process.stdin.close()
        try:
            self._process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _last_words(self) -> str:
        code = self._process.wait()
        self._said.seek(0)
        lines = [line for line in self._said.read().splitlines() if line.strip()]
        return one_line(lines[-1]) if lines else f"exit code {code}"
