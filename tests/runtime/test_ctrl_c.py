"""Ctrl-C at random moments of the first second: exit code 130 and nothing else, in all commands."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cgan_runtime.image.read_write import write_image
from cgan_train.evaluation.comparison_photos import BUNDLED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process of our own"),
]

MOMENTS = 4  # of each command, others for each
LAST = 1.2  # seconds
COMMANDS = {
    "cgan_runtime": ("--image", "{image}", "-o", "{folder}/out.png", "--overwrite", "-q"),
    "cgan_runtime batch": ("--input-dir", "{folder}", "-o", "{folder}/out", "--jobs", "2", "-q"),
    "cgan_train": ("--data", str(BUNDLED), "--out", "{folder}/run", "-q"),
    "cgan_export": ("-o", "{folder}/exported", "-q"),
    "cgan_benchmarks": ("layers", "--json", "{folder}/layers.json"),
}
SCRIPT = """\
import re, sys
from {module}.__main__ import main
if __name__ == "__main__":
    main()
"""  # as installers write it: processes of a pool import it again


@pytest.fixture(scope="module")
def python_starts_in(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds until Python runs our first instruction; before, Ctrl-C is Python's own."""
    script = tmp_path_factory.mktemp("bare") / "bare.py"
    script.write_text("import re, sys, signal, cgan_runtime.system.start; print('x', flush=True); signal.pause()\n")
    took = []
    for _ in range(4):
        began = time.monotonic()
        with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            took.append(time.monotonic() - began)
            process.kill()
    return 2 * max(took[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_leaves_quietly(name: str, python_starts_in: float, tmp_path: Path) -> None:
    image = tmp_path / "in.png"
    write_image(image, np.full((64, 64, 3), 90, np.uint8))
    write_image(tmp_path / "in2.png", np.full((64, 64, 3), 90, np.uint8))
    words = [word.format(image=image, folder=tmp_path) for word in COMMANDS[name]]
    script = tmp_path / "command.py"
    script.write_text(SCRIPT.format(module=name.split()[0]))
    first, chance = min(python_starts_in, LAST), random.Random(name)
    for number in range(MOMENTS):
        wait = first + (LAST - first) * (number + chance.random()) / MOMENTS
        process = subprocess.Popen(
            [sys.executable, str(script), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        time.sleep(wait)
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
        assert "Traceback" not in errors, f"{wait:.3f} s: {errors}"
        if not ended and process.returncode != 0:  # it may have ended in this moment
            assert (process.returncode, errors.count("\n") <= 1) == (130, True), f"{wait:.3f} s: {errors}"


def test_ctrl_c_at_the_very_end_changes_nothing(tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    late = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
    for name, code in (("--version", 0), ("--none", 2)):
        # Called after the handler of the start: it stands for the time in which Python ends.
        script.write_text(late + SCRIPT.format(module="cgan_runtime"))
        done = subprocess.run([sys.executable, str(script), name], capture_output=True, text=True, timeout=60)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)
