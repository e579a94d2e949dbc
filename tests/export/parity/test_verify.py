"""`cgan-export verify`: any two models, and exit code 1 where they are not the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tests.checkpoints import PAPER, lively_generator, write_checkpoint

from cgan_export.cli import main
from cgan_export.graph.precision import FORMS
from cgan_export.onnx_files import Exported, Exporter, ExportSettings
from cgan_runtime.manifest import Manifest, sha256_of
from cgan_train.checkpoint import load_checkpoint
from cgan_train.evaluation.comparison_photos import BUNDLED

FIXED = ExportSettings(name="fixed", size=(32, 64), dynamic=False)


def verify(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main(["verify", *map(str, arguments)])
    return exit_.value.code


@pytest.fixture(scope="module")
def models(paper_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One checkpoint, its forms, and one of other weights."""
    folder = tmp_path_factory.mktemp("models")
    exporter = Exporter(load_checkpoint(paper_checkpoint))
    found = {"checkpoint": paper_checkpoint}
    for name, form, settings in (
        ("fp32", "fp32", ExportSettings()),
        ("fp16", "fp16", ExportSettings()),
        ("fixed", "fp32", FIXED),
        ("whole", "fp32", ExportSettings(end_to_end=True)),
        ("whole-fixed", "fp32", replace(FIXED, end_to_end=True)),
    ):
        found[name] = exporter.export(folder / "out", [FORMS[form]], settings)[0].path
    found["other"] = write_checkpoint(folder / "other", PAPER, lively_generator(PAPER, seed=1))
    return found


@pytest.mark.parametrize(
    ("first", "second", "form"),
    [
        ("checkpoint", "fp32", "fp32"),
        ("fp32", "fp16", "fp16"),
        ("fp16", "fp32", "fp16"),
        ("checkpoint", "fixed", "fp32"),
        ("fixed", "fp32", "fp32"),
        ("checkpoint", "whole", "fp32 image"),
        ("whole", "fp32", "fp32 image"),
        ("whole", "fp16", "fp16 image"),
        ("checkpoint", "whole-fixed", "fp32 image"),
        ("whole-fixed", "fixed", "fp32 image"),
    ],
)
def test_one_model_in_two_forms(
    models: dict[str, Path], first: str, second: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(models[first], models[second]) == 0
    printed = capsys.readouterr()
    assert "largest" in printed.out
    assert "CIEDE2000" in printed.out
    assert f"within what {form} may differ by" in printed.out


@pytest.mark.parametrize("second", ["fp32", "fixed", "whole", "other"])
def test_other_weights_are_detected(models: dict[str, Path], second: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(models["other"] if second != "other" else models["checkpoint"], models[second]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("error: they differ by more than fp32")
    assert printed.err.count("\n") == 1


def test_a_weight_that_changed_a_little_is_detected(models: dict[str, Path], tmp_path: Path) -> None:
    model = onnx.load(models["fp32"])
    largest = max(model.graph.initializer, key=lambda tensor: numpy_helper.to_array(tensor).size)
    largest.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(largest) * np.float32(1.01), largest.name))
    path = tmp_path / "paper.onnx"
    onnx.save(model, path)
    Manifest(**{**vars(Manifest.load(models["fp32"])), "sha256": sha256_of(path)}).save(path)
    assert verify(models["fp32"], path) == 1
    assert verify(models["fp32"], path, "--tolerance", "0.5") == 0


@pytest.mark.parametrize("whole", [False, True])
def test_values_beyond_half_precision_are_detected(
    checkpoint_beyond_half: Callable[[float], Path], tmp_path: Path, whole: bool
) -> None:
    """The CPU's engines run such a file in float32, and it answers as the checkpoint does."""
    checkpoint = checkpoint_beyond_half(1.5e4)
    settings = ExportSettings(dynamic=False, batch=2, end_to_end=whole)
    (one,) = Exporter(load_checkpoint(checkpoint)).export(tmp_path, [FORMS["fp16"]], settings)
    assert verify(checkpoint, one.path) == 1


def test_two_fixed_sizes_that_differ_are_refused(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exporter = Exporter(load_checkpoint(models["checkpoint"]))
    (other,) = exporter.export(tmp_path, [FORMS["fp32"]], replace(FIXED, size=(64, 32)))
    for first in ("fixed", "whole-fixed"):
        assert verify(models[first], other.path) == 1
        printed = capsys.readouterr().err
        assert "there is no size that both take" in printed
        assert printed.count("\n") == 1


def test_a_given_tolerance_decides(models: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(models["fp32"], models["fp16"], "--tolerance", "1e-6", "--data", BUNDLED) == 1
    assert "1e-06 is allowed" in capsys.readouterr().err
    assert verify(models["fp32"], models["fp16"], "--tolerance", "0.02") == 0


def test_what_is_no_model_is_one_line(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    for wrong in (tmp_path / "text.onnx", tmp_path / "nowhere", tmp_path):
        assert verify(models["fp32"], wrong) == 1
        printed = capsys.readouterr()
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1
    assert verify(models["fp32"]) == 2


def test_the_report_of_a_manifest_has_all_figures_and_what_is_allowed(paper_exports: list[Exported]) -> None:
    for one in paper_exports:
        parity = one.manifest.parity
        for figure in ("largest", "mean", "ciede2000"):
            assert 0 <= parity[figure] <= parity["allowed"][figure]
        assert parity["psnr_db"] > 40
        assert all(finding["psnr_db"] >= parity["psnr_db"] for finding in parity["findings"].values())
