"""The machine that a figure was measured on: processor, GPU, clocks, versions, load of other programs.

load = BackgroundLoad()
...                                                # measure
machine = describe_machine(threads=2, others=load.share())
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from cgan_runtime.system.cpu import usable_cores

_PACKAGES = ("torch", "onnx", "onnxruntime", "onnxruntime-gpu", "openvino", "numpy")
_CPUINFO = Path("/proc/cpuinfo")  # Linux
_STAT = Path("/proc/stat")  # Linux: CPU time of the whole machine in clock ticks
_IDLE_FIELDS = (3, 4)  # idle and waiting for a disk, of that file's first line
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")  # Linux
_SMI = "nvidia-smi"
_SMI_SECONDS = 10
_GPU_STATE = (
    "name", "driver_version", "pstate", "clocks.sm", "clocks.max.sm", "clocks.mem",
    "power.draw", "power.limit", "temperature.gpu",
)  # fmt: skip
_MUCH = 0.05  # of the machine: a larger load of other programs is reported, see results.noise


def describe_machine(threads: int, others: float | None = None) -> dict[str, Any]:
    """The machine and its software as plain JSON values. `others` is the share of other programs."""
    versions = {package: found for package in _PACKAGES if (found := _version(package)) is not None}
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "threads": threads,
        "system": f"{platform.system()} {platform.machine()}",
        "others": others,
        "governor": _GOVERNOR.read_text(encoding="ascii").strip() if _GOVERNOR.is_file() else None,
        "gpus": gpu_states(),
        "versions": {"python": platform.python_version(), **versions},
    }


def cpu_name() -> str:
    """The name of the processor, as the system reports it."""
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or platform.machine()


def device_name() -> str:
    """The name of the device that PyTorch trains on here: a GPU or the processor."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()


def gpu_states() -> list[str]:
    """Name, driver, power state, clocks, power and temperature of each NVIDIA GPU, from nvidia-smi."""
    return [
        ", ".join(f"{what} {value}" for what, value in zip(_GPU_STATE, line.split(", "), strict=False))
        for line in _ask_smi(",".join(_GPU_STATE), "csv,noheader")
    ]


def device_memory_mb() -> float | None:
    """Memory in use on the first GPU, 10^6 bytes; None where it is not known."""
    lines = _ask_smi("memory.used", "csv,noheader,nounits")
    try:
        return float(lines[0]) * (1 << 20) / 1e6
    except (IndexError, ValueError):
        return None


def _ask_smi(fields: str, form: str) -> list[str]:
    if shutil.which(_SMI) is None:
        return []
    command = [_SMI, f"--query-gpu={fields}", f"--format={form}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SMI_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        return []
    return done.stdout.strip().splitlines()


class BackgroundLoad:
    """How much of the machine other programs have used since this object was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._all, self._own = _busy_seconds(), _own_seconds()

    def share(self) -> float | None:
        """Share of all cores, 0 to 1; None where the system does not report it."""
        now = _busy_seconds()
        if now is None or self._all is None:
            return None
        passed = (time.perf_counter() - self._began) * (os.cpu_count() or 1)
        others = now - self._all - (_own_seconds() - self._own)
        return round(min(1.0, max(0.0, others / passed)), 3)


def load_warning(share: float | None) -> str:
    """A warning where other programs used much of the machine; else empty."""
    if share is None or share < _MUCH:
        return ""
    return (
        f"Other programs took {share:.0%} of the processor meanwhile: "
        "the figures are worse than on a quiet machine, those of PyTorch most."
    )


def _own_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _busy_seconds() -> float | None:
    """CPU time that the whole machine has been busy."""
    if not _STAT.is_file():
        return None
    ticks = [int(field) for field in _STAT.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    return (sum(ticks) - sum(ticks[index] for index in _IDLE_FIELDS)) / os.sysconf("SC_CLK_TCK")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
