"""The manifest: what cannot be one is refused in one line, whatever stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import write_tiny_model

from cgan_runtime.backends.tensorrt.engines import profile_of
from cgan_runtime.errors import ModelFileError
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model


def changed(model: Path, **fields: Any) -> None:
    path = Manifest.path_for(model)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def refused(model: Path) -> None:
    with pytest.raises(ModelFileError) as caught:
        Manifest.load(model)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_the_shipped_model_has_a_valid_manifest() -> None:
    assert Manifest.load(bundled_model()).kind == "network"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("edge.onnx", "cgan-export -o exported"),
        ("edge-fp16.onnx", "cgan-export --fp16 -o exported"),
        ("edge-fp16.engine", "cgan-export --fp16 --engine -o exported"),
    ],
)
def test_a_file_that_is_missing_is_told_how_to_make(name: str, command: str) -> None:
    with pytest.raises(ModelFileError, match=f"make one with {command}$"):
        Manifest.load(Path("exported") / name)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": []}, {"kind": None}, {"sha256": 5}, {"sha256": None}, {"sha256": "ab"}, {"file": 5},
        {"name": []}, {"recipe": 1}, {"precision": []}, {"weights": {}}, {"parity": "x"}, {"metrics": [1]},
        {"engine": []}, {"engine": {"library": []}}, {"engine": {"library": 5}},
        {"float32_convolutions": "x"},
        {"opset": "x"}, {"size": 32 * 10**6}, {"size": 65536}, {"size": True}, {"size_multiple": 0},
        {"size": 10**30, "size_multiple": 10**30}, {"inputs": []}, {"inputs": "x"}, {"unheard": 1},
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_kind_is_refused(tiny_model: Path, fields: dict[str, Any]) -> None:
    changed(tiny_model, **fields)
    refused(tiny_model)


@pytest.mark.parametrize(
    "shape",
    [
        [-1, 1, -1, -1], [0, 1, 0, 0], [1, 1, 10**9, 10**9], [["n"], 1, {}, None], ["n", 1.0, 32.5, "w"],
        ["n", True, "h", "w"], [True, 1, "h", "w"], ["n", 1, "", "w"], ["n", 1, 40, 64], "n1hw", None,
        ["n", 1, "h"],
    ],
)  # fmt: skip
def test_an_invalid_shape_is_refused(tiny_model: Path, shape: object) -> None:
    changed(tiny_model, inputs=[{"name": "lightness", "dtype": "float32", "shape": shape}])
    refused(tiny_model)


def test_a_manifest_of_version_1_with_one_input_and_one_output_is_read(tiny_model: Path) -> None:
    expected = Manifest.load(tiny_model)
    path = Manifest.path_for(tiny_model)
    document = json.loads(path.read_text()) | {"version": 1}
    (document["input"],), (document["output"],) = document.pop("inputs"), document.pop("outputs")
    path.write_text(json.dumps(document))
    assert Manifest.load(tiny_model) == expected


def test_a_second_input_is_described(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "hinted.onnx", hints=True)
    assert [tensor.name for tensor in Manifest.load(model).inputs] == ["lightness", "hints"]


@pytest.mark.parametrize(
    "second",
    [
        {"name": "lightness"}, {"name": 5}, {"dtype": "uint8"}, {"shape": ["n", "c", "h", "w"]},
        {"shape": ["n", 2, "h"]}, {"shape": ["n", 0, "h", "w"]}, {"strange": 1},
    ],
)  # fmt: skip
def test_a_second_input_that_is_not_a_plane_is_refused(tiny_model: Path, second: dict[str, Any]) -> None:
    first = {"name": "lightness", "dtype": "float32", "shape": ["n", 1, "h", "w"]}
    hints = {"name": "hints", "dtype": "float32", "shape": ["n", 2, "h", "w"]}
    changed(tiny_model, inputs=[first, hints | second])
    refused(tiny_model)


@pytest.mark.parametrize(
    "text", ["[" * 100000, '{"a":' * 100000, '{"format":"cgan-manifest","version":' + "9" * 5000 + "}", ""]
)
def test_a_text_that_is_not_a_manifest_is_refused(tiny_model: Path, text: str) -> None:
    Manifest.path_for(tiny_model).write_text(text)
    refused(tiny_model)


@pytest.mark.parametrize("smallest", [[float("inf")] * 3, [1], "abc", None])
def test_invalid_shapes_of_an_engine_are_refused(tiny_model: Path, smallest: object) -> None:
    profile = {"smallest": smallest, "optimum": [1, 64, 64], "largest": [1, 64, 64]}
    changed(tiny_model, engine={"library": "tensorrt", "profile": profile})
    with pytest.raises(ModelFileError, match="does not say which shapes"):
        profile_of(Manifest.load(tiny_model))
