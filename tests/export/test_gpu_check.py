"""`make gpu-check`: every check on a real GPU (`pytest -m gpu`); its own logic, anywhere, on stand-ins."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from tests.fake_gpu import install, make_driver, make_tensorrt
from tests.host_gpu import on_host_gpu
from tests.paths import ROOT

SCRIPT = ROOT / "scripts" / "gpu_check.py"
SECONDS = 0.5  # of the video


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
    return gpu_check.Bench(tmp_path_factory.mktemp("gpu"), gpu_check.SHIPPED, ROOT / "samples" / "sample.mp4", True)


@pytest.mark.gpu
@pytest.mark.parametrize("name", gpu_check.CHECKS)
def test_on_a_real_gpu(name: str, bench: Any) -> None:
    """In the order of the checks: they build on each other."""
    gpu_check.CHECKS[name](bench)


TENSORRT = """
import sys
sys.path.insert(0, {root!r})
from tests.fake_gpu import make_tensorrt
stand_in = vars(make_tensorrt(computing=True))
globals().update({{k: v for k, v in stand_in.items() if k == "__version__" or not k.startswith("__")}})
"""


def check(folder: Path, *arguments: str, environment: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run the script in a process of its own; where its report goes."""
    report = folder / "report.json"
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")} | environment
    command = [sys.executable, str(SCRIPT), "--json", str(report), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done, report


def test_where_there_is_no_gpu_it_says_so(tmp_path: Path) -> None:
    done, report = check(tmp_path, environment={})
    if done.returncode == 0:
        pytest.skip("there is a GPU here")
    assert done.returncode == 1
    assert done.stderr.startswith("error: nothing was checked, no NVIDIA GPU can be used here")
    assert done.stderr.count("\n") == 1
    assert not report.exists()


@pytest.mark.slow
def test_all_checks_pass_on_an_engine_that_computes(paper_checkpoint: Path, tmp_path: Path) -> None:
    """TensorRT's stand-in is ONNX Runtime in disguise, the GPU host memory; all else is the real thing."""
    environment = on_host_gpu(tmp_path / "driver")
    site = tmp_path / "site"
    site.mkdir()
    (site / "tensorrt.py").write_text(TENSORRT.format(root=str(ROOT)))
    environment["PYTHONPATH"] += os.pathsep + str(site)
    given = ("--quick", "--checkpoint", str(paper_checkpoint), "--video", str(short_video(tmp_path)))
    done, path = check(tmp_path, *given, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(path.read_text())
    assert report["passed"] is True
    assert report["gpu"]["gpu"] == "Host memory"
    assert [each["name"] for each in report["checks"]] == list(gpu_check.CHECKS)
    details = {each["name"]: each["details"] for each in report["checks"]}
    assert details["engine"]["precision"] == "fp16"
    assert 0 < details["engine"]["parity"]["largest"] < 0.03
    assert details["video"]["stats"]
    assert "tensorrt (GPU)" in {row["backend"] for row in details["benchmark"]["rows"]}


def test_a_check_that_fails_is_reported_and_the_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(_bench: Any) -> dict[str, Any]:
        gpu_check.run("cgan_export.cli", "verify", tmp_path / "nowhere", tmp_path / "nowhere")
        return {}

    install(monkeypatch, make_tensorrt(), make_driver())
    monkeypatch.setattr(gpu_check, "CHECKS", {"wrong": wrong, "right": lambda _bench: {"speed": 1}})
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--json", str(tmp_path / "a" / "report.json")])
    with pytest.raises(SystemExit) as left:
        gpu_check.main()
    assert left.value.code == 1
    assert "wrong      FAILED: cgan_export left with 1: error: " in capsys.readouterr().out
    report = json.loads((tmp_path / "a" / "report.json").read_text())
    assert report["passed"] is False
    assert [(each["name"], each["passed"]) for each in report["checks"]] == [("wrong", False), ("right", True)]
    assert report["checks"][1]["details"] == {"speed": 1}


def short_video(folder: Path) -> Path:
    """The sample's first half second."""
    target = folder / "short.mp4"
    with av.open(str(ROOT / "samples" / "sample.mp4")) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is None or float(packet.pts * packet.time_base) > SECONDS:
                break
            packet.stream = stream
            made.mux(packet)
    return target
