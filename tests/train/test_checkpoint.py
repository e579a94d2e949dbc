"""Checkpoints: complete or absent, safe to load, and refused where they do not fit."""

from __future__ import annotations

import itertools
import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cgan_runtime.errors import CganError, ConfigError, ModelFileError
from cgan_train.checkpoint import (
    CONFIG,
    STATE,
    WEIGHTS,
    drop_unfinished,
    epochs_in,
    load_checkpoint,
    load_state,
    newest_state,
    save_checkpoint,
)
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import GeneratorConfig
from cgan_train.models import build_generator
from cgan_train.models.base import Generator
from cgan_train.shipped import SHIPPED

CONFIG_SMALL = GeneratorConfig("paper", size=32, widths=(8, 16))


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    return build_generator(CONFIG_SMALL).eval()


@pytest.fixture
def folder(tmp_path: Path, generator: Generator) -> Path:
    path = tmp_path / "ck"
    save_checkpoint(path, generator.state_dict(), CONFIG_SMALL, "paper", {"epochs_done": 1}, {"ciede2000": 9.5})
    return path


def test_saved_checkpoint_is_loaded(folder: Path, generator: Generator) -> None:
    loaded = load_checkpoint(folder)
    x = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.generator(x), generator(x))
    assert (loaded.recipe, loaded.metrics, loaded.config) == ("paper", {"ciede2000": 9.5}, CONFIG_SMALL)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["ck"]


def test_half_precision_weights_are_loaded_as_float32(tmp_path: Path, generator: Generator) -> None:
    half = {k: v.half() if v.is_floating_point() else v for k, v in generator.state_dict().items()}
    save_checkpoint(tmp_path / "half", half, CONFIG_SMALL, "paper", {}, {})
    loaded = load_checkpoint(tmp_path / "half").generator
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_path_of_a_run_is_its_newest_checkpoint(tmp_path: Path, generator: Generator) -> None:
    for epoch in (2, 10):
        path = tmp_path / "run" / f"epoch-{epoch:04d}"
        save_checkpoint(path, generator.state_dict(), CONFIG_SMALL, "paper", {"epochs_done": epoch}, {})
    assert load_checkpoint(tmp_path / "run").training["epochs_done"] == 10


def test_one_that_ships_is_loaded_by_its_name_unless_a_folder_is_called_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_checkpoint(Path("edge")).path == SHIPPED
    folder.rename("edge")
    assert load_checkpoint(Path("edge")).recipe == "paper"
    monkeypatch.chdir("edge")
    assert load_checkpoint(Path()).recipe == "paper"  # the folder that one is in


def test_epochs_are_sorted_as_numbers(tmp_path: Path) -> None:
    for epoch in (9999, 10000, 2):
        (tmp_path / f"epoch-{epoch:04d}").mkdir()
    assert [path.name for path in epochs_in(tmp_path)] == ["epoch-0002", "epoch-9999", "epoch-10000"]


def test_failed_write_leaves_nothing(tmp_path: Path, generator: Generator) -> None:
    (tmp_path / "in-the-way").write_text("a file")
    with pytest.raises(ModelFileError, match="cannot be written"):
        save_checkpoint(tmp_path / "in-the-way", generator.state_dict(), CONFIG_SMALL, "paper", {}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["in-the-way"]


def _change(folder: Path, **values: object) -> None:
    document = json.loads((folder / CONFIG).read_text())
    document.update(values)
    (folder / CONFIG).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"format": "other"}, ModelFileError, "not the config"),
        ({"version": 99}, ModelFileError, "version 99"),
        ({"generator": None}, ConfigError, "generator"),
        ({"generator": {"name": "nope", "size": 32, "widths": [8, 16]}}, ConfigError, "no generator"),
        ({"generator": {"name": "paper", "size": 32, "widths": [8, 32]}}, ModelFileError, "do not fit"),
        ({"generator": {"name": "paper", "size": 33, "widths": [8, 16]}}, ConfigError, "multiples"),
        ({"weights_sha256": "0" * 64}, ModelFileError, "does not match"),
        ({"weights_sha256": 3}, ConfigError, "weights_sha256"),
        ({"metrics": None}, ConfigError, "metrics"),
    ],
)
def test_wrong_config_is_refused(folder: Path, change: dict[str, object], error: type[CganError], words: str) -> None:
    _change(folder, **change)
    with pytest.raises(error, match=words):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00" * 64, b"[1, 2]"])
def test_missing_and_damaged_files_are_refused(folder: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(CganError):
        load_checkpoint(folder)


def test_missing_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no checkpoint"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match=re.escape("no checkpoint at egde-vivid; did you mean edge-vivid?")):
        load_checkpoint(Path("egde-vivid"))


def test_a_run_without_an_epoch_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "run" / "unfinished")
    with pytest.raises(ModelFileError, match=r"no epoch yet; go on with cgan-train --resume --out .*run$"):
        load_checkpoint(tmp_path / "run")


def test_state_that_would_run_code_is_refused(folder: Path) -> None:
    with pytest.raises(ModelFileError, match="no state"):
        load_state(folder)
    (folder / STATE).write_bytes(pickle.dumps(pytest.fail, protocol=2))
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_state(folder)


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
def test_kill_while_a_state_is_replaced_keeps_one(
    call: int, tmp_path: Path, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill comes before each of the renames and removals."""
    unfinished = tmp_path / "unfinished"
    training = {"epochs_done": 0, "config": recipe("paper").to_json()}

    def save(step: int) -> None:
        save_checkpoint(unfinished, generator.state_dict(), CONFIG_SMALL, "paper", training, {}, {"step": step})

    save(1)
    calls = itertools.count(1)

    def killed(original: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*arguments: object, **more: object) -> object:
            if next(calls) == call:
                raise KeyboardInterrupt
            return original(*arguments, **more)

        return wrapper

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed(Path.replace))
        patch.setattr(shutil, "rmtree", killed(shutil.rmtree))
        with pytest.raises(KeyboardInterrupt):
            save(2)
    assert load_state(newest_state(tmp_path))[1]["step"] == (2 if call == 5 else 1)
    save(3)
    assert load_state(newest_state(tmp_path))[1]["step"] == 3
    drop_unfinished(tmp_path)
    assert not list(tmp_path.iterdir())


def test_incomplete_state_is_not_used(tmp_path: Path, generator: Generator) -> None:
    training = {"epochs_done": 1}
    for name in ("epoch-0001", "unfinished"):
        save_checkpoint(tmp_path / name, generator.state_dict(), CONFIG_SMALL, "paper", training, {}, {"step": 1})
    assert newest_state(tmp_path).name == "unfinished"
    (tmp_path / "unfinished" / "state.pt").unlink()
    assert newest_state(tmp_path).name == "epoch-0001"
