"""TODO."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cgan_runtime.errors import MediaError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Lend the name of a temporary sibling, which takes the target's name at the end; any error removes it.

    Raises:
        MediaError: The finished file cannot take the target's name.
    """
    target = target.resolve()  # a link stays a link
    temporary = temporary_for(target)
    try:
        yield temporary
        publish(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def publish(finished: Path, target: Path, *, overwrite: bool = True) -> None:
    """Let a finished file take the target's name.

    Raises:
        MediaError: It cannot, or something has appeared there and is not to be replaced.
    """
    try:
        if overwrite:
            os.replace(finished, target)  # noqa: PTH105 (named as the contract names it)
        else:
            _give_name(finished, target)
    except FileExistsError:
        raise MediaError(
            f"{target} has appeared meanwhile; move it away and go on with --resume, or replace it with "
            "--resume --overwrite"
        ) from None
    except OSError as error:
        raise MediaError(f"cannot write {target} ({error.strerror}); name another file with -o") from error


def _give_name(finished: Path, target: Path) -> None:
    """Name a file where there is none yet."""
    try:
        os.link(finished, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError from None
        finished.replace(target)
    else:
        finished.unlink()


def temporary_for(target: Path) -> Path:
    """A hidden, unused name beside the target, with its suffix, by which encoders choose the format."""
    return target.with_name(f".cgan-{secrets.token_hex(6)}{target.suffix}")
