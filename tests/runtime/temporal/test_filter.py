"""The temporal filter on synthetic videos: it is steady and follows motion, and no color crosses a cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from skimage import data as photos
from tests.fakes import FakeBackend, warm_above_cool_below

from cgan_runtime.backends.base import FloatArray
from cgan_runtime.color.encoding import Encoding
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError
from cgan_runtime.temporal.blending import Certain
from cgan_runtime.temporal.filter import FLASH_FRAMES, HORIZON, TemporalFilter, TemporalState
from cgan_runtime.temporal.motion import MARK, Moment
from cgan_runtime.temporal.settings import MAX_EVERY, STRENGTHS, Every, Strength, TemporalSettings

HEIGHT, WIDTH = 96, 128
RED, BLUE = (0.6, 0.4), (0.1, -0.6)
NEAR = 0.02  # of (a*, b*)/110: two units, hardly seen
Color = tuple[float, float]


@cache
def _photograph(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    photo = cv2.cvtColor(getattr(photos, name)(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(photo, (WIDTH * 2, HEIGHT * 2), interpolation=cv2.INTER_AREA)


def scene(name: str, x: float = 0, y: float = 0, scale: float = 1.0) -> FloatArray:
    """Lightness of a photograph seen from (x, y), in [-1, 1]."""
    view = np.array([[scale, 0, WIDTH / 4 + x], [0, scale, HEIGHT / 4 + y]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(_photograph(name), view, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return seen.astype(np.float32) / np.float32(127.5) - 1


def grainy(lightness: FloatArray, seed: int, sigma: float = 6.0) -> FloatArray:
    """With the grain of fast video, sigma in levels of 255."""
    grain = np.random.default_rng(seed).normal(0, sigma / 127.5, lightness.shape)
    return np.clip(lightness + grain, -1, 1).astype(np.float32)


def even(color: Color, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> FloatArray:
    """One color all over, (2, h, w)."""
    return np.broadcast_to(np.array(color, np.float32)[:, None, None], (2, *shape)).copy()


def flickering(seed: int) -> FloatArray:
    """What a network says that changes its mind in large soft patches."""
    coarse = np.random.default_rng(seed).normal(0, 0.06, (6, 8, 2)).astype(np.float32)
    return np.moveaxis(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), -1, 0) + np.float32(0.2)


def run(
    frames: Iterable[FloatArray], predictions: Iterable[FloatArray], settings: TemporalSettings | None = None
) -> tuple[list[FloatArray], TemporalFilter]:
    """All frames through a new filter."""
    steady = TemporalFilter(settings)
    shown = [
        steady.step(frame, lambda _, said=said: said)  # type: ignore[misc]
        for frame, said in zip(frames, predictions, strict=True)
    ]
    return shown, steady


def change(shown: list[FloatArray]) -> float:
    """Mean change of chroma from frame to frame, the first few left out."""
    return float(np.mean([np.abs(b - a).mean() for a, b in pairwise(shown[4:])]))


class TestSteadiness:
    @pytest.mark.parametrize(("strength", "factor"), [("low", 2.0), ("high", 5.0)])
    def test_a_still_grainy_scene_flickers_less(self, strength: Strength, factor: float) -> None:
        frames = [grainy(scene("astronaut"), seed) for seed in range(24)]
        said = [flickering(seed) for seed in range(24)]
        shown, steady = run(frames, said, TemporalSettings(strength))
        assert steady.cuts == 0
        assert change(shown) < change(said) / factor

    def test_off_shows_each_prediction(self) -> None:
        frames = [scene("astronaut", x) for x in range(6)]
        said = [flickering(seed) for seed in range(6)]
        shown, steady = run(frames, said, TemporalSettings("off"))
        assert all((a == b).all() for a, b in zip(shown, said, strict=True))
        assert steady.predictions == 6

    @pytest.mark.parametrize("grain", [0.0, 2.0])
    @pytest.mark.parametrize("every", [1, 3, "auto"])
    def test_changing_predictions_are_smoothed(self, every: Every, grain: float) -> None:
        """A night sky, brown in one frame and blue in the next, while nothing has moved: no jump is seen."""
        night = scene("astronaut") * np.float32(0.2) - np.float32(0.75)
        frames = [grainy(night, seed, grain) for seed in range(13 + 36)]
        brown, blue = np.array((0.05, 0.1)), np.array((0.02, -0.12))
        said = [even((float(a), float(b))) for a, b in [brown] * 13 + [blue] * 36]
        shown, steady = run(frames, said, TemporalSettings("high", every))
        steps = [np.hypot(*(after - before)).mean() for before, after in pairwise(shown)]
        assert steady.cuts == 0
        assert max(steps) < np.linalg.norm(blue - brown) / HORIZON["high"] * 1.5
        assert np.abs(shown[-1] - said[-1]).max() < NEAR

    @pytest.mark.parametrize("strength", ["low", "high"])
    def test_a_lasting_change_is_followed(self, strength: Strength) -> None:
        """The average must not hold on to the past: within a second the new color is there."""
        frames = [grainy(scene("astronaut"), seed, 2) for seed in range(8 + 25)]
        said = [even((0.2, 0.2))] * 8 + [even((0.2, 0.28))] * 25
        shown, _ = run(frames, said, TemporalSettings(strength))
        assert np.abs(shown[-1] - said[-1]).max() < NEAR

    def test_what_nobody_sees_does_not_change_each_frame(self) -> None:
        """A change of half a code is left out of frames on which the network does not run."""
        frames = [grainy(scene("astronaut"), seed, 2) for seed in range(12)]
        said = [even((0.2, 0.2))] * 4 + [even((0.2, 0.204))] * 8
        shown, _ = run(frames, said, TemporalSettings("high", 4))
        steps = [np.abs(after - before).max() for before, after in pairwise(shown)]
        assert max(steps[4:7] + steps[8:]) < 1e-5 < steps[3]

    def test_a_fresh_scene_is_averaged_from_its_first_frame(self) -> None:
        """The second frame counts as much as the first: a bad first guess does not stay."""
        frames = [scene("astronaut")] * 2
        shown, _ = run(frames, [even((0.2, 0.2)), even((0.2, 0.24))], TemporalSettings(every=1))
        assert shown[1][1].mean() == pytest.approx(0.22, abs=1e-3)


class TestMotion:
    @pytest.mark.parametrize(
        "view",
        [lambda t: {"x": 2.5 * t, "y": t}, lambda t: {"scale": 1.02**-t}, lambda t: {"x": 3 * np.sin(t)}],
        ids=["pan", "zoom", "shake"],
    )
    @pytest.mark.parametrize("grain", [0, 5])
    def test_color_follows(self, view: Callable[[int], dict[str, float]], grain: int) -> None:
        """A color painted on things in the first frame stays on them with no help from the network."""
        height, width = HEIGHT, WIDTH
        frames = [grainy(scene("coffee", **view(t)), t, grain) for t in range(10)]
        wave = np.sin(np.arange(width, dtype=np.float32) / 12)[None].repeat(height, 0) * np.float32(0.3)
        first = np.stack([wave, wave])
        shown, steady = run(frames, [first] * 10, TemporalSettings("off", every=20))
        assert (steady.predictions, steady.cuts) == (1, 0)
        start, end = view(0), view(9)
        scale = end.get("scale", 1.0) / start.get("scale", 1.0)
        shift = end.get("x", 0.0) - start.get("x", 0.0)
        expected = np.sin((np.arange(width, dtype=np.float32) * scale + shift) / 12) * np.float32(0.3)
        inside = slice(16, -28)  # what has been seen since the first frame
        error = np.abs(shown[9][:, 20:-20, inside] - expected[inside])
        unmoved = np.abs(first[:, 20:-20, inside] - expected[inside])
        assert error.mean() < 0.08
        assert unmoved.mean() < 0.08 or error.mean() < unmoved.mean() / 3

    def test_no_trail_behind_a_moving_thing(self) -> None:
        """A dark red thing crosses a brighter blue ground: its color goes with it, none stays behind."""
        frames, said, masks = [], [], []
        ground = scene("coffee") * np.float32(0.3) + np.float32(0.3)
        for t in range(14):
            mask = cv2.circle(np.zeros((HEIGHT, WIDTH), np.float32), (20 + 6 * t, 48), 14, 1.0, -1)
            mask = cv2.GaussianBlur(mask, (0, 0), 0.7)
            frames.append(grainy(ground * (1 - mask) - np.float32(0.5) * mask, t, 2))
            said.append(even(RED) * mask + even(BLUE) * (1 - mask))
            masks.append(mask)
        shown, steady = run(frames, said)
        assert steady.cuts == 0
        for t in range(4, 14):
            was = np.maximum.reduce(masks[t - 4 : t]) > 0.5
            uncovered = was & (cv2.dilate(masks[t], np.ones((5, 5))) < 0.01)
            assert uncovered.sum() > 100
            assert np.abs(shown[t] - said[t])[:, uncovered].mean() < NEAR

    def test_no_trail_where_lightness_is_equal(self) -> None:
        """Colors that differ as much as red from blue are not mixed, whatever the lightness says."""
        frames = [grainy(np.zeros((HEIGHT, WIDTH), np.float32), t, 2) for t in range(12)]
        said = [even(RED) if t < 8 else even(BLUE) for t in range(12)]
        shown, steady = run(frames, said, TemporalSettings(every=1))  # the frames alone do not tell
        assert steady.cuts == 0
        assert np.abs(shown[8] - said[8]).max() < 3 * NEAR


class TestCuts:
    NAMES = ("astronaut", "coffee", "chelsea", "rocket")

    @pytest.mark.parametrize("first", NAMES)
    @pytest.mark.parametrize("second", NAMES)
    @pytest.mark.parametrize("strength", ["low", "high"])
    @pytest.mark.parametrize("every", [1, 7, "auto"])
    def test_no_color_crosses(self, first: str, second: str, strength: Strength, every: Every) -> None:
        if first == second:
            return
        frames = [grainy(scene(first, t), t, 4) for t in range(9)]
        frames += [grainy(scene(second, t), t, 4) for t in range(9)]
        said = [even(RED)] * 9 + [even(BLUE)] * 9
        shown, steady = run(frames, said, TemporalSettings(strength, every))
        assert steady.cuts == 1
        for chroma, expected in zip(shown, said, strict=True):
            assert np.abs(chroma - expected).max() < 1e-5

    def test_the_network_runs_at_a_cut(self) -> None:
        frames = [scene("astronaut")] * 5 + [scene("coffee")] * 5
        _, steady = run(frames, [even(RED)] * 10, TemporalSettings("high", every=100))
        assert steady.predictions == 2

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("speed", [2, 6, 10])
    def test_a_pan_is_no_cut(self, name: str, speed: int) -> None:
        frames = [grainy(scene(name, -24 + speed * t), t) for t in range(5)]
        assert run(frames, [even(RED)] * 5)[1].cuts == 0

    def test_grain_on_an_empty_image_is_no_cut(self) -> None:
        frames = [grainy(np.full((HEIGHT, WIDTH), 0.2, np.float32), t, 10) for t in range(10)]
        assert run(frames, [even(RED)] * 10)[1].cuts == 0

    def test_a_fade_through_black_to_another_scene_is_a_cut(self) -> None:
        levels = [*np.linspace(1, 0, 10), 0, 0, *np.linspace(0, 1, 10)]
        names = ["astronaut"] * 11 + ["coffee"] * 11
        frames = [
            ((scene(name) + 1) * np.float32(level) - 1).astype(np.float32)
            for name, level in zip(names, levels, strict=True)
        ]
        said = [even(RED)] * 11 + [even(BLUE)] * 11
        shown, _ = run(frames, said)
        assert np.abs(shown[-1] - said[-1]).max() < NEAR


class TestFlashes:
    @pytest.mark.parametrize("length", [1, 2, FLASH_FRAMES - 1])
    @pytest.mark.parametrize("light", ["bright", "white", "torn"])
    def test_a_flash_is_no_cut_and_leaves_no_trace(self, length: int, light: str) -> None:
        before = [grainy(scene("astronaut", t), t, 3) for t in range(10)]
        after = [grainy(scene("astronaut", t), t, 3) for t in range(10 + length, 20)]
        during = {
            "bright": lambda t: np.minimum(scene("astronaut", t) * np.float32(0.6) + np.float32(0.5), 1),
            "white": lambda t: np.ones((HEIGHT, WIDTH), np.float32),
            "torn": lambda t: grainy(np.zeros((HEIGHT, WIDTH), np.float32), t, 60),
        }[light]
        frames = [*before, *(during(t).astype(np.float32) for t in range(10, 10 + length)), *after]
        # On the flash the network says blue, after it red again, but for a slip in the first frame.
        slip = even((RED[0] - 0.08, RED[1]))
        said = [even(RED)] * 10 + [even(BLUE)] * length + [slip] + [even(RED)] * (len(after) - 1)
        shown, steady = run(frames, said)
        assert steady.cuts == 0
        back = 10 + length
        assert np.median(np.abs(shown[back] - even(RED))) < NEAR
        assert np.abs(shown[-1] - even(RED)).mean() < NEAR / 2

    def test_a_scene_longer_than_a_flash_is_a_scene(self) -> None:
        frames = [scene("astronaut")] * 5 + [scene("coffee")] * (FLASH_FRAMES + 1) + [scene("astronaut")] * 2
        said = [even(RED)] * 5 + [even(BLUE)] * (FLASH_FRAMES + 1) + [even((0.3, 0.3))] * 2
        shown, steady = run(frames, said)
        assert steady.cuts == 2
        assert (shown[-1] == said[-1]).all()


class TestEvery:
    @pytest.mark.parametrize(("every", "asked"), [(1, 12), (2, 6), (5, 3), (12, 1), (100, 1)])
    def test_the_network_runs_on_every_nth_frame(self, every: int, asked: int) -> None:
        frames = [scene("astronaut", t) for t in range(12)]
        calls: list[int] = []

        def predict(lightness: FloatArray) -> FloatArray:
            calls.append(len(calls))
            return even(RED)

        steady = TemporalFilter(TemporalSettings("low", every))
        shown = [steady.step(frame, predict) for frame in frames]
        assert (len(calls), steady.predictions) == (asked, asked)
        assert all(np.abs(chroma - even(RED)).max() < 1e-5 for chroma in shown)

    def test_a_place_that_comes_into_view_takes_the_color_beside_it(self) -> None:
        frames = [scene("coffee", 8 * t) for t in range(5)]
        split = even(RED)
        split[:, :, WIDTH // 2 :] = even(BLUE)[:, :, WIDTH // 2 :]
        shown, _ = run(frames, [split] * 5, TemporalSettings("off", every=10))
        assert np.abs(shown[-1] - even(BLUE))[:, :, -16:].mean() < 0.1


class TestState:
    def test_a_filter_goes_on_from_a_state_bit_for_bit(self) -> None:
        frames = [grainy(scene("astronaut", t), t) for t in range(8)]
        frames += [np.ones((HEIGHT, WIDTH), np.float32)] + [grainy(scene("astronaut", t), t) for t in range(9, 14)]
        said = [flickering(t) for t in range(14)]
        kinds: list[tuple[Strength, Every]] = [("high", "auto"), ("high", 1), ("low", 3), ("off", 4)]
        for settings in (TemporalSettings(strength, every) for strength, every in kinds):
            whole, _ = run(frames, said, settings)
            for border in (1, 5, 9, 12):
                _, first = run(frames[:border], said[:border], settings)
                assert first.state is not None
                second = TemporalFilter(settings)
                second.state = TemporalState.from_bytes(first.state.to_bytes())
                for t in range(border, 14):
                    assert (second.step(frames[t], lambda _, t=t: said[t]) == whole[t]).all()  # type: ignore[misc]

    def test_frames_before_a_reset_leave_no_trace(self) -> None:
        """OpenCV's optical flow keeps buffers that told on later frames of this size."""

        def tinted(lightness: FloatArray) -> FloatArray:
            return np.stack([lightness, -lightness]) * np.float32(0.3)

        def clip(name: str) -> list[FloatArray]:
            return [np.ascontiguousarray(scene(name, t)[:48, :80]) for t in range(6)]

        fresh, used = TemporalFilter(), TemporalFilter()
        for frame in clip("coffee"):
            used.step(frame, tinted)
        used.reset()
        for frame in clip("astronaut"):
            np.testing.assert_array_equal(fresh.step(frame, tinted), used.step(frame, tinted))

    def test_memory_is_bounded(self) -> None:
        rng = np.random.default_rng(0)
        frames = [scene(rng.choice(TestCuts.NAMES), t % 5) for t in range(40)]
        steady = TemporalFilter()
        sizes = []
        for frame in frames:
            steady.step(frame, lambda _: even(RED))
            assert steady.state is not None
            sizes.append(len(steady.state.to_bytes()))
        assert max(sizes[20:]) <= max(sizes[:20])
        assert max(sizes) < 1.1 * HEIGHT * WIDTH * 4 * (4 + 4 / MARK**2) * 2

    def test_reset_forgets_all_frames(self) -> None:
        steady = TemporalFilter()
        for _ in range(5):
            steady.step(scene("astronaut"), lambda _: even(RED))
        steady.reset()
        said = even((0.5, 0.4))
        assert (steady.step(scene("astronaut"), lambda _: said) == said).all()

    def test_a_new_size_starts_a_new_scene(self) -> None:
        steady = TemporalFilter()
        for shape in ((HEIGHT, WIDTH), (HEIGHT // 2, WIDTH), (WIDTH, HEIGHT), (12, 12)):
            said = even(RED, shape)
            for _ in range(3):
                assert steady.step(np.zeros(shape, np.float32), lambda _, said=said: said).shape == said.shape  # type: ignore[misc]

    @pytest.mark.parametrize("shape", [(1, 1), (3, 7), (11, 11), (12, 1), (16, 16), (9, 64), (300, 17)])
    def test_small_and_odd_sizes(self, shape: tuple[int, int]) -> None:
        steady = TemporalFilter(TemporalSettings("high", 3))
        for seed in range(7):
            frame = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
            chroma = steady.step(frame, lambda _: even(RED, shape))
            assert np.abs(chroma - even(RED, shape)).max() < 1e-5

    def test_the_prediction_is_not_changed_and_the_result_is_a_new_array(self) -> None:
        said = flickering(1)
        kept = said.copy()
        steady = TemporalFilter()
        first = steady.step(scene("coffee"), lambda _: said)
        first += 1
        again = steady.step(scene("coffee"), lambda _: said)
        assert (said == kept).all()
        assert again == pytest.approx(kept, abs=1e-5)

    @pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04", b"no state"])
    def test_other_bytes_than_a_state_are_refused(self, content: bytes) -> None:
        with pytest.raises(ConfigError, match="no state"):
            TemporalState.from_bytes(content)

    def test_a_damaged_state_is_refused_or_valid(self) -> None:
        steady = TemporalFilter()
        steady.step(np.zeros((16, 16), np.float32), lambda _: even(RED, (16, 16)))
        assert steady.state is not None
        whole = steady.state.to_bytes()
        for length in range(0, len(whole), 97):
            with pytest.raises(ConfigError, match="no state"):
                TemporalState.from_bytes(whole[:length])
        with pytest.raises(ConfigError, match="no state"):
            TemporalState.from_bytes(TemporalState(Moment(*np.zeros((2, 8, 8, 4), np.float32))).to_bytes())


class TestColorizer:
    ENCODING = Encoding("bt709", full_range=False, bits=10)

    def _luma(self, t: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
        codes = (grainy(scene("astronaut", t), t) + 1) / 2 * 876 + 64
        return cv2.resize(codes, (200, 150)).astype(np.uint16)

    def test_off_equals_no_filter_bit_for_bit(self) -> None:
        with Colorizer(FakeBackend()) as with_filter, Colorizer(FakeBackend()) as without:
            off = TemporalFilter(TemporalSettings("off"))
            for t in range(4):
                planes = with_filter.planes(self._luma(t), self.ENCODING, (75, 100), off)
                expected = without.planes(self._luma(t), self.ENCODING, (75, 100))
                assert all((a == b).all() for a, b in zip(planes, expected, strict=True))

    def test_ten_bits_and_every_nth(self) -> None:
        backend = FakeBackend(warm_above_cool_below)
        with Colorizer(backend) as colorizer:
            steady = TemporalFilter(TemporalSettings("high", 4))
            for t in range(8):
                cb, _ = colorizer.planes(self._luma(t), self.ENCODING, (75, 100), steady)
                fresh, _ = Colorizer(FakeBackend()).planes(self._luma(t), self.ENCODING, (75, 100))
                assert np.abs(cb.astype(int) - fresh.astype(int)).mean() < 10
        assert backend.calls == 2


@pytest.mark.parametrize(
    "settings",
    [{"strength": "much"}, {"every": 0}, {"every": MAX_EVERY + 1}, {"every": "often"}, {"every": 1.5}, {"every": True}],
)
def test_settings_are_checked(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        TemporalSettings(**settings)  # type: ignore[arg-type]


def test_every_strength_has_a_horizon() -> None:
    assert tuple(HORIZON) == STRENGTHS


def test_certain_colors_replace_the_past_and_last() -> None:
    frame = np.linspace(-0.8, 0.8, 32 * 48, dtype=np.float32).reshape(32, 48)
    steady = TemporalFilter(TemporalSettings("high", every=3))
    before, known, after = (np.full((2, 32, 48), value, np.float32) for value in (0.3, -0.3, -0.2))
    known[:, 16:] = after[:, 16:] = 0.3
    for _ in range(10):
        steady.step(frame, lambda _: before)
    share = np.zeros((32, 48), np.float32)
    share[:16] = 1
    shown = steady.step(frame, lambda _: known, Certain(share))  # the network runs, though it is not its turn
    np.testing.assert_allclose(shown[:, :16], -0.3, atol=1e-6)
    np.testing.assert_allclose(shown[:, 16:], 0.3, atol=1e-6)
    for _ in range(3):
        later = steady.step(frame, lambda _: after)
    np.testing.assert_allclose(later[:, :12], -0.3 + 0.1 / HORIZON["high"], atol=0.002)  # one frame of twelve


def test_given_colors_stand_in_place_of_the_prediction() -> None:
    frame, predicted, given = still(), filled(0.3), filled(-0.2)
    share = np.zeros((32, 48), np.float32)
    share[:16], share[16:24] = 1, 0.5
    for settings in (TemporalSettings("high"), TemporalSettings("off", every=1)):
        shown = TemporalFilter(settings).step(frame, lambda _: predicted, Certain(share, given))
        np.testing.assert_allclose(shown[:, :16], -0.2, atol=1e-6)
        np.testing.assert_allclose(shown[:, 16:24], 0.05, atol=1e-6)
        np.testing.assert_allclose(shown[:, 24:], 0.3, atol=1e-6)


def test_the_network_does_not_run_where_all_colors_are_given() -> None:
    steady, given = TemporalFilter(), filled(-0.03)
    shown = steady.step(still(), lambda _: filled(0.1), Certain(EVERYWHERE, given))
    np.testing.assert_allclose(shown, given)
    assert steady.predictions == 0
    almost = EVERYWHERE.copy()
    almost[3, 5] = 0.5
    steady.step(still(), lambda _: filled(0.1), Certain(almost, given))
    assert steady.predictions == 1


@pytest.mark.parametrize(("lasts", "slowly"), [(0, HORIZON["high"]), (100, 100)])
def test_certain_colors_are_carried_for_as_long_as_they_last(lasts: int, slowly: int) -> None:
    steady = TemporalFilter(TemporalSettings("high", every=1))
    steady.step(still(), lambda _: filled(0.0), Certain(EVERYWHERE, filled(-0.03)), lasts)
    for _ in range(50):
        shown = steady.step(still(), lambda _: filled(0.0), None, lasts)
    assert shown.mean() / -0.03 == pytest.approx((1 - 1 / slowly) ** 50, abs=0.01)


def test_what_follows_takes_over_when_certain_colors_last_no_longer() -> None:
    steady = TemporalFilter(TemporalSettings("high", every=1))
    steady.step(still(), lambda _: filled(0.0), Certain(EVERYWHERE, filled(-0.03)), 40)
    left = [steady.step(still(), lambda _: filled(0.0), None, lasts).mean() / -0.03 for lasts in range(39, 0, -1)]
    assert np.all(np.diff(left) < 0)
    assert left[19] == pytest.approx(0.5, abs=0.02)  # evenly, frame by frame
    assert left[-1] < 0.15
    resumed = TemporalFilter(steady.settings)
    resumed.filter_state = steady.filter_state
    for each in (steady, resumed):
        each.step(still(), lambda _: filled(0.01), None, 30)
    assert steady.state is not None
    assert resumed.state is not None
    np.testing.assert_array_equal(steady.state.shown.colors, resumed.state.shown.colors)
    np.testing.assert_array_equal(steady.state.shown.marks, resumed.state.shown.marks)


def test_a_thing_that_was_not_there_takes_no_certain_color() -> None:
    steady = TemporalFilter(TemporalSettings("high", every=1))
    steady.step(still(), lambda _: filled(0.1), Certain(EVERYWHERE, filled(-0.1)), 250)
    now = still()
    now[8:24, 16:32] = 0.9  # it comes into view at once, in front of the rest
    shown = steady.step(now, lambda _: filled(0.1), None, 250)
    np.testing.assert_allclose(shown[:, 12:20, 20:28], 0.1, atol=0.03)
    np.testing.assert_allclose(shown[:, :, :6], -0.1, atol=0.01)


EVERYWHERE = np.ones((32, 48), np.float32)


def still() -> np.ndarray:
    return np.linspace(-0.8, 0.8, 32 * 48, dtype=np.float32).reshape(32, 48)


def filled(value: float) -> np.ndarray:
    return np.full((2, 32, 48), value, np.float32)
