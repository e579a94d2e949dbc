"""The callbacks by which long work reports what it does, whoever shows it: a bar, a page, a log."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[int, int | None], None]
"""Called with the number of things done, and the number of all (None: unknown), mostly frames."""

StopCallback = Callable[[int], None]
"""Called when Ctrl-C was pressed, with the number of frames that are still colored at most."""

BuildCallback = Callable[[str, float], None]
"""Called with the phase of an engine's build, and the fraction of it that is done, 0 to 1."""

FractionCallback = Callable[[float, str], None]
"""Called with the fraction of all work that is done, 0 to 1, and a short text about it."""

StatusCallback = Callable[[str], None]
"""Called with a short text that says what is being done now."""
