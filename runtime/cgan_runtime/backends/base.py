"""The contract of an inference back end, and the duties that all of them share.

    with open_backend("edge.onnx") as backend:        # see registry.py
        chroma = backend.infer(lightness)

A new back end subclasses `Backend`, sets `name`, and implements `_run` (and `_release` when it holds
anything). Shape and dtype are checked here once; `_run` only sees good arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import BackendUnavailable, InputShapeError
from cgan_runtime.manifest import Manifest

FloatArray = npt.NDArray[np.float32]


class Backend(ABC):
    """A loaded generator. One thread opens, uses and closes it.

    Attributes:
        name: Short name of the back end, as given to `--backend`.
        manifest: What the model file says of itself (`cgan_runtime.manifest`).
        device: What it runs on, for people to read ("CPU, 2 threads").
    """

    name: ClassVar[str]

    def __init__(self, manifest: Manifest, device: str) -> None:
        self.manifest = manifest
        self.device = device
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
            BackendUnavailable: The back end was closed.
        """
        if self._closed:
            raise BackendUnavailable(f"the {self.name} back end is closed; open it again with open_backend()")
        self._check(lightness)
        return self._run(np.ascontiguousarray(lightness))

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

    def _release(self) -> None:  # noqa: B027 (optional on purpose)
        """Drop what the engine holds; called once."""

    def _check(self, lightness: FloatArray) -> None:
        multiple = self.manifest.size_multiple
        expected = f"float32 (N, 1, H, W) with H and W multiples of {multiple}"
        if lightness.ndim != 4 or lightness.shape[1] != 1 or lightness.dtype != np.float32:
            raise InputShapeError(f"got {lightness.dtype} {lightness.shape}; expected {expected}")
        count, _, height, width = lightness.shape
        if count == 0 or height == 0 or width == 0 or height % multiple or width % multiple:
            raise InputShapeError(f"got {lightness.shape}; expected {expected}")
