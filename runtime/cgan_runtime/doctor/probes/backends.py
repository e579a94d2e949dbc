"""The GPU, and each back end: found, and tried with the model that ships."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Iterable, Iterator

from cgan_runtime.backends.registry import AUTO, BACKENDS, TEGRA, open_backend
from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding, install, install_extra, version_of
from cgan_runtime.doctor.probes import nvidia
from cgan_runtime.errors import BackendUnavailable, CganError
from cgan_runtime.models import bundled_model

GROUP = "Back ends"

VISIBLE = 2.3
"""Mean distance in (a*, b*) that people see: the just noticeable difference of CIE 1976."""

_EXTRAS = {"tensorrt": "tensorrt", "openvino": "openvino", "onnxruntime": "cpu", "cuda": "gpu"}
_ADDS = {
    "openvino": "Add an engine that is often the fastest without a GPU.",
    "onnxruntime": "Add the engine that runs everywhere.",
    "cuda": "Add ONNX Runtime with CUDA.",
}
"""What an engine that is not installed is good for."""

_DISTRIBUTIONS = {
    "tensorrt": ("tensorrt",), "cuda": ("onnxruntime-gpu",), "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
}  # fmt: skip
_RUNS = 15  # timed; the median counts


def gpu() -> Iterator[Finding]:
    """Ask the driver for the GPU, and compare it with the TensorRT that is installed."""
    found = nvidia.ask_driver(ctypes.CDLL)
    if found is None:
        if has_gpu():
            yield Finding(
                GROUP, "GPU", PROBLEM, "an NVIDIA GPU, but its driver does not answer",
                "Install the driver of your system, or give the container the GPU: docker run --gpus all.",
            )  # fmt: skip
        else:
            yield Finding(GROUP, "GPU", MISSING, "no NVIDIA GPU: the processor computes")
        return
    figures = vars(found)
    text = f"{found.name}, compute capability {found.capability}; the driver takes CUDA {found.cuda}"
    trouble = nvidia.mismatch(found, version_of("tensorrt"), nvidia.cuda_of_tensorrt())
    if trouble is not None:
        yield Finding(GROUP, "GPU", PROBLEM, f"{text}: {trouble[0]}", trouble[1], figures=figures)
    else:
        yield Finding(GROUP, "GPU", OK, text, figures=figures)


def has_gpu() -> bool:
    """Whether an NVIDIA GPU seems to be here."""
    return any(entry.has_hardware for entry in BACKENDS.values() if entry.gpu)


def backend(name: str) -> Iterator[Finding]:
    """Open a back end as cgan-run does, run the model that ships, and compare its colors."""
    entry, version = BACKENDS[name], version_of(*_DISTRIBUTIONS[name])
    if not entry.has_hardware:
        yield Finding(GROUP, name, MISSING, "needs an NVIDIA GPU", figures={"version": version})
        return
    try:
        entry.load()
    except BackendUnavailable as error:
        why, _, how = str(error).partition("; install it with: ")
        command = _command(name)
        state = MISSING if version is None else PROBLEM
        advice = _ADDS.get(name, how) if state == MISSING else how
        yield Finding(GROUP, name, state, why, advice, (command,) if command else (), {"version": version})
        return
    try:
        ms, difference, device = _try(name)
    except CganError as error:
        yield Finding(GROUP, name, PROBLEM, str(error), figures={"version": version})
        return
    figures = {"version": version, "ms": round(ms, 2), "difference": round(difference, 4), "device": device}
    text = f"{version or 'works'}: {ms:.1f} ms an image on {device}; "
    if difference > VISIBLE:
        text += f"wrong colors, {difference:.1f} off in a* and b*"
        yield Finding(GROUP, name, PROBLEM, text, "Take another one: cgan-run --backend NAME.", figures=figures)
    else:
        yield Finding(GROUP, name, OK, f"{text}colors as expected", figures=figures)


def _try(name: str) -> tuple[float, float, str]:
    """Run the model that ships: milliseconds of an image, distance from the expected colors, and the device."""
    from cgan_runtime.doctor.probes import colors  # loads NumPy

    precision = AUTO if BACKENDS[name].reduces_precision else "fp32"
    with open_backend(bundled_model(), name, precision=precision) as opened:
        inputs, output = colors.test_inputs(opened.manifest.size), opened.manifest.output.name
        difference = colors.difference(opened.infer(inputs)[output], opened.manifest)
        times = []
        for _ in range(_RUNS):
            began = time.perf_counter()
            opened.infer(inputs)
            times.append(time.perf_counter() - began)
        return statistics.median(times) * 1e3, difference, opened.device


def _command(name: str) -> str | None:
    """The command that installs a back end; None beside another that excludes it, or does the same."""
    other = {"cuda": "onnxruntime", "onnxruntime": "openvino"}.get(name)  # excludes it; makes it needless
    if other and version_of(other):
        return None
    if name == "tensorrt" and TEGRA.exists():
        return install("pycuda")
    return install_extra(_EXTRAS[name])


def nothing_works(tried: Iterable[Finding]) -> Finding:
    """What to say if no back end works, by what was found about each."""
    broken = any(finding.state == PROBLEM for finding in tried)
    advice = "Mend one of those above." if broken else "Install one; onnxruntime runs everywhere."
    return Finding(GROUP, "Back end", PROBLEM, "none works, so nothing can be colored", advice)
