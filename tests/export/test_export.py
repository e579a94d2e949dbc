"""What an export consists of: graph, forms, manifest, parity; and that a failed one leaves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from tests.checkpoints import PAPER, lively_generator, write_checkpoint
from tests.paths import ROOT

import cgan_export
from cgan_export.graph.precision import FORMS
from cgan_export.graph.trace import to_onnx
from cgan_export.onnx_files import Exported, Exporter, ExportSettings, export
from cgan_export.parity.against_pytorch import EMULATED, TOLERANCES
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ConfigError, ParityError
from cgan_runtime.manifest import Manifest, sha256_of
from cgan_train.checkpoint import load_checkpoint
from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of


@pytest.fixture(params=["seed", "paper", pytest.param("edge", marks=pytest.mark.slow)])
def exports(request: pytest.FixtureRequest, exports_of: Callable[[str], list[Exported]]) -> list[Exported]:
    return exports_of(request.param)


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def test_every_form_agrees_with_pytorch_in_every_engine(exports: list[Exported]) -> None:
    name = exports[0].manifest.recipe
    files = [f"{name}.onnx", f"{name}-fp16-weights.onnx", f"{name}-fp16.onnx"]
    assert [one.path.name for one in exports] == files
    for one, form in zip(exports, FORMS.values(), strict=True):
        assert {"onnxruntime", "openvino"} <= one.findings.keys()
        assert (EMULATED in one.findings) == (form.name == "fp16")
        for found in one.findings.values():
            assert found.images >= len(comparison_photos())
            assert found.largest < TOLERANCES[form.name].largest
            assert found.mean < TOLERANCES[form.name].mean
            assert found.largest > 0 or form.name == "fp32"


def test_files_are_valid_onnx_with_normalization_and_padding_folded(exports: list[Exported]) -> None:
    for one in exports:
        onnx.checker.check_model(str(one.path), full_check=True)
        assert operators(one.path).keys().isdisjoint({"BatchNormalization", "Pad", "Dropout"})


def test_operator_set_is_one_that_tensorrt_8_reads(exports: list[Exported]) -> None:
    model = onnx.load(exports[0].path)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert exports[0].manifest.opset == 17


def test_batch_height_and_width_are_as_free_as_the_manifest_says(exports: list[Exported]) -> None:
    for one in exports:
        multiple = one.manifest.size_multiple
        assert one.manifest.input.shape == ("n", 1, f"{multiple}*h", f"{multiple}*w")
        assert one.manifest.output.shape == ("n", 2, f"{multiple}*h", f"{multiple}*w")
        for shape in ((1, multiple, multiple), (3, 3 * multiple, 2 * multiple)):
            lightness = lightness_of(comparison_photos()[: shape[0]], *shape[1:])
            with open_backend(one.path, "onnxruntime") as backend:
                assert backend.chroma(lightness).shape == (shape[0], 2, *shape[1:])


def test_manifest_matches_its_file(exports: list[Exported]) -> None:
    for one, form in zip(exports, FORMS.values(), strict=True):
        manifest = Manifest.load(one.path)
        assert manifest == one.manifest
        assert (manifest.precision, manifest.weights) == (form.precision, form.weights)
        assert manifest.metrics == {"ciede2000": 9.0}
        assert manifest.parity["verified"] is True
        assert manifest.parity["largest"] < TOLERANCES[form.name].largest
        properties = {entry.key: entry.value for entry in onnx.load(one.path).metadata_props}
        assert properties == {"recipe": manifest.recipe, "checkpoint_sha256": manifest.checkpoint_sha256}


def test_files_hold_no_path_of_this_machine(exports: list[Exported]) -> None:
    for one in exports:
        content = one.path.read_bytes() + Manifest.path_for(one.path).read_bytes()
        assert str(ROOT).encode() not in content
        assert b"stack_trace" not in content


def test_half_precision_network_is_half_throughout(exports: list[Exported]) -> None:
    model = onnx.load(exports[2].path)
    scales = {node.input[2] for node in model.graph.node if node.op_type == "Resize"}
    kinds = {t.data_type for t in model.graph.initializer if t.name not in scales}
    assert kinds <= {TensorProto.FLOAT16, TensorProto.INT64}
    ends = {value.name for value in (*model.graph.input, *model.graph.output)}
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    assert sum(bool(ends & {*node.input, *node.output}) for node in casts) == len(ends)
    assert all(
        node.attribute[0].i in (TensorProto.FLOAT16, TensorProto.INT64) for node in casts if not ends & {*node.output}
    )
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.value_info
    assert TensorProto.FLOAT not in {value.type.tensor_type.elem_type for value in inferred}  # sizes are integers
    assert exports[2].path.stat().st_size < 0.56 * exports[0].path.stat().st_size


def test_no_file_is_left_beside_models_and_manifests(exports: list[Exported]) -> None:
    folder = exports[0].path.parent
    assert {path.suffix for path in folder.iterdir()} == {".onnx", ".json"}
    assert len(list(folder.iterdir())) == 6


def test_a_fixed_size_and_batch_are_fixed(paper_checkpoint: Path, tmp_path: Path) -> None:
    settings = ExportSettings(name="wide", size=(32, 64), batch=3, dynamic=False)
    exporter = Exporter(load_checkpoint(paper_checkpoint), comparison_photos())
    (one,) = exporter.export(tmp_path, [FORMS["fp32"]], settings)
    assert one.manifest.input.shape == (3, 1, 32, 64)
    assert one.manifest.output.shape == (3, 2, 32, 64)
    assert one.manifest.size == 48  # as many pixels as 32x64
    assert one.findings["onnxruntime"].images == 9  # eight, and one again to fill the third batch


def test_the_same_checkpoint_makes_the_same_bytes(
    paper_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, settings = Exporter(load_checkpoint(paper_checkpoint)), ExportSettings(dynamic=False)
    first = exporter.export(tmp_path / "a", tuple(FORMS.values()), settings)
    monkeypatch.setattr("cgan_export.onnx_files.to_onnx", to_onnx)  # traced again
    second = exporter.export(tmp_path / "b", tuple(FORMS.values()), settings)
    assert [one.manifest.sha256 for one in first] == [one.manifest.sha256 for one in second]


def spoiled(model: onnx.ModelProto) -> onnx.ModelProto:
    """In half precision, and one of its weights another."""
    model = FORMS["fp16"].convert(model)
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float16(1.5), weight.name))
    return model


def test_an_export_that_differs_leaves_what_was_there(paper_checkpoint: Path, tmp_path: Path) -> None:
    exporter, folder = Exporter(load_checkpoint(paper_checkpoint), comparison_photos()), tmp_path / "out"
    fixed = ExportSettings(dynamic=False, overwrite=True)
    (good,) = exporter.export(folder, [FORMS["fp32"]], fixed)
    with pytest.raises(ParityError, match=r"fp16 export differs from PyTorch by .* allowed are 2e-02"):
        exporter.export(folder, [FORMS["fp32"], replace(FORMS["fp16"], convert=spoiled)], fixed)
    assert sorted(path.name for path in folder.iterdir()) == ["paper.json", "paper.onnx"]
    assert sha256_of(good.path) == good.manifest.sha256


# At the second factor the weights fit half precision, and float32 arithmetic hides that their values do not.
@pytest.mark.parametrize(("dynamic", "whole", "factor"), [(True, False, 1e6), (False, True, 1e6), (False, True, 1.5e4)])
def test_operators_with_values_beyond_half_precision_stay_in_float32(
    checkpoint_beyond_half: Callable[[float], Path], tmp_path: Path, dynamic: bool, whole: bool, factor: float
) -> None:
    exporter = Exporter(load_checkpoint(checkpoint_beyond_half(factor)), comparison_photos()[:4])
    settings = ExportSettings(dynamic=dynamic, batch=2, end_to_end=whole)
    (one,) = exporter.export(tmp_path / "out", [FORMS["fp16"]], settings)
    manifest = Manifest.load(one.path)
    assert manifest.parity["ciede2000"] <= manifest.parity["allowed"]["ciede2000"]
    model = onnx.load(one.path)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    wide = [node for node in convolutions if kinds[node.input[1]] == TensorProto.FLOAT]
    assert 0 < len(wide) == manifest.float32_convolutions < len(convolutions) / 2


def test_a_running_variance_beyond_half_precision_is_folded_before_it_is_halved(tmp_path: Path) -> None:
    generator = lively_generator(PAPER)
    layer, normalization = generator.down[1][0], generator.down[1][1]  # type: ignore[index]
    scale(layer.weight, 1e4)
    scale(normalization.running_mean, 1e4)
    scale(normalization.running_var, 1e8)
    assert float(normalization.running_var.max()) > float(np.finfo(np.float16).max)
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "checkpoint", PAPER, generator))
    exporter = Exporter(checkpoint, comparison_photos())
    (one,) = exporter.export(tmp_path / "out", [FORMS["fp16"]], ExportSettings(dynamic=False))
    assert one.findings[EMULATED].mean < TOLERANCES["fp16"].mean


def scale(tensor: object, factor: float) -> None:
    assert isinstance(tensor, torch.Tensor)
    with torch.no_grad():
        tensor *= factor


@pytest.mark.parametrize(
    ("size", "nearest"), [((250, 256), "240x256 or 256x256"), ((33, 50), "32x48 or 48x64"), ((1, 1), "16x16")]
)
def test_a_size_that_does_not_suit_names_the_nearest(
    paper_checkpoint: Path, tmp_path: Path, size: tuple[int, int], nearest: str
) -> None:
    with pytest.raises(ConfigError, match=f"multiples of 16, the nearest are {nearest}$"):
        export(paper_checkpoint, tmp_path / "out", settings=ExportSettings(size=size), verify=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [(32768, 32), (8192, 4096)])
def test_a_size_that_is_too_large_is_refused(paper_checkpoint: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="is too large; take sides of at most 16384"):
        export(paper_checkpoint, tmp_path / "out", settings=ExportSettings(size=size), verify=False)


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "\\x", "a\udcff"])
def test_a_name_that_is_not_a_file_name_is_refused(paper_checkpoint: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a file"):
        export(paper_checkpoint, tmp_path, settings=ExportSettings(name=name), verify=False)


def test_the_function_takes_paths_and_forms_as_strings(paper_checkpoint: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    (one,) = cgan_export.export(
        str(paper_checkpoint), str(tmp_path / "out"), forms=["fp16-weights"],
        settings=cgan_export.ExportSettings(name="mine", dynamic=False), verify=False, progress=steps.append,
    )  # fmt: skip
    assert one.path == tmp_path / "out" / "mine.onnx"
    assert one.manifest == Manifest.load(one.path)
    assert (one.manifest.weights, one.manifest.parity) == ("fp16", {"verified": False})
    assert "tracing the generator" in steps
    with pytest.raises(ConfigError, match="take fp32, fp16-weights, fp16, int8"):
        cgan_export.export(paper_checkpoint, tmp_path / "out", forms=["fp8"])


def test_values_between_the_engines_and_pytorch_are_real_colors(exports: list[Exported]) -> None:
    """The comparison would be worth nothing on an answer that is gray, or the same everywhere."""
    side = exports[0].manifest.size
    with open_backend(exports[0].path, "onnxruntime") as backend:
        chroma = backend.chroma(lightness_of(comparison_photos()[:2], side, side))
    assert 0.05 < np.std(chroma) < 0.8
