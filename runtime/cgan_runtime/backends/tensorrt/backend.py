"""TensorRT on an NVIDIA GPU, through pycuda.

    with open_backend(Path("edge-fp16.onnx"), "tensorrt") as backend: ...

Takes an engine that `cgan-export --engine` built, or an ONNX file. The engine of an ONNX file is built at its
first use on this GPU, and kept (`engines.cached_engine`).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pycuda.driver  # noqa: F401 (without it this back end is not available)

from cgan_runtime.backends.axes import Axes
from cgan_runtime.backends.base import Arrays, Backend, Layer, check_signature
from cgan_runtime.backends.tensorrt.device import Buffer, Gpu
from cgan_runtime.backends.tensorrt.engines import SUFFIX, cached_engine, check_fits, check_precision, profile_of
from cgan_runtime.backends.tensorrt.library import TARGETS, Library, load_library
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.errors import BackendUnavailable, InputShapeError, ModelFileError
from cgan_runtime.manifest import Manifest, Tensor

_INSTALLED = [target for target, module in TARGETS.items() if find_spec(module)]

if not _INSTALLED:
    raise ModuleNotFoundError("neither tensorrt nor tensorrt_rtx is installed")


class TensorRtBackend(Backend):
    """A generator in a TensorRT engine."""

    name = "tensorrt"

    def __init__(
        self, path: Path, manifest: Manifest, *, threads: int | None = None,
        progress: BuildCallback = lambda _phase, _part: None,
    ) -> None:  # fmt: skip
        """Load an engine, or build that of an ONNX file, whose manifest was checked; `threads` is not used.

        Raises:
            ModelFileError: The engine was built for another machine, or cannot be read.
            BackendUnavailable: TensorRT, pycuda, the driver or a GPU is missing, or the build failed.
        """
        del threads
        library = load_library(manifest.engine.get("library", _INSTALLED[0]))
        self._gpu = Gpu()
        self._buffers: dict[str, Buffer] = {}
        self._engine: Any = None
        try:
            with self._gpu.current():
                self._open(path, manifest, library, progress)
        except BaseException:
            self._free()
            raise

    def _open(self, path: Path, manifest: Manifest, library: Library, progress: BuildCallback) -> None:
        self._library = library
        gpu = self._gpu.identity
        if path.suffix != SUFFIX:
            path, manifest = cached_engine(path, manifest, gpu, library, progress)
        check_fits(path, manifest, library, gpu)
        super().__init__(manifest, f"{gpu.gpu}, TensorRT {library.version}, {manifest.precision}")
        self._profile = profile_of(manifest)
        with library.starting("run"):
            self._runtime = library.module.Runtime(library.log)
        if manifest.engine.get("version_compatible"):
            self._runtime.engine_host_code_allowed = True  # it brings its own small runtime
        self._engine = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            why = library.last_error("no reason given")
            raise ModelFileError(f"TensorRT cannot load {path} ({why}); build it again with cgan-export --engine")
        check_signature(path, manifest, *_tensors(library.module, self._engine))
        check_precision(library, self._engine, manifest)
        self._context = self._new_context()
        self._stream = self._gpu.driver.Stream()
        self._began, self._ended = self._gpu.driver.Event(), self._gpu.driver.Event()
        self._shapes: dict[str, tuple[int, ...]] = {}

    def _run(self, inputs: Arrays) -> Arrays:
        shape = inputs[self.manifest.input.name].shape
        if not self._profile.takes(shape):
            low, high = self._profile.smallest, self._profile.largest
            raise InputShapeError(
                f"got {shape}; the engine takes {low[0]} to {high[0]} of {low[1]}x{low[2]} "
                f"to {high[1]}x{high[2]}; take another --size, or build one for it"
            )
        driver_error: type[Exception] = self._gpu.driver.Error
        try:
            with self._gpu.current():
                if (shapes := {name: array.shape for name, array in inputs.items()}) != self._shapes:
                    self._fit(shapes)
                for name, array in inputs.items():
                    np.copyto(self._buffers[name].host, array)
                    self._buffers[name].upload(self._stream)
                self._began.record(self._stream)
                if not self._context.execute_async_v3(self._stream.handle):
                    raise BackendUnavailable("TensorRT refused to run the engine; build it again")
                self._ended.record(self._stream)
                for name in self._outputs:
                    self._buffers[name].download(self._stream)
                self._stream.synchronize()
                self.engine_seconds = self._began.time_till(self._ended) / 1e3
        except driver_error as error:
            reason = " ".join(str(error).split())
            raise BackendUnavailable(f"the GPU failed on {shape} ({reason})") from error
        # Pinned memory is freed with the context, but a caller may keep an output beyond `close`.
        for name, array in self._outputs.items():
            np.copyto(array, self._buffers[name].host)
        return self._outputs

    def _layers(self, inputs: Arrays, runs: int) -> tuple[Layer, ...]:
        self._renew_context()
        try:
            self._run(inputs)
            self._context.profiler = profiler = _profiler(self._library.module)
            for _ in range(runs):
                self._run(inputs)
        finally:
            self._renew_context()  # without the profiler, which costs time
        return tuple(Layer(name, "", ms / runs) for name, ms in profiler.times.items())

    def _renew_context(self) -> None:
        """Replace the context: TensorRT 8.5 allows only one at a time for free sizes."""
        with self._gpu.current():
            self._shapes, self._context = {}, None
            self._context = self._new_context()

    def _new_context(self) -> Any:
        context = self._engine.create_execution_context()
        if context is None:
            why = self._library.last_error("the GPU's memory may be full")
            raise BackendUnavailable(f"TensorRT could not start the engine ({why})")
        return context

    def _fit(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Make buffers for inputs of these shapes and for the outputs; hand their addresses to the engine."""
        self._free_buffers()
        axes = Axes()
        for tensor in self.manifest.inputs:
            axes.take(tensor, shapes[tensor.name])
            if not self._context.set_input_shape(tensor.name, shapes[tensor.name]):
                raise InputShapeError(
                    f"the engine does not take {tensor.name} {shapes[tensor.name]}; build one for it with "
                    "cgan-export --size"
                )
        outputs = {tensor.name: axes.shape(tensor) for tensor in self.manifest.outputs}
        for name, shape in (shapes | outputs).items():
            buffer = self._buffers[name] = Buffer(self._gpu, shape)
            self._context.set_tensor_address(name, buffer.address)
        self._outputs = {name: np.empty(shape, np.float32) for name, shape in outputs.items()}
        self._shapes = shapes

    def _release(self) -> None:
        with self._gpu.current():
            self._stream.synchronize()
            self._free_buffers()
            # In reverse order of creation; the engine before its runtime, all before the context.
            del self._began, self._ended, self._stream, self._context
        self._free()

    def _free_buffers(self) -> None:
        self._shapes = {}
        for buffer in self._buffers.values():
            buffer.free()
        self._buffers.clear()

    def _free(self) -> None:
        with self._gpu.current():
            self._engine = None
            self._runtime = None
        self._gpu.close()


def _profiler(trt: Any) -> Any:
    """Adds up what TensorRT reports of each layer, milliseconds by name."""

    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times: dict[str, float] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times[layer_name] = self.times.get(layer_name, 0.0) + float(ms)

    return Profiler()


# As `tensorrt.nptype`; that of 8.5 uses a name that NumPy has removed.
_DTYPES = {"FLOAT": "float32", "HALF": "float16", "INT32": "int32", "INT8": "int8", "BOOL": "bool"}


def _tensors(trt: Any, engine: Any) -> tuple[list[Tensor], list[Tensor]]:
    """Inputs and outputs of an engine; free axes as strings."""
    found: dict[bool, list[Tensor]] = {True: [], False: []}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        kind = engine.get_tensor_dtype(name)
        dtype = _DTYPES.get(kind.name, kind.name)
        shape = tuple(int(axis) if axis >= 0 else "free" for axis in engine.get_tensor_shape(name))
        found[engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT].append(Tensor(name, dtype, shape))
    return found[True], found[False]
