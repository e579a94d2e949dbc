"""How a command starts and ends: fast, with its exit code, and with all that it has printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cgan_runtime.image.read_write import write_image

NOT_NEEDED = {"asyncio", "av", "fsspec", "PIL", "rich"}  # to color a JPEG
COMMAND = """\
import sys
from cgan_runtime.system import start

class Left:
    def __del__(self):
        print("taken apart", file=sys.stderr)

left, code = Left(), {code}
left.itself = left  # Python takes it apart at its end, and not before

def main():
    raise SystemExit(code)

import atexit, threading
sys.modules["command"] = sys.modules["__main__"]
atexit.register(print, "called at exit")
threading.Timer(0.2, print, ["end of a thread"]).start()
start.run("command")
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (None, 0), (3, 3), (True, 1)])
def test_a_command_ends_at_once_with_its_code_and_all_it_has_printed(code: object, expected: int) -> None:
    done = run(COMMAND.format(code=code))
    assert (done.returncode, done.stdout, done.stderr) == (expected, "end of a thread\ncalled at exit\n", "")


def test_a_message_as_exit_code_is_left_to_python() -> None:
    done = run(COMMAND.format(code="'what is wrong'"))
    assert (done.returncode, done.stderr) == (1, "what is wrong\ntaken apart\n")


def test_output_that_nobody_reads_is_left_to_python() -> None:
    command, kept = [sys.executable, "-c", COMMAND.format(code=0)], {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=kept) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        code = process.wait(60)
    assert (code, b"BrokenPipeError" in told) == (120, True)  # as of Python itself


def test_a_run_on_an_image_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    image = tmp_path / "in.jpg"
    write_image(image, np.full((64, 64, 3), 90, np.uint8))
    script = (
        "import atexit, sys; from cgan_runtime.__main__ import main\n"
        f"atexit.register(lambda: print(*({NOT_NEEDED} & {{*sys.modules}}), file=sys.stderr))\n"
        f"sys.argv = ['cgan-run', {str(image)!r}, '-o', {str(tmp_path / 'out.jpg')!r}]; main()"
    )
    done = run(script)
    assert (done.returncode, done.stderr) == (0, "\n"), done
    assert (tmp_path / "out.jpg").is_file()
