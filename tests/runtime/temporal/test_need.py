"""`every="auto"`: the network runs where the frames ask for it, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest
from tests.runtime.temporal.test_filter import BLUE, HEIGHT, NEAR, RED, WIDTH, even, flickering, grainy, scene

from cgan_runtime.backends.base import FloatArray
from cgan_runtime.temporal.filter import TemporalFilter, TemporalState
from cgan_runtime.temporal.motion import MARK, SAID
from cgan_runtime.temporal.need import LIGHT_DRIFT, MOST_FRAMES
from cgan_runtime.temporal.settings import TemporalSettings


def asked_at(
    frames: Iterable[FloatArray], say: Callable[[int], FloatArray] = lambda _: even(RED)
) -> tuple[list[int], list[FloatArray]]:
    """The frames on which the network runs, and what is shown."""
    steady, asked, shown = TemporalFilter(TemporalSettings()), [], []
    for number, frame in enumerate(frames):

        def predict(_: FloatArray, number: int = number) -> FloatArray:
            asked.append(number)
            return say(number)

        shown.append(steady.step(frame, predict))
    return asked, shown


@pytest.mark.parametrize("grain", [0, 4])
def test_a_still_scene_is_looked_at_now_and_then(grain: float) -> None:
    asked, _ = asked_at(grainy(scene("astronaut"), seed, grain) for seed in range(2 * MOST_FRAMES + 1))
    assert asked == [0, MOST_FRAMES, 2 * MOST_FRAMES]


def test_a_cut_is_looked_at() -> None:
    frames = [scene("astronaut", t) for t in range(4)] + [scene("coffee", t) for t in range(4)]
    asked, shown = asked_at(frames, lambda number: even(RED if number < 4 else BLUE))
    assert asked == [0, 4]
    assert np.abs(shown[4] - even(BLUE)).max() < 1e-6


def test_what_comes_into_view_is_looked_at() -> None:
    """A thing of a hundredth of the image appears: it never has the color of what was there."""
    ground = scene("coffee") * np.float32(0.3)
    there = ground.copy()
    cv2.circle(there, (70, 50), 8, 0.9, -1)
    asked, shown = asked_at([ground] * 3 + [there] * 3, lambda number: even(RED if number < 3 else BLUE))
    assert asked[:2] == [0, 3]
    assert np.abs(shown[3] - even(BLUE))[:, 46:54, 66:74].mean() < NEAR


def test_a_pan_is_looked_at_as_new_parts_come_into_view() -> None:
    slow, _ = asked_at(scene("astronaut", 0.1 * t) for t in range(MOST_FRAMES))
    fast, _ = asked_at(scene("astronaut", 4 * t) for t in range(MOST_FRAMES))
    assert slow == [0]
    assert len(fast) > MOST_FRAMES // 4


def test_light_that_changes_slowly_is_looked_at_in_time() -> None:
    step = 2 / 127.5  # two levels for each frame
    asked, _ = asked_at(scene("astronaut") * np.float32(0.6) + np.float32(step * t - 0.2) for t in range(8))
    assert asked == [0, int(LIGHT_DRIFT / 2) + 1]


def test_the_decision_follows_from_the_frames_alone() -> None:
    frames = [grainy(scene("astronaut", 2 * t), t) for t in range(12)] + [grainy(scene("rocket"), t) for t in range(6)]
    asked, _ = asked_at(frames)
    assert asked_at(frames, flickering)[0] == asked
    assert 2 < len(asked) < len(frames)


def test_with_no_filter_it_always_runs() -> None:
    steady = TemporalFilter(TemporalSettings("off"))
    for _ in range(4):
        steady.step(scene("astronaut"), lambda _: even(RED))
    assert steady.predictions == 4


def test_it_runs_where_it_is_asked_for() -> None:
    steady = TemporalFilter()
    for number in range(4):
        if number == 2:
            steady.ask()
        steady.step(scene("astronaut"), lambda _: even(RED))
    assert steady.predictions == 2


def test_a_place_of_which_nothing_is_known_keeps_finite_colors() -> None:
    """Something appears that is too small to look at the frame again for."""
    frames = [grainy(scene("coffee"), t, 2) for t in range(6)]
    for frame in frames[3:]:
        cv2.circle(frame, (60, 40), 2, 1.0, -1)
    asked, shown = asked_at(frames)
    assert asked == [0]
    assert all(np.abs(chroma - even(RED)).max() < 1e-5 for chroma in shown)


def test_what_the_network_said_of_a_flash_is_not_used_again() -> None:
    frames = [grainy(scene("astronaut"), t, 2) for t in range(8 + 12)]
    frames[8] = np.minimum(frames[8] * np.float32(0.6) + np.float32(0.5), 1)
    _, shown = asked_at(frames, lambda number: even(BLUE if number == 8 else RED))
    assert all(np.abs(chroma - even(RED)).mean() < NEAR for chroma in shown)


def test_the_state_holds_what_the_network_said() -> None:
    steady = TemporalFilter()
    for t in range(3):
        steady.step(scene("astronaut", t), lambda _: even(RED))
    assert steady.state is not None
    kept = steady.state.shown
    np.testing.assert_allclose(kept.colors[..., SAID], np.moveaxis(even(RED), 0, -1), atol=1e-6)
    assert kept.marks.shape == (HEIGHT // MARK, WIDTH // MARK, 4)
    again = TemporalState.from_bytes(steady.state.to_bytes())
    assert (again.shown.colors == kept.colors).all()
    assert (again.shown.marks == kept.marks).all()
    assert (again.since, again.light, again.usable) == (2, steady.state.light, True)
