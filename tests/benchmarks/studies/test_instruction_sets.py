"""The network under fewer instructions: each set and model has its turns, in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cgan_benchmarks.studies import instruction_sets
from cgan_benchmarks.studies.instruction_sets import SETS, main, run_apart
from cgan_runtime.errors import BackendUnavailable
from cgan_runtime.models import bundled_model


def test_the_median_of_each_set_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([*range(len(SETS)), *range(10, 10 + len(SETS)), *range(5, 5 + len(SETS))])

    def fake(model: Path, instructions: str | None) -> dict[str, Any]:
        return {"ms": float(next(times)), "device": f"CPU {instructions}"}

    monkeypatch.setattr(instruction_sets, "run_apart", fake)
    monkeypatch.setattr("sys.argv", ["study", "--rounds", "3", "--json", str(tmp_path / "sets.json")])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    rows = json.loads((tmp_path / "sets.json").read_text(encoding="utf-8"))["rows"]
    assert [row["instructions"] for row in rows] == list(SETS)
    assert [row["ms"] for row in rows] == [5.0 + number for number in range(len(SETS))]
    assert rows[2]["device"] == "CPU AVX2"


def test_a_run_in_a_process_of_its_own() -> None:
    found = run_apart(bundled_model(), "AVX2")
    assert found["ms"] > 0
    assert found["device"] == "CPU, 1 thread"


def test_what_goes_wrong_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match=r"missing\.onnx"):
        run_apart(tmp_path / "missing.onnx", None)
