"""Inputs of several shapes: what is free follows the lightness, and what nothing says the length of is one long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.guided_model import ORANGE, write_guided_model

from cgan_runtime.backends.axes import Axes
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import InputShapeError, ModelFileError
from cgan_runtime.manifest import Manifest, Tensor

LIGHTNESS = np.linspace(-1, 1, 2 * 64 * 96, dtype=np.float32).reshape(2, 1, 64, 96)


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        (("n", 1, "h", "w"), ("n", 3, "h/4", "w/4"), (2, 3, 16, 24)),
        (("n", 1, "32*h", "32*w"), ("n", 32, "4*h", "4*w"), (2, 32, 8, 12)),
        (("n", 1, "h", "w"), ("n", "m", 38), (2, 1, 38)),
        ((2, 1, 64, 96), (2, 2048, 38), (2, 2048, 38)),
    ],
)
def test_free_axes_follow_the_first_input(
    first: tuple[int | str, ...], other: tuple[int | str, ...], expected: tuple[int, ...]
) -> None:
    axes = Axes()
    axes.take(Tensor("lightness", "float32", first), LIGHTNESS.shape)
    assert axes.shape(Tensor("other", "float32", other)) == expected


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
class TestGuidedModel:
    def test_what_is_left_out_is_zeros(self, name: str, tmp_path: Path) -> None:
        with open_backend(write_guided_model(tmp_path / "guided.onnx"), name, threads=1) as backend:
            outputs = backend.infer(LIGHTNESS)
            assert outputs["keys"].shape == (2, 32, 8, 12)
            np.testing.assert_allclose(np.linalg.norm(outputs["keys"], axis=1), 1, atol=1e-5)
            np.testing.assert_allclose(outputs["chroma"].mean(axis=(0, 2, 3)), ORANGE, atol=1e-5)

    def test_memory_of_any_length_is_recalled(self, name: str, tmp_path: Path) -> None:
        with open_backend(write_guided_model(tmp_path / "guided.onnx"), name, threads=1) as backend:
            keys = backend.infer(LIGHTNESS)["keys"].copy()
            for rows in (96, 7):
                memory = np.zeros((2, rows, 38), np.float32)
                memory[..., :32] = keys.reshape(2, 32, -1)[:, :, :rows].swapaxes(1, 2)
                memory[..., 35:38] = (-0.2, 0.1, 1)
                chroma = backend.infer({"lightness": LIGHTNESS, "memory": memory})["chroma"]
                np.testing.assert_allclose(chroma[:, :, 0, 0], [[-0.2, 0.1]] * 2, atol=0.02)

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({"hints": np.zeros((2, 3, 16, 16), np.float32)}, r"got hints .* expected \(2, 3, 16, 24\)"),
            ({"memory": np.zeros((1, 9, 38), np.float32)}, r"got memory .* expected \(2, 9, 38\)"),
            ({"memory": np.zeros((2, 9, 37), np.float32)}, r"expected float32 \(n, m, 38\)"),
            ({"memory": np.zeros((2, 0, 38), np.float32)}, r"expected float32 \(n, m, 38\)"),
        ],
    )
    def test_other_shapes_are_refused(
        self, name: str, inputs: dict[str, np.ndarray], message: str, tmp_path: Path
    ) -> None:
        with (
            open_backend(write_guided_model(tmp_path / "guided.onnx"), name, threads=1) as backend,
            pytest.raises(InputShapeError, match=message),
        ):
            backend.infer({"lightness": LIGHTNESS, **inputs})


def test_rows_need_a_fixed_number_of_columns(tmp_path: Path) -> None:
    model = write_guided_model(tmp_path / "guided.onnx")
    path = Manifest.path_for(model)
    path.write_text(path.read_text().replace("38\n", '"c"\n'))
    with pytest.raises(ModelFileError, match="not those of a colorizer"):
        Manifest.load(model)
