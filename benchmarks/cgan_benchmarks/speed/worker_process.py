"""The parent's side of a worker process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from cgan_benchmarks.machine.process import untuned_environment
from cgan_runtime import errors
from cgan_runtime.console import one_line

_EXIT_SECONDS = 10.0


class WorkerProcess:
    """A process with one subject, started at `began`; it answers the methods of `worker.SubjectWorker`."""

    def __init__(self) -> None:
        """Start it."""
        self.began = time.perf_counter()
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed below)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cgan_benchmarks.speed.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            env=untuned_environment(),
        )

    def ask(self, question: str, **arguments: object) -> dict[str, Any]:
        """Ask, and wait for the answer. Raises the worker's CganError; BackendUnavailable where it died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": question, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise errors.BackendUnavailable(f"its process ended ({self._last_line()})")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            kind: type[errors.CganError] = getattr(errors, reply["error"])
            raise kind(reply["message"])
        return reply

    def close(self) -> None:
        """Close its input, at whose end it leaves, and wait; kill it if it stays."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has died with a question unread
                self._process.stdin.close()
        try:
            self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last_line(self) -> str:
        """The last line that it printed on stderr."""
        code = self._process.wait()
        self._stderr.seek(0)
        lines = [line for line in self._stderr.read().splitlines() if line.strip()]
        return one_line(lines[-1]) if lines else f"exit code {code}"
