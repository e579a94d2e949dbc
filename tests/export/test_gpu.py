"""`make gpu-check`: every check on a real GPU (`pytest -m gpu`); its own logic, anywhere, on stand-ins."""

from __future__ import annotations

import importlib.util
import json
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
    return gpu_check.Bench(tmp_path_factory.mktemp("gpu"), ROOT / "samples" / "sample.mp4", 1.0)


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


@pytest.mark.slow
def test_all_checks_pass_on_an_engine_that_computes(tmp_path: Path) -> None:
    """The stand-in's engine is ONNX Runtime in disguise: all that is around it is the real thing."""
    done, path = check(tmp_path, "--seconds", "0.2", "--film", str(short_film(tmp_path)), computing=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(path.read_text())
    assert report["passed"] is True
    assert report["gpu"]["gpu"] == "Fake GPU"
    assert [each["name"] for each in report["checks"]] == list(gpu_check.CHECKS)
    details = {each["name"]: each["details"] for each in report["checks"]}
    assert details["engine"]["precision"] == "fp16"
    assert 0 < details["engine"]["parity"]["largest"] < 0.03
    assert details["film"]["stats"]
    assert "tensorrt" in {row["backend"] for row in details["benchmark"]["rows"]}


@pytest.mark.slow
def test_an_engine_that_answers_wrongly_fails_every_check(tmp_path: Path) -> None:
    done, path = check(tmp_path, "--seconds", "0.2", "--film", str(short_film(tmp_path)), computing=False)
    assert done.returncode == 1
    report = json.loads(path.read_text())
    assert report["passed"] is False
    said = {each["name"]: each["said"] for each in report["checks"]}
    assert "engine differs from PyTorch" in said["engine"]
    assert said["parity"]
    assert said["film"]


def short_film(folder: Path) -> Path:
    """The sample's first second."""
    import av

    target = folder / "short.mp4"
    with av.open(str(ROOT / "samples" / "sample.mp4")) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is None or float(packet.pts * packet.time_base) > 1:
                break
            packet.stream = stream
            made.mux(packet)
    return target
