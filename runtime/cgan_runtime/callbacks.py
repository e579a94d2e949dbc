"""The callbacks by which long work reports what it does, whoever shows it: a bar, a page, a log."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[int, int | None], None]  # things done, and all (None: unknown), mostly frames
StopCallback = Callable[[int], None]  # at Ctrl-C or SIGTERM: the number of frames that are still colored at most
BuildCallback = Callable[[str, float], None]  # phase of an engine's build, and its fraction done, 0 to 1
FractionCallback = Callable[[float, str], None]  # fraction of all work done, 0 to 1, and a text about it
StatusCallback = Callable[[str], None]  # a short text that says what is being done now
