"""Checkpoints and their exports, made once: tracing a generator takes seconds."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from tests.checkpoints import PAPER, SEED, lively_generator, thin, write_checkpoint

from cgan_export.graph.precision import FORMS
from cgan_export.graph.trace import to_onnx
from cgan_export.onnx_files import Exported, Exporter
from cgan_train.checkpoint import load_checkpoint
from cgan_train.evaluation.comparison_photos import comparison_photos
from cgan_train.models.base import Generator


@pytest.fixture(scope="session", autouse=True)
def _traced_once() -> Iterator[None]:
    """The same weights are traced once for each shape, whichever tests start from them; a free shape is one."""
    graphs: dict[tuple[Any, ...], onnx.ModelProto] = {}

    def remembered(generator: Generator, **shape: Any) -> onnx.ModelProto:
        weights = hashlib.sha256()
        for name, tensor in generator.state_dict().items():
            weights.update(name.encode() + tensor.numpy().tobytes())
        fixed = None if shape["dynamic"] else (shape["batch"], shape["size"])
        key = (weights.digest(), fixed, generator.guided and shape["guided"])
        if key not in graphs:
            graphs[key] = to_onnx(generator, **shape)
        return copy.deepcopy(graphs[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cgan_export.onnx_files.to_onnx", remembered)
        yield


@pytest.fixture(scope="session")
def paper_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("paper") / "checkpoint", PAPER)


@pytest.fixture(scope="session")
def seed_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("seed") / "checkpoint", SEED)


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The checkpoint of a recipe's generator, by the recipe's name."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda recipe: write_checkpoint(folder / recipe, thin(recipe)))


@pytest.fixture(scope="session")
def checkpoint_beyond_half(tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], Path]:
    """A checkpoint with values that pass 65,504 in one place, and are small again after the next layer."""
    folder = tmp_path_factory.mktemp("beyond-half")

    def checkpoint(factor: float) -> Path:
        generator = lively_generator(PAPER)
        normalization, after = generator.down[-1][1], generator.up[0][0]  # type: ignore[index]
        with torch.no_grad():
            normalization.weight *= factor  # type: ignore[union-attr, operator]
            normalization.bias *= factor  # type: ignore[union-attr, operator]
            after.weight /= factor  # type: ignore[union-attr, operator]
        return write_checkpoint(folder / f"{factor:g}", PAPER, generator)

    return cache(checkpoint)


@pytest.fixture(scope="session")
def exports_of(
    tmp_path_factory: pytest.TempPathFactory, checkpoint_of: Callable[[str], Path]
) -> Callable[[str], list[Exported]]:
    """Its float forms, compared with PyTorch on photographs."""
    folder = tmp_path_factory.mktemp("exports")

    def exports(recipe: str) -> list[Exported]:
        checkpoint, images = load_checkpoint(checkpoint_of(recipe)), comparison_photos()
        return Exporter(checkpoint, images, "8 bundled").export(folder / recipe, tuple(FORMS.values()))

    return cache(exports)


@pytest.fixture(scope="session")
def paper_exports(exports_of: Callable[[str], list[Exported]]) -> list[Exported]:
    return exports_of("paper")
