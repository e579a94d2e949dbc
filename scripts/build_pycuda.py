"""Build pycuda without a GPU and CUDA: tests run the TensorRT back end on the real pycuda.

.venv/bin/python scripts/build_pycuda.py      # into build/pycuda-cpython-311 (by Python); half a minute

There are no wheels of pycuda, and its build needs CUDA: the headers come from small wheels of NVIDIA, and a
library with one call stands for the driver. The result is not optimized; it is for tests/host_gpu.py only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PYCUDA = "pycuda==2026.1"
HEADERS = ("nvidia-cuda-runtime==13.5.37", "nvidia-cuda-profiler-api==13.5.25")
TARGET = Path(__file__).parents[1] / "build" / f"pycuda-{sys.implementation.cache_tag}"

SETTINGS = """
CUDA_INC_DIR = [{include!r}]
CUDADRV_LIB_DIR = [{library!r}]
CUDA_ENABLE_CURAND = False
CXXFLAGS = ["-O0", "-g0", "-w"]
"""


def main() -> None:
    """Build it, unless it is there."""
    if TARGET.is_dir():
        print(f"{TARGET} is there")
        return
    with tempfile.TemporaryDirectory(prefix="cgan-pycuda-") as name:
        folder = Path(name)
        pip("download", "--no-binary", "pycuda", "-d", folder, PYCUDA)
        pip("download", "--only-binary", ":all:", "-d", folder, *HEADERS)
        for wheel in folder.glob("nvidia_*.whl"):
            zipfile.ZipFile(wheel).extractall(folder / "cuda")
        (include,) = {header.parent for header in folder.glob("cuda/nvidia/*/include/cuda.h")}
        (archive,) = folder.glob("pycuda-*.tar.gz")
        shutil.unpack_archive(archive, folder)
        source = archive.with_suffix("").with_suffix("")
        build_driver(folder / "libcuda.so")
        settings = SETTINGS.format(include=str(include), library=str(folder))
        join_sources(source / "bpl-subset" / "bpl_subset" / "libs" / "python" / "src")
        (source / "siteconf.py").write_text(settings, encoding="utf-8")
        pip("install", "--target", folder / "made", source)
        TARGET.parent.mkdir(exist_ok=True)
        shutil.move(folder / "made", TARGET)
    print(f"built in {TARGET}")


def pip(command: str, *arguments: object) -> None:
    """Run pip without dependencies."""
    options = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-deps")
    subprocess.run([sys.executable, "-m", "pip", command, *options, *map(str, arguments)], check=True)


def join_sources(folder: Path) -> None:
    """Make one source of all in a folder: their headers are what takes time, and are read once then."""
    lines = []
    for source in sorted(folder.rglob("*.cpp")):
        part = source.rename(source.with_suffix(".part"))
        lines.append(f'#include "{part.relative_to(folder).as_posix()}"\n')
    (folder / "all.cpp").write_text("".join(lines), encoding="utf-8")


def build_driver(path: Path) -> None:
    """Build a library with the driver's name to link with; the linker would drop an empty one."""
    source = path.with_suffix(".c")
    source.write_text("int cuInit(unsigned flags) { return flags ? 1 : 100; }\n", encoding="utf-8")
    command = ["cc", "-shared", "-fPIC", str(source), "-o", str(path), "-Wl,-soname,libcuda.so.1"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
