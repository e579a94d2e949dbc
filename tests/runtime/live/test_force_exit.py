"""Ctrl-C ends the program also while a library hangs in a call that does not come back."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

from cgan_runtime.console import Console
from cgan_runtime.live import force_exit as leaving

PATIENCE = 60.0  # seconds; only a test that fails waits so long
HANGS = textwrap.dedent(
    """
    import hashlib
    from contextlib import suppress
    from cgan_runtime.console import Console
    from cgan_runtime.live import force_exit as leaving
    leaving.GRACE_SECONDS = 0.2
    with leaving.leaving_promptly(Console()):
        for _ in range(2):  # once more, where the signal is faster than the first
            with suppress(KeyboardInterrupt):
                print("hanging", flush=True)
                hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)  # an hour in C
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes otherwise there")
def test_a_call_that_hangs_is_not_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", HANGS], stdout=-1, stderr=-1, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGINT
    assert told == "warning: the screen or the camera did not let go; ended without waiting for it\n"


def test_what_can_be_interrupted_is_interrupted_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(leaving.os, "_exit", left.append)
    with pytest.raises(KeyboardInterrupt), leaving.leaving_promptly(Console()):
        signal.raise_signal(signal.SIGINT)
    assert left == []
    assert signal.set_wakeup_fd(-1) == -1  # as before
