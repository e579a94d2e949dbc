"""The contract of an inference back end, and the duties that all of them share.

    with open_backend("edge.onnx") as backend:        # see registry.py
        chroma = backend.infer(lightness)

A new back end subclasses `Backend`, sets `name`, and implements `_run` (and `_release` when it holds
anything). Shape and dtype are checked here once; `_run` only sees good arrays. What an engine raises is
turned into a `CganError` by the engine's own file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import BackendUnavailable, InputShapeError, ModelFileError
from cgan_runtime.manifest import Manifest, Tensor

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """What one step of an engine takes; an engine may have made one of several layers of the network.

    Attributes:
        name: As the engine calls it.
        kind: Of operation, where the engine tells; else empty.
        ms: Mean milliseconds of a run.
    """

    name: str
    kind: str
    ms: float


class Backend(ABC):
    """A loaded generator. One thread opens, uses and closes it.

    Attributes:
        name: Short name of the back end, as given to `--backend`.
        manifest: What the model file says of itself (`cgan_runtime.manifest`).
        device: What it runs on, for people to read ("CPU, 2 threads").
        engine_seconds: What the last `infer` took by the device's own clock, transfers left out; None where
            the device has none.
        passed_over: Why each better back end was not taken, one line each; filled by `open_backend`.
    """

    name: ClassVar[str]

    def __init__(self, manifest: Manifest, device: str) -> None:
        self.manifest = manifest
        self.device = device
        self.engine_seconds: float | None = None
        self.passed_over: tuple[str, ...] = ()
        self._closed = False

    def infer(self, lightness: FloatArray) -> FloatArray:
        """Predict chroma for a batch of lightness planes.

        Args:
            lightness: L*/50 - 1, float32 (N, 1, H, W) in [-1, 1]; H and W multiples of
                `manifest.size_multiple`.

        Returns:
            (a*, b*)/110, float32 (N, 2, H, W) in [-1, 1]. The array belongs to the back end and is valid
            until the next `infer`; copy it to keep it.

        Raises:
            InputShapeError: Wrong shape, dtype or size.
            BackendUnavailable: The back end was closed, or the engine failed.
            ModelFileError: The model's answer has another shape than a colorizer's.
        """
        if self._closed:
            raise BackendUnavailable(f"the {self.name} back end is closed; open it again with open_backend()")
        self._check(lightness)
        chroma = self._run(np.ascontiguousarray(lightness))
        count, _, height, width = lightness.shape
        if chroma.shape != (count, 2, height, width) or chroma.dtype != np.float32:
            raise ModelFileError(
                f"{self.manifest.file} answered {lightness.shape} with {chroma.dtype} {chroma.shape}, "
                f"expected float32 {(count, 2, height, width)}; export it with cgan-export"
            )
        return chroma

    def layers(self, lightness: FloatArray, runs: int) -> tuple[Layer, ...]:
        """How long each step of the engine takes, in the order in which they run.

        Args:
            lightness: As for `infer`.
            runs: Over how many the mean is taken, after one that does not count.

        Raises:
            InputShapeError: As for `infer`.
            BackendUnavailable: This engine does not tell.
        """
        self._check(lightness)
        return self._layers(np.ascontiguousarray(lightness), runs)

    def close(self) -> None:
        """Free the engine. Calling it twice is harmless."""
        if not self._closed:
            self._closed = True
            self._release()

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _run(self, lightness: FloatArray) -> FloatArray:
        """Run the engine on a checked, contiguous array; shapes as in `infer`."""

    def _layers(self, lightness: FloatArray, runs: int) -> tuple[Layer, ...]:
        """Run the engine with its own clock on; arrays as in `_run`."""
        del lightness, runs
        raise BackendUnavailable(f"{self.name} does not tell what its layers take; take another --backend")

    def _release(self) -> None:  # noqa: B027 (optional on purpose)
        """Drop what the engine holds; called once."""

    def _check(self, lightness: FloatArray) -> None:
        multiple = self.manifest.size_multiple
        axes = ", ".join(str(axis) for axis in self.manifest.input.shape)
        expected = f"float32 ({axes}) with height and width multiples of {multiple}"
        if lightness.ndim != 4 or lightness.shape[1] != 1 or lightness.dtype != np.float32:
            raise InputShapeError(f"got {lightness.dtype} {lightness.shape}; expected {expected}")
        count, _, height, width = lightness.shape
        if count == 0 or height == 0 or width == 0 or height % multiple or width % multiple:
            raise InputShapeError(f"got {lightness.shape}; expected {expected}")
        if _disagree(lightness.shape, self.manifest.input.shape):
            raise InputShapeError(f"got {lightness.shape}; this model takes {expected} only")


def check_signature(path: Path, manifest: Manifest, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """Compare what an engine found in a model file with what its manifest promises.

    Args:
        path: The model file, for the message.
        manifest: What is expected.
        inputs: What the engine found; axes that are free or unknown to it as strings.
        outputs: Likewise.

    Raises:
        ModelFileError: Other names or dtypes, more than one of either, or fixed axes that differ.
    """
    for what, found, expected in (("input", inputs, manifest.input), ("output", outputs, manifest.output)):
        # An input axis that the file has fixed and the manifest calls free would fail at the first image.
        narrower = what == "input" and any(
            isinstance(axis, int) and isinstance(free, str)
            for tensor in found
            for axis, free in zip(tensor.shape, expected.shape, strict=False)
        )
        if (
            [(tensor.name, tensor.dtype, len(tensor.shape)) for tensor in found]
            != [(expected.name, expected.dtype, len(expected.shape))]
            or _disagree(found[0].shape, expected.shape)
            or narrower
        ):
            raise ModelFileError(
                f"{path} has {what} {_describe(found)}, its manifest says {_describe([expected])}; "
                "it is not the colorizer that the manifest describes, export it again with cgan-export"
            )


def _disagree(found: tuple[int | str, ...], expected: tuple[int | str, ...]) -> bool:
    pairs = zip(found, expected, strict=True)
    return any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs)


def _describe(tensors: list[Tensor]) -> str:
    return " and ".join(f"{t.name} {t.dtype} ({', '.join(map(str, t.shape))})" for t in tensors) or "nothing"
