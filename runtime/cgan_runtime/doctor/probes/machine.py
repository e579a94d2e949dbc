"""Python, processor, memory, disk and cache, by the standard library alone: it works where all else is broken."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding
from cgan_runtime.files.cache import cache_folder
from cgan_runtime.system.cpu import usable_cores

GROUP = "System"

_CPUINFO, _MEMINFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")  # Linux
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # of a container
_INSTRUCTIONS = {  # what engines use, by the flags that Linux reports
    "avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "VNNI", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX BF16",
    "amx_int8": "AMX INT8", "asimd": "NEON", "asimddp": "dot product", "sve": "SVE", "i8mm": "I8MM", "bf16": "BF16",
}  # fmt: skip
_X86 = ("x86_64", "AMD64")
_LEAST_MEMORY = 1_500_000_000  # bytes; cgan-run takes about one for 1080p
_LEAST_DISK = 1_000_000_000  # bytes; about an hour of video in 640x360, twice


def findings() -> Iterator[Finding]:
    """Look at this machine."""
    yield _python()
    yield _processor()
    yield _memory()
    yield from _disks()
    yield _cache()


def _python() -> Finding:
    version = platform.python_version()
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    figures = {"python": version, "executable": sys.executable, "system": system}
    text = f"{version} on {platform.system()} {platform.machine()}, {sys.executable}"
    if sys.maxsize < 1 << 32:
        return Finding(
            GROUP, "Python", PROBLEM, f"{text}: 32 bits", "Install a Python with 64 bits: no engine has wheels for 32.",
            figures=figures,
        )  # fmt: skip
    return Finding(GROUP, "Python", OK, text, figures=figures)


def _processor() -> Finding:
    name, flags = platform.processor() or platform.machine(), set[str]()
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                name = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = set(value.split())
    cores = usable_cores()
    known = [title for flag, title in _INSTRUCTIONS.items() if flag in flags]
    figures = {"name": name, "cores": cores, "instructions": known}
    text = f"{name}, {cores} core{'s' if cores > 1 else ''}{': ' if known else ''}{', '.join(known)}"
    if flags and platform.machine() in _X86 and "avx2" not in flags:
        return Finding(
            GROUP, "Processor", PROBLEM, f"{text}; no AVX2",
            "Expect a tenth of the speed: engines are made for processors with AVX2.", figures=figures,
        )  # fmt: skip
    return Finding(GROUP, "Processor", OK, text, figures=figures)


def _memory() -> Finding:
    whole, free = memory()
    figures = {"bytes": whole, "free_bytes": free}
    if whole is None:
        return Finding(GROUP, "Memory", OK, "not known on this system", figures=figures)
    text = gigabytes(whole) if free is None else f"{gigabytes(free)} of {gigabytes(whole)} free"
    if (whole if free is None else free) < _LEAST_MEMORY:
        return Finding(
            GROUP, "Memory", PROBLEM, text, "Close other programs, or take smaller videos and --jobs 1.",
            figures=figures,
        )  # fmt: skip
    return Finding(GROUP, "Memory", OK, text, figures=figures)


def memory() -> tuple[int | None, int | None]:
    """Bytes of memory that this process may use, and those that are free; None where the system does not say."""
    whole = free = None
    if _MEMINFO.is_file():
        found = dict(line.split(":") for line in _MEMINFO.read_text(encoding="ascii").splitlines())
        whole, free = (int(found[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    elif hasattr(os, "sysconf"):
        with suppress(ValueError, OSError):
            whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # no container, or "max"
            whole = min(whole or sys.maxsize, int(limit.read_text(encoding="ascii")))
    return whole, free if free is None or whole is None else min(free, whole)


def _disks() -> Iterator[Finding]:
    here, temporary = Path.cwd(), Path(tempfile.gettempdir())
    free = {str(folder): shutil.disk_usage(folder).free for folder in (here, temporary)}
    text = f"{gigabytes(free[str(here)])} free here, {gigabytes(free[str(temporary)])} for temporary files"
    if min(free.values()) < _LEAST_DISK:
        yield Finding(
            GROUP, "Disk", PROBLEM, text, f"Free some space in {min(free, key=lambda name: free[name])}.", figures=free
        )
    elif not os.access(here, os.W_OK):
        yield Finding(GROUP, "Disk", MISSING, f"{text}; this folder cannot be written: give -o", figures=free)
    else:
        yield Finding(GROUP, "Disk", OK, text, figures=free)


def _cache() -> Finding:
    folder = cache_folder()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    size = sum(path.stat().st_size for path in files)
    figures = {"folder": str(folder), "files": len(files), "bytes": size}
    nearest = next(path for path in (folder, *folder.parents) if path.is_dir())
    if not os.access(nearest, os.W_OK):
        return Finding(
            GROUP, "Cache", PROBLEM, f"{folder} cannot be written",
            "Engines would be built anew each time: set XDG_CACHE_HOME to a folder that can be written.",
            figures=figures,
        )  # fmt: skip
    text = f"{folder}, " + (f"{size / 1e6:.1f} MB in {len(files)} file{'s'[: len(files) > 1]}" if files else "empty")
    return Finding(GROUP, "Cache", OK, text, figures=figures)


def gigabytes(count: int) -> str:
    """A number of bytes in 10^9."""
    return f"{count / 1e9:.1f} GB"
