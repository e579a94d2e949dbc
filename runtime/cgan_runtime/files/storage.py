"""TODO."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from cgan_runtime.errors import CganError, ConfigError, MediaError

INSTALL = "pip install 'cgan[cluster]'"


def place(text: str) -> Path:
    """The folder or file that a path or URL names.

    Returns:
        A `Path`; for a URL a `UPath`, which does all that cgan asks of a `Path`.

    Raises:
        ConfigError: Nothing that is installed reads such URLs.
    """
    if "://" not in text:
        return Path(text)
    try:
        from upath import UPath
    except ImportError:
        raise ConfigError(f"{text} is a URL, and reading those is not installed: {INSTALL}") from None
    try:
        found = UPath(text)
        assert found.fs is not None  # is loaded here
    except (ImportError, ValueError) as error:
        raise ConfigError(f"cannot read {text} ({error}); install what does, or name a folder") from error
    return Path(found.path) if found.protocol in ("file", "local") else cast(Path, found)


def is_remote(path: Path) -> bool:
    """Whether a place is reached by URL."""
    return not isinstance(path, Path)


@contextmanager
def refusals(doing: str, where: Path, mend: str) -> Iterator[None]:
    """Tell in one error that something cannot be done with a place: each storage has its own kinds.

    Raises:
        MediaError: It cannot be done.
    """
    foreseen: type[Exception] = Exception if is_remote(where) else OSError
    try:
        yield
    except CganError:
        raise
    except foreseen as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"cannot {doing} {where} ({reason}); {mend}") from error
