"""Borders of shots that no two frames side by side show."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.guide.dissolves import STEP, DissolveFinder
from cgan_runtime.guide.likeness import small_view
from cgan_runtime.guide.shots import ShotFinder

SIZE = (96, 128)
PROJECTION = np.random.default_rng(3).normal(0, 1, (32, 64)).astype(np.float32)


def scene(seed: int) -> FloatArray:
    """A texture over soft blobs, L*/50 - 1."""
    dice = np.random.default_rng(seed)
    blobs, texture = (dice.uniform(-0.5, 0.5, shape).astype(np.float32) for shape in ((6, 8), (48, 64)))
    blobs, texture = (cv2.resize(each, SIZE[::-1], interpolation=cv2.INTER_LINEAR) for each in (blobs, texture))
    return np.asarray(blobs + 2 * texture, np.float32).clip(-1, 1)


def keys_of(lightness: FloatArray) -> FloatArray:
    """Places known by a random projection of the pixels around them."""
    height, width = (side // 8 for side in lightness.shape)
    blocks = lightness.reshape(height, 8, width, 8).transpose(1, 3, 0, 2).reshape(64, -1)
    keys = PROJECTION @ blocks
    return (keys / np.linalg.norm(keys, axis=0, keepdims=True)).reshape(32, height, width)


def shots_of(frames: Iterable[FloatArray]) -> tuple[list[int], list[int], int]:
    """First frames by cuts alone, and with dissolves, and how often the network ran."""
    runs: list[FloatArray] = []

    def asked(seen: FloatArray) -> FloatArray:
        runs.append(seen)
        return keys_of(seen)

    def whole(frame: FloatArray) -> Callable[[], FloatArray]:
        return lambda: frame

    cuts, dissolves = ShotFinder(), DissolveFinder(asked)
    for frame in frames:
        cuts.add(frame)
        dissolves.look(small_view(frame), whole(frame))
    starts = cuts.finish()
    return starts, dissolves.merged(starts), len(runs)


def mixed(parts: Iterable[float]) -> list[FloatArray]:
    """Frames between two scenes."""
    return [scene(1) * np.float32(1 - part) + scene(2) * np.float32(part) for part in parts]


@pytest.mark.parametrize("begin", [2 * STEP - 12, 2 * STEP + 1, 2 * STEP + 8])
def test_a_dissolve_begins_a_shot_in_its_middle(begin: int) -> None:
    parts = np.clip((np.arange(5 * STEP) - begin) / 20, 0, 1)
    cuts, starts, _ = shots_of(mixed(parts))
    assert cuts == [0]
    assert len(starts) == 2
    assert abs(starts[1] - (begin + 10)) <= 3


def test_a_cut_is_not_found_twice() -> None:
    frames = mixed(np.repeat([0.0, 1.0], [2 * STEP + 7, 3 * STEP]))
    cuts, starts, _ = shots_of(frames)
    assert cuts == starts == [0, 2 * STEP + 7]


def test_a_flash_is_no_other_scene() -> None:
    frames = mixed(np.zeros(4 * STEP))
    frames[2 * STEP] = np.full(SIZE, 0.95, np.float32)
    frames[2 * STEP][20:40] = -0.9
    assert shots_of(frames)[1] == [0]


def test_a_still_scene_costs_no_run_of_the_network() -> None:
    _, starts, runs = shots_of(mixed(np.zeros(4 * STEP)))
    assert (starts, runs) == ([0], 0)
