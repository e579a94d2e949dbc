"""Subjects that fail half-way are left out; without PyTorch there is nothing to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cgan_benchmarks.crew import Found, _everyone
from cgan_benchmarks.subjects import EAGER, Subject
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


def test_without_the_reference_nothing_goes_on() -> None:
    with pytest.raises(BackendUnavailable, match="out of memory"):
        run(TORCH)


def test_a_damaged_model_is_an_error_and_no_missing_row() -> None:
    with pytest.raises(ModelFileError):
        run(ENGINES[0], error=ModelFileError("damaged"))
