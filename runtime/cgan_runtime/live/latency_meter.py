"""How fast a live image is: frames per second, and the delay from capture to shown.

meter = Meter()
meter.shown(captured=shot.captured, now=time.perf_counter())
meter.rate(now), meter.delay_ms(50), meter.delay_ms(95), meter.total
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

WINDOW_SECONDS = 5.0
"""What "now" means: figures are those of the last so many seconds."""

_MOST_IN_WINDOW = 1200  # frames; 240 a second
_MS = 1000.0  # per second
_SLOWEST_MS = 10_000  # what takes longer counts as this


class Meter:
    """Figures of the last seconds, and of the whole run, in memory that does not grow.

    Attributes:
        total: Frames shown so far.
    """

    def __init__(self) -> None:
        self.total = 0
        self._recent: deque[tuple[float, float]] = deque(maxlen=_MOST_IN_WINDOW)  # when shown, delay; seconds
        self._histogram = np.zeros(_SLOWEST_MS + 1, np.int64)  # of the run, a place for each millisecond
        self._began: float | None = None
        self._last = 0.0

    def shown(self, captured: float, now: float) -> None:
        """Count a frame that is shown now."""
        delay = max(0.0, now - captured)
        self._began = now if self._began is None else self._began
        self._last = now
        self.total += 1
        self._recent.append((now, delay))
        self._histogram[min(_SLOWEST_MS, int(delay * _MS))] += 1

    def rate(self, now: float) -> float:
        """Frames per second, lately."""
        times = [shown for shown, _ in self._recent if now - shown <= WINDOW_SECONDS]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0

    def delay_ms(self, percent: float, now: float) -> float:
        """Percentile of the delay, lately, milliseconds; 0 where nothing was shown."""
        delays = [delay for shown, delay in self._recent if now - shown <= WINDOW_SECONDS]
        return float(np.percentile(delays, percent)) * _MS if delays else 0.0

    def run_rate(self) -> float:
        """Frames per second of the whole run."""
        seconds = self._last - (self._began or 0.0)
        return (self.total - 1) / seconds if self.total > 1 and seconds > 0 else 0.0

    def run_delay_ms(self, percent: float) -> float:
        """Percentile of the delay of the whole run, to the millisecond; 0 where nothing was shown."""
        if not self.total:
            return 0.0
        reached = np.searchsorted(np.cumsum(self._histogram), math.ceil(self.total * percent / 100))
        return float(reached)
