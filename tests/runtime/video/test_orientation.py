"""All eight orientations: of the matrix, of planes, points and sides, and of whole videos from end to end."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeBackend

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.read_write import read_image
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.contact_sheet import write_sheet
from cgan_runtime.video.orientation import Orientation, Side
from cgan_runtime.video.write.codecs import EncoderSettings

ONE = 1 << 16
WIDTH, HEIGHT = 64, 48
ALL = [Orientation(turns, mirrored) for turns, mirrored in itertools.product(range(4), (False, True))]
# a, b, c, d of a display matrix: a stored pixel (x, y) is shown at (a x + c y, b x + d y).
LINEAR = list(itertools.chain.from_iterable(
    ((across, 0, 0, down), (0, across, down, 0)) for across in (1, -1) for down in (1, -1)
))  # fmt: skip
orientations = st.sampled_from(ALL)
needs_matrix = pytest.mark.skipif(
    not hasattr(av.VideoStream, "set_display_matrix"), reason="PyAV before 18 cannot write a display matrix"
)


def _matrix(linear: tuple[int, int, int, int], scale: float = 1) -> list[int]:
    a, b, c, d = (round(value * ONE * scale) for value in linear)
    return [a, b, 0, c, d, 0, 0, 0, 1 << 30]


def _moved(stored: np.ndarray[Any, Any], linear: tuple[int, int, int, int]) -> np.ndarray[Any, Any]:
    """A picture moved pixel by pixel as the matrix says."""
    a, b, c, d = linear
    places = {
        (a * x + c * y, b * x + d * y): stored[y, x] for y in range(stored.shape[0]) for x in range(stored.shape[1])
    }
    left, top = min(x for x, _ in places), min(y for _, y in places)
    wide, high = max(x for x, _ in places) - left + 1, max(y for _, y in places) - top + 1
    return np.array([[places[left + x, top + y] for x in range(wide)] for y in range(high)])


@pytest.mark.parametrize("linear", LINEAR)
@pytest.mark.parametrize("scale", [1, 0.5, 2])
def test_a_plane_is_shown_as_its_matrix_moves_its_pixels(linear: tuple[int, int, int, int], scale: float) -> None:
    stored = np.arange(12).reshape(3, 4)
    orientation = Orientation.of_matrix(_matrix(linear, scale))
    assert np.array_equal(orientation.shown(stored), _moved(stored, linear))


def test_each_orientation_is_that_of_one_matrix() -> None:
    assert {Orientation.of_matrix(_matrix(linear)) for linear in LINEAR} == set(ALL)
    assert Orientation.of_matrix([0] * 9) == Orientation()


@pytest.mark.parametrize("degrees", [3, 40, 50, 87, 130, 181, 272, 359])
def test_a_slanted_matrix_is_taken_for_the_nearest(degrees: int) -> None:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = [round(value * ONE) for value in (cosine, -sine, 0, sine, cosine, 0)]
    assert Orientation.of_matrix([*matrix, 0, 0, 1 << 30]) == Orientation(round(degrees / 90) % 4)


@given(orientations, st.integers(1, 9), st.integers(1, 9))
def test_planes_come_back(orientation: Orientation, width: int, height: int) -> None:
    stored = np.arange(width * height).reshape(height, width)
    shown = orientation.shown(stored)
    assert shown.shape == orientation.shown_size(height, width)
    assert np.array_equal(orientation.stored(shown), stored)


@given(orientations, st.integers(1, 9), st.integers(1, 9), st.data())
def test_points_move_with_their_pixels(orientation: Orientation, width: int, height: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    stored = np.zeros((height, width), bool)
    stored[y, x] = True
    right, down = orientation.shown_point(x + 0.5, y + 0.5, width, height)
    assert orientation.shown(stored)[int(down), int(right)]
    assert orientation.stored_point(right, down, width, height) == (x + 0.5, y + 0.5)


@given(orientations, st.sampled_from(["left", "top", "right", "bottom"]))
def test_sides_move_with_the_plane(orientation: Orientation, side: Side) -> None:
    edges: dict[str, Any] = {
        "left": np.s_[:, 0], "right": np.s_[:, -1], "top": np.s_[0], "bottom": np.s_[-1],
    }  # fmt: skip
    stored = np.zeros((3, 4), bool)
    stored[edges[orientation.stored_side(side)]] = True
    assert orientation.shown(stored)[edges[side]].all()


# Whole videos


def _stored() -> np.ndarray[Any, Any]:
    """The left half is white, with a gray square in its upper left corner."""
    picture = np.full((HEIGHT, WIDTH), 40, np.uint8)
    picture[:, : WIDTH // 2] = 220
    picture[:12, :12] = 128
    return picture


def _video(path: Path, orientation: tuple[int, int, int, int]) -> Path:
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.set_display_matrix(_matrix(orientation))
        for number in range(2):
            frame = av.VideoFrame.from_ndarray(_stored(), format="gray").reformat(format="yuv420p")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _differs(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    return float(np.abs(first.astype(float) - second.astype(float)).mean())


@needs_matrix
@pytest.mark.parametrize("linear", LINEAR)
def test_network_images_sheet_and_compare_show_what_a_player_shows(
    linear: tuple[int, int, int, int], tmp_path: Path
) -> None:
    seen: list[np.ndarray[Any, Any]] = []

    def redder_to_the_right(lightness: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        seen.append(lightness[0, 0].copy())
        red = np.linspace(-0.3, 0.3, lightness.shape[3], dtype=np.float32)
        chroma = np.zeros((1, 2, *lightness.shape[2:]), np.float32)
        chroma[0, 0] = red
        return chroma

    source, expected = _video(tmp_path / "in.mp4", linear), _moved(_stored(), linear)
    high, wide = expected.shape
    with Colorizer(FakeBackend(redder_to_the_right)) as colorizer:
        colorize_video(source, tmp_path / "%d.png", colorizer)
        colorize_video(source, tmp_path / "beside-%d.png", colorizer, settings=VideoSettings(compare=True))
        video = VideoSettings(EncoderSettings(crf=1), compare=True)
        colorize_video(source, tmp_path / "out.mp4", colorizer, settings=video)
    step = seen[0].shape[0] / high
    look = seen[0][(np.arange(high) * step).astype(int)][:, (np.arange(wide) * step).astype(int)]
    assert np.corrcoef(look.ravel(), expected.ravel())[0, 1] > 0.9
    image = read_image(tmp_path / "1.png")
    assert image.shape[:2] == (high, wide)
    assert _differs(image @ [0.299, 0.587, 0.114], expected) < 3
    redness = image[..., 0].astype(float) - image[..., 1]
    assert redness[:, -8:].mean() > redness[:, :8].mean() + 20
    beside = read_image(tmp_path / "beside-1.png")
    assert beside.shape[:2] == (high, 2 * wide)
    assert not np.ptp(beside[:, :wide].astype(int), axis=2).any()
    assert _differs(beside[:, wide:], image) < 1
    write_sheet(tmp_path / "out.mp4", tmp_path / "sheet.png")
    thumbnail = read_image(tmp_path / "sheet.png")[6:276, 6:][:, : round(270 * 2 * wide / high)]
    columns, rows = ((np.arange(count) + 0.5) * 270 / high for count in (2 * wide, high))
    small = thumbnail[rows.astype(int)][:, columns.astype(int)]
    assert _differs(small, beside) < 15
    with av.open(tmp_path / "out.mp4") as output:
        assert Orientation.of(next(output.decode(video=0))) == Orientation.of_matrix(_matrix(linear))
