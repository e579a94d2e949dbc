"""Stand-ins for the tests: a back end with no engine and no file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cgan_runtime.backends.base import Arrays, Backend, FloatArray
from cgan_runtime.manifest import Manifest, Tensor

Predict = Callable[[FloatArray], FloatArray]


def warm_above_cool_below(lightness: FloatArray) -> FloatArray:
    """A color that depends on place and brightness: orange at the top, blue at the bottom."""
    count, _, height, width = lightness.shape
    slope = np.linspace(0.4, -0.4, height, dtype=np.float32)[:, None]
    strength = 1 - np.abs(lightness[:, 0])
    return np.stack([slope * strength * 0.5, slope * strength], axis=1).reshape(count, 2, height, width)


class FakeBackend(Backend):
    """Answers with a function of the lightness; counts its calls."""

    name = "fake"

    def __init__(self, predict: Predict = warm_above_cool_below, *, size: int = 64, size_multiple: int = 16) -> None:
        free = ("n", 1, "h", "w")
        manifest = Manifest(
            "fake", "fake.onnx", "0" * 64, "fp32", "fp32", 18, size, size_multiple,
            (Tensor("lightness", "float32", free),), (Tensor("chroma", "float32", ("n", 2, "h", "w")),),
            "fake",
        )  # fmt: skip
        super().__init__(manifest, "none")
        self.predict = predict
        self.calls = 0

    def _run(self, inputs: Arrays) -> Arrays:
        self.calls += 1
        return {"chroma": self.predict(inputs["lightness"])}
