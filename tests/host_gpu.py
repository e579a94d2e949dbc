"""The real pycuda on a driver whose GPU is the host's memory, for processes that a test starts.

environment = on_host_gpu(tmp_path, "own")
subprocess.run(command, env=os.environ | environment)

Two such drivers: `own` is tests/host_driver.c, which is strict and tells what was not given back; `kit` lies
beside the project, where it is at hand, and answers every call.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.paths import ROOT

PYCUDA = ROOT / "build" / f"pycuda-{sys.implementation.cache_tag}"
KIT = ROOT.parent / "shared" / "gpu"
CUDA_HEADER = Path("/usr/local/cuda/include/cuda.h")
DRIVERS = ("own", "kit")


def on_host_gpu(folder: Path, driver: str = "own") -> dict[str, str]:
    """Variables by which a process finds pycuda and the driver, which is compiled into `folder`."""
    if not PYCUDA.is_dir():
        pytest.skip("pycuda is not built; run: python scripts/build_pycuda.py")
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    folder.mkdir(parents=True, exist_ok=True)
    source = own(folder) if driver == "own" else of_the_kit(folder)
    library = folder / "libcuda.so.1"
    command = ["cc", "-shared", "-fPIC", "-w", "-Wl,-soname,libcuda.so.1", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    path = [str(PYCUDA), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"LD_LIBRARY_PATH": str(folder), "PYTHONPATH": os.pathsep.join(path)}


def own(folder: Path) -> Path:
    """Our driver's source, with a refusal of each call that pycuda is linked with and it does not know."""
    text = (ROOT / "tests" / "host_driver.c").read_text(encoding="utf-8")
    (module,) = (PYCUDA / "pycuda").glob("_driver*.so")
    listed = subprocess.run(["nm", "-D", "--undefined-only", str(module)], capture_output=True, text=True, check=True)
    wanted = set(re.findall(r"\bcu[A-Z]\w+", listed.stdout)) - set(re.findall(r"\bcu[A-Z]\w+(?=\()", text))
    refused = [f'int {name}(void) {{ return host_driver_refuses("{name}"); }}' for name in sorted(wanted)]
    source = folder / "driver.c"
    source.write_text("\n".join([text, *refused, ""]), encoding="utf-8")
    return source


def of_the_kit(folder: Path) -> Path:
    """The source of the kit's driver, which its own script writes."""
    script = KIT / "null_gpu" / "gen.py"
    if not script.is_file() or not CUDA_HEADER.is_file():
        pytest.skip("there is no other driver beside the project, or no cuda.h to make it with")
    work = folder / "kit" / "null_gpu"
    shutil.copytree(script.parent, work)
    shutil.copy(KIT / "pycuda_cu_syms.txt", work.parent)
    subprocess.run([sys.executable, "gen.py"], cwd=work, check=True)
    return work / "null.c"
