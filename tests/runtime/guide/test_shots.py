"""Shots are found where the temporal filter finds cuts, without its cost."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.videos import scenes

from cgan_runtime.guide.choice import Choice, Sample
from cgan_runtime.guide.likeness import Likeness, small_view
from cgan_runtime.guide.shots import ShotFinder, shot_of
from cgan_runtime.pipeline.parts import independent_starts
from cgan_runtime.temporal.settings import TemporalSettings


def views(order: list[int], shape: tuple[int, int] = (32, 48)) -> list[np.ndarray]:
    return [
        frame.astype(np.float32) / np.float32(127.5) - np.float32(1)
        for frame in scenes(len(order), lambda number: order[number], shape)
    ]


def starts_of(order: list[int]) -> list[int]:
    finder = ShotFinder()
    for view in views(order):
        finder.add(view)
    return finder.finish()


def test_cuts_begin_shots_and_flashes_do_not() -> None:
    order = [0] * 20 + [1] * 20 + [-1] * 2 + [1] * 20 + [2] * 3
    assert starts_of(order) == [0, 20, 62]
    assert starts_of([5]) == [0]
    assert starts_of([]) == []


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_the_filter(seed: int) -> None:
    dice = random.Random(seed)
    order: list[int] = []
    while len(order) < 150:  # scenes that stay
        order += [len(order)] * dice.choice([7, 15, 30])
    found = independent_starts(views(order), TemporalSettings())[1]
    assert [start for start in starts_of(order) if len(order) - start > 5] == found


def test_a_frame_is_in_its_shot() -> None:
    assert [shot_of([0, 10, 15], 20, number) for number in (0, 9, 10, 19)] == [
        range(10), range(10), range(10, 15), range(15, 20),
    ]  # fmt: skip


def test_a_key_is_told_from_the_frames_around_it() -> None:
    frames = views([0] * 30 + [1] * 30, (64, 96))
    for shown, named, other_scene, better in ((20, 20, False, None), (20, 21, False, 20), (31, 29, True, 31)):
        likeness = Likeness(frames[shown] * np.float32(0.9))
        for number in range(named - 10, named + 11):
            likeness.compare(number, small_view(frames[number]))
        verdict = likeness.judge(named)
        assert (verdict.is_other_scene, verdict.better) == (other_scene, better)
    foreign = Likeness(views([9], (64, 96))[0])
    for number in range(10, 30):
        foreign.compare(number, small_view(frames[number]))
    assert foreign.judge(20).is_other_scene
    assert foreign.judge(20).better is None


def sample(frame: int, kind: int, frames: int = 10, *, is_key: bool = False) -> Sample:
    keys = np.zeros((32, 2, 2), np.float32)
    keys[kind] = 1
    return Sample.of(frame, frames, keys, is_key=is_key)


def test_frames_like_many_others_come_first_and_one_of_a_kind_is_enough() -> None:
    choice = Choice(3)
    choice.add([sample(5, 0), sample(15, 0), sample(25, 0), sample(35, 1)])  # 30 frames of one look, 10 of another
    choice.add([sample(45, 0, 20)])  # the same look in another shot is another shot
    assert [each.frame for each in choice.best()] == [5, 35, 45]
    assert [each.helps for each in choice.best()] == [30, 10, 20]


def test_what_a_key_decides_needs_no_other_one() -> None:
    choice = Choice(5)
    choice.add([sample(5, 0), sample(7, 0, is_key=True), sample(15, 1)])
    choice.add([])
    assert [each.frame for each in choice.best()] == [15]
