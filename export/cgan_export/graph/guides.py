"""Guides to try a guided network with: hints and remembered places, the same in every run.

    inputs = guided_inputs(manifest.inputs, lightness)               # by name, with hints
    inputs = guided_inputs(manifest.inputs, lightness, keys)         # and with memory of the same photographs

Zeros mean "no guide", so a network without them is tried by `plain_inputs`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cgan_runtime.backends.axes import Axes
from cgan_runtime.manifest import Tensor
from cgan_train.evaluation.metrics import Array
from cgan_train.models.guided import KEY_CHANNELS

HINTS, MEMORY = "hints", "memory"

_HINT_CHANNELS = 3
_HINTS = 24  # in each photograph
_STRONGEST = 0.6  # of their (a*, b*)/110
_SEED = 0


def plain_inputs(tensors: Sequence[Tensor], lightness: Array) -> dict[str, Array]:
    """A network's inputs for photographs (N, 1, H, W) without a guide: zeros beside the lightness."""
    axes = Axes()
    axes.take(tensors[0], lightness.shape)
    zeros = {tensor.name: np.zeros(axes.shape(tensor), np.float32) for tensor in tensors[1:]}
    return {tensors[0].name: lightness, **zeros}


def guided_inputs(tensors: Sequence[Tensor], lightness: Array, keys: Array | None = None) -> dict[str, Array]:
    """A network's inputs for photographs (N, 1, H, W) with random hints, if it takes any.

    With the photographs' `keys`, (N, 32, h, w), it also remembers every place with a random color.
    """
    rng, inputs = np.random.default_rng(_SEED), plain_inputs(tensors, lightness)
    if HINTS in inputs and inputs[HINTS].shape[1] == _HINT_CHANNELS:
        count, _, height, width = inputs[HINTS].shape
        for image in range(count):
            rows, columns = rng.integers(0, height, _HINTS), rng.integers(0, width, _HINTS)
            inputs[HINTS][image][:, rows, columns] = np.concatenate((_colors(rng, _HINTS), np.ones((1, _HINTS))))
    if MEMORY in inputs and keys is not None:
        inputs[MEMORY] = _remembered(keys, rng, next(t for t in tensors if t.name == MEMORY))
    return inputs


def _remembered(keys: Array, rng: np.random.Generator, tensor: Tensor) -> Array:
    """Rows of memory, (N, M, 38), for all places of photographs, or for as many as the network takes."""
    count, _, height, width = keys.shape
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    places = np.stack(((y + 0.5) / height, (x + 0.5) / width, np.ones(height * width)))
    rows = np.zeros((count, height * width, int(tensor.shape[2])), np.float32)
    rows[..., :KEY_CHANNELS] = keys.reshape(count, KEY_CHANNELS, -1).transpose(0, 2, 1)
    rows[..., KEY_CHANNELS:-3] = places.T
    rows[..., -3:-1] = np.stack([_colors(rng, height * width).T for _ in range(count)])
    rows[..., -1] = 1
    if isinstance(most := tensor.shape[1], int):
        rows = np.pad(rows[:, :most], ((0, 0), (0, max(0, most - rows.shape[1])), (0, 0)))
    return rows


def _colors(rng: np.random.Generator, count: int) -> Array:
    """(a*, b*)/110 of random colors, (2, count)."""
    return rng.uniform(-_STRONGEST, _STRONGEST, (2, count)).astype(np.float32)
