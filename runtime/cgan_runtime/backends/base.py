"""The contract of an inference back end, and the checks that all of them share.

    with open_backend("edge.onnx") as backend:        # see registry.py
        chroma = backend.chroma(lightness)

A new back end subclasses `Backend`, sets `name`, and implements `_run` (and `_release` when it holds
resources). `infer` checks names, shapes and dtypes; `_run` sees only valid arrays. Each engine's own file
turns what the engine raises into a `CganError`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from cgan_runtime.backends.axes import Axes
from cgan_runtime.errors import BackendUnavailable, InputShapeError, ModelFileError
from cgan_runtime.manifest import Manifest, Tensor

FloatArray = npt.NDArray[np.float32]
Arrays = dict[str, FloatArray]  # tensors by name


@dataclass(frozen=True)
class Layer:
    """The time that one step of an engine takes; it may fuse several layers of the network into one step."""

    name: str  # as the engine calls it
    kind: str  # of operation; empty where the engine does not say
    ms: float  # mean of a run


class Backend(ABC):
    """A loaded generator. One thread opens, uses and closes it."""

    name: ClassVar[str]  # as given to --backend

    def __init__(self, manifest: Manifest, device: str) -> None:
        self.manifest = manifest  # of the model file
        self.device = device  # where it runs, for people to read ("CPU, 2 threads")
        # Duration of the last `infer` by the device's own clock, without transfers; None where it has none.
        self.engine_seconds: float | None = None
        self.passed_over: Mapping[str, str] = {}  # why `open_backend` skipped each better back end, by name
        self._closed = False
        self._in_use = Lock()

    def infer(self, inputs: Mapping[str, FloatArray] | FloatArray) -> Arrays:
        """Run the network on a batch.

        Inputs and outputs are float32 by name, of the shapes in the manifest; the height and width of the first
        input are multiples of `manifest.size_multiple`. That input is required: lightness L*/50 - 1 in [-1, 1],
        (N, 1, H, W); a bare array stands for it. Each other that is left out is filled with zeros. The first
        output is (a*, b*)/110 in [-1, 1], (N, 2, H, W). The outputs belong to the back end and are valid until its
        next call; copy them to keep them.

        Raises:
            InputShapeError: A name, shape, dtype or size is wrong.
            BackendUnavailable: The back end was closed, another thread is using it, or the engine failed.
            ModelFileError: The outputs do not have the shapes that the manifest promises.
        """
        if self._closed:
            raise BackendUnavailable(
                f"the {self.name} back end is closed; open a new one with Colorizer.open() or open_backend()"
            )
        if not isinstance(inputs, Mapping):
            inputs = {self.manifest.input.name: inputs}
        complete, axes = self._complete(inputs)
        if not self._in_use.acquire(blocking=False):
            raise BackendUnavailable(
                f"another thread is using this {self.name} back end; one thread at a time may do so, "
                "so open a Colorizer for each thread"
            )
        try:
            outputs = self._run(complete)
        finally:
            self._in_use.release()
        for tensor in self.manifest.outputs:
            found = outputs[tensor.name]
            if found.ndim == len(tensor.shape):
                axes.take(tensor, found.shape)  # some axes of an output may have names of their own
            shape = axes.shape(tensor)
            if found.shape != shape or found.dtype != np.float32:
                raise ModelFileError(
                    f"{self.manifest.file} returned {tensor.name} {found.dtype} {found.shape}, "
                    f"expected float32 {shape}; export it with cgan-export"
                )
        return outputs

    def chroma(self, lightness: FloatArray) -> FloatArray:
        """Predict chroma (N, 2, H, W) from lightness (N, 1, H, W) alone; all else as for `infer`."""
        return self.infer({self.manifest.input.name: lightness})[self.manifest.output.name]

    def layers(self, lightness: FloatArray, runs: int) -> tuple[Layer, ...]:
        """Time each step of the engine, in the order in which they run: the mean of `runs`, after a warm-up.

        Raises:
            InputShapeError: As for `infer`.
            BackendUnavailable: This engine cannot time its layers.
        """
        return self._layers(self._complete({self.manifest.input.name: lightness})[0], runs)

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
    def _run(self, inputs: Arrays) -> Arrays:
        """Run the engine on all inputs, which are checked and contiguous; shapes as in `infer`."""

    def _layers(self, inputs: Arrays, runs: int) -> tuple[Layer, ...]:
        """Run the engine with its own profiler on; arrays as in `_run`."""
        del inputs, runs
        raise BackendUnavailable(f"{self.name} cannot time its layers; take another --backend")

    def _release(self) -> None:  # noqa: B027 (optional on purpose)
        """Drop what the engine holds; called once."""

    def _complete(self, inputs: Mapping[str, FloatArray]) -> tuple[Arrays, Axes]:
        """All inputs of the network, checked, contiguous, zeros where one was left out; and their axes."""
        first, known = self.manifest.input, [tensor.name for tensor in self.manifest.inputs]
        if strange := [name for name in inputs if name not in known]:
            raise InputShapeError(f"got an input {strange[0]!r}; this model takes {', '.join(known)}")
        if first.name not in inputs:
            raise InputShapeError(f"got no {first.name}; this model cannot do without it")
        axes, complete = Axes(), {}
        for tensor in self.manifest.inputs:
            array = inputs.get(tensor.name)
            if array is None:
                array = np.zeros(axes.shape(tensor), np.float32)
            self._check(tensor, array)
            axes.take(tensor, array.shape)
            if array.shape != (shape := axes.shape(tensor)):
                raise InputShapeError(f"got {tensor.name} {array.shape} beside {first.name}; expected {shape}")
            complete[tensor.name] = np.ascontiguousarray(array)
        return complete, axes

    def _check(self, tensor: Tensor, array: FloatArray) -> None:
        """Refuse an array that no input of this kind can be."""
        multiple, is_first = self.manifest.size_multiple, tensor == self.manifest.input
        expected = f"float32 ({_axes(tensor)})"
        if is_first:
            expected += f" with height and width multiples of {multiple}"
        channels = 1 if len(tensor.shape) == 4 else 2  # the axis that is fixed in any case
        if (
            array.ndim != len(tensor.shape)
            or array.dtype != np.float32
            or array.shape[channels] != tensor.shape[channels]
        ):
            raise InputShapeError(f"got {array.dtype} {array.shape}; expected {expected}")
        if array.size == 0 or (is_first and (array.shape[2] % multiple or array.shape[3] % multiple)):
            raise InputShapeError(f"got {array.shape}; expected {expected}")
        if _disagree(array.shape, tensor.shape):
            raise InputShapeError(f"got {array.shape}; this model takes {expected} only")


def check_signature(path: Path, manifest: Manifest, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Compare the inputs and outputs that an engine found in a model file with those of its manifest.

    They may come in any order; axes that are free or unknown to the engine are strings.

    Raises:
        ModelFileError: Names, dtypes, or fixed axes differ.
    """
    for what, found, expected in (("input", inputs, manifest.inputs), ("output", outputs, manifest.outputs)):
        shapes = {tensor.name: tensor.shape for tensor in found}
        if _signature(found) != _signature(expected) or any(
            _disagree(shapes[tensor.name], tensor.shape, narrower=what == "input") for tensor in expected
        ):
            raise ModelFileError(
                f"{path} has {what} {_describe(found)}, its manifest says {_describe(expected)}; "
                "it is not the colorizer that the manifest describes, export it again with cgan-export"
            )


def _signature(tensors: Sequence[Tensor]) -> list[tuple[str, str, int]]:
    return sorted((tensor.name, tensor.dtype, len(tensor.shape)) for tensor in tensors)


def _disagree(found: Sequence[int | str], expected: Sequence[int | str], *, narrower: bool = False) -> bool:
    """Whether two fixed axes differ or, with `narrower`, an axis that should be free is fixed."""
    pairs = zip(found, expected, strict=True)
    return any(isinstance(a, int) and (a != b if isinstance(b, int) else narrower) for a, b in pairs)


def _describe(tensors: Sequence[Tensor]) -> str:
    return " and ".join(f"{t.name} {t.dtype} ({_axes(t)})" for t in tensors) or "nothing"


def _axes(tensor: Tensor) -> str:
    return ", ".join(map(str, tensor.shape))
