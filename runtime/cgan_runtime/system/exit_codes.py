"""TODO."""

from __future__ import annotations

EXIT_ERROR = 1


EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


SIGNAL_EXIT = 128
