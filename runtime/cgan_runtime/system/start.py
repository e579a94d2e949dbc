"""The start of every command: Ctrl-C leaves with exit code 130 and nothing else, from here on.

    def main() -> NoReturn:
        run("cgan_runtime.cli")

An entry point imports this module before anything that takes time. Until the command itself begins, and after
it has ended, there is nothing to clean up, so that Ctrl-C ends the process at once. Earlier, while Python itself
starts, Ctrl-C is Python's own: exit code 1, or the signal's, and a traceback.

A command that has ended leaves without taking its libraries apart, which would take longer than its `--help`.
"""

import atexit
import os
import sys

TYPE_CHECKING = False  # mypy knows the name; to load `typing` would take longer than all of this
if TYPE_CHECKING:
    import signal
    from types import FrameType
    from typing import NoReturn
else:
    import _signal as signal  # built in; `signal` adds names to the numbers, and loads much for that

_EXIT_INTERRUPTED = 130  # as in exit_codes.py; nothing is imported before the signal is handled


_ended_with: int | None = None  # the exit code, once the command has one


def _leave(_number: int, _frame: "FrameType | None") -> "NoReturn":
    os._exit(_EXIT_INTERRUPTED)


def _leave_at_ctrl_c() -> None:
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # a shell's background jobs ignore it
        signal.signal(signal.SIGINT, _leave)


def _end() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command has its exit code by now
    if _ended_with is None:
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as in a program without a terminal, on Windows
                stream.flush()
    except (OSError, ValueError):  # nobody reads any more, or it is closed: Python says so in its own way
        return
    os._exit(_ended_with)


_leave_at_ctrl_c()
atexit.register(_end)  # called last, after all threads have ended and what others registered was called


def run(module: str) -> "NoReturn":
    """Import the module of a command, and run its `main`, which takes Ctrl-C itself. The process then ends."""
    global _ended_with
    from importlib import import_module

    try:
        import_module(module).main()
    except KeyboardInterrupt:  # between two handlers
        os._exit(_EXIT_INTERRUPTED)
    except SystemExit as end:
        _ended_with = 0 if end.code is None else end.code if isinstance(end.code, int) else None
        raise
    finally:
        _leave_at_ctrl_c()
    raise SystemExit
