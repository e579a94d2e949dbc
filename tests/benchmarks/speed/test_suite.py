"""The inputs that all models of a comparison accept, and the errors where there are none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.fakes import FakeBackend

from cgan_benchmarks.speed.suite import in_batches, input_size
from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import Manifest, Tensor
from cgan_train.checkpoint import load_checkpoint


def taking(*shape: int | str) -> Manifest:
    manifest = FakeBackend().manifest
    return dataclasses.replace(manifest, inputs=(Tensor("lightness", "float32", shape),))


FREE = taking("n", 1, "h", "w")


def test_the_size_is_the_wanted_one_or_a_fixed_models_or_the_checkpoints(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    own = loaded.config.size
    assert input_size(loaded, {"free": FREE}, None, (1,)) == (own, own)
    assert input_size(loaded, {"free": FREE}, (64, 96), (1,)) == (64, 96)
    assert input_size(loaded, {"free": FREE, "fixed": taking("n", 1, 64, 96)}, None, (1,)) == (64, 96)


@pytest.mark.parametrize(
    ("models", "wanted", "batches", "message"),
    [
        ({"a": taking("n", 1, 64, 64), "b": taking("n", 1, 64, 96)}, None, (1,), "a 64x64 and b 64x96"),
        ({"a": taking("n", 1, 64, 64)}, (32, 32), (1,), "a takes 64x64 only"),
        ({"a": taking(4, 1, "h", "w")}, None, (1, 4), "a takes batches of 4 only; give --batch 4"),
        ({"a": FREE}, (42, 42), (1,), "give multiples of 4"),
    ],
)
def test_models_without_a_common_input_are_an_error(
    checkpoint: Path,
    models: dict[str, Manifest],
    wanted: tuple[int, int] | None,
    batches: tuple[int, ...],
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=message):
        input_size(load_checkpoint(checkpoint), models, wanted, batches)


@pytest.mark.parametrize("batch", [1, 3, 8, 16])
def test_batches_hold_every_photo_and_are_full(batch: int) -> None:
    photos = np.arange(8, dtype=np.float32).reshape(8, 1, 1, 1)
    batches = in_batches(photos, batch)
    assert {one.shape for one in batches} == {(batch, 1, 1, 1)}
    assert {float(value) for one in batches for value in one.ravel()} == set(range(8))
