"""Networks as an engine has compiled them, kept for the next start on this machine.

    compiled = kept(key)                       # None: nothing is kept, or it is damaged
    keep(key, content)

The key is everything that the content depends on. The content's hash stands before it and is compared before an
engine sees a byte of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.cache import cache_folder

MOST_KEPT = 6  # networks, of the size of a model in float32 each; the oldest go
_SUFFIX = ".compiled"
_DIGEST_BYTES = hashlib.sha256().digest_size


def kept(key: Mapping[str, Any]) -> bytes | None:
    """What was kept under a key."""
    try:
        content = _path(key).read_bytes()
    except OSError:
        return None
    digest, compiled = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return compiled if compiled and hashlib.sha256(compiled).digest() == digest else None


def keep(key: Mapping[str, Any], compiled: bytes) -> None:
    """Keep a network. Where that cannot be, the next start only takes longer."""
    path = _path(key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, hashlib.sha256(compiled).digest() + compiled)
        others = sorted(path.parent.glob(f"*{_SUFFIX}"), key=lambda other: other.stat().st_mtime, reverse=True)
        for old in others[MOST_KEPT:]:
            old.unlink(missing_ok=True)


def _path(key: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "compiled" / f"{digest[:32]}{_SUFFIX}"
