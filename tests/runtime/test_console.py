"""The guard around every command line: exit codes and one-line errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import click
import pytest

from cgan_runtime.console import Console, guard
from cgan_runtime.errors import MediaError


def _command(body: Callable[[], object]) -> Callable[..., object]:
    @guard
    @click.command()
    @click.option("--count", type=int)
    def main(count: int | None) -> object:
        return body()

    return main


def _raising(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MediaError("no video at a.mp4;\ngive one"), 1, "error: no video at a.mp4; give one\n"),
        (PermissionError(13, "Permission denied", "a.mp4"), 1, "error: [Errno 13] Permission denied: 'a.mp4'\n"),
        (click.UsageError("give one input"), 2, "error: give one input; see run --help\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_expected_failure_is_one_line_and_an_exit_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["run"])
    monkeypatch.setattr(sys.modules["__main__"], "__package__", "")  # so also under python -m pytest
    with pytest.raises(SystemExit) as left:
        _command(_raising(error))()
    assert left.value.code == code
    assert capsys.readouterr().err == line


def _entries(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What a log in JSON says; there is nothing else on either stream."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_log_in_json_has_an_object_for_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(log="json")
    console.result("open http://127.0.0.1")
    console.note("camera front:\nlive", camera="front", frames=3)
    console.warn('a "quoted" word: grün')
    Console(log="json", quiet=True).note("not said")
    result, note, warning = _entries(capsys)
    assert (result["level"], result["message"]) == ("info", "open http://127.0.0.1")
    assert note["message"] == "camera front: live"
    assert (note["camera"], note["frames"]) == ("front", 3)
    assert (warning["level"], warning["message"]) == ("warning", 'a "quoted" word: grün')
    age = datetime.now(timezone.utc) - datetime.fromisoformat(note["time"].replace("Z", "+00:00"))
    assert abs(age.total_seconds()) < 60


def test_a_log_has_a_line_for_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with Console(quiet=quiet).status("loading") as shown:
            for text in ("convolution 1 of 12", "convolution 2 of 12", "x-fp16", "x-fp32", "build: 0%", "build: 57%"):
                shown.update(text)
    captured = capsys.readouterr()
    told = ["convolution 1 of 12", "x-fp16", "x-fp32", "build: 0%"]
    assert (captured.out, captured.err.splitlines()) == ("", told)


def test_an_error_is_in_json_where_the_log_is(capsys: pytest.CaptureFixture[str]) -> None:
    @guard
    @click.command()
    @click.option("--log", default="text")
    def main(log: str) -> object:
        raise MediaError("no video;\ngive one")

    with pytest.raises(SystemExit) as left:
        main(["--log", "json"])
    assert left.value.code == 1
    (entry,) = _entries(capsys)
    assert (entry["level"], entry["message"]) == ("error", "no video; give one")


def test_out_of_memory_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        _command(_raising(MemoryError()))([])
    assert left.value.code == 1
    assert capsys.readouterr().err.startswith("error: out of memory")


def test_a_native_library_that_cannot_be_loaded_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lacking = ImportError("libxcb.so.1: cannot open shared object file", name="cv2", path="/lib/cv2.abi3.so")
    with pytest.raises(SystemExit) as left:
        _command(_raising(lacking))([])
    assert left.value.code == 1
    assert capsys.readouterr().err == (
        "error: cv2 cannot be loaded (libxcb.so.1: cannot open shared object file); run cgan-doctor\n"
    )
    with pytest.raises(ImportError):  # a bug keeps its traceback
        _command(_raising(ImportError("cannot import name", name="cgan_runtime", path="/lib/cgan_runtime/x.py")))([])


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (1, 1), (0, 0)])
def test_the_command_may_return_its_exit_code(returned: int | None, code: int) -> None:
    with pytest.raises(SystemExit) as left:
        _command(lambda: returned)([])
    assert left.value.code == code


def test_a_bad_option_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        _command(lambda: 0)(["--count", "many"])
    assert left.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: Invalid value for '--count'")
    assert message.count("\n") == 1


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        _command(_raising(ZeroDivisionError()))([])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_sigterm_runs_the_finally_blocks() -> None:
    program = (
        "import os, signal, click\n"
        "from cgan_runtime.console import guard\n"
        "@guard\n@click.command()\n"
        "def main():\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally: print('tidied', flush=True)\n"
        "main([])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (143, "tidied\n")


def test_lines_are_printed_above_the_bar() -> None:
    pty = pytest.importorskip("pty", reason="needs a terminal")
    program = """
from cgan_runtime.console import Console
console = Console()
with console.fraction("2 of 2") as move:
    move(0.5, "1 done")
    console.result("a result")
    console.warn("a warning")
    console.error("an error")
"""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    for line in (b"a result", b"warning: a warning", b"error: an error"):
        assert b"\x1b[2K" + line + b"\r\n" in shown  # on a line that was cleared first


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other side is closed
        return b""
