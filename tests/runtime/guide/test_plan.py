"""Which keys, hints and references count in a frame, how much, and that the plan survives being kept."""

from __future__ import annotations

import numpy as np
import pytest

from cgan_runtime.guide.hints import chroma_of
from cgan_runtime.guide.memory import COLUMNS, WEIGHT, Guidance
from cgan_runtime.guide.plan import BESIDE_KEYS, FADE_FRAMES, MAX_MEMORY, Anchor, GuidePlan
from cgan_runtime.guide.settings import Hint

GRID, FINE = (8, 12), (16, 24)
HINTS = (Hint(0.25, 0.5, "red"), Hint(0.75, 0.5, "blue"))


def rows(mark: float, count: int = 3) -> np.ndarray:
    made = np.zeros((count, COLUMNS), np.float16)
    made[:, 0], made[:, WEIGHT] = mark, 1
    return made


def key(frame: int, first: int, end: int, mark: float, count: int = 3) -> Anchor:
    return Anchor(frame, first, end, rows(mark, count), np.full((3, *FINE), mark, np.float16))


def weights(guidance: Guidance | None) -> dict[float, float]:
    """The weight of the rows of each mark."""
    if guidance is None or guidance.memory is None:
        return {}
    known = guidance.memory[guidance.memory[:, WEIGHT] > 0]
    return {float(mark): float(known[known[:, 0] == mark][0, WEIGHT]) for mark in np.unique(known[:, 0])}


@pytest.fixture
def plan() -> GuidePlan:
    """Two shots, 0 to 99 with two keys, 100 to 199 with hints, and a third with nothing."""
    anchors = (
        key(20, 0, 100, 0.25), key(60, 0, 100, 0.5),
        Anchor(120, 100, 200, rows(0.75), None, (0,)), Anchor(150, 150, 161, rows(1.0), None, (1,)),
    )  # fmt: skip
    return GuidePlan(HINTS, (80, 120), GRID, rows(0.125)[:0], anchors, (0, 100, 200), 300, ("a note",))


def test_a_key_counts_in_both_directions_and_one_goes_over_into_the_next(plan: GuidePlan) -> None:
    assert weights(plan.at(0)) == {0.25: pytest.approx(1 / (1 + 20 / FADE_FRAMES))}
    assert weights(plan.at(20)) == {0.25: 1}
    assert weights(plan.at(30)) == {0.25: 0.75, 0.5: 0.25}
    assert weights(plan.at(50)) == {0.25: 0.25, 0.5: 0.75}
    assert weights(plan.at(60)) == {0.5: 1}
    assert weights(plan.at(99)) == {0.5: pytest.approx(1 / (1 + 39 / FADE_FRAMES))}


def test_nothing_counts_beyond_a_cut(plan: GuidePlan) -> None:
    assert set(weights(plan.at(100))) == {0.75}
    assert plan.at(200) is None
    assert plan.at(299) is None


def test_hints_count_until_they_say(plan: GuidePlan) -> None:
    for frame, marks in ((149, {0.75}), (150, {0.75, 1.0}), (160, {0.75, 1.0}), (161, {0.75})):
        assert set(weights(plan.at(frame))) == marks
    for frame, shown in ((120, 0), (150, 1)):
        guidance = plan.at(frame)
        assert guidance is not None
        assert guidance.hints is not None
        assert np.argmax(guidance.hints[2].sum(axis=0)) == (2, 8)[shown]
    assert plan.at(121).hints is None  # type: ignore[union-attr]


def test_the_frame_of_a_key_has_all_its_colors(plan: GuidePlan) -> None:
    guidance = plan.at(20)
    assert guidance is not None
    assert guidance.hints is not None
    np.testing.assert_array_equal(guidance.hints, 0.25)
    certain = guidance.certain((32, 48), saturation=0.5)
    assert certain is not None
    assert certain.chroma is not None
    np.testing.assert_array_equal(certain.share, 0.25)
    np.testing.assert_allclose(certain.chroma, 0.5)  # 0.25 in a place that is covered by a quarter, and half of that
    assert plan.at(21).certain((32, 48)) is None  # type: ignore[union-attr]


def test_hints_in_the_frame_of_a_key_lie_over_it() -> None:
    hint = Hint(0.25, 0.5, "red", 0.2, frame=20)
    anchors = (key(20, 0, 100, 0.25), Anchor(20, 0, 100, rows(0.5), None, (0,)))
    guidance = GuidePlan((hint,), (80, 120), GRID, anchors=anchors).at(20)
    assert guidance is not None
    assert guidance.painted is not None
    assert guidance.hints is not None
    assert guidance.painted.shape == (3, *FINE)
    assert guidance.painted[2, 8, 6] == guidance.hints[2, 4, 3] == 1
    assert guidance.painted[2, 0, 23] == guidance.hints[2, 0, 11] == 0.25
    np.testing.assert_allclose(guidance.painted[:2, 8, 6], chroma_of("red"), rtol=1e-5)


def test_colors_of_a_key_are_carried_the_less_the_nearer_the_next_one(plan: GuidePlan) -> None:
    lasts = [guidance.lasts for number in range(100) if (guidance := plan.at(number))]
    assert lasts[:20] == [2 * (20 - number) for number in range(20)]
    assert lasts[20:60] == [2 * (60 - number) for number in range(20, 60)]
    assert set(lasts[60:]) == {FADE_FRAMES}
    assert plan.at(110).lasts == 0  # type: ignore[union-attr]  # hints alone


def test_references_count_everywhere_and_less_beside_a_key() -> None:
    plan = GuidePlan((), (80, 120), GRID, rows(0.125), (key(5, 0, 10, 0.5),), (0, 10), 20)
    assert weights(plan.at(15)) == {0.125: 1}
    assert weights(plan.at(5)) == {0.125: BESIDE_KEYS, 0.5: 1}


def test_memory_of_one_frame_is_bounded() -> None:
    many = tuple(Anchor(n, 0, 10_000, rows(n / 10_000, 9), None, ()) for n in range(0, 10_000, 10))
    plan = GuidePlan((), (80, 120), GRID, rows(0.125), many, (0,), 10_000)
    guidance = plan.at(5000)
    assert guidance is not None
    assert guidance.memory is not None
    assert len(guidance.memory) <= MAX_MEMORY
    marks = [mark for mark in weights(guidance) if mark != 0.125]
    assert min(marks) > 0.25  # those far away were left out
    assert max(marks) < 0.75


def test_the_plan_of_500_keys_is_small_and_survives(plan: GuidePlan) -> None:
    grid = (64, 64)
    anchors = tuple(Anchor(n, 0, 500, rows(0.5, 1024), np.zeros((3, 2 * 64, 2 * 64), np.float16)) for n in range(500))
    content = GuidePlan((), (80, 120), grid, rows(0.1), anchors, (0,), 500).to_bytes()
    assert len(content) < 500 * 180_000  # a picture of 1080p takes 6 MB, these take 90 MB together
    for each in (plan, GuidePlan((), (80, 120), GRID)):
        again = GuidePlan.from_bytes(each.to_bytes(), each.hints)
        assert again is not None
        assert (again.starts, again.frames, again.notes) == (each.starts, each.frames, each.notes)
        for number in range(0, each.frames, 10):
            one, other = each.at(number), again.at(number)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                np.testing.assert_array_equal(one.memory, other.memory)
                assert (one.hints is None) == (other.hints is None)
                if one.hints is not None and other.hints is not None:
                    np.testing.assert_array_equal(one.hints, other.hints)
                assert (one.painted is None) == (other.painted is None)
                if one.painted is not None and other.painted is not None:
                    np.testing.assert_array_equal(one.painted, other.painted)
                assert one.lasts == other.lasts


@pytest.mark.parametrize("damage", [b"", b"PK", b"\x93NUMPY", b"nothing"])
def test_a_damaged_plan_is_made_again(damage: bytes, plan: GuidePlan) -> None:
    assert GuidePlan.from_bytes(damage, ()) is None
    assert GuidePlan.from_bytes(plan.to_bytes()[:-400], ()) is None


def test_keys_of_a_shot_are_listed(plan: GuidePlan) -> None:
    assert plan.keys_in(range(100)) == [20, 60]
    assert plan.keys_in(range(100, 200)) == [120, 150]
