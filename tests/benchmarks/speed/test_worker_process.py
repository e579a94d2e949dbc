"""A subject in a process of its own: its answers and its errors."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from cgan_benchmarks.speed.subjects.subject import EAGER, Subject
from cgan_benchmarks.speed.worker_process import WorkerProcess, available_in
from cgan_runtime.errors import BackendUnavailable, ModelFileError


def open_in(worker: WorkerProcess, subject: Subject) -> dict[str, object]:
    return worker.ask("open", subject=subject.to_json(), threads=1)


def test_a_model_is_measured_in_another_process(tiny_model: Path, tmp_path: Path) -> None:
    inputs, answers = tmp_path / "inputs.npy", tmp_path / "answers.npy"
    np.save(inputs, np.zeros((2, 1, 1, 32, 48), np.float32))
    with WorkerProcess() as worker:
        opened = open_in(worker, Subject("tiny", "onnxruntime", tiny_model))
        assert (opened["device"], opened["weights"]) == ("CPU, 1 thread", "fp32")
        first = worker.ask("first", inputs=str(inputs))
        assert 0 < first["seconds"] < 60
        assert 20 < first["host_mb"] < 2000
        assert worker.ask("warm")["seconds"] > 0
        turn = worker.ask("turn", runs=5)
        assert len(turn["seconds"]) == 5
        assert min(turn["seconds"]) > 0
        assert turn["engine_seconds"] == []  # a CPU has no clock of its own
        worker.ask("infer", to=str(answers))
        assert np.load(answers).shape == (2, 1, 2, 32, 48)
        assert worker.ask("concurrent", engines=2, seconds=0.05)["images"] > 0


def test_the_model_is_alone_in_its_process(tiny_model: Path, tmp_path: Path) -> None:
    """No PyTorch beside ONNX Runtime: neither its memory nor its threads."""
    np.save(tmp_path / "inputs.npy", np.zeros((1, 1, 1, 32, 32), np.float32))
    with WorkerProcess() as worker:
        open_in(worker, Subject("tiny", "onnxruntime", tiny_model))
        alone = worker.ask("first", inputs=str(tmp_path / "inputs.npy"))["host_mb"]
    assert alone < 250


def test_an_error_keeps_its_class_and_its_message(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        with pytest.raises(ModelFileError, match="no model file at"):
            open_in(worker, Subject("gone", "onnxruntime", tmp_path / "gone.onnx"))
        with pytest.raises(ModelFileError, match="no checkpoint at"):
            open_in(worker, Subject("gone", "pytorch", tmp_path / "gone", variant=EAGER))


def test_a_crash_is_reported_with_its_last_line() -> None:
    with WorkerProcess() as worker, pytest.raises(BackendUnavailable, match=r"its process ended \(.*KeyError"):
        worker.ask("dance")


def test_a_killed_worker_is_reported_and_can_be_closed() -> None:
    """Its last question was never read: closing must not raise for that."""
    with WorkerProcess() as worker:
        worker._process.kill()
        worker._process.wait()
        with pytest.raises(BackendUnavailable, match="its process ended"):
            worker.ask("warm")


def test_tuning_of_the_terminal_does_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch with threads that sleep is not PyTorch as it comes."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    with WorkerProcess() as worker:
        environment = Path(f"/proc/{worker._process.pid}/environ")
        if not environment.is_file():
            pytest.skip("reads a process's environment as Linux shows it")
        with pytest.raises(ModelFileError):  # an answer: it has begun
            open_in(worker, Subject("gone", "onnxruntime", Path("gone.onnx")))
        assert b"PATH=" in environment.read_bytes()
        assert b"OMP_WAIT_POLICY" not in environment.read_bytes()


def test_a_worker_without_questions_ends() -> None:
    worker = WorkerProcess()
    worker.close()
    assert worker._process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for another Python")
def test_another_python_runs_a_subject(tiny_model: Path, tmp_path: Path) -> None:
    other, used = tmp_path / "python", tmp_path / "used"
    other.write_text(f'#!/bin/sh\ntouch {shlex.quote(str(used))}\nexec {shlex.quote(sys.executable)} "$@"\n')
    other.chmod(0o755)
    assert available_in(str(other))["onnxruntime"] is None
    used.unlink()
    with WorkerProcess(str(other)) as worker:
        assert open_in(worker, Subject("tiny", "onnxruntime", tiny_model))["device"] == "CPU, 1 thread"
    assert used.exists()


def test_a_python_that_is_missing_or_cannot_run_cgan_is_named(tmp_path: Path) -> None:
    nothing, broken = tmp_path / "nothing", tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no cgan here >&2; exit 1\n")
    broken.chmod(0o755)
    for python in (nothing, broken):
        with pytest.raises(BackendUnavailable, match=rf"{python.name} cannot run cgan \(.*\); check --python"):
            available_in(str(python))
    with pytest.raises(BackendUnavailable, match="nothing cannot be started"):
        WorkerProcess(str(nothing))
