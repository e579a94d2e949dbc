"""Exports are made once and kept in the cache; only what is asked for is exported."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from cgan_benchmarks.speed.subjects import exported_forms
from cgan_benchmarks.speed.subjects.exported_forms import SHIPPED, Wanted, forms_of
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import Checkpoint, load_checkpoint
from cgan_train.shipped import SHIPPED as SHIPPED_CHECKPOINT

FILES = {"--fp32": ("fp32",), "--all": ("fp32", "fp16 weights", "fp16"), "--int8": ("int8",)}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exported: dict[str, Path]) -> list[str]:
    """The options of each export; its files are those of the fixture."""
    made: list[str] = []

    def export(_checkpoint: Path, folder: Path, forms: Sequence[str], _generator: str) -> dict[str, Path]:
        made.extend(forms)
        folder.mkdir(parents=True)
        for label in FILES[forms[0]]:
            for path in (exported[label], Manifest.path_for(exported[label])):
                shutil.copy(path, folder)
        return exported_forms._forms_in(folder)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(exported_forms, "export_forms", export)
    return made


@pytest.fixture
def loaded(checkpoint: Path) -> Checkpoint:
    return load_checkpoint(checkpoint)


def test_an_own_checkpoint_is_exported_once(calls: list[str], loaded: Checkpoint) -> None:
    first = forms_of(loaded, Wanted())
    assert list(first) == ["fp32"]
    assert forms_of(loaded, Wanted()) == first
    assert calls == ["--fp32"]
    assert list(forms_of(loaded, Wanted(every=True, int8=True))) == ["fp32", "fp16 weights", "fp16", "int8"]
    assert calls == ["--fp32", "--all", "--int8"]


def test_a_damaged_export_is_made_again(calls: list[str], loaded: Checkpoint) -> None:
    path = forms_of(loaded, Wanted())["fp32"]
    path.write_bytes(path.read_bytes()[:-1])
    assert Manifest.load(forms_of(loaded, Wanted())["fp32"])
    assert calls == ["--fp32", "--fp32"]


def test_what_is_measured_is_what_cgan_export_writes_for_users(exported: dict[str, Path]) -> None:
    """Only a form that is compared gets its second chance: what half precision spoils stays in float32."""
    assert [label for label, path in exported.items() if Manifest.load(path).parity["verified"] is not True] == []


def test_the_model_that_ships_needs_no_export(calls: list[str]) -> None:
    shipped = load_checkpoint(SHIPPED_CHECKPOINT)
    assert list(forms_of(shipped, Wanted())) == [SHIPPED]
    assert calls == []


def test_old_exports_leave_the_cache(
    calls: list[str], loaded: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported_forms, "_KEPT", 2)
    for name in ("a", "b", "c", "d"):
        (tmp_path / "cgan" / "exports" / name).mkdir(parents=True)
    forms_of(loaded, Wanted())
    assert len(list((tmp_path / "cgan" / "exports").iterdir())) == 3
    assert calls == ["--fp32"]


def test_what_is_not_measured_is_said() -> None:
    assert Wanted().missing.keys() == {"other forms", "int8"}
    assert Wanted(every=True).missing.keys() == {"int8"}
    assert Wanted(every=True, int8=True).missing == {}
