"""A run of checks: its two Pythons, and commands that are ended when their time is over. Standard library alone."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).with_name("inside.py")
NAME = "model"

_SOURCES = [str(ROOT / name) for name in ("runtime", "train", "export", "benchmarks")]
_REASON = re.compile(r"error: |[\w.]+(Error|Unavailable): ")
_LEAST = 5.0  # seconds; with less left a step is not begun


class StepFailed(Exception):
    """A step failed; the message says why."""


@dataclass
class Python:
    """An interpreter, what its environment needs, and what can be imported in it."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)
    has: dict[str, Any] = field(default_factory=dict)

    def can(self, *modules: str) -> bool:
        """Whether these can be imported."""
        return all(module in self.has for module in modules)


@dataclass
class Run:
    """What all steps share."""

    folder: Path  # for what they make
    log: TextIO
    until: float  # time.monotonic() at which the run is over
    checkpoint: Path
    video: Path
    quick: bool
    patience: float = 1.0  # factor of all limits
    torch: Python | None = None  # exports, and is the reference
    tensorrt: Python | None = None
    notes: list[str] = field(default_factory=list)  # of the step that runs

    def call(self, python: Python, limit: float, *words: object) -> str:
        """Run words in a Python within `limit` seconds, and return what it printed; StepFailed if it failed."""
        code, output = self.execute([python.path, *map(str, words)], limit, python.environment)
        if code < 0:
            raise StepFailed(f"it crashed ({signal.Signals(-code).name}); the log says where")
        if code:
            lines = output.strip().splitlines() or ["no reason given"]
            last = next(filter(_REASON.match, reversed(lines)), lines[-1])  # libraries may have the last word
            raise StepFailed(f"exit code {code}: {last[:500]}")
        return output

    def execute(self, command: list[str], limit: float, environment: Mapping[str, str]) -> tuple[int, str]:
        """Run a command, ended after `limit` seconds: its exit code, and what it printed on both streams."""
        seconds = min(limit * self.patience, self.until - time.monotonic())
        if seconds < _LEAST:
            raise StepFailed("no time was left for it")
        self.log.write(f"$ {shlex.join(command)[:2000]}\n")
        self.log.flush()
        process = subprocess.Popen(
            command, cwd=self.folder, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes that it started
            output, _ = process.communicate()
            self.log.write(output)
            raise StepFailed(f"it took longer than {seconds:.0f} s") from None
        finally:
            self.log.flush()
        self.log.write(f"{output}\n")
        return process.returncode, output

    def ask(self, python: Python, limit: float, question: str, *words: object) -> dict[str, Any]:
        """Ask a question of inside.py in a Python, and return the answer; raises as `call` does, or ValueError."""
        lines = self.call(python, limit, INSIDE, question, *words).splitlines()
        line = next((line for line in reversed(lines) if line.startswith("{")), "")  # libraries may have the last word
        found: dict[str, Any] = json.loads(line)
        return found

    def need(self, which: str) -> Python:
        """The Python of a step; StepFailed where there is none."""
        python = self.torch if which == "torch" else self.tensorrt
        if python is None:
            raise StepFailed(f"no Python here has {'PyTorch and ONNX' if which == 'torch' else 'TensorRT and pycuda'}")
        return python

    @property
    def onnx(self) -> Path:
        """The model to build from: the half-precision export, or the one that ships where nothing exports."""
        made = self.folder / f"{NAME}-fp16.onnx"
        return made if made.is_file() else ROOT / "runtime" / "cgan_runtime" / "models" / "edge.onnx"


def find_pythons(run: Run, named: list[str], carried: Path | None) -> list[dict[str, Any]]:
    """Look for the two Pythons, and put them into `run`; what each candidate has."""
    environment = {
        "PYTHONPATH": os.pathsep.join([*_SOURCES, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONFAULTHANDLER": "1",  # a crash in native code says where
    }
    named = [str(Path(path).absolute()) if os.sep in path else path for path in named]  # steps run in another folder
    own = [sys.executable, str(ROOT / ".venv" / "bin" / "python")]
    paths = dict.fromkeys([*named, *own, "python3", "python3.12", "python3.11", "python3.10"])
    candidates = [Python(path, environment) for path in paths]
    if carried is not None:
        candidates.insert(len(named), carried_python(carried, environment))
    for python in candidates:
        if run.torch and run.tensorrt:
            break
        try:
            python.has = run.ask(python, 60, "modules")
        except (StepFailed, OSError, ValueError) as error:
            python.has = {"error": str(error)}
            continue
        if run.torch is None and python.can("torch", "onnx", "numpy", "click"):
            run.torch = python
        if run.tensorrt is None and python.can("tensorrt", "pycuda.driver", "numpy", "av", "cv2", "click"):
            run.tensorrt = python
    return [{"path": python.path} | python.has for python in candidates if python.has]


def carried_python(folder: Path, environment: Mapping[str, str]) -> Python:
    """The Python of a folder that holds TensorRT and, where it has one, a Python in `py310`."""
    libraries = [
        folder / "py310" / "lib",
        folder / "tensorrt",
        folder / "tensorrt_libs",
        Path("/usr/local/nvidia/lib64"),
    ]
    paths = [*map(str, libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    found = {
        **environment,
        "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(folder)]),
        "LD_LIBRARY_PATH": os.pathsep.join(paths),
    }
    own = folder / "py310" / "bin" / "python3.10"
    if not own.is_file():
        return Python(sys.executable, found)
    return Python(str(own), found | {"PYTHONHOME": str(folder / "py310")})


def unpacked(carried: Path) -> Path:
    """The folder of what was carried: unpacked first where it lies there in parts, by the script beside them."""
    if not (carried / "MANIFEST").is_file():
        return carried
    site = Path(os.environ.get("SITE", Path(tempfile.gettempdir()) / "site"))
    done = subprocess.run(
        ["bash", str(carried / "unpack_tensorrt.sh"), str(carried)], env=os.environ | {"SITE": str(site)}, check=False
    )
    if done.returncode:
        sys.exit(f"error: {carried} could not be unpacked (exit code {done.returncode}); see above")
    return site
