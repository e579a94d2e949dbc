"""How carried and predicted colors are averaged at each place, and what stands where nothing is known.

Colors are planes (4, h, w), marks planes (4, h', w'), as of `Moment`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.color.planes import clipped
from cgan_runtime.temporal.motion import AGE, MARK, PLANES, SAID, SHOWN, A, B, Carried, confidence, marks_shape
from cgan_runtime.temporal.scene_cuts import shrunk

# Distance of carried from predicted chroma, (a*, b*)/110, at which the past counts half: where the lightness
# of the place has changed too, and where not; there a smaller one is only the network's doubt, as in skies.
TRUSTED_DIFFERENCE, TELLING_DIFFERENCE = 0.15, 0.3
# The same, where the network has not run, at which half of the change is left out: nobody sees the difference, but
# the change would make each frame differ from the one before.
UNSEEN_DIFFERENCE = 0.015
# Unknown places are filled in at this fraction of the size, from this far around (sigma, small pixels).
FILL_SHRINK, FILL_REACH = 8, 1.5
WHOLE = 0.999  # share of a place from which on its color is given; below 1 by the rounding of enlarging
LEAST_KNOWN = 0.02  # weight of a carried color that is only a guess: it counts where nothing around is known


@dataclass(frozen=True)
class Certain:
    """Colors of a frame that are no guess.

    Attributes:
        share: Of each place, how much of its color is given, float32 (h, w) in [0, 1].
        chroma: The colors, (a*, b*)/110, float32 (2, h, w), any where nothing is given; None: the network was told
            them, and what it says there holds.
    """

    share: FloatArray
    chroma: FloatArray | None = None

    @property
    def whole(self) -> FloatArray | None:
        """The colors if those of every place are given, so that there is nothing to predict; else None."""
        return self.chroma if float(self.share.min()) >= WHOLE else None

    def onto(self, predicted: FloatArray) -> FloatArray:
        """A prediction, (2, h, w), with the colors that are given in place of the guess."""
        return predicted if self.chroma is None else predicted + self.share * (self.chroma - predicted)


def begun(predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Colors and marks of a scene whose first frame has these colors, (2, h, w); its lightness is left out."""
    colors = np.empty((PLANES, *predicted.shape[1:]), np.float32)
    colors[SHOWN] = predicted
    return colors, np.ones((PLANES, *marks_shape(*predicted.shape[1:])), np.float32)


def blend(carried: Carried, predicted: FloatArray, horizon: float, lasts: float = 0, *, hold: bool = False) -> None:
    """Average the color of each place over up to `horizon` predictions; changes `carried`.

    An age above that, of colors that were certain, does not grow; `lasts` is the greatest one. The prediction alone
    counts where nothing is known; with `hold` it counts nowhere else.
    """
    age = carried.marks[AGE]
    if horizon == 1:
        carried.colors[SHOWN], age[:] = predicted, 1
        return
    differences = predicted - carried.colors[SHOWN]
    if hold:
        share = clipped(1 - age, 0, np.inf)
        clipped(age, 1, np.inf)
    else:
        age *= _agreement(_squared(differences), carried.changed)
        _grow(age, 1.0, horizon, lasts)
        share = 1 / age
    _add(carried.colors, differences, share)


def blend_again(carried: Carried, horizon: float, lasts: float = 0) -> None:
    """Let what the network said before count once more, as far as it is known; changes `carried`."""
    (age, known, *_), colors = carried.marks, carried.colors
    differences: FloatArray = colors[SAID] - colors[SHOWN]
    squared = _squared(differences)
    age *= _agreement(squared, carried.changed)
    _grow(age, known, horizon, lasts)
    share = 1 - confidence(squared, UNSEEN_DIFFERENCE)
    share *= known
    share /= np.maximum(age, np.float32(LEAST_KNOWN))
    _add(colors, differences, share)


def _add(colors: FloatArray, differences: FloatArray, share: FloatArray) -> None:
    """Add a share of differences (2, h, w) to the colors that are shown; changes both."""
    differences *= _enlarged(share, colors)
    for channel in (A, B):
        colors[channel] += differences[channel]


def _grow(age: FloatArray, by: FloatArray | float, horizon: float, lasts: float) -> None:
    """Let colors age, up to `horizon`; older ones stay as they are, up to `lasts`. Changes `age`."""
    older = np.minimum(age, np.float32(lasts)) if lasts > horizon else None
    age += by
    clipped(age, -np.inf, horizon)
    if older is not None:
        np.maximum(age, older, out=age)


def _squared(differences: FloatArray) -> FloatArray:
    """The square of differences (2, h, w) in each place of marks."""
    squared = differences[A] * differences[A]
    squared += differences[B] * differences[B]
    return _at_marks(squared)


def _agreement(squared: FloatArray, changed: FloatArray) -> FloatArray:
    """From 1 to 0, how far carried colors can be believed that differ so much, squared, from the predicted ones."""
    # TRUSTED_DIFFERENCE where the lightness has changed, TELLING_DIFFERENCE where it has not.
    scale = TRUSTED_DIFFERENCE / TELLING_DIFFERENCE
    weight = changed * np.float32(1 - scale**2)
    weight += np.float32(scale**2)
    weight *= squared
    return confidence(weight, TRUSTED_DIFFERENCE)


def put(colors: FloatArray, marks: FloatArray, predicted: FloatArray, share: FloatArray, age: float) -> None:
    """Let a share of the predicted colors take the place of those that are shown, with that age; changes both."""
    for channel in (A, B):
        colors[channel] += share * (predicted[channel] - colors[channel])
    np.maximum(marks[AGE], _at_marks(share) * np.float32(age), out=marks[AGE])


def fill(colors: FloatArray, age: FloatArray) -> None:
    """Fill in places whose past is unknown from known places around them; changes `colors`."""
    known = clipped(age.copy(), LEAST_KNOWN, 1)
    if known.min() == 1:
        return
    weight, share = _around(known), _enlarged(known, colors)
    for plane in colors[SHOWN]:
        near = _at_marks(plane)
        near *= known
        guess = cv2.resize(_around(near) / weight, share.shape[::-1])
        plane -= guess
        plane *= share
        plane += guess


def _around(marks: FloatArray) -> FloatArray:
    """What is around each place, small."""
    return np.asarray(cv2.GaussianBlur(shrunk(marks, FILL_SHRINK // MARK), (0, 0), FILL_REACH), np.float32)


def _at_marks(plane: FloatArray) -> FloatArray:
    """The mean of each place."""
    return np.asarray(cv2.resize(plane, marks_shape(*plane.shape)[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _enlarged(marks: FloatArray, like: FloatArray) -> FloatArray:
    """A plane of marks at the size of colors (n, h, w)."""
    return np.asarray(cv2.resize(marks, like.shape[:0:-1], interpolation=cv2.INTER_LINEAR), np.float32)
