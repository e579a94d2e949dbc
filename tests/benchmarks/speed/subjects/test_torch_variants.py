"""PyTorch's rows answer as the reference does, also a network that takes a guide and tells its keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.checkpoints import write_checkpoint

from cgan_benchmarks.speed.subjects.subject import PYTORCH, Subject
from cgan_benchmarks.speed.subjects.torch_variants import TorchVariant
from cgan_train.checkpoint import load_checkpoint
from cgan_train.config.schema import GeneratorConfig
from cgan_train.torch_backend import TorchBackend

SIDE = 32  # pixels


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 0.0), ("bf16", 0.2)])
def test_a_guided_network_answers_all_that_it_has(precision: str, tolerance: float, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint", GeneratorConfig("guided", SIDE, (8, 8, 16, 16)))
    lightness = np.linspace(-1, 1, SIDE * SIDE, dtype=np.float32).reshape(1, 1, SIDE, SIDE)
    with TorchBackend(load_checkpoint(folder)) as reference:
        expected = reference.infer(lightness)
    with TorchVariant(Subject("checkpoint", PYTORCH, folder, precision), threads=1) as variant:
        found = variant.infer(lightness)
    assert found.keys() == expected.keys() == {"chroma", "keys"}
    for name, answer in expected.items():
        np.testing.assert_allclose(found[name], answer, atol=tolerance)
