"""What a command line shows: one-line errors, notes, a progress bar on a terminal, a summary; or a log in JSON.

    @guard
    @click.command()
    def main(...) -> None: ...

`main()` is then the entry point of the program: it parses `sys.argv` and leaves with the right exit code.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TextIO

import click

from cgan_runtime.callbacks import BuildCallback, FractionCallback, StatusCallback
from cgan_runtime.errors import CganError
from cgan_runtime.progress import ProgressLine, ShareProgress, VideoProgress
from cgan_runtime.system.exit_codes import EXIT_ERROR, EXIT_INTERRUPTED
from cgan_runtime.system.signals import exit_on_signals

if TYPE_CHECKING:  # it would make a start slow
    from rich.status import Status

Log = Literal["text", "json"]

_REFRESH_RATE = 5  # of the progress line, per second
_COUNT = re.compile(r"\d+ of \d+|\d+%")
_NO_NUMBER = re.compile(r"is not a valid (integer|float)(?: range)?$")  # so click says it


def plain(message: str) -> str:
    """What click says of a value that is no number, in words of everybody."""
    return _NO_NUMBER.sub(lambda found: "is no whole number" if found[1] == "integer" else "is no number", message)


def guard(command: click.Command) -> Callable[..., NoReturn]:
    """Turn a click command into an entry point that shows no traceback for an expected failure.

    The command may return an exit code; None is 0. A `CganError`, and what the operating system refuses,
    is printed as one line on stderr with exit code 1, a usage error the same way with 2; Ctrl-C leaves
    with 130 and SIGTERM with 143, after all `finally` blocks have run. Any other exception is a bug and
    keeps its traceback.
    """

    invoke = command.invoke

    def invoke_quietly(context: click.Context) -> Any:
        try:
            return invoke(context)
        except KeyboardInterrupt:  # click would print an empty line
            raise SystemExit(EXIT_INTERRUPTED) from None
        except (CganError, OSError) as error:
            if context.params.get("log") != "json":
                raise
            Console(log="json").error(str(error))
            raise SystemExit(EXIT_ERROR) from None

    command.invoke = invoke_quietly  # type: ignore[assignment,method-assign]

    def main(args: Sequence[str] | None = None) -> NoReturn:
        try:
            exit_on_signals()
            code = command.main(args=args, standalone_mode=False)
        except click.ClickException as error:
            hint = f"; see {_program(error)} --help" if isinstance(error, click.UsageError) else ""
            Console().error(plain(error.format_message().rstrip(".")) + hint)
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):  # click's name for it
            code = EXIT_INTERRUPTED
        except MemoryError as error:
            Console().error(f"out of memory ({error}); free some, or take a smaller input")
            code = EXIT_ERROR
        except ImportError as error:
            if not str(error.path).endswith((".so", ".pyd")):  # no native library: a bug
                raise
            Console().error(f"{error.name} cannot be loaded ({error}); run cgan-doctor")
            code = EXIT_ERROR
        except (CganError, OSError) as error:
            Console().error(str(error))
            code = EXIT_ERROR
        raise SystemExit(code if isinstance(code, int) else 0)

    main.__doc__ = command.help
    return main


def one_line(text: str) -> str:
    """The text with each run of white space, line ends included, as one space."""
    return " ".join(text.split())


class Console:
    """What a command shows its user. Bars, notes and warnings go to stderr, results to stdout.

    A log in JSON goes to stderr: one object a line, with `time` (UTC), `level` (info, warning or error), `message`,
    and the `facts` that are given with it, which text leaves out.
    """

    def __init__(self, *, quiet: bool = False, results_to_stderr: bool = False, log: Log = "text") -> None:
        """Take what to show.

        Args:
            quiet: Show only warnings.
            results_to_stderr: Leave stdout to a video.
            log: Lines of text for people, or of JSON for programs.
        """
        self._quiet, self._results_to_stderr, self.log = quiet, results_to_stderr, log

    def result(self, line: str, **facts: object) -> None:
        """Print a line of the command's result."""
        if not self._quiet:
            self._say("info", line, facts, sys.stderr if self._results_to_stderr else sys.stdout)

    def note(self, message: str, **facts: object) -> None:
        """Print something that the user may want to know."""
        if not self._quiet:
            self._say("info", message, facts, sys.stderr, "note: ")

    def warn(self, message: str, **facts: object) -> None:
        """Print something that the user must know, quiet or not."""
        self._say("warning", message, facts, sys.stderr, "warning: ")

    def error(self, message: str, **facts: object) -> None:
        """Print why something has failed, quiet or not."""
        self._say("error", message, facts, sys.stderr, "error: ")

    def _say(self, level: str, message: str, facts: dict[str, object], stream: TextIO, prefix: str = "") -> None:
        if self.log == "json":
            now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            entry = {"time": now, "level": level, "message": one_line(message), **facts}
            _print(json.dumps(entry, ensure_ascii=False, default=str), sys.stderr)
        else:
            _print(prefix + one_line(message) if prefix else message, stream)

    def tip(self, message: str) -> None:
        """Say on a terminal what one may try next."""
        if self._shows_bars:
            _print(message, sys.stderr)

    @contextmanager
    def progress(self, title: str, *, kept: int = 0, size: Callable[[], int] | None = None) -> Iterator[VideoProgress]:
        """Show how far a video is on a terminal, nothing elsewhere; arguments as of `VideoProgress`."""
        line = VideoProgress(title, kept=kept, size=size)
        with self._shown(line):
            yield line

    @contextmanager
    def fraction(self, title: str) -> Iterator[FractionCallback]:
        """Show how much of any work is done on a terminal, nothing elsewhere; results may be printed above it."""
        line = ShareProgress(title)
        with self._shown(line):
            yield line

    def _shown(self, line: ProgressLine) -> AbstractContextManager[object]:
        if not self._shows_bars:
            return nullcontext()
        import rich.console
        from rich.live import Live

        return Live(
            line,
            console=rich.console.Console(stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            refresh_per_second=_REFRESH_RATE,
        )

    def status(self, first: str = "") -> Status | Stages:
        """Says for the time of a block what is being done: in place on a terminal, `first` at first, else in lines."""
        if not self._shows_bars:
            return Stages(lambda text: None if self._quiet else self._say("info", text, {}, sys.stderr))
        import rich.console

        return rich.console.Console(stderr=True).status(first)

    @contextmanager
    def building(self) -> Iterator[BuildCallback]:
        """Show how far an engine is, where one has to be built first, which takes minutes."""
        with ExitStack() as stack:
            status: Status | None = None

            def report(phase: str, part: float) -> None:
                nonlocal status
                if status is None:
                    import rich.console

                    status = rich.console.Console(stderr=True).status("")
                    if not self._quiet:
                        self.note("building the engine for this GPU; it is kept for the next time")
                        if self.log == "text":
                            stack.enter_context(status)
                status.update(f"{phase}: {part:.0%}")

            yield report

    @property
    def _shows_bars(self) -> bool:
        return not self._quiet and self.log == "text" and sys.stderr.isatty()


class Stages(AbstractContextManager["Stages"]):
    """Says what is being done in a log: a line for each stage, however often its count changes."""

    def __init__(self, say: StatusCallback) -> None:
        self._say, self._stage = say, ""

    def update(self, text: str) -> None:
        """Take what is being done, as "ranking convolution 3 of 40" or "building: 7%"."""
        if (stage := _COUNT.sub("", text)) != self._stage:
            self._stage = stage
            self._say(text)

    def __exit__(self, *_: object) -> None:
        pass


def _print(line: str, stream: TextIO) -> None:
    """Print a line, above the bar if there is one: the bar's stream has to be named."""
    click.echo(line, file=stream)


def _program(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if isinstance(context, click.Context) else "the command with"
