"""What an engine has compiled is kept for the next start, and never taken if it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cgan_runtime.backends import compiled_networks
from cgan_runtime.backends.compiled_networks import MOST_KEPT, keep, kept
from cgan_runtime.backends.registry import open_backend

LIGHTNESS = np.random.default_rng(0).uniform(-1, 1, (1, 1, 32, 48)).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which they are kept."""
    monkeypatch.setattr(compiled_networks, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "compiled"


def test_what_is_kept_comes_back_under_its_key_alone() -> None:
    assert kept({"model": "a"}) is None
    keep({"model": "a", "threads": 1}, b"compiled")
    assert kept({"threads": 1, "model": "a"}) == b"compiled"
    assert kept({"threads": 2, "model": "a"}) is None


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 200])
def test_a_damaged_one_is_not_taken(damage: bytes, folder: Path) -> None:
    keep({"model": "a"}, b"compiled")
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    assert kept({"model": "a"}) is None
    file.write_bytes(damage + b"more")
    assert kept({"model": "a"}) is None


def test_only_the_newest_are_kept(folder: Path) -> None:
    for number in range(MOST_KEPT + 3):
        keep({"number": number}, b"compiled")
    assert len(list(folder.iterdir())) == MOST_KEPT
    assert kept({"number": MOST_KEPT + 2}) == b"compiled"


def test_a_cache_that_cannot_be_written_is_no_error(folder: Path) -> None:
    folder.parent.write_text("a file where the folder should be")
    keep({"model": "a"}, b"compiled")
    assert kept({"model": "a"}) is None


class TestOpenVino:
    @pytest.fixture(autouse=True)
    def engine(self) -> None:
        pytest.importorskip("openvino", reason="OpenVINO is not installed")

    def _chroma(self, model: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        with open_backend(model, "openvino", threads=1) as backend:
            return backend.chroma(LIGHTNESS).copy()

    def test_the_second_start_reads_no_model_and_answers_the_same(
        self, tiny_model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cgan_runtime.backends import openvino

        first = self._chroma(tiny_model)
        assert len(list(folder.iterdir())) == 1
        monkeypatch.setattr(openvino, "_read", None)
        assert (self._chroma(tiny_model) == first).all()

    def test_content_of_another_kind_is_compiled_again(self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from cgan_runtime.backends import openvino

        first = self._chroma(tiny_model)
        monkeypatch.setattr(openvino, "kept", lambda key: b"of another build of the engine")
        assert (self._chroma(tiny_model) == first).all()
