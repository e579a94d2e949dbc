"""A test image, and the colors that the model that ships gives it, to compare a back end with.

chroma = backend.infer(colors.test_inputs(256))["chroma"]
    colors.difference(chroma, manifest)      # 0 is equal

`write_expected` makes expected.json anew for another model; scripts/ship_model.py calls it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from cgan_runtime.backends.base import Arrays, FloatArray
from cgan_runtime.errors import ModelFileError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.guide.memory import HINT_STRIDE, INPUTS
from cgan_runtime.manifest import AB_SCALE, Manifest

EXPECTED = Path(__file__).with_name("expected.json")
_HINTS = {(0.2, 0.4): (-4, -45), (0.75, 0.25): (-40, 40), (0.8, 0.75): (35, 45)}  # place (y, x) of 1, and (a*, b*)
_CELLS = 16  # on each side: colors are compared as means over cells


def test_inputs(side: int) -> Arrays:
    """A drawn landscape, and a color for its sky and for two places of its ground, as inputs of `Backend.infer`."""
    y, x = np.mgrid[0:side, 0:side] / side
    sky = 0.75 - 0.35 * y + 0.04 * np.sin(9 * x + 5 * y)
    ground = 0.05 + 0.15 * np.sin(40 * x * (1 + y)) * np.cos(57 * y) - 0.2 * x
    picture = np.where(y < 0.45 + 0.03 * np.sin(7 * x), sky, ground).astype(np.float32)
    hints = np.zeros((1, 3, side // HINT_STRIDE, side // HINT_STRIDE), np.float32)
    for (row, column), ab in _HINTS.items():
        hints[0, :, round(row * hints.shape[2]), round(column * hints.shape[3])] = (*np.divide(ab, AB_SCALE), 1)
    return {INPUTS[0]: hints, "lightness": picture[None, None]}


def difference(chroma: FloatArray, manifest: Manifest) -> float:
    """The mean distance of colors from the expected ones, in units of a* and b*.

    Args:
        chroma: What a back end made of `test_inputs`, (1, 2, h, w).
        manifest: Of the model that it ran.

    Raises:
        ModelFileError: The expected colors are those of another model.
    """
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    if expected["sha256"] != manifest.sha256:
        raise ModelFileError(f"{EXPECTED} is for another model than {manifest.file}; install cgan again")
    distance = _cells(chroma) - np.asarray(expected["ab"], np.float32)
    return float(np.linalg.norm(distance, axis=0).mean())


def write_expected(chroma: FloatArray, manifest: Manifest) -> None:
    """Make what a back end answered the expected colors; arguments as of `difference`."""
    ab = np.round(_cells(chroma).astype(float), 2).tolist()
    write_file(EXPECTED, json.dumps({"sha256": manifest.sha256, "ab": ab}) + "\n")


def _cells(chroma: FloatArray) -> FloatArray:
    """(a*, b*) as means over `_CELLS` x `_CELLS` cells, (2, cells, cells)."""
    _, _, height, width = chroma.shape
    split = chroma[0].reshape(2, _CELLS, height // _CELLS, _CELLS, width // _CELLS)
    return np.asarray(split.mean(axis=(2, 4)) * AB_SCALE, np.float32)
