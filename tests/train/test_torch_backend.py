"""The PyTorch reference fulfills the contract of all back ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.checkpoints import PAPER, write_checkpoint

from cgan_runtime.errors import BackendUnavailable, InputShapeError
from cgan_train.checkpoint import load_checkpoint
from cgan_train.torch_backend import TorchBackend


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("paper") / "checkpoint", PAPER)


def test_result_is_the_generators(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    lightness = np.random.default_rng(0).uniform(-1, 1, (2, 1, 32, 48)).astype(np.float32)
    with TorchBackend(loaded) as backend, torch.no_grad():
        expected = loaded.generator(torch.from_numpy(lightness)).numpy()
        np.testing.assert_array_equal(backend.chroma(lightness), expected)


def test_refuses_wrong_sizes_and_use_after_close(checkpoint: Path) -> None:
    backend = TorchBackend(load_checkpoint(checkpoint))
    with pytest.raises(InputShapeError):
        backend.chroma(np.zeros((1, 1, 33, 32), np.float32))
    backend.close()
    backend.close()
    with pytest.raises(BackendUnavailable, match="closed"):
        backend.chroma(np.zeros((1, 1, 32, 32), np.float32))


def test_close_restores_the_number_of_threads(checkpoint: Path) -> None:
    before = torch.get_num_threads()
    with TorchBackend(load_checkpoint(checkpoint), threads=before + 1) as backend:
        assert torch.get_num_threads() == before + 1
        assert backend.device == f"CPU, {before + 1} threads"
    assert torch.get_num_threads() == before
