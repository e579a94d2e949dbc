"""Stand-ins for `tensorrt` and `pycuda.driver`, so that the back end's own work is tested without a GPU.

The first offers only names that the real bindings have (a test compares them with lists of those where
these are at hand). The second's "GPU" is host memory; it complains of what is done outside the context.
"""

from __future__ import annotations

import base64
import ctypes
import itertools
import json
import sys
import types
import weakref
from typing import Any

import numpy as np
import onnx

_BACKEND = "cgan_runtime.backends.tensorrt.backend"
MAGIC = b"FAKE-ENGINE"
BINDINGS = (
    "Builder", "OnnxParser", "Runtime", "IBuilderConfig", "INetworkDefinition", "ICudaEngine", "ITensor",
    "IExecutionContext", "ITimingCache", "EngineInspector", "IOptimizationProfile", "ILayer", "ILogger",
    "ParserError", "IProgressMonitor", "IProfiler",
)  # fmt: skip


class _Enum(int):
    """An enumeration's value that has a name."""

    name: str


def _enum(title: str, *names: str) -> type:
    values: dict[str, Any] = {}
    for number, name in enumerate(names):
        values[name] = _Enum(number)
        values[name].name = name
    return type(title, (), values)


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def log(self, severity: int, text: str) -> None:
        raise NotImplementedError


class IProgressMonitor:
    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
    def phase_finish(self, phase_name: str) -> None: ...
    def step_complete(self, phase_name: str, step: int) -> bool:
        return True


class IProfiler:
    def report_layer_time(self, layer_name: str, ms: float) -> None: ...


class ITensor:
    def __init__(self, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.name, self.shape, self.dtype = name, shape, dtype


class ILayer:
    def __init__(self, name: str, kind: Any, given: ITensor) -> None:
        self.name, self.type, self._given = name, kind, given
        self.precision: Any = None

    def get_input(self, _index: int) -> ITensor:
        return self._given


class ParserError:
    def __init__(self, operator: str) -> None:
        self._operator = operator

    def desc(self) -> str:
        return "no importer is registered for it"

    def node_operator(self) -> str:
        return self._operator


class ITimingCache:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def serialize(self) -> bytes:
        return self._content + b"measured"


class IOptimizationProfile:
    def __init__(self) -> None:
        self.shapes: tuple[Any, ...] = ()

    def set_shape(self, _name: str, smallest: Any, best: Any, largest: Any) -> None:
        self.shapes = (smallest, best, largest)


class EngineInspector:
    def __init__(self, precision: str, *, tells_formats: bool) -> None:
        self._precision, self._tells_formats = precision, tells_formats

    def get_engine_information(self, _format: Any) -> str:
        kind = {"fp16": "Half", "fp32": "Float"}[self._precision]
        told = kind if self._tells_formats else "N/A due to dynamic shapes"
        layer: dict[str, Any] = {"Name": "c", "LayerType": "CaskConvolution", "Weights": {"Type": kind}}
        return json.dumps({"Layers": [layer | {"Inputs": [{"Name": "x", "Format/Datatype": told}]}]})


def make_tensorrt(
    version: str = "10.13.2.6", *, engine_precision: str | None = None, computing: bool = False
) -> types.ModuleType:
    """A module like TensorRT of a version.

    `engine_precision` is what its engines really compute in. They answer with simple sums; those of a
    `computing` one with what ONNX Runtime makes of the file that they were built from.
    """
    major = int(version.split(".")[0])
    trt: Any = types.ModuleType("tensorrt")
    trt.__version__ = version
    trt.ILogger, trt.ILayer, trt.ITensor, trt.ParserError = ILogger, ILayer, ITensor, ParserError
    trt.ITimingCache, trt.IOptimizationProfile = ITimingCache, IOptimizationProfile
    trt.EngineInspector, trt.IProfiler = EngineInspector, IProfiler
    if major >= 10:
        trt.IProgressMonitor = IProgressMonitor
    flags = ["STRONGLY_TYPED"] if major >= 10 else []
    trt.NetworkDefinitionCreationFlag = _enum(
        "NetworkDefinitionCreationFlag", *(["EXPLICIT_BATCH"] if major < 11 else []), *flags
    )
    old = ["FP16", "INT8", "OBEY_PRECISION_CONSTRAINTS"] if major < 11 else []
    trt.BuilderFlag = _enum("BuilderFlag", "TF32", "VERSION_COMPATIBLE", *old)
    libraries = ["CUBLAS", "CUBLAS_LT", "CUDNN"] if major < 11 else []
    trt.TacticSource = _enum("TacticSource", *libraries, "EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")
    trt.LayerType = _enum("LayerType", "CONVOLUTION", "DECONVOLUTION", "ACTIVATION")
    trt.MemoryPoolType = _enum("MemoryPoolType", "WORKSPACE")
    trt.ProfilingVerbosity = _enum("ProfilingVerbosity", "LAYER_NAMES_ONLY", "DETAILED")
    trt.LayerInformationFormat = _enum("LayerInformationFormat", "ONELINE", "JSON")
    trt.HardwareCompatibilityLevel = _enum("HardwareCompatibilityLevel", "NONE", "AMPERE_PLUS")
    trt.TensorIOMode = _enum("TensorIOMode", "NONE", "INPUT", "OUTPUT")
    trt.DataType = _enum("DataType", "FLOAT", "HALF", "INT8", "INT32")
    trt.float32, trt.float16 = trt.DataType.FLOAT, trt.DataType.HALF

    class IBuilderConfig:
        def __init__(self) -> None:
            self.flags_set: set[int] = set()
            self.sources = 0b11111
            self.profiling_verbosity = trt.ProfilingVerbosity.LAYER_NAMES_ONLY
            self.progress_monitor: Any = None
            self.hardware_compatibility_level: Any = None
            self.profiles: list[IOptimizationProfile] = []

        def get_tactic_sources(self) -> int:
            return self.sources

        def set_tactic_sources(self, sources: int) -> bool:
            self.sources = sources
            return True

        def set_flag(self, flag: int) -> None:
            self.flags_set.add(flag)

        def clear_flag(self, flag: int) -> None:
            self.flags_set.discard(flag)

        def set_memory_pool_limit(self, _pool: Any, _size: int) -> None: ...

        def create_timing_cache(self, content: bytes) -> ITimingCache:
            return ITimingCache(content)

        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
            return not cache._content.startswith(b"foreign")

        def add_optimization_profile(self, profile: IOptimizationProfile) -> None:
            self.profiles.append(profile)

    class INetworkDefinition:
        def __init__(self) -> None:
            self.content = b""
            self.layers: list[ILayer] = []
            self.inputs: list[ITensor] = []
            self.outputs: list[ITensor] = []

        num_layers = property(lambda self: len(self.layers))
        num_inputs = property(lambda self: len(self.inputs))

        def get_layer(self, index: int) -> ILayer:
            return self.layers[index]

        def get_input(self, index: int) -> ITensor:
            return self.inputs[index]

    class OnnxParser:
        def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
            self._network, self._errors, self._logger = network, list[ParserError](), logger

        num_errors = property(lambda self: len(self._errors))

        def get_error(self, index: int) -> ParserError:
            return self._errors[index]

        def parse(self, content: bytes) -> bool:
            self._network.content = content
            try:
                model = onnx.load_model_from_string(content)
            except Exception:  # noqa: BLE001 (whatever protobuf says)
                self._logger.log(ILogger.ERROR, "ModelImporter: the file is no protobuf")
                return False
            for node in model.graph.node:
                if node.op_type.startswith("Strange"):
                    self._errors.append(ParserError(node.op_type))
            half = {t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16}
            for node in model.graph.node:
                if node.op_type in ("Conv", "ConvTranspose"):
                    dtype = trt.float16 if half & set(node.input) else trt.float32
                    self._network.layers.append(ILayer(node.name, trt.LayerType.CONVOLUTION, ITensor("x", (), dtype)))
            graph = model.graph
            for values, tensors in ((graph.input, self._network.inputs), (graph.output, self._network.outputs)):
                for value in values:
                    axes = value.type.tensor_type.shape.dim
                    shape = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in axes)
                    tensors.append(ITensor(value.name, shape, trt.float32))
            return not self._errors

    class Builder:
        def __init__(self, logger: ILogger) -> None:
            self._logger = logger

        def create_network(self, _flags: int) -> INetworkDefinition:
            return INetworkDefinition()

        def create_builder_config(self) -> IBuilderConfig:
            return IBuilderConfig()

        def create_optimization_profile(self) -> IOptimizationProfile:
            return IOptimizationProfile()

        def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> Any:
            trt.builds.append((network, config))
            if config.progress_monitor:
                config.progress_monitor.phase_start("Building", None, 2)
                for step in range(2):
                    if not config.progress_monitor.step_complete("Building", step):
                        return None
                config.progress_monitor.phase_finish("Building")
            half = all((layer.precision or layer._given.dtype) == trt.float16 for layer in network.layers)
            plan = {
                "inputs": {tensor.name: tensor.shape for tensor in network.inputs},
                "outputs": {tensor.name: tensor.shape for tensor in network.outputs},
                "precision": engine_precision or ("fp16" if half else "fp32"),
                "onnx": base64.b64encode(network.content).decode() if computing else "",
            }
            return bytearray(MAGIC + json.dumps(plan).encode().ljust(2048))

    class IExecutionContext:
        def __init__(self, plan: dict[str, Any], *, works: bool) -> None:
            self._plan, self._addresses, self._shapes = plan, dict[str, int](), dict[str, tuple[int, ...]]()
            self._works = works
            self.profiler: IProfiler | None = None
            self._session = _session(base64.b64decode(plan["onnx"])) if plan["onnx"] else None

        def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
            self._shapes[name] = shape
            return True

        def set_tensor_address(self, name: str, address: int) -> bool:
            self._addresses[name] = address
            return True

        def execute_async_v3(self, _stream: int) -> bool:
            if not self._works:
                return False
            given = {name: _view(self._addresses[name], self._shapes[name]) for name in self._plan["inputs"]}
            first, *_ = given.values()
            answers = {"chroma": np.concatenate([first * 0.5, -first], axis=1)}
            if self._session is not None:
                names = list(self._plan["outputs"])
                answers = dict(zip(names, self._session.run(names, given), strict=True))
            for name, answer in answers.items():
                _view(self._addresses[name], answer.shape)[:] = answer
            for layer, ms in (("conv1 + relu", 0.5), ("conv2", 0.25)):
                if self.profiler is not None:
                    self.profiler.report_layer_time(layer, ms)
            return True

    class ICudaEngine:
        def __init__(self, plan: dict[str, Any]) -> None:
            self._plan = plan
            self._tensors: dict[str, tuple[int, ...]] = {
                name: tuple(shape) for name, shape in (plan["inputs"] | plan["outputs"]).items()
            }
            self.num_io_tensors = len(self._tensors)
            self._contexts: weakref.WeakSet[IExecutionContext] = weakref.WeakSet()

        def get_tensor_name(self, index: int) -> str:
            return list(self._tensors)[index]

        def get_tensor_mode(self, name: str) -> Any:
            modes = trt.TensorIOMode
            return modes.INPUT if name in self._plan["inputs"] else modes.OUTPUT

        def get_tensor_dtype(self, _name: str) -> Any:
            return trt.float32

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return self._tensors[name]

        def create_engine_inspector(self) -> EngineInspector:
            return EngineInspector(self._plan["precision"], tells_formats=major > 8)

        def create_execution_context(self) -> IExecutionContext:
            # In 8.5 a profile of free sizes serves one context at a time.
            context = IExecutionContext(self._plan, works=major > 8 or not self._contexts)
            self._contexts.add(context)
            return context

    class Runtime:
        def __init__(self, logger: ILogger) -> None:
            self._logger = logger
            self.engine_host_code_allowed = False

        def deserialize_cuda_engine(self, content: bytes) -> ICudaEngine | None:
            trt.loaded.append(bytes(content))
            if not content.startswith(MAGIC):
                self._logger.log(ILogger.ERROR, "magic tag does not match")
                return None
            return ICudaEngine(json.loads(content[len(MAGIC) :]))

    trt.Builder, trt.OnnxParser, trt.Runtime = Builder, OnnxParser, Runtime
    trt.IBuilderConfig, trt.INetworkDefinition = IBuilderConfig, INetworkDefinition
    trt.ICudaEngine, trt.IExecutionContext = ICudaEngine, IExecutionContext
    trt.builds, trt.loaded = [], []  # what was asked of it; no names of the real one
    return trt  # type: ignore[no-any-return]


def _session(content: bytes) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def _view(address: int, shape: tuple[int, ...]) -> Any:
    count = int(np.prod(shape))
    return np.ctypeslib.as_array((ctypes.c_float * count).from_address(address)).reshape(shape)


def make_driver(*, capability: tuple[int, int] = (8, 7), name: str = "Fake GPU") -> types.ModuleType:
    """A module like `pycuda.driver`: `current` is how often its context is pushed, `memory` what lives."""
    driver: Any = types.ModuleType("pycuda.driver")
    driver.current, driver.memory, driver.detached = 0, {}, 0
    handles = itertools.count(1)

    class Error(Exception):
        """As pycuda's."""

    def needs_context() -> None:
        if driver.current < 1:
            raise Error("invalid device context")

    class Context:
        def push(self) -> None:
            driver.current += 1

        def pop(self) -> None:
            driver.current -= 1

        def detach(self) -> None:
            if driver.memory:
                raise Error("the context goes before its memory")
            driver.detached += 1

    class Device:
        def __init__(self, _index: int) -> None: ...

        def retain_primary_context(self) -> Context:
            return Context()

        def compute_capability(self) -> tuple[int, int]:
            return capability

        def name(self) -> str:
            return name

    class Allocation:
        def __init__(self, size: int) -> None:
            needs_context()
            self._memory = np.empty(size, np.uint8)
            self._key = next(handles)
            driver.memory[self._key] = self

        def __int__(self) -> int:
            return int(self._memory.ctypes.data)

        def free(self) -> None:
            needs_context()
            del driver.memory[self._key]

    class Stream:
        handle = 1

        def __init__(self) -> None:
            needs_context()

        def synchronize(self) -> None:
            needs_context()

    class Event:
        clock = itertools.count()

        def __init__(self) -> None:
            needs_context()
            self._at = -1

        def record(self, _stream: Stream) -> None:
            needs_context()
            self._at = next(self.clock)

        def time_till(self, later: Event) -> float:
            """Milliseconds: one for each event recorded since."""
            needs_context()
            return float(later._at - self._at)

    def copy(target: int, source: int, size: int) -> None:
        needs_context()
        ctypes.memmove(target, source, size)

    driver.Error, driver.Device, driver.Stream, driver.mem_alloc = Error, Device, Stream, Allocation
    driver.Event = Event
    driver.init = lambda: None
    driver.get_driver_version = lambda: 12060
    driver.pagelocked_empty = np.empty
    driver.memcpy_htod_async = lambda to, host, _stream: copy(int(to), host.ctypes.data, host.nbytes)
    driver.memcpy_dtoh_async = lambda host, of, _stream: copy(host.ctypes.data, int(of), host.nbytes)
    return driver  # type: ignore[no-any-return]


def install(monkeypatch: Any, trt: types.ModuleType, driver: types.ModuleType) -> None:
    """Put the stand-ins where `import` finds them."""
    import importlib.machinery

    pycuda: Any = types.ModuleType("pycuda")
    pycuda.driver = driver
    pycuda.__path__ = []
    trt.__spec__ = importlib.machinery.ModuleSpec("tensorrt", None)
    for name, module in (("tensorrt", trt), ("pycuda", pycuda), ("pycuda.driver", driver)):
        monkeypatch.setitem(sys.modules, name, module)
    forget(monkeypatch)


def forget(monkeypatch: Any) -> None:
    """Have the back end's module imported anew, now and when the test is over."""
    monkeypatch.setitem(sys.modules, _BACKEND, types.ModuleType(_BACKEND))
    del sys.modules[_BACKEND]
