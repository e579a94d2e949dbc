"""The inputs of the models: photographs, in a size and batches that all of them accept.

shape = input_size(checkpoint, models, wanted=None, batches=(1,))
batches = in_batches(lightness_of(comparison_photos(), *shape), 4)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cgan_runtime.backends.base import FloatArray
from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_runtime.manifest import Manifest
from cgan_train.checkpoint import Checkpoint


def check_models(models: Mapping[str, Path], checkpoint: Checkpoint) -> dict[str, Manifest]:
    """Load the manifests.

    Raises ModelFileError where a model is damaged, takes whole images, or was exported from other weights.
    """
    manifests = {label: Manifest.load(path) for label, path in models.items()}
    for label, manifest in manifests.items():
        path = models[label]
        if manifest.kind != "network":
            raise ModelFileError(
                f"{path} takes whole images; cgan-bench compares networks, export one without --end-to-end"
            )
        if manifest.checkpoint_sha256 != checkpoint.sha256:
            raise ModelFileError(
                f"{path} was exported from other weights ({manifest.checkpoint_sha256[:12] or 'unknown'}) "
                f"than {checkpoint.path} holds ({checkpoint.sha256[:12]}); give its own with --checkpoint"
            )
    return manifests


def input_size(
    checkpoint: Checkpoint,
    manifests: Mapping[str, Manifest],
    wanted: tuple[int, int] | None,
    batches: Sequence[int],
) -> tuple[int, int]:
    """Height and width that all models accept: the wanted ones, a fixed model's, or the checkpoint's own.

    Raises ConfigError where there are none.
    """
    fixed: dict[tuple[int | str, ...], str] = {}
    for label, manifest in manifests.items():
        count, _, height, width = manifest.input.shape
        if isinstance(height, int):
            fixed.setdefault((height, width), label)
        if isinstance(count, int) and set(batches) != {count}:
            raise ConfigError(f"{label} takes batches of {count} only; give --batch {count}")
    if len(fixed) > 1:
        words = " and ".join(f"{label} {height}x{width}" for (height, width), label in fixed.items())
        raise ConfigError(f"the models take different inputs ({words}); measure them one at a time")
    own = checkpoint.config.size
    size = wanted or (own, own)
    for (height, width), label in fixed.items():
        if wanted is not None and (height, width) != wanted:
            raise ConfigError(f"{label} takes {height}x{width} only; leave --size out, or export it dynamic")
        size = int(height), int(width)
    multiple = checkpoint.generator.size_multiple
    if size[0] % multiple or size[1] % multiple:
        raise ConfigError(f"size {size[0]}x{size[1]} does not suit the model; give multiples of {multiple}")
    return size


def in_batches(photos: FloatArray, batch: int) -> list[FloatArray]:
    """All photos in full batches; the first photos fill up the last one."""
    return [
        np.take(photos, range(first, first + batch), axis=0, mode="wrap")
        for first in range(0, len(photos), batch)
    ]
