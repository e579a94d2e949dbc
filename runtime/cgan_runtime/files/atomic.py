"""Write a file so that it appears under its name only when it is complete.

with replacing(Path("out.mp4")) as draft: ...     # write to draft; on success it is renamed
write_file(Path("out.json"), text)                # the same for content that is in memory
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give the path of a draft beside the target. On success the draft is renamed, on any error removed.

    Raises:
        OSError: The draft cannot be renamed.
    """
    target = target.resolve()  # a link stays a link
    draft = draft_name(target)
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_file(target: Path, content: str | bytes) -> None:
    """Write a file at once. Text is written as UTF-8; parts of file names that are no text become escapes.

    Raises:
        OSError: The file cannot be written.
    """
    with replacing(target) as draft:
        draft.write_bytes(content.encode(errors="backslashreplace") if isinstance(content, str) else content)


def draft_name(target: Path) -> Path:
    """A hidden, unused name beside the target, with the target's suffix: encoders choose the format by it."""
    return target.with_name(f".cgan-{secrets.token_hex(6)}{target.suffix}")
