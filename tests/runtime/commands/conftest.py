"""Runs `cgan-run` in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import write_tiny_model

from cgan_runtime.cli import main


@dataclass
class Done:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def run(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `cgan-run` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run_it(*args: str) -> Done:
        with pytest.raises(SystemExit) as left:
            main([*args, "--model", str(model), "--backend", "onnxruntime"] if args else [])
        told = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Done(left.value.code, told.out, told.err)

    return run_it
