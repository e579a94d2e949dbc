"""The parent's side of a worker process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cgan_benchmarks
import cgan_runtime
from cgan_benchmarks.machine.process import untuned_environment
from cgan_runtime import errors
from cgan_runtime.console import one_line

_EXIT_SECONDS = 10.0
_ANSWER_SECONDS = 120.0  # of another Python, which imports each engine


class WorkerProcess:
    """A process with one subject, started at `began`; it answers the methods of `worker.SubjectWorker`."""

    def __init__(self, python: str | None = None) -> None:
        """Start it, in another Python if one is named; BackendUnavailable where there is none."""
        self.began = time.perf_counter()
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed below)
        environment = untuned_environment() | (finding_cgan() if python else {})
        try:
            self._process = subprocess.Popen(
                [python or sys.executable, "-m", "cgan_benchmarks.speed.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                text=True,
                encoding="utf-8",
                env=environment,
            )
        except OSError as error:
            self._stderr.close()
            raise errors.BackendUnavailable(f"{python} cannot be started ({error.strerror}); check --python") from error

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


def finding_cgan() -> dict[str, str]:
    """The variable by which another Python finds this cgan."""
    roots = [str(Path(package.__path__[0]).parent) for package in (cgan_runtime, cgan_benchmarks)]
    return {"PYTHONPATH": os.pathsep.join([*roots, *filter(None, [os.environ.get("PYTHONPATH")])])}


def available_in(python: str) -> dict[str, str | None]:
    """As `registry.available_backends`, in another Python; BackendUnavailable if it cannot run cgan."""
    question = "import json; from cgan_runtime.backends.registry import available_backends as found"
    command = [python, "-c", f"{question}; print(json.dumps(found()))"]
    environment = os.environ | finding_cgan()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment, timeout=_ANSWER_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        raise errors.BackendUnavailable(f"{python} cannot run cgan ({one_line(said)}); check --python") from error
    answer: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return answer
