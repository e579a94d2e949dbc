"""Subjects that fail half-way are left out; without PyTorch there is nothing to compare with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgan_benchmarks.machine.roofline import Peak
from cgan_benchmarks.speed import session as sessions
from cgan_benchmarks.speed.measurements import Measurements
from cgan_benchmarks.speed.scenarios import SCENARIOS
from cgan_benchmarks.speed.session import Session
from cgan_benchmarks.speed.settings import Settings, TimingPlan
from cgan_benchmarks.speed.subjects.subject import EAGER, HALF, Subject
from cgan_runtime.errors import BackendUnavailable, ModelFileError

TORCH = Subject("checkpoint", "pytorch", Path("c"), variant=EAGER)
ENGINES = [Subject(f"model{number}", "onnxruntime", Path("m.onnx")) for number in range(3)]
PLAN = TimingPlan(seconds=0.1, runs=1, processes=2)

Question = tuple[str, str]
"""A subject's model, and what its worker is asked."""


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[Measurements, list[Question]]]:
    """Runs a session whose workers answer from a script, and returns what it asked them."""

    def run(
        scenario: str, *subjects: Subject, fail: Callable[[list[Question]], Exception | None] = lambda asked: None
    ) -> tuple[Measurements, list[Question]]:
        asked: list[Question] = []

        class ScriptedWorker:
            began = 0.0
            model = "nobody"

            def __init__(self, python: str | None = None) -> None:
                pass

            def __enter__(self) -> ScriptedWorker:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def ask(self, what: str, **details: Any) -> dict[str, Any]:
                self.model = details["subject"]["model"] if what == "open" else self.model
                asked.append((self.model, what))
                if (error := fail(asked)) is not None:
                    raise error
                if what == "infer":
                    np.save(details["to"], np.zeros((1, 2, 4, 4), np.float32))
                held = 500.0 if (self.model, "peak") in asked else 100.0
                return {
                    "open": {"device": "CPU", "weights": "fp32", "load_seconds": 0.1},
                    "first": {"seconds": 1.0, "host_mb": held},
                    "warm": {"seconds": 1.0},
                    "turn": {"seconds": [0.1], "engine_seconds": [], "host_mb": held},
                    "infer": {},
                    "concurrent": {"images": 4, "seconds": 1.0},
                    "peak": {"gflops": 1.0, "gbytes": 1.0},
                }[what]

        monkeypatch.setattr(sessions, "WorkerProcess", ScriptedWorker)
        inputs = [np.zeros((1, 1, 4, 4), np.float32)]
        session = Session(subjects or (TORCH, *ENGINES), inputs, Settings(plan=PLAN), tmp_path)
        for number in range(PLAN.processes):
            with session.fresh_processes():
                SCENARIOS[scenario].measure(session, number)
        return session.measurements(), asked

    return run


def test_all_take_their_turns_in_new_orders(measure: Callable[..., Any]) -> None:
    found, asked = measure("single-stream")
    turns = [model for model, what in asked if what == "turn"]
    assert len(turns) == 4 * PLAN.rounds() * PLAN.processes
    orders = {tuple(turns[first : first + 4]) for first in range(0, len(turns), 4)}
    assert all(len(set(order)) == 4 for order in orders)
    assert len(orders) > 1
    assert found.missing == {}
    samples = SCENARIOS["single-stream"].samples(found.subjects[0])
    assert samples.shape == (PLAN.processes, PLAN.rounds(), 1)


def test_one_that_fails_is_left_out_and_the_others_go_on(measure: Callable[..., Any]) -> None:
    """In its last turn: what it measured before must leave no ragged figures."""
    last = PLAN.rounds() * PLAN.processes

    def fail(asked: list[Question]) -> Exception | None:
        late = asked.count((ENGINES[1].model, "turn")) == last and asked[-1][0] == ENGINES[1].model
        return BackendUnavailable("its process ended") if late else None

    found, asked = measure("single-stream", fail=fail)
    assert found.missing == {ENGINES[1].key: "its process ended"}
    assert [each.subject for each in found.subjects] == [TORCH, ENGINES[0], ENGINES[2]]
    assert {SCENARIOS["single-stream"].samples(each).shape for each in found.subjects} == {
        (PLAN.processes, PLAN.rounds(), 1)
    }
    assert asked.count((ENGINES[2].model, "turn")) == last


def test_one_that_cannot_be_opened_is_not_asked_again(measure: Callable[..., Any]) -> None:
    def fail(asked: list[Question]) -> Exception | None:
        return BackendUnavailable("out of memory") if asked[-1] == (ENGINES[0].model, "open") else None

    found, asked = measure("startup", fail=fail)
    assert [what for model, what in asked if model == ENGINES[0].model] == ["open"]
    assert found.missing == {ENGINES[0].key: "out of memory"}


@pytest.mark.parametrize(
    ("failing", "error"),
    [(TORCH, BackendUnavailable("out of memory")), (ENGINES[0], ModelFileError("damaged"))],
    ids=["the-reference", "a-damaged-model"],
)
def test_some_errors_end_the_comparison(measure: Callable[..., Any], failing: Subject, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        measure("single-stream", fail=lambda asked: error if asked[-1] == (failing.model, "warm") else None)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_peak_takes_its_memory_in_another_process(measure: Callable[..., Any], scenario: str) -> None:
    """The matrices of the peak do not count as memory of the engine."""
    found, asked = measure(scenario, TORCH)
    assert found.subjects[0].processes[0].start.host_mb == 100.0
    assert ("checkpoint", "peak") not in asked
    assert (("nobody", "peak") in asked) == (scenario != "startup")


def test_the_peak_is_measured_beside_every_round(measure: Callable[..., Any]) -> None:
    _, asked = measure("single-stream", TORCH)
    order = [what for _, what in asked if what in ("turn", "peak")]
    assert order == ["turn", "peak"] * PLAN.rounds() * PLAN.processes


@pytest.mark.parametrize(
    ("scenario", "seconds"), [("single-stream", 0.1), ("offline", 0.25)], ids=["a-run", "an-image"]
)
def test_a_sample_is_what_the_scenario_times(measure: Callable[..., Any], scenario: str, seconds: float) -> None:
    found, _ = measure(scenario, TORCH)
    assert set(SCENARIOS[scenario].samples(found.subjects[0]).ravel()) == {seconds}


def test_halves_are_compared_with_the_peak_of_halves() -> None:
    found = Measurements((), peaks={"cpu": Peak(1.0, 1.0), "cuda": Peak(9.0, 1.0)})
    bf16 = Subject("m", "openvino", Path("m.onnx"), "bf16", HALF)
    fp16_on_gpu = Subject("m", "tensorrt", Path("m.onnx"), "fp16", device="cuda")
    assert found.peak_for(bf16) is found.peak_for(fp16_on_gpu) is None
    found.peaks.update({"cpu bf16": Peak(2.0, 1.0), "cuda fp16": Peak(20.0, 1.0)})
    assert found.peak_for(bf16) == Peak(2.0, 1.0)
    assert found.peak_for(fp16_on_gpu) == Peak(20.0, 1.0)
    widened = Subject("m", "onnxruntime", Path("m.onnx"), "fp16")  # a CPU computes its halves in float32
    assert found.peak_for(widened) == Peak(1.0, 1.0)
