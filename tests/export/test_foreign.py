"""Any torch module of the contract, exported with weights that another program trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tests.paths import ROOT

from cgan_export.cli import main
from cgan_runtime.manifest import Manifest
from cgan_train.models.own import load_own

NET = f"{ROOT / 'examples' / 'own_generator.py'}:Net"


def export(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def test_a_foreign_network_is_exported_with_its_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(5)
    network = load_own(NET).make().eval()
    torch.save({"epoch": 9, "state_dict": network.state_dict()}, tmp_path / "w.pt")
    assert export(NET, "--weights", tmp_path / "w.pt", "-o", tmp_path / "out", "--size", 64) == 0
    model = tmp_path / "out" / "Net.onnx"
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{model}: ")
    assert "CIEDE2000 0.000" in printed.out
    manifest = Manifest.load(model)
    assert (manifest.name, manifest.recipe, manifest.size, manifest.size_multiple) == ("Net", "Net", 64, 2)
    lightness = np.random.default_rng(0).uniform(-1, 1, (3, 1, 34, 66)).astype(np.float32)
    (found,) = onnxruntime.InferenceSession(model).run(["chroma"], {"lightness": lightness})
    assert np.allclose(found, network(torch.from_numpy(lightness)).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.py:Net",), "nowhere.py cannot be read"),
        ((NET.replace(":Net", ":Unet"),), "has no class or function 'Unet'"),
        ((NET, "--weights", "nowhere.pt"), "no weights at nowhere.pt"),
        ((NET, "--generator", NET), "names the module already; leave --generator out"),
        (("runs/edge", "--weights", "w.pt"), "--weights w.pt is for a module; name it as FILE.py:NAME"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(*arguments, "-o", tmp_path / "out") == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_manifest_says_how_the_network_is_used_and_nothing_of_its_training(tmp_path: Path) -> None:
    assert export(NET, "-o", tmp_path, "--no-verify", "-q") == 0
    document = json.loads((tmp_path / "Net.json").read_text())
    assert "training" not in document
    before, after = document["preprocess"], document["postprocess"]
    assert (before["input"], before["formula"], before["range"]) == ("lightness", "L*/50 - 1", [-1, 1])
    assert (after["output"], after["scale"]) == ("chroma", 110)
