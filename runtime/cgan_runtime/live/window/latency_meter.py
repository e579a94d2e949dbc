"""Measures a live view: frames per second, and the delay from capture to display.

meter = LatencyMeter()
meter.record(captured=frame.captured_at, now=time.perf_counter())
meter.rate(now), meter.delay_ms(50, now), meter.delay_ms(95, now), meter.total
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

WINDOW_SECONDS = 5.0  # the current figures are those of the last so many seconds
_WINDOW_FRAMES = 1200  # at most: 240 per second
_MS = 1000.0  # per second
_MAX_DELAY_MS = 10_000  # longer delays are counted as this


class LatencyMeter:
    """Figures of the last seconds and of the whole run, in bounded memory."""

    def __init__(self) -> None:
        self.total = 0  # frames shown so far
        self._recent: deque[tuple[float, float]] = deque(maxlen=_WINDOW_FRAMES)  # (shown at, delay), seconds
        self._histogram = np.zeros(_MAX_DELAY_MS + 1, np.int64)  # frames of the run by delay in milliseconds
        self._first: float | None = None
        self._last = 0.0

    def record(self, captured: float, now: float) -> None:
        """Count a frame that is shown now; both times are in seconds of one clock."""
        delay = max(0.0, now - captured)
        self._first = now if self._first is None else self._first
        self._last = now
        self.total += 1
        self._recent.append((now, delay))
        self._histogram[min(_MAX_DELAY_MS, int(delay * _MS))] += 1

    def rate(self, now: float) -> float:
        """Current frames per second."""
        times = [shown for shown, _ in self._recent if now - shown <= WINDOW_SECONDS]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0

    def delay_ms(self, percent: float, now: float) -> float:
        """Current percentile of the delay in milliseconds; 0 when nothing was shown."""
        delays = [delay for shown, delay in self._recent if now - shown <= WINDOW_SECONDS]
        return float(np.percentile(delays, percent)) * _MS if delays else 0.0

    def run_rate(self) -> float:
        """Frames per second of the whole run."""
        seconds = self._last - (self._first or 0.0)
        return (self.total - 1) / seconds if self.total > 1 and seconds > 0 else 0.0

    def run_delay_ms(self, percent: float) -> float:
        """Percentile of the delay of the whole run in whole milliseconds; 0 when nothing was shown."""
        if not self.total:
            return 0.0
        return float(np.searchsorted(np.cumsum(self._histogram), math.ceil(self.total * percent / 100)))
