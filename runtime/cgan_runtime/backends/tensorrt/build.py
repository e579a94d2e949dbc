"""Builds TensorRT engines from ONNX files.

    built = build_engine(library, onnx, Profile.around(256, 32), precision="fp16")

The ONNX file decides the precision: its tensors are half or single, and from TensorRT 10.12 on the engine
computes in exactly that. Older versions need flags for it. The caller writes the engine to a file.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from cgan_runtime.backends.tensorrt.library import Library
from cgan_runtime.callbacks import BuildCallback
from cgan_runtime.errors import BackendUnavailable, ConfigError, ModelFileError
from cgan_runtime.system.signals import handle_signals, stop_by_signal

Shape = tuple[int, int, int]  # images, height, width
_WORKSPACE = 1 << 30  # bytes, at most
_MOST_BATCH = 4
_HINT_CHANNELS, _HINT_STRIDE, _MEMORY_COLUMNS = 3, 4, 38  # of a guided network's inputs
MEMORY_ROWS = (1, 1, 4096)  # smallest, the one that an engine is fastest for, largest
_CONVOLUTIONS = ("CONVOLUTION", "DECONVOLUTION")
_KERNELS = {  # sources of TensorRT 8, and the libraries that they are in
    "CUBLAS": ("libcublas.so.11", "libcublas.so.12"),
    "CUBLAS_LT": ("libcublasLt.so.11", "libcublasLt.so.12"),
    "CUDNN": ("libcudnn.so.8",),
}


@dataclass(frozen=True)
class Profile:
    """The shapes that an engine takes: smallest, the one that it is fastest for, largest."""

    smallest: Shape
    optimum: Shape
    largest: Shape

    def __post_init__(self) -> None:
        """Check the order; raises ConfigError."""
        for low, middle, high in zip(self.smallest, self.optimum, self.largest, strict=True):
            if not 1 <= low <= middle <= high:
                raise ConfigError(f"an engine's shapes must not fall: {self.smallest}, {self.optimum}, {self.largest}")

    @classmethod
    def around(cls, size: tuple[int, int], multiple: int, batch: tuple[int, int, int] = (1, 1, _MOST_BATCH)) -> Profile:
        """For images of this area in any aspect up to 4:1: sides from half to twice the root of the area."""
        side = max(1, round(math.sqrt(size[0] * size[1]) / multiple)) * multiple
        low = min(max(multiple, side // 2 // multiple * multiple), *size)
        high = max(2 * side, *size)
        return cls((batch[0], low, low), (batch[1], *size), (batch[2], high, high))

    @classmethod
    def exactly(cls, count: int, height: int, width: int) -> Profile:
        """For one shape only."""
        shape = (count, height, width)
        return cls(shape, shape, shape)

    @property
    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """All three, from smallest to largest."""
        return self.smallest, self.optimum, self.largest

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether (N, 1, H, W) lies within."""
        given = (shape[0], shape[2], shape[3])
        return all(a <= b <= c for a, b, c in zip(self.smallest, given, self.largest, strict=True))


@dataclass(frozen=True)
class BuildOptions:
    """How to build."""

    workspace: int = _WORKSPACE  # bytes of GPU memory that a layer may use beside its tensors
    hardware_compatible: bool = False  # for all GPUs from Ampere on, not only for this one; somewhat slower
    version_compatible: bool = False  # an engine that later versions of TensorRT load too
    timing_cache: bytes = b""  # measurements of earlier builds


class Built(NamedTuple):
    """The bytes of an engine, and measurements for the next build."""

    engine: bytes
    timing_cache: bytes


def build_engine(
    library: Library, onnx: bytes, profile: Profile, *, precision: str, options: BuildOptions | None = None,
    float32_convolutions: int = 0, progress: BuildCallback = lambda _phase, _part: None,
) -> Built:  # fmt: skip
    """Build an engine from an ONNX file's bytes.

    `profile` is ignored for axes that the file has fixed. `precision` and `float32_convolutions`, those of an
    fp16 file that are in float32 on purpose, are from its manifest. Not every version reports its `progress`.

    Raises:
        ModelFileError: The file is not ONNX, or has operators that TensorRT lacks.
        BackendUnavailable: There is no GPU to build on, or the build failed.
        ConfigError: This version cannot build this file's engine as it should be.
        KeyboardInterrupt: Ctrl-C; the build was stopped.
        SystemExit: SIGTERM or a closed terminal, where the program handles them; the build was stopped.
    """
    trt, options = library.module, options or BuildOptions()
    with library.starting("build"):
        builder = trt.Builder(library.log)
    flags = trt.NetworkDefinitionCreationFlag
    flag = flags.STRONGLY_TYPED if library.strongly_typed else flags.EXPLICIT_BATCH
    network = builder.create_network(1 << int(flag))
    _parse(library, network, onnx)
    config = builder.create_builder_config()
    _configure(library, builder, network, config, profile, options)
    if precision == "fp16":
        _ask_for_half(library, network, config, float32_convolutions)
    else:
        config.clear_flag(trt.BuilderFlag.TF32)  # float32 is float32
    if precision == "int8" and not library.strongly_typed:
        config.set_flag(trt.BuilderFlag.INT8)  # allowed only: the file's own scales say where
    cache = _take_timing_cache(library, config, options.timing_cache)
    with _stoppable(library, config, progress) as stopped:
        serialized = builder.build_serialized_network(network, config)
    if stopped:
        stop_by_signal(stopped[0])
    if serialized is None:
        why = library.last_error("no reason given")
        raise BackendUnavailable(
            f"{library.target} {library.version} could not build the engine "
            f"({why}); where it is memory, give more --workspace"
        )
    return Built(bytes(serialized), bytes(cache.serialize()) if cache is not None else b"")


def _parse(library: Library, network: Any, onnx: bytes) -> None:
    parser = library.module.OnnxParser(network, library.log)
    if parser.parse(onnx) and network.num_layers:
        return
    faults = ["it holds no network"] if not parser.num_errors and not library.log.errors else []
    for index in range(parser.num_errors):
        error = parser.get_error(index)
        operator = error.node_operator() if hasattr(error, "node_operator") else ""
        faults.append(" ".join(f"{operator} {error.desc()}".split()))
    why = "; ".join(dict.fromkeys(faults)) or library.last_error("no reason given")
    raise ModelFileError(
        f"{library.target} {library.version} cannot read the ONNX file ({why}); export it with cgan-export"
    )


def _configure(
    library: Library, builder: Any, network: Any, config: Any, profile: Profile, options: BuildOptions
) -> None:
    trt = library.module
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # the inspector tells precisions then
    if library.version.startswith("8.") and sys.platform == "linux":
        for name, files in _KERNELS.items():  # it would refuse to build, where it could do without
            if not any(map(_can_be_loaded, files)):
                config.set_tactic_sources(config.get_tactic_sources() & ~(1 << int(getattr(trt.TacticSource, name))))
    if options.hardware_compatible:
        if not hasattr(trt, "HardwareCompatibilityLevel"):
            raise ConfigError(f"{library.target} {library.version} builds for the GPU at hand alone")
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if options.version_compatible:
        if not hasattr(trt.BuilderFlag, "VERSION_COMPATIBLE"):
            raise ConfigError(f"{library.target} {library.version} builds for its own version alone")
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    if any(axis < 0 for tensor in inputs for axis in tensor.shape):
        shapes = builder.create_optimization_profile()
        for tensor in inputs:
            pairs = zip(profile.shapes, MEMORY_ROWS, strict=True)
            shapes.set_shape(tensor.name, *(filled_axes(tensor.shape, shape, rows) for shape, rows in pairs))
        config.add_optimization_profile(shapes)


def _can_be_loaded(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def filled_axes(axes: Sequence[int | str], shape: Shape, rows: int = 1) -> tuple[int, ...]:
    """An input's axes; those that are free, a name or below 0, are taken from `shape` (batch, height, width).

    The hints of a guided network have a quarter of the height and width, its memory has `rows`.
    """
    count, height, width = shape
    if len(axes) == 4 and axes[1] == _HINT_CHANNELS:
        height, width = height // _HINT_STRIDE, width // _HINT_STRIDE
    is_memory = len(axes) == 3 and axes[-1] == _MEMORY_COLUMNS
    wanted = (count, rows, 0) if is_memory else shape if len(axes) == len(shape) else (count, 0, height, width)
    return tuple(axis if isinstance(axis, int) and axis >= 0 else size for axis, size in zip(axes, wanted, strict=True))


def _ask_for_half(library: Library, network: Any, config: Any, float32_convolutions: int) -> None:
    """Check that every convolution is in half precision; ask older versions, which the file does not bind."""
    trt = library.module
    if not library.strongly_typed:
        if float32_convolutions:
            raise ConfigError(
                f"{library.target} {library.version} cannot leave {float32_convolutions} convolutions of the "
                "file in float32; build with 10.12 or newer, or with --fp32"
            )
        config.set_flag(trt.BuilderFlag.FP16)
        config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    kinds = [getattr(trt.LayerType, name) for name in _CONVOLUTIONS]
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type not in kinds:
            continue
        if not library.strongly_typed:
            layer.precision = trt.float16
        elif layer.get_input(0).dtype != trt.float16:
            float32_convolutions -= 1
            if float32_convolutions >= 0:
                continue
            raise ModelFileError(
                f"layer {layer.name} of the ONNX file is not in half precision, though its manifest says so; "
                "export it again with cgan-export --fp16"
            )


def _take_timing_cache(library: Library, config: Any, known: bytes) -> Any:
    """Use the measurements of earlier builds; the library refuses those of another GPU or version."""
    if library.target == "tensorrt-rtx":
        return None  # it measures nothing while it builds
    for content in (known, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
    return None


@contextmanager
def _stoppable(library: Library, config: Any, progress: BuildCallback) -> Iterator[list[int]]:
    """Report progress of the library's long call and stop it on a signal, if this version has a monitor.

    The call would swallow what a signal handler raises, so the signals' numbers are collected and yielded.
    """
    stopped: list[int] = []
    trt: Any = library.module
    if not hasattr(trt, "IProgressMonitor"):
        yield stopped
        return

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.steps[phase_name] = num_steps
            progress(phase_name, 0.0)

        def phase_finish(self, phase_name: str) -> None:
            progress(phase_name, 1.0)

        def step_complete(self, phase_name: str, step: int) -> bool:
            progress(phase_name, (step + 1) / max(1, self.steps.get(phase_name, 1)))
            return not stopped

    monitor = Monitor()
    config.progress_monitor = monitor
    with handle_signals(lambda number, _frame: stopped.append(number)):
        yield stopped
