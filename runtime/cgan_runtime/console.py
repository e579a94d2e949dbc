"""What a command line shows: one-line errors, notes, a progress bar on a terminal, a summary.

    @guard
    @click.command()
    def main(...) -> None: ...

`main()` is then the entry point of the program: it parses `sys.argv` and leaves with the right exit code.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

import click

from cgan_runtime.errors import CganError

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_SIGNAL_EXIT = 128


def guard(command: click.Command) -> Callable[..., NoReturn]:
    """Turn a click command into an entry point that never shows a traceback for a foreseen failure.

    The command may return an exit code; None is 0. A `CganError`, and what the operating system refuses,
    is printed as one line on stderr with exit code 1, a usage error the same way with 2; Ctrl-C leaves
    with 130 and SIGTERM with 143, after all `finally` blocks have run. Any other exception is a bug and
    keeps its traceback.
    """

    def main(args: Sequence[str] | None = None) -> NoReturn:
        _leave_tidily_when_told_to()
        try:
            code = command.main(args=args, standalone_mode=False)
        except click.ClickException as error:
            hint = f"; see {_program(error)} --help" if isinstance(error, click.UsageError) else ""
            print_error(error.format_message().rstrip(".") + hint)
            code = error.exit_code
        except click.Abort:  # click's name for Ctrl-C
            code = EXIT_INTERRUPTED
        except CganError as error:
            print_error(str(error))
            code = EXIT_ERROR
        except MemoryError as error:
            print_error(f"out of memory ({error}); free some, or take a smaller input")
            code = EXIT_ERROR
        except OSError as error:
            print_error(str(error))
            code = EXIT_ERROR
        raise SystemExit(code if isinstance(code, int) else 0)

    main.__doc__ = command.help
    return main


def print_error(message: str) -> None:
    """Print `error: message` on stderr, on one line whatever the message holds."""
    click.echo(f"error: {one_line(message)}", err=True)


def one_line(text: str) -> str:
    """The text with every run of white space, line ends too, as one space."""
    return " ".join(text.split())


def _program(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if isinstance(context, click.Context) else "the command with"


def _leave_tidily_when_told_to() -> None:
    """Let SIGTERM and a closed terminal unwind the stack, so that no temporary file stays behind."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # no SIGHUP on Windows
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise_exit)


def _raise_exit(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(_SIGNAL_EXIT + number)
