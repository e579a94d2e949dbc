"""OpenVINO on the CPU: the fastest back end on Intel processors.

pip install "cgan[openvino]"
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from cgan_runtime.backends.base import Arrays, Backend, Layer, check_signature
from cgan_runtime.backends.compiled_networks import keep, kept
from cgan_runtime.backends.libraries import load_openvino
from cgan_runtime.errors import BackendUnavailable, ModelFileError
from cgan_runtime.manifest import Manifest, Tensor
from cgan_runtime.system.cpu import usable_cores

openvino = load_openvino()
frontend = openvino.frontend

_DEVICE = "CPU"
_MAX_KERNELS = 1000  # for shapes seen before, about 15 of them; the default of 5000 takes 0.8 GB

_BAD_FILE = (
    frontend.GeneralFailure,
    frontend.InitializationFailure,
    frontend.NotImplementedFailure,
    frontend.OpConversionFailure,
    frontend.OpValidationFailure,
    RuntimeError,
    UnicodeDecodeError,  # names in the file that are not text
)

_HINTS = {"fp32": "f32", "bf16": "bf16"}  # precisions as OpenVINO names them

_ISA = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # variables that mask instructions of the processor

_DTYPES = {"f32": "float32", "f16": "float16", "f64": "float64"}


class OpenVinoBackend(Backend):
    """A generator in OpenVINO's CPU plugin, tuned for the latency of one image."""

    name = "openvino"

    def __init__(self, path: Path, manifest: Manifest, *, threads: int | None = None, precision: str = "fp32") -> None:
        """Load a model whose manifest was checked. What OpenVINO compiles is kept for the next start.

        Args:
            path: The ONNX file.
            manifest: Its manifest.
            threads: Threads of one inference; None leaves the choice to OpenVINO.
            precision: What the CPU computes in: "fp32"; "bf16", nearly twice as fast on a CPU with AMX or
                AVX-512 BF16; "auto", which is "bf16" on such a CPU, else "fp32".

        Raises:
            ModelFileError: The file is not ONNX, or not the colorizer that the manifest describes.
            BackendUnavailable: The engine could not be started, or this CPU has no bfloat16.
        """
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # else two engines of one thread each share a core
            "CPU_RUNTIME_CACHE_CAPACITY": _MAX_KERNELS,
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._path, self._settings = path, settings
        try:
            core = openvino.Core()
            chosen = _precision(core, precision)
            settings["INFERENCE_PRECISION_HINT"] = _HINTS[chosen]
            compiled = _compiled(core, path, manifest, settings)
            used = compiled.get_property("INFERENCE_NUM_THREADS")
            self._request = compiled.create_infer_request()
        except RuntimeError as error:
            raise BackendUnavailable(
                f"OpenVINO could not start with {path} ({_last_line(error)}); try --backend onnxruntime"
            ) from error
        device = f"CPU, {used} thread{'s' if used > 1 else ''}"
        super().__init__(manifest, device if chosen == "fp32" else f"{device}, {chosen}")

    def _run(self, inputs: Arrays) -> Arrays:
        try:
            results = self._request.infer(inputs, share_inputs=True, share_outputs=True)
            return {tensor.name: results[tensor.name] for tensor in self.manifest.outputs}
        except RuntimeError as error:
            raise BackendUnavailable(
                f"OpenVINO failed on an input of {inputs[self.manifest.input.name].shape} "
                f"({_last_line(error)}); try another size, or the back end onnxruntime"
            ) from error

    def _layers(self, inputs: Arrays, runs: int) -> tuple[Layer, ...]:
        counting = {**self._settings, "PERF_COUNT": True}
        request = openvino.Core().compile_model(_read(self._path), _DEVICE, counting).create_infer_request()
        times: dict[tuple[str, str], float] = {}
        for number in range(runs + 1):
            request.infer(inputs)
            for step in request.profiling_info if number else ():
                if step.status == step.Status.EXECUTED:
                    key = step.node_name, step.node_type
                    times[key] = times.get(key, 0.0) + step.real_time.total_seconds() * 1e3 / runs
        return tuple(Layer(name, kind, ms) for (name, kind), ms in times.items())

    def _release(self) -> None:
        del self._request


def _precision(core: Any, asked: str) -> str:
    """The precision to compute in: the one asked for, if this CPU has it at full speed.

    OpenVINO's default tells, not its capabilities: without the instructions it does bfloat16 slowly.
    """
    fast = core.get_property(_DEVICE, "INFERENCE_PRECISION_HINT").get_type_name() == _HINTS["bf16"]
    if asked == "bf16" and not fast:
        raise BackendUnavailable("this CPU has no instructions for bfloat16; leave --precision out")
    return "bf16" if fast and asked != "fp32" else "fp32"


def _compiled(core: Any, path: Path, manifest: Manifest, settings: dict[str, Any]) -> Any:
    """The compiled network: as an earlier start on this machine has kept it, or compiled and kept now."""
    key = {
        "model": manifest.sha256,
        "openvino": openvino.get_version(),
        "cpu": [core.get_property(_DEVICE, name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")],
        "isa": {name: os.environ.get(name) for name in _ISA},
        "cores": usable_cores(),
        "settings": settings,
    }
    if (content := kept(key)) is not None:
        with suppress(RuntimeError):  # of another build of OpenVINO
            compiled = core.import_model(content, _DEVICE, settings)
            _check(path, manifest, compiled)
            return compiled
    model = _read(path)
    _check(path, manifest, model)
    compiled = core.compile_model(model, _DEVICE, settings)
    keep(key, compiled.export_model().getvalue())
    return compiled


def _check(path: Path, manifest: Manifest, model: Any) -> None:
    """Compare the inputs and outputs of a network with its manifest's; a ModelFileError."""
    try:
        inputs, outputs = ([_tensor(port) for port in ports] for ports in (model.inputs, model.outputs))
    except _BAD_FILE as error:
        raise _refused(path, error) from error
    check_signature(path, manifest, inputs, outputs)


def _read(path: Path) -> Any:
    """The network of an ONNX file.

    Only the ONNX reader is used: otherwise every reader tries, and some write to stderr.
    """
    try:
        reader = frontend.FrontEndManager().load_by_framework("onnx")
        return reader.convert(reader.load(str(path)))
    except _BAD_FILE as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: Exception) -> ModelFileError:
    return ModelFileError(
        f"{path} cannot be loaded by OpenVINO ({_last_line(error)}); export it again with cgan-export"
    )


def _tensor(port: Any) -> Tensor:
    shape = tuple(
        f"axis{index}" if axis.is_dynamic else axis.get_length() for index, axis in enumerate(port.partial_shape)
    )
    dtype = port.element_type.get_type_name()
    return Tensor(port.any_name, _DTYPES.get(dtype, dtype), shape)


def _last_line(error: Exception) -> str:
    """The last line of a message: OpenVINO's begin with its source files."""
    return ([line for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1].strip()
