"""The whole table: each recipe's generator in every form, checked, compared, built by a real TensorRT."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from cgan_export.graph.precision import FORMS
from cgan_export.graph.quantize import int8_form
from cgan_export.onnx_files import Exported, Exporter, ExportSettings
from cgan_export.parity.against_pytorch import TOLERANCES, tolerance_of
from cgan_export.targets.tensorrt import EngineOptions, build
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import Checkpoint, load_checkpoint
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of

RTX = EngineOptions("tensorrt-rtx")
PHOTOGRAPHS = 3
CALIBRATED_AT = 64  # pixels


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["edge", "paper", "seed"])
def test_every_form_of_every_recipe(
    recipe: str, checkpoint_of: Callable[[str], Path], exports_of: Callable[[str], list[Exported]], tmp_path: Path
) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint, images = load_checkpoint(checkpoint_of(recipe)), comparison_photos()[:PHOTOGRAPHS]
    side = min(checkpoint.config.size, CALIBRATED_AT)
    int8 = int8_form(lightness_of(images, side, side))
    exporter = Exporter(checkpoint, images)
    (quantized,) = exporter.export(tmp_path, [int8])
    again = replace(int8, convert=lambda _: onnx.load(quantized.path))  # finding it takes a while
    forms = FORMS["fp32"], FORMS["fp16"], again
    whole = exporter.export(tmp_path, forms, ExportSettings(end_to_end=True))
    made = {}
    for one in (*exports_of(recipe), quantized, *whole):
        made[one.path.stem.removeprefix(checkpoint.recipe)] = computes_in(one, checkpoint, tmp_path)
    assert made == {
        "": "fp32", "-fp16-weights": "fp32", "-fp16": "fp16", "-int8": "int8",
        "-end-to-end": "fp32", "-fp16-end-to-end": "fp16", "-int8-end-to-end": "int8",
    }  # fmt: skip


@pytest.mark.slow
def test_float_forms_of_places(
    checkpoint_of: Callable[[str], Path], exports_of: Callable[[str], list[Exported]], tmp_path: Path
) -> None:
    """It is the network of `paper` with two levels more."""
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint = load_checkpoint(checkpoint_of("places"))
    made = [computes_in(one, checkpoint, tmp_path) for one in exports_of("places")]
    assert made == ["fp32", "fp32", "fp16"]


def computes_in(one: Exported, checkpoint: Checkpoint, folder: Path) -> str:
    """Hold a file against what is asked of it, build its engine, and say in what that one computes."""
    onnx.checker.check_model(str(one.path), full_check=True)
    allowed = TOLERANCES[tolerance_of(one.manifest)]
    assert {"onnxruntime", "openvino"} <= one.findings.keys()
    assert all(allowed.allows(found) for found in one.findings.values())
    engine = build(replace(one, path=put(one.path, folder / "engines")), RTX, checkpoint=checkpoint)
    manifest = Manifest.load(engine.path)
    assert (manifest.engine["library"], manifest.engine["gpu"]) == ("tensorrt-rtx", None)
    assert manifest.engine["profile"]["smallest"] != manifest.engine["profile"]["largest"]
    assert manifest.parity["verified"] is False
    assert engine.path.stat().st_size > 10_000
    return manifest.precision


def put(file: Path, folder: Path) -> Path:
    """A copy of a file that other tests use too."""
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(file, folder))
