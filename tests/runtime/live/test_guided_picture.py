"""A picture with placed colors: the same color as `Colorizer.image` gives, from parts that are made once."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from tests.guided_model import write_guided_model
from tests.paths import ROOT

from cgan_runtime.color.encoding import Plane
from cgan_runtime.color.lab import lab_of_rgb, lightness_table
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.guide.memory import WEIGHT
from cgan_runtime.guide.settings import Guide, Hint
from cgan_runtime.image.read_write import read_image
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.guided_picture import SHOWN, GuidedPicture, View, check_still
from cgan_runtime.live.ycc_frame import JFIF
from cgan_runtime.temporal.settings import TemporalSettings

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
BLUE = Hint(0.25, 0.3, "#2040c0", radius=0.08)


@pytest.fixture(scope="module")
def colorizer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colorizer]:
    model = write_guided_model(tmp_path_factory.mktemp("model") / "guided.onnx")
    with Colorizer.open(model, "onnxruntime", threads=1) as colorizer:
        yield colorizer


@pytest.fixture(scope="module")
def photo() -> Plane:
    return read_image(PHOTO)


def shown(picture: GuidedPicture, colorizer: Colorizer, *hints: Hint) -> Plane:
    return np.asarray(cv2.cvtColor(picture.color(colorizer, hints).bgr(), cv2.COLOR_BGR2RGB))


def test_it_looks_as_the_full_picture_will(colorizer: Colorizer, photo: Plane) -> None:
    picture = GuidedPicture(View.of_image(photo, colorizer))
    for hints in ((), (BLUE,)):
        whole = colorizer.image(photo, guide=Guide(hints=hints))
        difference = np.abs(lab_of_rgb(shown(picture, colorizer, *hints)) - lab_of_rgb(whole))
        assert np.median(difference, axis=(1, 2)).max() < 2


def test_a_hint_colors_its_place_and_taking_it_away_brings_the_guess_back(colorizer: Colorizer, photo: Plane) -> None:
    picture = GuidedPicture(View.of_image(photo, colorizer))
    guess, blue = shown(picture, colorizer), shown(picture, colorizer, BLUE)
    place = round(BLUE.y * photo.shape[0]), round(BLUE.x * photo.shape[1])
    assert lab_of_rgb(blue[place][None, None]).ravel()[2] < -20
    assert lab_of_rgb(guess[place][None, None]).ravel()[2] > 0
    assert np.array_equal(shown(picture, colorizer), guess)


def test_a_large_photo_is_shown_small_and_a_small_one_as_it_is(colorizer: Colorizer, photo: Plane) -> None:
    large = cv2.resize(photo, (2 * SHOWN, SHOWN), interpolation=cv2.INTER_LINEAR)
    assert GuidedPicture(View.of_image(large, colorizer)).size == (SHOWN // 2, SHOWN)
    assert GuidedPicture(View.of_image(photo[:30, :20], colorizer)).size == (30, 20)


def test_a_frame_keeps_its_luma(colorizer: Colorizer) -> None:
    luma = np.random.default_rng(1).integers(0, 256, (120, 160), dtype=np.uint8)
    frame = GuidedPicture(View.of_luma(luma, colorizer)).color(colorizer, [BLUE])
    assert np.array_equal(frame.luma, luma)


def test_strength_multiplies_the_chroma(colorizer: Colorizer, photo: Plane) -> None:
    view = View.of_image(photo, colorizer)
    gray = shown(GuidedPicture(view, strength=0), colorizer, BLUE)
    assert np.ptp(gray.astype(int), axis=2).max() <= 2


def test_a_view_is_kept_and_a_damaged_one_told(colorizer: Colorizer, photo: Plane) -> None:
    view = View.of_image(photo, colorizer)
    content = view.to_bytes()
    again = View.from_bytes(content)
    assert np.array_equal(again.luma, view.luma)
    assert np.array_equal(again.lightness, view.lightness)
    assert again.picture == photo.shape[:2]
    for damaged in (b"", content[:500], content[:-9]):
        with pytest.raises(MediaError, match="damaged"):
            View.from_bytes(damaged)


def test_a_camera_goes_on_with_the_colors_of_a_held_frame(colorizer: Colorizer) -> None:
    luma = np.tile(np.linspace(20, 230, 160, dtype=np.uint8), (120, 1))
    picture = GuidedPicture(View.of_luma(luma, colorizer))
    assert picture.memory(colorizer, []) is None
    guidance = picture.memory(colorizer, [BLUE])
    assert guidance is not None
    assert guidance.memory is not None
    assert 0 < (guidance.memory[:, WEIGHT] > 0).sum() < 40
    camera = FrameColorizer(colorizer, TemporalSettings())
    place = round(BLUE.y * 60), round(BLUE.x * 80)  # of the chroma planes
    before = int(camera.colorize(luma).cb[place])
    camera.guidance = guidance
    after = int(camera.colorize(luma).cb[place])
    camera.guidance = None
    assert after > before + 15
    assert abs(int(camera.colorize(luma).cb[place]) - before) <= 1


def test_hints_with_a_time_are_not_for_an_image() -> None:
    check_still([BLUE])
    with pytest.raises(ConfigError, match="hint 2 has a time or frame"):
        check_still([BLUE, Hint(0.1, 0.1, "red", time=1.5)])


def test_the_lightness_of_a_photo_is_that_of_its_luma(colorizer: Colorizer, photo: Plane) -> None:
    view = View.of_image(photo, colorizer)
    codes = lightness_table(JFIF)[view.luma]
    small = cv2.resize(codes, view.lightness.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small - view.lightness).mean() < 0.01
