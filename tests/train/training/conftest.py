"""What the training tests share: runs report nothing, draw nothing, and are compared by their weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cgan_train.checkpoint import load_checkpoint
from cgan_train.training.run_log import TrainingProgress


@pytest.fixture(autouse=True)
def drawing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the summary image, which takes longer than a tiny run, except in the tests of the log."""
    if request.path.name not in ("test_run_log.py", "test_curves.py"):
        monkeypatch.setattr("cgan_train.training.curves.draw_summary", lambda *_: None)


def quiet(_: TrainingProgress) -> None:
    """Report nothing."""


def assert_same_weights(first: Path, second: Path) -> None:
    """Compare the generators of two checkpoints or runs, bit for bit."""
    one, other = (load_checkpoint(path).generator.state_dict() for path in (first, second))
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
