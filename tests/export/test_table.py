"""A generator in every form, whole pictures too: checked, compared, built by a real TensorRT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from tests.checkpoints import PAPER, write_checkpoint

from cgan_export.export import Plan, export_checkpoint
from cgan_export.parity import TOLERANCES, tolerance_of
from cgan_export.precision import FORMS, Form
from cgan_export.quantise import int8_form
from cgan_export.to_engine import EngineOptions, build
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import load_checkpoint
from cgan_train.config import GeneratorConfig
from cgan_train.data.bundled import comparison_photos, lightness_of

RTX = EngineOptions("tensorrt-rtx")


def once(form: Form) -> Form:
    """A form that is converted the first time only: the judging of INT8 takes a while."""
    made: list[onnx.ModelProto] = []

    def convert(model: onnx.ModelProto) -> onnx.ModelProto:
        if not made:
            made.append(form.convert(model))
        return made[0]

    return replace(form, convert=convert)


@pytest.mark.slow
@pytest.mark.parametrize("config", [PAPER], ids=["paper"])
def test_every_form_of_a_generator(config: GeneratorConfig, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "checkpoint", config))
    pictures = comparison_photos()
    int8 = once(int8_form(lightness_of(pictures, config.size, config.size)))
    forms = (FORMS["fp32"], FORMS["fp16"], int8)
    built = []
    for whole in (False, True):
        plan = Plan(forms, name="x", end_to_end=whole)
        for one in export_checkpoint(checkpoint, tmp_path / "out", plan, pictures=pictures):
            onnx.checker.check_model(str(one.path), full_check=True)
            allowed = TOLERANCES[tolerance_of(one.manifest)]
            assert {"onnxruntime", "openvino"} <= one.findings.keys()
            assert all(allowed.fits(found) for found in one.findings.values())
            engine = build(one, RTX, checkpoint=checkpoint)
            manifest = Manifest.load(engine.path)
            assert manifest.precision == one.manifest.precision
            assert (manifest.engine["library"], manifest.engine["gpu"]) == ("tensorrt-rtx", None)
            assert manifest.engine["profile"]["smallest"] != manifest.engine["profile"]["largest"]
            assert manifest.parity["verified"] is False
            assert engine.path.stat().st_size > 10_000
            built.append(engine.path.name)
    assert sorted(built) == [
        "x-end-to-end.engine", "x-fp16-end-to-end.engine", "x-fp16.engine", "x-int8-end-to-end.engine",
        "x-int8.engine", "x.engine",
    ]  # fmt: skip
    assert not list((tmp_path / "out").glob(".*"))
