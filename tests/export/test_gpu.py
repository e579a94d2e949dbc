"""`make gpu-check`: every check on a real GPU (`pytest -m gpu`); its own logic, anywhere, on stand-ins."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "gpu_check.py"


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


gpu_check = load_script()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gpu_check.Bench(
        tmp_path_factory.mktemp("gpu"), gpu_check.SHIPPED, ROOT / "samples" / "sample.mp4", True
    )


@pytest.mark.gpu
@pytest.mark.parametrize("name", gpu_check.CHECKS)
def test_on_a_real_gpu(name: str, bench: Any) -> None:
    """In the order of the checks: they build on each other."""
    gpu_check.CHECKS[name](bench)


TENSORRT = """
import sys
sys.path.insert(0, {root!r})
from tests.fake_gpu import make_tensorrt
globals().update({{k: v for k, v in vars(make_tensorrt(computing={computing})).items() if k != "__name__"}})
"""
DRIVER = """
import sys
sys.path.insert(0, {root!r})
from tests.fake_gpu import make_driver
globals().update({{k: v for k, v in vars(make_driver()).items() if k != "__name__"}})
"""


def check(
    folder: Path, *arguments: str, computing: bool | None
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run the script with stand-ins for TensorRT and pycuda where `import` finds them; None for neither."""
    site, report = folder / "site", folder / "report.json"
    if computing is not None:
        (site / "pycuda").mkdir(parents=True)
        (site / "tensorrt.py").write_text(TENSORRT.format(root=str(ROOT), computing=computing))
        (site / "pycuda" / "__init__.py").write_text("")
        (site / "pycuda" / "driver.py").write_text(DRIVER.format(root=str(ROOT)))
    environment = os.environ | {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, str(SCRIPT), "--json", str(report), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done, report


def test_where_there_is_no_gpu_it_says_so(tmp_path: Path) -> None:
    done, report = check(tmp_path, computing=None)
    if done.returncode == 0:
        pytest.skip("there is a GPU here")
    assert done.returncode == 1
    assert done.stderr.startswith("error: nothing was checked, no NVIDIA GPU can be used here")
    assert done.stderr.count("\n") == 1
    assert not report.exists()
