"""Local folders and remote storage (`s3://...`, through fsspec) used alike.

folder = open_location("s3://bucket/videos")      # a Path, or a UPath that behaves like one
with storage_errors("read", folder, "check the address"): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from cgan_runtime.errors import CganError, ConfigError, MediaError
from cgan_runtime.files.urls import is_url

INSTALL = "pip install 'cgan[cluster]'"


def open_location(text: str) -> Path:
    """The folder or file that a path or URL names.

    Returns:
        A `Path`; for a URL a `UPath`, which has the methods of a `Path` that cgan uses.

    Raises:
        ConfigError: No installed package reads such URLs.
    """
    if not is_url(text):
        return Path(text)
    try:
        from upath import UPath
    except ImportError:
        raise ConfigError(f"{text} is a URL, and reading those is not installed: {INSTALL}") from None
    try:
        location = UPath(text)
        assert location.fs is not None  # loads what reads it
    except (ImportError, ValueError) as error:
        raise ConfigError(f"cannot read {text} ({error}); install the package that can, or name a folder") from error
    return Path(location.path) if location.protocol in ("file", "local") else cast(Path, location)


def is_remote(path: Path) -> bool:
    """Whether a location is reached by URL."""
    return not isinstance(path, Path)


@contextmanager
def storage_errors(doing: str, location: Path, mend: str) -> Iterator[None]:
    """Turn the errors of any storage into one `MediaError`: `cannot DOING LOCATION (reason); MEND`.

    Raises:
        MediaError: The block raised an error of the storage. `CganError` passes unchanged.
    """
    expected: type[Exception] = Exception if is_remote(location) else OSError
    try:
        yield
    except CganError:
        raise
    except expected as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"cannot {doing} {location} ({reason}); {mend}") from error
