"""`cgan-bench layers`: a table and a document, or one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cgan_benchmarks.cli import main


def layers(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main(["layers", *map(str, arguments)])
    return exit_.value.code


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_layers_are_told_slowest_first(
    backend: str, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "layers.json"
    options = ("--model", tiny_model, "--backend", backend, "--size", "32x48", "--batch", 2, "--runs", 3)
    assert layers(*options, "--json", path) == 0
    document = json.loads(path.read_text())
    assert document["format"] == "cgan-layers"
    assert "48x32 px, batch 2" in document["what"]
    assert any("conv" in layer["kind"].lower() for layer in document["layers"])
    printed = capsys.readouterr().out
    slowest = max(document["layers"], key=lambda layer: layer["ms"])
    assert printed.index(slowest["name"][:20]) < printed.index("by kind")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backend", "quantum"), "no back end is called 'quantum'"),
        (("--size", "33"), "multiples of 16"),
        (("--model", "nowhere.onnx"), "no model file at"),
        (("--json", "no/such/file.json"), "no folder no/such to write file.json into"),
    ],
)
def test_bad_input_is_one_line(
    options: tuple[str, ...], message: str, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert layers("--model", tiny_model, "--backend", "onnxruntime", *options) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
