"""`make gpu-check`: the whole run on stand-ins, and what is left of a run whose steps fail, hang or are cut off."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest
from tests.checkpoints import write_checkpoint
from tests.host_gpu import on_host_gpu
from tests.paths import ROOT

from cgan_train.config.schema import GeneratorConfig

SCRIPT = ROOT / "scripts" / "gpu_check.py"
SECONDS = 0.5  # of the video
GUIDED = GeneratorConfig("guided", 64, (16, 16, 24, 32))  # several inputs and outputs, as the model that ships


@pytest.fixture(scope="module")
def gpu_check() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


TENSORRT = """
import sys
sys.path.insert(0, {root!r})
from tests.fake_gpu import make_tensorrt
stand_in = vars(make_tensorrt(computing=True))
globals().update({{k: v for k, v in stand_in.items() if k == "__version__" or not k.startswith("__")}})
"""


@contextmanager
def on_one_core() -> Iterator[None]:
    """Let programs that are started meanwhile use one core: PyTorch's threads wait by spinning, beside other tests."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def check(folder: Path, *arguments: str, environment: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], Any]:
    """Run the script in a process of its own; its report."""
    report = folder / "report.json"
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")} | environment
    command = [sys.executable, str(SCRIPT), "--json", str(report), "--python", sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (folder / "report.log").is_file()
    return done, json.loads(report.read_text())


@pytest.mark.slow
def test_all_steps_pass_on_an_engine_that_computes(tmp_path: Path) -> None:
    """TensorRT's stand-in is ONNX Runtime in disguise, the GPU host memory; all else is the real thing."""
    checkpoint = write_checkpoint(tmp_path / "checkpoint", GUIDED)
    environment = on_host_gpu(tmp_path / "driver")
    site = tmp_path / "site"
    site.mkdir()
    (site / "tensorrt.py").write_text(TENSORRT.format(root=str(ROOT)))
    environment["PYTHONPATH"] += os.pathsep + str(site)
    steps = ("machine", "export", "reference", "build", "parity", "latency", "video", "video-gpu", "benchmark")
    given = ("--checkpoint", str(checkpoint), "--video", str(short_video(tmp_path)), "--quick")
    given += ("--patience", "10", "--minutes", "60")  # however slow this machine is
    with on_one_core():
        done, report = check(tmp_path, *given, "--only", ",".join(steps), environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["passed"] is True
    assert tuple(each["name"] for each in report["steps"]) == steps
    details = {each["name"]: each["details"] for each in report["steps"]}
    assert details["machine"]["gpu"] == "Host memory"
    assert details["build"]["precision"] == "fp16"
    assert set(details["build"]["convolutions"]) == {"fp16"}
    assert details["build"]["seconds_from_cache"] > 0
    assert 0 < details["parity"]["largest"] < 0.03
    assert details["latency"]["ms"]["p50"] > 0
    assert details["video"]["stats"]
    assert (details["video-gpu"]["nvdec"], details["video-gpu"]["nvenc"]) == (False, False)
    assert {"pytorch", "tensorrt (GPU)"} <= {row["backend"] for row in details["benchmark"]["report"]["rows"]}


def run_steps(gpu_check: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, **steps: Any) -> tuple[int, Any]:
    """Run the script in this process with other steps: exit code and report."""
    monkeypatch.setattr(gpu_check, "STEPS", steps)
    monkeypatch.setattr(gpu_check, "find_pythons", lambda *_: [])
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--json", str(folder / "a" / "report.json")])
    with pytest.raises(SystemExit) as left:
        gpu_check.main()
    return int(left.value.code or 0), json.loads((folder / "a" / "report.json").read_text())


def test_without_tensorrt_nothing_else_is_tried(
    gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = {"machine": gpu_check.STEPS["machine"], "export": lambda _run: pytest.fail("tried")}
    code, report = run_steps(gpu_check, tmp_path, monkeypatch, **steps)
    assert (code, report["passed"]) == (1, False)
    (step,) = report["steps"]
    assert (step["name"], step["message"]) == ("machine", "no Python here has TensorRT and pycuda")
    assert "TensorRT: in no Python here" in capsys.readouterr().out


def test_a_step_that_fails_is_reported_and_the_others_run(
    gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(run: Any) -> dict[str, Any]:
        python = sys.modules["gpu.run"].Python(sys.executable)
        code = "import atexit, sys; atexit.register(print, 'bye'); print('before'); sys.exit('error: it is broken')"
        return {"never": run.call(python, 60, "-c", code)}

    code, report = run_steps(gpu_check, tmp_path, monkeypatch, wrong=wrong, right=lambda _run: {"speed": 1})
    assert (code, report["passed"]) == (1, False)
    assert [(each["name"], each["passed"]) for each in report["steps"]] == [("wrong", False), ("right", True)]
    assert report["steps"][0]["message"] == "exit code 1: error: it is broken"
    assert report["steps"][1]["details"] == {"speed": 1}
    assert "before" in (tmp_path / "a" / "report.log").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="the script runs on Linux")
def test_a_crash_is_told_and_the_log_says_where(
    gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(run: Any) -> dict[str, Any]:
        python = sys.modules["gpu.run"].Python(sys.executable, {"PYTHONFAULTHANDLER": "1"})
        return {"never": run.call(python, 60, "-c", "import os; os.kill(os.getpid(), 11)")}

    _, report = run_steps(gpu_check, tmp_path, monkeypatch, crash=crash)
    assert report["steps"][0]["message"] == "it crashed (SIGSEGV); the log says where"
    assert 'File "<string>"' in (tmp_path / "a" / "report.log").read_text()


@pytest.mark.parametrize("own_python", [True, False])
def test_what_was_carried_is_found(gpu_check: Any, own_python: bool, tmp_path: Path) -> None:
    """A folder with TensorRT, and with or without a Python 3.10 of its own."""
    assert gpu_check  # loads the parts
    own = tmp_path / "py310" / "bin" / "python3.10"
    if own_python:
        own.parent.mkdir(parents=True)
        own.touch()
    found = sys.modules["gpu.run"].carried_python(tmp_path, {"PYTHONPATH": "sources"})
    assert found.path == (str(own) if own_python else sys.executable)
    assert found.environment["PYTHONPATH"] == os.pathsep.join(["sources", str(tmp_path)])
    assert str(tmp_path / "tensorrt") in found.environment["LD_LIBRARY_PATH"].split(os.pathsep)
    assert found.environment.get("PYTHONHOME") == (str(tmp_path / "py310") if own_python else None)


def test_a_python_may_be_named_as_seen_from_here(
    gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps run in a folder of their own."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    parts = sys.modules["gpu.run"]
    with (tmp_path / "log").open("w") as log:
        run = parts.Run(ROOT, log, time.monotonic() + 300, tmp_path, tmp_path, quick=True)
        found = parts.find_pythons(run, ["bin/python"], None)
    assert (found[0]["path"], "error" in found[0]) == (str(tmp_path / "bin" / "python"), False)


def test_tests_need_a_pytorch_that_finds_a_gpu(gpu_check: Any, tmp_path: Path) -> None:
    parts = sys.modules["gpu.run"]
    python = parts.Python(sys.executable, has={"pytest": "9", "cuda": None})
    with (tmp_path / "log").open("w") as log:
        run = parts.Run(tmp_path, log, time.monotonic() + 60, tmp_path, tmp_path, quick=True, torch=python)
        with pytest.raises(parts.StepFailed, match="PyTorch finds no GPU in"):
            gpu_check.STEPS["tests"](run)


@pytest.mark.skipif(sys.platform == "win32", reason="the script runs on Linux")
def test_a_step_that_hangs_is_ended_with_what_it_started(
    gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"

    def hang(run: Any) -> dict[str, Any]:
        run.call(sys.modules["gpu.run"].Python(sys.executable), 0.5, "-c", code)
        return {}

    monkeypatch.setattr(sys.modules["gpu.run"], "_LEAST", 0.1)
    began = time.monotonic()
    _, report = run_steps(gpu_check, tmp_path, monkeypatch, hang=hang)
    assert report["steps"][0]["message"] == "it took longer than 0 s"
    assert time.monotonic() - began < 30


def test_no_step_begins_when_the_time_is_over(gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(run: Any) -> dict[str, Any]:
        run.until = time.monotonic()
        run.call(sys.modules["gpu.run"].Python(sys.executable), 60, "-c", "print(1)")
        return {}

    _, report = run_steps(gpu_check, tmp_path, monkeypatch, late=late)
    assert report["steps"][0]["message"] == "no time was left for it"


def test_the_report_stays_small(gpu_check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, report = run_steps(
        gpu_check, tmp_path, monkeypatch, much=lambda _run: {"text": "x" * 2_000_000}, little=lambda _run: {"speed": 1}
    )
    assert (tmp_path / "a" / "report.json").stat().st_size < 1_000_000
    assert [each["details"] for each in report["steps"]] == [{"left out": "too large; see the log"}, {"speed": 1}]


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
