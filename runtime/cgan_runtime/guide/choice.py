"""Which frames would help most as keys: those that are like much that no key is like yet.

    chosen = Choice(count=10)
    for samples in shots: chosen.add(samples)           # of one shot: Sample(frame, frames, keys, is_key)
    chosen.best()                                       # Suggestion(frame, helps), rising by frame

A key shapes its own shot only. A sample stands for the frames around it; a key is worth, for each sample of its
shot, the similarity to it beyond that of the keys there are, times these frames. Keys are taken one by one, the
most useful first (the greedy way, within 1 - 1/e of the best; Nemhauser et al. 1978), until one is worth less than
a tenth of its shot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.guide.memory import KEY_CHANNELS, HalfArray, likeness_of

_PLACES = 256  # of a sample that are compared
_LEAST = 0.1  # of its shot that a frame has to color beyond what the others do


@dataclass(frozen=True)
class Sample:
    """A frame that stands for those around it."""

    frame: int
    frames: float  # how many it stands for
    keys: HalfArray  # what the network knows its places by, (32, places)
    is_key: bool = False  # whether its colors are known already

    @classmethod
    def of(cls, frame: int, frames: float, keys: FloatArray, *, is_key: bool = False) -> Sample:
        """Keep some places of `keys`, (32, h, w)."""
        places = keys.reshape(KEY_CHANNELS, -1)
        return cls(frame, frames, places[:, :: max(1, places.shape[1] // _PLACES)].astype(np.float16), is_key)


@dataclass(frozen=True)
class Suggestion:
    """A frame that should become a key."""

    frame: int
    helps: float  # frames of the video that would have their colors from it, by their similarity to it


class Choice:
    """Collects the shots of a video, one by one, and the frames of each that would help most."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: list[Suggestion] = []

    def add(self, samples: Sequence[Sample]) -> None:
        """Take the samples of one shot."""
        if not samples:
            return
        alike = np.array([[similarity(key, sample) for sample in samples] for key in samples])
        frames = np.array([sample.frames for sample in samples])
        known = alike[[sample.is_key for sample in samples]].max(axis=0, initial=0.0)
        for _ in range(min(self._count, len(samples))):
            gains = (np.maximum(alike - known, 0) * frames).sum(axis=1)
            gains[[sample.is_key for sample in samples]] = 0
            best = int(np.argmax(gains))
            if gains[best] < _LEAST * frames.sum():
                break
            self._found.append(Suggestion(samples[best].frame, float(gains[best])))
            known = np.maximum(known, alike[best])
        self._found = sorted(self._found, key=lambda each: -each.helps)[: self._count]

    def best(self) -> list[Suggestion]:
        """The frames that would help most in the whole video, rising by frame."""
        return sorted(self._found, key=lambda each: each.frame)


def similarity(key: Sample, sample: Sample) -> float:
    """How much of a sample is like something in a key, 0 to 1; mean over its places of the best match."""
    return likeness_of(key.keys.T.astype(np.float32), sample.keys.astype(np.float32))
