"""What a command line shows: one-line errors, notes, a progress bar on a terminal, a summary.

    @guard
    @click.command()
    def main(...) -> None: ...

`main()` is then the entry point of the program: it parses `sys.argv` and leaves with the right exit code.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TextIO

import click

from cgan_runtime.errors import CganError
from cgan_runtime.system.exit_codes import EXIT_ERROR, EXIT_INTERRUPTED, SIGNAL_EXIT

_MEGABYTE = 1_000_000  # bytes

Share = Callable[[float, str], None]
"""Moves a bar for many things: the share of all that is done, 0 to 1, and a word on it."""

Advance = Callable[[int, int | None], None]
"""Moves a progress bar: how much is done, and of how much (None where unknown)."""


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


def _say(line: str, stream: TextIO) -> None:
    """Print a line, above the bar if there is one; where click chooses the stream, it misses the bar's."""
    click.echo(line, file=stream)


def print_error(message: str) -> None:
    """Print `error: message` on stderr, on one line whatever the message holds."""
    _say(f"error: {one_line(message)}", sys.stderr)


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
    raise SystemExit(SIGNAL_EXIT + number)


class Console:
    """What a command tells its user. The bar, notes and warnings go to stderr, results to stdout."""

    def __init__(self, *, quiet: bool = False, results_to_stderr: bool = False) -> None:
        """Start talking; `quiet` leaves only the warnings, `results_to_stderr` keeps stdout for a video."""
        self._quiet, self._results_to_stderr = quiet, results_to_stderr

    def result(self, line: str) -> None:
        """Print a line of the command's result."""
        if not self._quiet:
            _say(line, sys.stderr if self._results_to_stderr else sys.stdout)

    def note(self, message: str) -> None:
        """Print something that the user may want to know."""
        if not self._quiet:
            _say(f"note: {one_line(message)}", sys.stderr)

    def warn(self, message: str) -> None:
        """Print something that the user must know, quiet or not."""
        _say(f"warning: {one_line(message)}", sys.stderr)

    @contextmanager
    def progress(self, title: str) -> Iterator[Advance]:
        """Show a bar with frames per second and time left on a terminal, nothing elsewhere.

        Yields:
            To be told how many frames are done, and of how many (None where unknown).
        """
        if self._quiet or not sys.stderr.isatty():
            yield lambda done, total: None
            return
        import rich.console
        from rich import progress

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=rich.console.Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None, rate="")
            began = time.perf_counter()

            def advance(done: int, total: int | None) -> None:
                rate = done / (time.perf_counter() - began)
                # A total that was an estimate may prove too small.
                bar.update(
                    task, completed=done, total=total and max(done, total), rate=f"{rate:.1f} frames/s"
                )

            yield advance

    @contextmanager
    def share(self, title: str) -> Iterator[Share]:
        """Show a bar for many things on a terminal, nothing elsewhere; results may be printed above it.

        Yields:
            To be told how much of all is done, and a word on it.
        """
        if self._quiet or not sys.stderr.isatty():
            yield lambda part, text: None
            return
        import rich.console
        from rich import progress

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[text]}"),
            progress.TimeRemainingColumn(),
        )
        stderr = rich.console.Console(stderr=True)
        with progress.Progress(
            *columns, console=stderr, transient=True, redirect_stdout=sys.stdout.isatty()
        ) as bar:
            task = bar.add_task(title, total=1.0, text="")
            yield lambda part, text: bar.update(task, completed=part, text=text)

    @contextmanager
    def building(self) -> Iterator[Callable[[str, float], None]]:
        """Say, where an engine has to be built first, which takes minutes, how far that is.

        Yields:
            To be told the phase of the build and how much of it is done, 0 to 1.
        """
        import rich.console

        status = rich.console.Console(stderr=True).status("")
        begun = False

        def report(phase: str, part: float) -> None:
            nonlocal begun
            if not begun and not self._quiet:
                begun = True
                self.note("building the engine for this GPU; it is kept for the next time")
                status.start()
            status.update(f"{phase}: {part:.0%}")

        try:
            yield report
        finally:
            status.stop()


def size_text(size: int) -> str:
    """A file's size for people: `812 kB`, `1.4 MB`."""
    return f"{size / 1e6:.1f} MB" if size >= _MEGABYTE else f"{max(1, round(size / 1e3))} kB"
