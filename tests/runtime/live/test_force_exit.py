"""Ctrl-C ends the program also while a library hangs in a call."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

from cgan_runtime.console import Console
from cgan_runtime.live import force_exit

TIMEOUT = 60.0  # seconds; only a failing test waits so long
HANGS = textwrap.dedent(
    """
    import hashlib
    from contextlib import suppress
    from cgan_runtime.console import Console
    from cgan_runtime.live import force_exit
    force_exit.GRACE_SECONDS = 0.2
    with force_exit.force_exit_on_hang(Console()):
        for _ in range(2):  # twice, in case the signal comes before the first call
            with suppress(KeyboardInterrupt):
                print("hanging", flush=True)
                hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)  # an hour in C
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes otherwise there")
def test_hanging_call_is_not_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", HANGS], stdout=-1, stderr=-1, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGINT
    assert stderr.startswith("warning: the screen or the camera did not respond; the program ended")


def test_call_that_does_not_hang_is_interrupted_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr(force_exit.os, "_exit", exits.append)
    with pytest.raises(KeyboardInterrupt), force_exit.force_exit_on_hang(Console()):
        signal.raise_signal(signal.SIGINT)
    assert exits == []
    assert signal.set_wakeup_fd(-1) == -1  # as before
