"""`--model` by a file, a folder or a name; what is no model says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cgan_runtime import models
from cgan_runtime.errors import ModelFileError
from cgan_runtime.models import bundled_model, find_model, shipped_models


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_shipped_model_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_model(None) == find_model("edge") == bundled_model()
    assert find_model(touch(tmp_path, "edge.onnx") / "edge.onnx") == tmp_path / "edge.onnx"
    touch(tmp_path / "edge", "mine.onnx")
    monkeypatch.chdir(tmp_path)
    assert find_model("edge") == Path("edge/mine.onnx")  # a folder of that name comes first


def test_other_models_that_ship_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "edge.onnx", "edge.json", "edge-small.onnx")
    monkeypatch.setattr(models, "_BUNDLED", tmp_path / "edge.onnx")
    assert shipped_models() == ["edge", "edge-small"]
    assert find_model("edge-small") == tmp_path / "edge-small.onnx"
    for name, mend in (("edge-large", "did you mean edge"), ("mine", "or name a file")):
        with pytest.raises(ModelFileError, match=f"no model {name}: edge and edge-small come with cgan; {mend}"):
            find_model(name)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("net.onnx", "net.json"), "net.onnx"),
        (("net-fp16.engine", "net-fp16.engine.json"), "net-fp16.engine"),
        (("net.onnx", "net-fp16.onnx", "net-fp16-weights.onnx", "net-fp16.engine"), "net.onnx"),
    ],
)
def test_a_folder_stands_for_its_model(names: tuple[str, ...], found: str, tmp_path: Path) -> None:
    assert find_model(touch(tmp_path / "exported", *names)).name == found


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.onnx", "b.onnx"), r"several models \(a\.onnx, b\.onnx\); name one"),
        (("config.json", "generator.safetensors"), "is a checkpoint of cgan-train; export it first: cgan-export "),
        (("epoch-0003",), "is a checkpoint of cgan-train; export it first: cgan-export "),
        (("config.json",), r"is a checkpoint without its generator\.safetensors"),
        (("generator.safetensors",), r"is a checkpoint without its config\.json"),
        ((), "holds no model"),
    ],
)
def test_a_folder_without_a_model_says_what_it_is(names: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        find_model(touch(tmp_path / "folder", *names))


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.safetensors"])
def test_weights_are_told_how_they_get_in(name: str) -> None:
    with pytest.raises(ModelFileError, match=f"cgan-export my_net.py:Net --weights {name}"):
        find_model(name)
