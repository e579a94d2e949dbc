"""Levels: the codes that a dim or flat picture uses, stretched to all from black to white.

    tracker = LevelTracker(Levels("auto"))
    codes = tracker.stretch(luma, encoding, time)        # each picture of one source, in order

Infrared and thermal cameras deliver 10 to 16 bits and use a few percent of them: as they are, they look black, to
people and to the network. What is black and what is white follows the picture slowly, so that nothing flickers. It
begins anew where a picture would be black or white altogether, as after a cut.
"""

from __future__ import annotations

import math

import numpy as np

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.levels import Levels

DARKEST, BRIGHTEST = 0.5, 99.5  # percent of the pixels that become black at most, and that do not become white
TIME_CONSTANT = 3.0  # seconds in which levels come two thirds of the way to those of a new picture
LEAST_SPAN = 0.005  # of the range that is stretched at least; less is noise
LEAST_CODES = 8  # likewise
_SAMPLES = 1 << 15  # pixels that are looked at, evenly spread
_USUAL_STEP = 1 / 25  # seconds to the next picture, where no time is known


class LevelTracker:
    """The levels of one source. Used in one thread."""

    def __init__(self, levels: Levels) -> None:
        self.levels = levels
        self._low, self._high = levels.bounds  # shares of the range from black to white
        self._time: float | None = None
        self._begun = False

    def stretch(self, luma: Plane, encoding: Encoding, time: float | None = None, *, bits: int | None = None) -> Plane:
        """The next picture, stretched.

        Args:
            luma: Codes, uint8 or uint16 (H, W); only read.
            encoding: How they are read.
            time: When it is shown, seconds; None is a usual moment after the one before.
            bits: Of the result, by default as those of `encoding`.

        Returns:
            Codes in full range, uint8 or uint16 (H, W), a new array.
        """
        if self.levels.auto:
            self._follow(luma, encoding, time)
        return self._table(encoding, bits or encoding.bits).take(luma, mode="clip")

    def _follow(self, luma: Plane, encoding: Encoding, time: float | None) -> None:
        step = max(1, math.isqrt(luma.size // _SAMPLES))
        codes = np.percentile(luma[::step, ::step], (DARKEST, 50, BRIGHTEST))
        low, middle, high = ((float(code) - encoding.black) / encoding.luma_span for code in codes)
        least = max(LEAST_SPAN, LEAST_CODES / encoding.luma_span)
        if high - low < least:
            low = min(max((low + high - least) / 2, 0.0), 1 - least)
            high = low + least
        passed = _USUAL_STEP if time is None or self._time is None else time - self._time
        self._time = time
        if not self._begun or not self._low <= middle <= self._high:
            self._low, self._high, self._begun = low, high, True
            return
        share = 1 - math.exp(-max(passed, 0.0) / TIME_CONSTANT)
        self._low += share * (low - self._low)
        self._high += share * (high - self._high)

    def _table(self, encoding: Encoding, bits: int) -> Plane:
        """The new code of each code."""
        shares = (np.arange(encoding.peak + 1) - encoding.black) / encoding.luma_span
        peak = (1 << bits) - 1
        stretched = (shares - self._low) * (peak / (self._high - self._low))
        codes: Plane = np.rint(stretched.clip(0, peak)).astype(np.uint8 if bits == 8 else np.uint16)
        return codes
