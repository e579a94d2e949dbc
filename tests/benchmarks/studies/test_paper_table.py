"""The paper's table: runs are resumed, and rows have equally many epochs."""

from __future__ import annotations

import dataclasses
import json
import signal
from pathlib import Path
from typing import Any

import cv2
import pytest

from cgan_benchmarks.studies import paper_table
from cgan_benchmarks.studies.paper_table import default_state, epochs_done, main, make_table, next_recipe, read_curve
from cgan_train.config.recipes import RECIPES


@pytest.fixture(autouse=True)
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipes at small widths and batches: the same code in a few seconds."""
    for name in ("paper", "paper-unet", "seed"):
        config = RECIPES[name]
        generator = dataclasses.replace(config.generator, widths=(8, 8, 8, 8, 8))
        judge = dataclasses.replace(config.discriminator, widths=(8, 8, 8, 8))
        thinner = dataclasses.replace(config, generator=generator, discriminator=judge, batch_size=10, recalibration=2)
        monkeypatch.setitem(RECIPES, name, thinner)


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def test_it_trains_in_steps_and_writes_the_table(
    cifar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, table, image = tmp_path / "state", tmp_path / "table.json", tmp_path / "curve.png"
    common = ("--data", cifar, "--state", state, "--json", table, "--image", image, "--threads", 1)
    assert run(*common, "--minutes", 0) == 0
    assert "no epoch of paper and paper-unet is done yet" in capsys.readouterr().out
    assert json.loads(table.read_text())["rows"] == []
    assert not image.exists()

    # The recipe that goes ahead waits for the others: all end at two epochs.
    assert run(*common, "--minutes", 5, "--epochs", 1, "--recipes", "paper") == 0
    assert (epochs_done(state / "paper"), epochs_done(state / "seed")) == (1.0, 0.0)
    assert run(*common, "--minutes", 5, "--epochs", 1) == 0
    document = json.loads(table.read_text())
    assert [(row["recipe"], row["epochs"]) for row in document["rows"]] == [
        ("paper", 1), ("paper-unet", 1), ("seed", 1)
    ]  # fmt: skip
    for row in document["rows"]:
        assert row["as_predicted"]["images"] == 10
        assert row["minutes"] >= 0
        assert row["device"]
        # The paper's networks predict lightness too, and are farther off for it; the seed's keeps it.
        more = row["as_predicted"]["mae"] - row["own_lightness"]["mae"]
        assert (more == 0) == (row["recipe"] == "seed")
    assert document["curves"]["paper"] == [[1.0, pytest.approx(document["rows"][0]["as_predicted"]["mae"], abs=1e-3)]]
    assert [row["mae"] for row in document["reported"]] == [5.1, 7.9]
    assert cv2.imread(str(image)).shape[1] > 600


def test_a_run_stopped_in_its_first_step_goes_on(
    cifar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--data", cifar, "--state", tmp_path, "--threads", 1, "--recipes", "paper")
    with monkeypatch.context() as patch:
        patch.setattr("cgan_train.training.gan.Gan.step", lambda *_, **__: signal.raise_signal(signal.SIGINT) or {})
        assert run(*common, "--epochs", 1) == 130
    assert epochs_done(tmp_path / "paper") < 1
    assert run(*common, "--epochs", 1) == 0
    # A run never gets more epochs than it was started with.
    assert run(*common, "--epochs", 3) == 1
    assert "is one of 1 epochs; give no more" in capsys.readouterr().err


def test_long_runs_are_measured_at_times_and_where_a_step_ends(
    cifar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_table, "_DENSE", 1)
    monkeypatch.setattr(paper_table, "_SPARSE", 3)
    common = ("--data", cifar, "--state", tmp_path, "--threads", 1, "--recipes", "seed")

    def measured() -> list[float]:
        return [point["epochs"] for point in read_curve(tmp_path / "seed")]

    assert run(*common, "--epochs", 5) == 0
    assert measured() == [1, 3, 5]
    # A run that was killed before it was measured is measured later, without training.
    (tmp_path / "seed" / "curve.json").unlink()
    assert run(*common, "--epochs", 5, "--minutes", 0) == 0
    assert measured() == [5]


def test_runs_that_take_turns_are_those_by_themselves(cifar: Path, tmp_path: Path) -> None:
    """Each has its own random numbers for dropout, whatever is trained in between."""
    weights = []
    for recipes in (["paper"], ["paper-unet", "paper", "seed"]):
        state = tmp_path / recipes[0]
        chosen = [part for name in recipes for part in ("--recipes", name)]
        assert run("--data", cifar, "--state", state, "--threads", 1, "--epochs", 2, *chosen) == 0
        weights.append((state / "paper" / "epoch-0002" / "generator.safetensors").read_bytes())
    assert weights[0] == weights[1]


def _curve(state: Path, name: str, *points: tuple[float, bool]) -> None:
    """What a run has measured: epochs, and whether all images were."""
    (state / name).mkdir(parents=True, exist_ok=True)
    measured = {"mae": 5.0, "mae_gray": 6.0}
    curve = [
        {"epochs": at, "whole": whole, "as_predicted": measured, "device": "A", "threads": 1 + (at > 12)}
        for at, whole in points
    ]
    (state / name / "curve.json").write_text(json.dumps(curve))


def _rows(document: dict[str, Any]) -> list[tuple[str, float]]:
    return [(row["recipe"], row["epochs"]) for row in document["rows"]]


def test_rows_are_of_equally_many_epochs(tmp_path: Path) -> None:
    _curve(tmp_path, "paper", (0.3, False), (0.7, False))
    assert _rows(make_table(tmp_path)) == []
    _curve(tmp_path, "paper-unet", (0.7, False), (1.0, True), (2.0, True))
    assert _rows(make_table(tmp_path)) == [("paper", 0.7), ("paper-unet", 0.7)]
    _curve(tmp_path, "paper", (0.7, False), (1.0, True), (1.4, False))
    _curve(tmp_path, "seed", (1.0, True), (1.5, False))
    assert _rows(make_table(tmp_path)) == [("paper", 1.0), ("paper-unet", 1.0), ("seed", 1.0)]


def test_rows_of_more_epochs_that_another_machine_made_stay(cifar: Path, tmp_path: Path) -> None:
    there, here, table = tmp_path / "there", tmp_path / "here", tmp_path / "table.json"

    def document(state: Path) -> dict[str, Any]:
        assert run("--data", cifar, "--json", table, "--minutes", 0, "--state", state) == 0
        read: dict[str, Any] = json.loads(table.read_text())
        return read

    _curve(there, "paper", (12.0, True))
    _curve(there, "paper-unet", (12.0, True))
    document(there)
    _curve(here, "seed", (3.0, True))
    _curve(here, "paper", (1.0, True))
    _curve(here, "paper-unet", (1.0, True))
    found = document(here)
    assert _rows(found) == [("paper", 12.0), ("paper-unet", 12.0), ("seed", 3.0)]
    assert found["curves"] == {"paper": [[12.0, 5.0]], "paper-unet": [[12.0, 5.0]], "seed": [[3.0, 5.0]]}
    _curve(here, "paper", (12.0, True), (13.0, True))
    _curve(here, "paper-unet", (13.0, True))
    found = document(here)
    assert _rows(found) == [("paper", 13.0), ("paper-unet", 13.0), ("seed", 3.0)]
    one, two = ({"device": "A", "threads": count} for count in (1, 2))
    assert [row["devices"] for row in found["rows"]] == [[one, two], [two], [one]]
    curve = json.loads((here / "seed" / "curve.json").read_text())
    gpu = {"device": "B", "threads": None}
    (here / "seed" / "curve.json").write_text(json.dumps([*curve, curve[-1] | gpu | {"epochs": 4.0}]))
    assert document(here)["rows"][-1]["devices"] == [one, gpu]  # all that trained it
    table.write_text('{"format": "another"}')
    assert len(document(here)["rows"]) == 3


def test_the_last_of_the_field_is_next() -> None:
    assert next_recipe({"paper": 1.5, "paper-unet": 1.0, "seed": 1.0}, 200) == "paper-unet"
    assert next_recipe({"paper": 2.0, "paper-unet": 2.0}, 2) is None


def test_state_lies_with_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state() == tmp_path / "cgan" / "paper-table"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_state() == Path.home() / ".local" / "state" / "cgan" / "paper-table"
