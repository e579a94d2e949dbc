"""systemd's protocol: sockets that are handed over, messages, and the watchdog."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cgan_runtime.system.systemd import inherited_socket, notify, watchdog_seconds

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is Linux's")

RECEIVE = """
import os
from cgan_runtime.system.systemd import inherited_socket
os.environ["LISTEN_PID"] = str(os.getpid())
try:
    found = inherited_socket()
    print(found.getsockname()[1], os.get_inheritable(found.fileno()))
except OSError as error:
    print(error)
"""


def handed_over(kind: int, count: str = "1") -> tuple[str, int]:
    """What a process makes of a socket as its descriptor 3, and the socket's port."""
    with socket.socket(socket.AF_INET, kind) as bound:
        bound.bind(("127.0.0.1", 0))

        def hand_over() -> None:
            os.dup2(bound.fileno(), 3)

        process = subprocess.run(
            [sys.executable, "-c", RECEIVE], env={**os.environ, "LISTEN_FDS": count}, preexec_fn=hand_over,
            close_fds=False, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return process.stdout.strip(), bound.getsockname()[1]


def test_a_socket_is_taken_over() -> None:
    said, port = handed_over(socket.SOCK_STREAM)
    assert said == f"{port} False"  # programs that are started do not get it


def test_a_socket_that_does_not_fit_is_refused_in_words() -> None:
    assert "hands over no TCP socket" in handed_over(socket.SOCK_DGRAM)[0]
    assert "hands over 2 sockets" in handed_over(socket.SOCK_STREAM, "2")[0]


def test_without_a_socket_unit_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")  # meant for another process
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert inherited_socket() is None


@pytest.mark.parametrize("abstract", [False, True])
def test_messages_reach_the_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@cgan-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1))
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify("READY=1")
        assert manager.recv(100) == b"READY=1"
    notify("STOPPING=1")  # nobody listens any more
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("STOPPING=1")


def test_a_manager_that_does_not_listen_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        for _ in range(2000):  # more than the system keeps for it
            notify("WATCHDOG=1")


def test_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert watchdog_seconds() is None
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert watchdog_seconds() == 30
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None
