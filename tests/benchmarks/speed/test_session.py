"""Subjects that fail half-way are left out; without PyTorch there is nothing to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgan_benchmarks.speed import session as crew
from cgan_benchmarks.speed.measurements import Found
from cgan_benchmarks.speed.session import _everyone, measure_subjects
from cgan_benchmarks.speed.settings import Settings
from cgan_benchmarks.speed.subject import EAGER, HALF, Subject
from cgan_benchmarks.speed.timing import Plan
from cgan_runtime.errors import BackendUnavailable, ModelFileError

TORCH = Subject("checkpoint", "pytorch", Path("c"), variant=EAGER)
ENGINES = [Subject(f"model{number}", "onnxruntime", Path("m.onnx")) for number in range(3)]


def run(*failing: Subject, error: Exception | None = None) -> tuple[Found, dict[str, Any], list[str]]:
    found = Found([TORCH, *ENGINES])
    team: dict[str, Any] = {subject.key: object() for subject in found.subjects}
    asked: list[str] = []

    def work(key: str, _worker: object) -> None:
        asked.append(key)
        if key in {subject.key for subject in failing}:
            raise error or BackendUnavailable("out of memory")

    _everyone(found, team, work, [ENGINES[1].key, TORCH.key, ENGINES[0].key, ENGINES[2].key])
    return found, team, asked


def test_all_are_asked_in_the_order_given() -> None:
    found, _, asked = run()
    assert asked == [ENGINES[1].key, TORCH.key, ENGINES[0].key, ENGINES[2].key]
    assert found.missing == {}


def test_one_that_fails_is_left_out_and_the_others_go_on() -> None:
    found, team, asked = run(ENGINES[1])
    assert len(asked) == 4
    assert found.missing == {ENGINES[1].key: "out of memory"}
    assert [subject.key for subject in found.subjects] == list(team)
    assert ENGINES[1].key not in team


def test_one_that_fails_late_leaves_no_ragged_figures() -> None:
    found = Found([TORCH, *ENGINES])
    found.raw = {subject.key: [[[0.1], [0.1]], [[0.1], [0.1]]] for subject in found.subjects}
    found.raw[ENGINES[1].key] = [[[0.1], [0.1]], [[0.1]]]
    found.leave_out(ENGINES[1].key, BackendUnavailable("its process ended"))
    assert {of.shape for of in found.samples.values()} == {(2, 2, 1)}
    assert ENGINES[1].key not in found.samples


def test_halves_are_held_against_the_peak_of_halves() -> None:
    found = Found([TORCH], peaks={"cpu": {"gflops": 1.0}, "cuda": {"gflops": 9.0}})
    bf16 = Subject("m", "openvino", Path("m.onnx"), "bf16", HALF)
    fp16_on_gpu = Subject("m", "tensorrt", Path("m.onnx"), "fp16", device="cuda")
    assert found.peak_for(bf16) is found.peak_for(fp16_on_gpu) is None
    found.peaks |= {"cpu bf16": {"gflops": 2.0}, "cuda fp16": {"gflops": 20.0}}
    assert found.peak_for(bf16) == {"gflops": 2.0}
    assert found.peak_for(fp16_on_gpu) == {"gflops": 20.0}
    widened = Subject("m", "onnxruntime", Path("m.onnx"), "fp16")  # a CPU computes its halves in float32
    assert found.peak_for(widened) == {"gflops": 1.0}


@pytest.mark.parametrize("scenario", ["single-stream", "offline", "startup"])
def test_memory_is_read_before_the_peak_takes_some(
    scenario: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The peak's matrices are no memory of the engine's; and each process is asked in this order."""
    asked: list[str] = []

    class Scripted:
        began = 0.0

        def __enter__(self) -> Scripted:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def ask(self, what: str, **details: Any) -> dict[str, Any]:
            asked.append(what)
            if what == "infer":
                np.save(details["to"], np.zeros((1, 2, 4, 4), np.float32))
            held = 500.0 if "peak" in asked else 100.0
            return {
                "device": "CPU", "weights": "fp32", "load_seconds": 0.1, "seconds": 1.0, "host_mb": held,
                "engine_seconds": [], "images": 4, "gflops": 1.0, "gbytes": 1.0,
            } | ({"seconds": [0.1]} if what == "turn" else {})  # fmt: skip

    monkeypatch.setattr(crew, "Worker", Scripted)
    settings = Settings(scenario, plan=Plan(0.1, 1, 1))
    inputs = [np.zeros((1, 1, 4, 4), np.float32)]
    found = measure_subjects([TORCH], inputs, settings, tmp_path, lambda done, total: None)
    assert found.starts[TORCH.key].host_mb == [100.0]
    assert ("peak" in asked) == (scenario != "startup")


def test_without_the_reference_nothing_goes_on() -> None:
    with pytest.raises(BackendUnavailable, match="out of memory"):
        run(TORCH)


def test_a_damaged_model_is_an_error_and_no_missing_row() -> None:
    with pytest.raises(ModelFileError):
        run(ENGINES[0], error=ModelFileError("damaged"))
