"""How carried and predicted colors are averaged at each place, and what stands where nothing is known.

Planes are float32 (h, w): a*/110, b*/110, and the age of a color, as of `TemporalState`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.color.planes import clipped
from cgan_runtime.temporal.motion import AGE, LIGHTNESS, A, B, Carried, confidence, planes_of
from cgan_runtime.temporal.scene_cuts import shrunk

# Distance of carried from predicted chroma, (a*, b*)/110, at which the past counts half: where the lightness
# of the place has changed too, and where not; there a smaller one is only the network's doubt, as in skies.
TRUSTED_DIFFERENCE, TELLING_DIFFERENCE = 0.15, 0.3
# Unknown places are filled in at this fraction of the size, from this far around (sigma, small pixels).
FILL_SHRINK, FILL_REACH = 8, 1.5
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

    def onto(self, predicted: FloatArray) -> FloatArray:
        """A prediction, (2, h, w), with the colors that are given in place of the guess."""
        return predicted if self.chroma is None else predicted + self.share * (self.chroma - predicted)


def blend(
    followed: Carried | None, predicted: FloatArray, horizon: float, lasts: float = 0, *, hold: bool = False
) -> FloatArray:
    """Average the color of each place over up to `horizon` predictions; changes `followed.shown`.

    An age above that, of colors that were certain, does not grow; `lasts` is the greatest one. The prediction alone
    counts where nothing is known; with `hold` it counts nowhere else. The result has the planes of `followed.shown`.
    """
    if followed is None or horizon == 1:
        shown = np.empty((LIGHTNESS + 1, *predicted.shape[1:]), np.float32)
        shown[: B + 1], shown[AGE] = predicted, 1
        return shown
    a, b, age = followed.shown[:LIGHTNESS]
    da, db = predicted[A] - a, predicted[B] - b
    if hold:
        share = np.maximum(1 - age, np.float32(0))
        np.maximum(age, np.float32(1), out=age)
    else:
        age *= _agreement(da, db, followed.changed)
        _grow(age, 1.0, horizon, lasts)
        share = 1 / age
    da *= share
    db *= share
    a += da
    b += db
    return followed.shown


def blend_again(followed: Carried, horizon: float, lasts: float = 0) -> None:
    """Let what the network said before count once more, as far as it is known; changes `followed.shown`."""
    if followed.said is None or followed.known is None:
        return
    (a, b, age), (da, db) = followed.shown[:LIGHTNESS], planes_of(followed.said, B + 1)
    da -= a
    db -= b
    age *= _agreement(da, db, followed.changed)
    _grow(age, followed.known, horizon, lasts)
    share: FloatArray = followed.known / np.maximum(age, np.float32(LEAST_KNOWN))
    da *= share
    db *= share
    a += da
    b += db


def _grow(age: FloatArray, by: FloatArray | float, horizon: float, lasts: float) -> None:
    """Let colors age, up to `horizon`; older ones stay as they are, up to `lasts`. Changes `age`."""
    older = np.minimum(age, np.float32(lasts)) if lasts > horizon else None
    age += by
    clipped(age, -np.inf, horizon)
    if older is not None:
        np.maximum(age, older, out=age)


def _agreement(da: FloatArray, db: FloatArray, changed: FloatArray) -> FloatArray:
    """From 1 to 0, how far a carried color can be believed that differs so much from the predicted one."""
    # TRUSTED_DIFFERENCE where the lightness has changed, TELLING_DIFFERENCE where it has not.
    scale = TRUSTED_DIFFERENCE / TELLING_DIFFERENCE
    difference = da * da
    difference += db * db
    weight = changed * np.float32(1 - scale**2)
    weight += np.float32(scale**2)
    difference *= weight
    return confidence(difference, TRUSTED_DIFFERENCE)


def merged(planes: FloatArray) -> FloatArray:
    """Planes (n, h, w) as one image, (h, w, n)."""
    return np.asarray(cv2.merge(list(planes)), np.float32)


def with_all_known(predicted: FloatArray) -> FloatArray:
    """What the network said, all of it known, as in `TemporalState`."""
    known = np.ones_like(predicted[0])
    return merged(np.stack([*predicted, known, known]))


def put(shown: FloatArray, predicted: FloatArray, share: FloatArray, age: float) -> None:
    """Let a share of the predicted colors take the place of those that are shown, with that age; changes `shown`."""
    for channel in (A, B):
        shown[channel][:] += share * (predicted[channel] - shown[channel])
    np.maximum(shown[AGE], share * np.float32(age), out=shown[AGE])


def fill(shown: FloatArray) -> None:
    """Fill in places whose past is unknown from known places around them; changes `shown`."""
    known = clipped(shown[AGE].copy(), LEAST_KNOWN, 1)
    if known.min() == 1:
        return
    weight = _around(known)
    for plane in shown[: B + 1]:
        guess = cv2.resize(_around(plane * known) / weight, known.shape[::-1])
        plane -= guess
        plane *= known
        plane += guess


def _around(plane: FloatArray) -> FloatArray:
    """What is around each place, small."""
    return np.asarray(cv2.GaussianBlur(shrunk(plane, FILL_SHRINK), (0, 0), FILL_REACH), np.float32)
