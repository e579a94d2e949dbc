"""The colorizer with a fake back end: geometry, bit depths, kept luma, restored true colors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import color as oracle
from skimage import data as photos
from tests.conftest import write_tiny_model
from tests.fakes import FakeBackend, Predict

from cgan_runtime.backends.base import FloatArray
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.color.encoding import Encoding
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, ConfigError, InputShapeError
from cgan_runtime.network_shape import network_shape

VIDEO = Encoding("bt709", full_range=False, bits=8)
SIZE = st.integers(1, 70)


def even(a: float, b: float) -> Predict:
    """A network that answers with one color, (a*, b*)/110."""

    def predict(lightness: FloatArray) -> FloatArray:
        count, _, height, width = lightness.shape
        return np.broadcast_to(np.array([a, b], np.float32)[:, None, None], (count, 2, height, width)).copy()

    return predict


def true_chroma_of(rgb: npt.NDArray[np.uint8], stride: int) -> Predict:
    """A network that knows the answer at 1/stride of its input's size."""
    lab = oracle.rgb2lab(rgb).astype(np.float32)

    def predict(lightness: FloatArray) -> FloatArray:
        height, width = lightness.shape[2:]
        planes = [
            cv2.resize(lab[..., i], (width // stride, height // stride), interpolation=cv2.INTER_AREA) for i in (1, 2)
        ]
        return np.stack([cv2.resize(plane, (width, height)) for plane in planes])[None] / 110

    return predict


def luma_plane(height: int, width: int, encoding: Encoding = VIDEO, seed: int = 0) -> npt.NDArray[Any]:
    codes = np.random.default_rng(seed).integers(0, encoding.peak, (height, width), endpoint=True)
    return codes.astype(encoding.dtype)


def mean_difference(rgb: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    return float(oracle.deltaE_ciede2000(oracle.rgb2lab(rgb), oracle.rgb2lab(other)).mean())


def halved(height: int, width: int) -> tuple[int, int]:
    return (height + 1) // 2, (width + 1) // 2


class TestPlanes:
    @given(SIZE, SIZE, SIZE, SIZE, st.sampled_from([8, 10, 12]), st.booleans())
    @settings(max_examples=60)
    def test_any_size_and_depth(
        self, height: int, width: int, chroma_height: int, chroma_width: int, bits: int, full_range: bool
    ) -> None:
        encoding = Encoding("bt601", full_range, bits)
        luma = luma_plane(height, width, encoding)
        kept = luma.copy()
        with Colorizer(FakeBackend()) as colorizer:
            planes = colorizer.planes(luma, encoding, (chroma_height, chroma_width))
        low, high = (0, 2**bits - 1) if full_range else (16 << bits - 8, 240 << bits - 8)
        for plane in planes:
            assert plane.shape == (chroma_height, chroma_width)
            assert plane.dtype == luma.dtype
            assert low <= plane.min() <= plane.max() <= high
        assert (luma == kept).all()

    @given(SIZE, SIZE, st.sampled_from([8, 10, 12, 16]), st.booleans(), st.integers(0, 2**32))
    @settings(max_examples=60)
    def test_no_chroma_is_neutral_to_the_bit(
        self, height: int, width: int, bits: int, full_range: bool, seed: int
    ) -> None:
        encoding = Encoding("bt2020", full_range, bits)
        with Colorizer(FakeBackend(even(0, 0))) as colorizer:
            cb, cr = colorizer.planes(luma_plane(height, width, encoding, seed), encoding, halved(height, width))
        assert (cb == 2 ** (bits - 1)).all()
        assert (cr == 2 ** (bits - 1)).all()

    @pytest.mark.parametrize(("chroma", "red", "blue"), [((0.5, 0.3), 1, -1), ((0.1, -0.5), -1, 1)])
    def test_red_and_blue_keep_their_sides(self, chroma: tuple[float, float], red: int, blue: int) -> None:
        with Colorizer(FakeBackend(even(*chroma))) as colorizer:
            cb, cr = colorizer.planes(np.full((48, 64), 120, np.uint8), VIDEO, (24, 32))
        assert (red * (cr.astype(int) - 128) > 10).all()
        assert (blue * (cb.astype(int) - 128) > 10).all()

    def test_the_network_sees_the_lightness_of_the_codes(self) -> None:
        seen: list[FloatArray] = []

        def spy(lightness: FloatArray) -> FloatArray:
            seen.append(lightness.copy())
            return even(0, 0)(lightness)

        ramp = np.linspace(64, 940, 512).round().astype(np.uint16)[None].repeat(512, axis=0)
        with Colorizer(FakeBackend(spy)) as colorizer:
            colorizer.planes(ramp, Encoding("bt709", False, 10), (256, 256))
        assert seen[0].shape == (1, 1, 64, 64)
        gray = (np.linspace(0, 1, 64) * 511 / 512 + 0.5 / 512)[:, None].repeat(3, axis=1)
        expected = oracle.rgb2lab(gray[None])[0, :, 0] / 50 - 1
        assert seen[0][0, 0, 30] == pytest.approx(expected, abs=0.02)

    def test_strides_and_read_only_memory_are_accepted(self) -> None:
        """A decoder's plane: rows longer than the image, not writable."""
        memory = luma_plane(90, 128)
        view = memory[:, :101]
        view.setflags(write=False)
        with Colorizer(FakeBackend()) as colorizer:
            for plane in (view, view[::-1], view[:, ::3]):
                from_view = np.stack(colorizer.planes(plane, VIDEO, (45, 51)))
                assert (from_view == np.stack(colorizer.planes(plane.copy(), VIDEO, (45, 51)))).all()

    def test_buffers_are_reused(self) -> None:
        with Colorizer(FakeBackend()) as colorizer:
            first = colorizer.planes(luma_plane(64, 64), VIDEO, (32, 32))
            second = colorizer.planes(luma_plane(64, 64, seed=1), VIDEO, (32, 32))
            other = colorizer.planes(luma_plane(64, 64), VIDEO, (64, 32))
        assert first[0] is second[0]
        assert other[0].shape == (64, 32)

    @pytest.mark.parametrize(
        ("luma", "encoding", "chroma_shape"),
        [
            (np.zeros((8, 8), np.uint16), VIDEO, (4, 4)),
            (np.zeros((8, 8), np.uint8), Encoding("bt709", False, 10), (4, 4)),
            (np.zeros((8, 8), np.float32), VIDEO, (4, 4)),
            (np.zeros((8, 8, 3), np.uint8), VIDEO, (4, 4)),
            (np.zeros((0, 8), np.uint8), VIDEO, (4, 4)),
            (np.zeros((8, 8), np.uint8), VIDEO, (0, 4)),
        ],
    )
    def test_other_arrays_than_a_plane_are_refused(
        self, luma: npt.NDArray[Any], encoding: Encoding, chroma_shape: tuple[int, int]
    ) -> None:
        with Colorizer(FakeBackend()) as colorizer, pytest.raises(InputShapeError, match=r"got .* expected"):
            colorizer.planes(luma, encoding, chroma_shape)

    @pytest.mark.parametrize("matrix", ["bt601", "bt709"])
    def test_reduced_true_chroma_restores_the_video(self, matrix: Any) -> None:
        rgb = photos.astronaut()
        kr, kb = (0.299, 0.114) if matrix == "bt601" else (0.2126, 0.0722)
        luma = rgb / 255 @ np.array([kr, 1 - kr - kb, kb])
        codes = np.rint(16 + 219 * luma).astype(np.uint8)
        with Colorizer(FakeBackend(true_chroma_of(rgb, 4), size=256)) as colorizer:
            planes = colorizer.planes(codes, Encoding(matrix, False, 8), (256, 256))
        cb, cr = (cv2.resize((plane - 128.0) / 224, (512, 512)) for plane in planes)
        red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
        shown = np.dstack([red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue]).clip(0, 1)
        shown = np.rint(shown * 255).astype(np.uint8)
        gray = np.rint(luma * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
        assert mean_difference(rgb, shown) < 2.7 < 0.3 * mean_difference(rgb, gray)


class TestStill:
    @given(SIZE, SIZE, st.sampled_from([None, 3, 4]), st.sampled_from([np.uint8, np.uint16]))
    @settings(max_examples=60)
    def test_any_size_and_kind(self, height: int, width: int, channels: int | None, dtype: Any) -> None:
        shape = (height, width) if channels is None else (height, width, channels)
        image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
        kept = image.copy()
        with Colorizer(FakeBackend()) as colorizer:
            colored = colorizer.image(image)
        assert colored.shape == (height, width, channels or 3)
        assert colored.dtype == dtype
        assert (image == kept).all()
        if channels == 4:
            assert (colored[..., 3] == image[..., 3]).all()

    @pytest.mark.parametrize(("dtype", "tolerance"), [(np.uint8, 0.3), (np.uint16, 0.01)])
    def test_lightness_is_that_of_the_image(self, dtype: Any, tolerance: float) -> None:
        """Also where the color predicted is far outside the gamut."""
        peak = np.iinfo(dtype).max
        gray = np.linspace(0, peak, 130 * 130).reshape(130, 130).astype(dtype)
        with Colorizer(FakeBackend(even(0.9, -0.7))) as colorizer:
            colored = colorizer.image(gray)
        before = oracle.rgb2lab(gray[..., None].repeat(3, axis=2) / peak)[..., 0]
        after = oracle.rgb2lab(colored / peak)
        assert np.abs(after[..., 0] - before).max() < tolerance
        assert np.hypot(after[..., 1], after[..., 2]).mean() > 20

    def test_no_chroma_leaves_a_gray_image_as_it_is(self) -> None:
        gray = luma_plane(61, 47)
        with Colorizer(FakeBackend(even(0, 0))) as colorizer:
            assert (colorizer.image(gray) == gray[..., None]).all()

    def test_its_own_colors_are_not_seen(self) -> None:
        """A color image is colored from its lightness, like the gray one of the same lightness."""
        rgb = np.zeros((40, 40, 3), np.uint8)
        rgb[..., 0] = 200
        with Colorizer(FakeBackend(even(0, 0))) as colorizer:
            colored = colorizer.image(rgb)
        assert np.ptp(colored, axis=2).max() == 0
        assert oracle.rgb2lab(colored)[0, 0, 0] == pytest.approx(oracle.rgb2lab(rgb)[0, 0, 0], abs=0.3)

    def test_reduced_true_chroma_restores_the_photo(self) -> None:
        rgb = photos.astronaut()
        with Colorizer(FakeBackend(true_chroma_of(rgb, 4), size=256)) as colorizer:
            colored = colorizer.image(rgb)
        assert mean_difference(rgb, colored) < 2.5

    def test_big_endian_codes_are_taken(self) -> None:
        gray = luma_plane(16, 16).astype(np.uint16) * 257
        with Colorizer(FakeBackend()) as colorizer:
            assert np.array_equal(colorizer.image(gray.astype(">u2")), colorizer.image(gray))

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            ([[1, 2], [3, 4]], "got list, which is no NumPy array"),
            (None, "got NoneType, which is no NumPy array"),
            ("in.jpg", r"got the file name 'in.jpg'; give an array, or color files with colorize_image\(\)"),
            (Image.new("L", (8, 8)), r"got Image, which is no .* such as np.asarray\(image\) of a PIL image"),
        ],
    )
    def test_what_is_no_array_is_refused(self, bad: Any, message: str) -> None:
        with Colorizer(FakeBackend()) as colorizer, pytest.raises(InputShapeError, match=message):
            colorizer.image(bad)

    def test_a_guide_is_a_guide(self) -> None:
        with Colorizer(FakeBackend()) as colorizer, pytest.raises(ConfigError, match="give a Guide or None"):
            colorizer.image(luma_plane(8, 8), guide={"hints": []})  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "bad",
        [
            np.zeros((8, 8), np.float32),
            np.zeros((8, 8, 2), np.uint8),
            np.zeros((8,), np.uint8),
            np.zeros((0, 8, 3), np.uint8),
            np.zeros((8, 8, 3), np.int16),
        ],
    )
    def test_other_arrays_than_an_image_are_refused(self, bad: npt.NDArray[Any]) -> None:
        with Colorizer(FakeBackend()) as colorizer, pytest.raises(InputShapeError, match=r"got .* expected"):
            colorizer.image(bad)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 2.1, -2.1])
def test_predictions_that_are_no_colors_are_refused(value: float) -> None:
    with (
        Colorizer(FakeBackend(even(0, value))) as colorizer,
        pytest.raises(BackendUnavailable, match="take --precision fp32"),
    ):
        colorizer.image(luma_plane(32, 32))


class TestInputShape:
    @given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([8, 16, 32]), st.integers(32, 512))
    def test_the_network_size_has_the_area_and_the_aspect(
        self, height: int, width: int, multiple: int, side: int
    ) -> None:
        colorizer = Colorizer(FakeBackend(size=256, size_multiple=multiple), size=side)
        h, w = colorizer.input_shape(height, width)
        assert h % multiple == w % multiple == 0
        ideal_h = side * min(max((height / width) ** 0.5, 0.5), 2)
        assert abs(h - ideal_h) <= max(multiple, ideal_h / 2)
        assert abs(w - side**2 / ideal_h) <= max(multiple, side**2 / ideal_h / 2)

    @pytest.mark.parametrize(
        ("image", "expected"),
        [((1080, 1920), (192, 352)), ((256, 256), (256, 256)), ((1920, 1080), (352, 192)), ((1, 9000), (128, 512))],
    )
    def test_examples(self, image: tuple[int, int], expected: tuple[int, int]) -> None:
        assert Colorizer(FakeBackend(size=256, size_multiple=32)).input_shape(*image) == expected

    def test_the_aspect_is_a_float32_as_in_a_model_made_by_end_to_end(self) -> None:
        colorizer = Colorizer(FakeBackend(size=256, size_multiple=32))
        aspect = float(np.float32(2963) / np.float32(2107))
        assert colorizer.input_shape(2107, 2963) == network_shape(aspect, 256, 32)

    def test_a_model_of_several_images_at_once_is_refused(self) -> None:
        backend = FakeBackend()
        given = replace(backend.manifest.input, shape=(4, 1, 64, 64))
        backend.manifest = replace(backend.manifest, inputs=(given,))
        with pytest.raises(ConfigError, match=r"takes 4 images at once.*export the model"):
            Colorizer(backend)

    def test_a_size_is_a_whole_number(self) -> None:
        with pytest.raises(ConfigError, match=r"size is 192.5; give a whole number or None"):
            Colorizer(FakeBackend(), size=192.5)  # type: ignore[arg-type]
        assert Colorizer(FakeBackend(), size=np.int64(64)).size == 64

    @pytest.mark.parametrize("side", [0, -16, 15, 5000])
    def test_a_size_out_of_range_is_refused(self, side: int) -> None:
        with pytest.raises(ConfigError, match="take 16 to"):
            Colorizer(FakeBackend(), size=side)

    def test_a_model_of_one_size_is_given_that_size(self, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / "fixed.onnx", shape=(32, 64))
        backend = open_backend(path, threads=1)
        with pytest.raises(ConfigError, match="64x32 pixels only"):
            Colorizer(backend, size=48)
        with Colorizer(backend) as colorizer:
            assert colorizer.input_shape(1080, 1920) == (32, 64)
            assert colorizer.image(luma_plane(50, 40)).shape == (50, 40, 3)


def test_a_real_engine_colors(tiny_model: Path) -> None:
    """Bright is orange, dark is blue: the weights of the tiny model say so."""
    luma = np.full((64, 64), 200, np.uint8)
    luma[:, :32] = 30
    with Colorizer(open_backend(tiny_model, threads=1)) as colorizer:
        cb, cr = colorizer.planes(luma, VIDEO, (32, 32))
    assert cb[16, 4] > 128 > cb[16, 28]
    assert cr[16, 28] > 128


def test_open_closes_the_back_end_where_a_setting_is_refused(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeBackend()
    monkeypatch.setattr("cgan_runtime.colorizer.open_backend", lambda *_, **__: backend)
    with Colorizer.open(str(tiny_model), size=32) as colorizer:
        assert (colorizer.backend, colorizer.size) == (backend, 32)
    backend = FakeBackend()
    with pytest.raises(ConfigError, match="out of range"):
        Colorizer.open(tiny_model, saturation=9)
    with pytest.raises(BackendUnavailable, match="closed"):
        backend.chroma(np.zeros((1, 1, 16, 16), np.float32))


def test_closing_closes_the_back_end() -> None:
    backend = FakeBackend()
    with Colorizer(backend) as colorizer:
        colorizer.image(luma_plane(8, 8))
    colorizer.close()
    with pytest.raises(BackendUnavailable, match="closed"):
        colorizer.image(luma_plane(8, 8))
    assert backend.calls == 1


class TestSaturation:
    def test_zero_saturation_is_the_gray_image_bit_for_bit(self) -> None:
        luma = luma_plane(48, 64)
        with Colorizer(FakeBackend(), saturation=0) as colorizer:
            for plane in colorizer.planes(luma, VIDEO, (24, 32)):
                assert np.all(plane == 128)
            image = colorizer.image(luma)
        assert np.array_equal(image, np.repeat(luma[..., None], 3, axis=2))

    def test_more_saturation_is_farther_from_gray(self) -> None:
        luma = np.full((48, 64), 120, np.uint8)
        strengths = []
        for saturation in (0.5, 1.0, 1.5):
            with Colorizer(FakeBackend(even(0.1, 0.1)), saturation=saturation) as colorizer:
                cr = colorizer.planes(luma, VIDEO, (24, 32))[1]
                strengths.append(float(cr.astype(int).mean()) - 128)
        # L*a*b* is not linear in the codes, but not far from it.
        assert strengths[0] == pytest.approx(strengths[1] / 2, rel=0.15)
        assert strengths[2] == pytest.approx(strengths[1] * 1.5, rel=0.15)

    @pytest.mark.parametrize("saturation", [-0.1, 3.1, float("nan"), float("inf")])
    def test_out_of_range_is_refused(self, saturation: float) -> None:
        with pytest.raises(ConfigError, match=r"saturation .* is out of range; take 0 \(gray\) to 3"):
            Colorizer(FakeBackend(), saturation=saturation)

    def test_a_text_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="saturation is '1'; give a number"):
            Colorizer(FakeBackend(), saturation="1")  # type: ignore[arg-type]
