"""Confidence intervals of medians and of ratios of medians: a bootstrap over processes and rounds.

Single runs are not independent: a disturbance hits neighboring runs too. So the bootstrap draws whole
processes and, within them, whole rounds; the same draw for all subjects, which keeps pairs together. A few
processes show less spread than there is, so Student's t for their number widens the interval. With one
process the interval covers its rounds only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]  # seconds of timed runs, (processes, rounds, runs)

Interval = tuple[float, float]

LEVEL = 95  # percent
_RESAMPLES = 1000
_AT_ONCE = 100  # resamples, to keep memory small
_NORMAL = 1.960  # two-sided 95 % quantile
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The same quantile of Student's t for 1, 2, ... degrees of freedom; for more see `_student`."""


class Intervals:
    """Medians of resampled runs, by subject; `medians` are those of all runs, in seconds."""

    def __init__(self, samples: Mapping[str, Samples], seed: int = 0) -> None:
        """Resample. All subjects have the same number of processes and rounds."""
        self.medians = {name: float(np.median(of)) for name, of in samples.items()}
        self._logs: dict[str, npt.NDArray[np.float64]] = {name: np.empty(0) for name in samples}
        processes, rounds = next(iter(samples.values())).shape[:2]
        self._widen = _widening(processes if processes > 1 else rounds)
        random = np.random.default_rng(seed)
        for _ in range(_RESAMPLES // _AT_ONCE):
            which = random.integers(0, processes, (_AT_ONCE, processes, 1))
            when = random.integers(0, rounds, (_AT_ONCE, processes, rounds))
            for name, of in samples.items():
                medians = np.median(of[which, when].reshape(_AT_ONCE, -1), axis=1)
                self._logs[name] = np.append(self._logs[name], np.log(medians))

    def median(self, name: str) -> Interval:
        """The interval of a subject's median."""
        return self._bounds(self._logs[name], self.medians[name])

    def ratio(self, name: str, by: str) -> Interval:
        """The interval of one subject's median divided by another's."""
        if name == by:
            return 1.0, 1.0
        return self._bounds(self._logs[name] - self._logs[by], self.medians[name] / self.medians[by])

    def _bounds(self, logs: npt.NDArray[np.float64], point: float) -> Interval:
        edge = (100 - LEVEL) / 2
        low, high = self._widen * (np.percentile(logs, (edge, 100 - edge)) - np.log(point))
        return float(point * np.exp(min(low, 0.0))), float(point * np.exp(max(high, 0.0)))


def apart(new: float, new_interval: Interval, old: float, old_interval: Interval) -> tuple[float, Interval]:
    """The ratio of two independent figures, and its interval: squares of logarithms of deviations add."""
    times = new / old
    down = np.hypot(np.log(new / new_interval[0]), np.log(old_interval[1] / old))
    up = np.hypot(np.log(new_interval[1] / new), np.log(old / old_interval[0]))
    return times, (float(times * np.exp(-down)), float(times * np.exp(up)))


def _widening(drawn: int) -> float:
    """The factor by which the bootstrap of so few processes or rounds is too narrow."""
    if drawn == 1:
        return 1.0
    freedom = drawn - 1
    return float(_student(freedom) / _NORMAL * np.sqrt(drawn / freedom))


def _student(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t; from 10 degrees of freedom by Abramowitz and Stegun 26.7.5."""
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = _NORMAL
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
