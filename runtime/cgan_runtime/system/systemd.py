"""What a service manager and its services tell each other by the environment: systemd's protocol, without a library.

    listener = inherited_socket()            # of a socket unit; None without one
    notify("READY=1")                        # does nothing where nobody asks for it
    watchdog_seconds()                       # how often `notify("WATCHDOG=1")` is expected

sd_listen_fds(3), sd_notify(3) and sd_watchdog_enabled(3) describe the protocol.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

_FIRST = 3  # the descriptor of the first socket that is handed over


def inherited_socket() -> socket.socket | None:
    """The TCP socket that a socket unit has bound for this process; None if there is none.

    Raises:
        OSError: There are several sockets, or it is not a TCP socket.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = os.environ.get("LISTEN_FDS", "0")
    if count != "1":
        raise OSError(f"the socket unit hands over {count} sockets; give it one ListenStream=")
    inherited = socket.socket(fileno=_FIRST)
    if inherited.family not in (socket.AF_INET, socket.AF_INET6) or inherited.type != socket.SOCK_STREAM:
        raise OSError("the socket unit hands over no TCP socket; give it ListenStream=HOST:PORT")
    os.set_inheritable(_FIRST, False)
    return inherited


def notify(message: str) -> None:
    """Tell the service manager something; it need not be there, and is not waited for."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.setblocking(False)
        told.sendto(message.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)


def watchdog_seconds() -> float | None:
    """How long the service manager waits for a sign of life before it restarts the service; None for ever."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdigit() else None
