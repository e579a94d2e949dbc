"""ONNX Runtime on the CPU: the back end that runs everywhere.

pip install "cgan[cpu]"
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from cgan_runtime.backends.base import Arrays, Backend, Layer, check_signature
from cgan_runtime.backends.libraries import load_onnxruntime
from cgan_runtime.errors import BackendUnavailable, ModelFileError
from cgan_runtime.files.temporary import temporary_folder
from cgan_runtime.manifest import Manifest, Tensor
from cgan_runtime.system.cpu import usable_cores

onnxruntime = load_onnxruntime()
native = onnxruntime.capi.onnxruntime_pybind11_state

_SILENT = 4  # log severity "fatal": errors are raised, so they need not be printed too
_KERNEL = "_kernel_time"  # suffix of the name of a node's event in a profile
_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}

_BAD_FILE = (
    native.Fail,  # of an empty file, before ONNX Runtime 1.24
    native.InvalidProtobuf,
    native.InvalidGraph,
    native.InvalidArgument,
    native.NotImplemented,
    native.NoSuchFile,
    native.NoModel,
    UnicodeDecodeError,  # names in the file that are not text
)
_ERRORS = (*_BAD_FILE, native.RuntimeException, native.EngineError, native.EPFail, RuntimeError)


class OnnxBackend(Backend):
    """A generator in ONNX Runtime's CPU provider."""

    name = "onnxruntime"
    _provider: ClassVar[str] = "CPUExecutionProvider"
    _provider_options: ClassVar[dict[str, str]] = {}

    def __init__(self, path: Path, manifest: Manifest, *, threads: int | None = None, spin: bool = False) -> None:
        """Load an ONNX file whose manifest was checked.

        An inference has one thread for each core that this process may use, unless `threads` is given. With
        `spin` they wait for work in a loop: faster on an idle machine, but it takes the cores away from a
        decoder and an encoder.

        Raises:
            ModelFileError: The file is not ONNX, or not the colorizer that the manifest describes.
            BackendUnavailable: The engine could not be started.
        """
        threads = threads or usable_cores()
        super().__init__(manifest, self._device_of(threads))
        self._path, self._threads, self._spin = path, threads, spin
        try:
            self._session = self._open(self._options())
            inputs = [_tensor(argument) for argument in self._session.get_inputs()]
            outputs = [_tensor(argument) for argument in self._session.get_outputs()]
        except _BAD_FILE as error:
            raise ModelFileError(
                f"{path} cannot be loaded by ONNX Runtime ({_first_line(error)}); export it again with cgan-export"
            ) from error
        except _ERRORS as error:
            raise BackendUnavailable(
                f"ONNX Runtime could not start with {path} ({_first_line(error)}); try another --backend"
            ) from error
        if self._provider not in (loaded := self._session.get_providers()):
            raise BackendUnavailable(  # ONNX Runtime silently continues on the CPU
                f"ONNX Runtime could not load its {self._provider} and would have run on {loaded[0]}; "
                "check that CUDA and cuDNN have the versions that it needs, or take another --backend"
            )
        check_signature(path, manifest, inputs, outputs)

    @staticmethod
    def _device_of(threads: int) -> str:
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"

    def _options(self) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = _SILENT
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if self._spin else "0")
        return options

    def _open(self, options: Any) -> Any:
        source, providers = as_source(self._path), [(self._provider, self._provider_options)]
        return onnxruntime.InferenceSession(source, options, providers=providers, enable_fallback=0)

    def _layers(self, inputs: Arrays, runs: int) -> tuple[Layer, ...]:
        with temporary_folder("cgan-layers-") as folder:
            options = self._options()
            options.enable_profiling = True
            options.profile_file_prefix = str(folder / "profile")
            session = self._open(options)
            for _ in range(runs + 1):
                session.run(None, inputs)
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return _layers_of(events, runs)

    def _run(self, inputs: Arrays) -> Arrays:
        names = [tensor.name for tensor in self.manifest.outputs]
        try:
            return dict(zip(names, self._session.run(names, inputs), strict=True))
        except _ERRORS as error:
            shape = inputs[self.manifest.input.name].shape
            raise BackendUnavailable(
                f"ONNX Runtime failed on an input of {shape} ({_first_line(error)}); try another size"
            ) from error

    def _release(self) -> None:
        del self._session


def as_source(path: Path) -> str | bytes:
    """A model file as ONNX Runtime takes it: its path, or its content if the path is not text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return path.read_bytes()
    return str(path)


def _layers_of(events: list[dict[str, Any]], runs: int) -> tuple[Layer, ...]:
    """Means of a profile's kernels over all runs but the first."""
    times: dict[tuple[str, str], list[float]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            key = event["name"].removesuffix(_KERNEL), event["args"].get("op_name", "")
            times.setdefault(key, []).append(event["dur"] / 1e3)  # microseconds
    return tuple(Layer(name, kind, sum(of[-runs:]) / runs) for (name, kind), of in times.items())


def _tensor(argument: Any) -> Tensor:
    shape = tuple(axis if isinstance(axis, int) else str(axis) for axis in argument.shape or ())
    return Tensor(argument.name, _DTYPES.get(argument.type, argument.type), shape)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
