"""Who works with a folder or file: one process, or several that share it. A hold ends with its process.

handle = hold(Path("runs/x"))          # BlockingIOError: another holds it
let_go(handle)
"""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nobody looks
    fcntl = None  # type: ignore[assignment]


def hold(path: Path, *, shared: bool = False, wait: bool = False) -> int | None:
    """Hold a folder or a file, alone or with others that share it.

    Returns:
        To be let go; None where the system or the file system knows no locks.

    Raises:
        BlockingIOError: Another holds it, and it is not waited for.
        OSError: It is not there.
    """
    if fcntl is None:
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    except BaseException:  # Ctrl-C while it waits
        os.close(handle)
        raise
    return handle


def let_go(handle: int | None) -> None:
    """End a hold."""
    if handle is not None:
        os.close(handle)
