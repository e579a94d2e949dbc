"""A program that follows the words and numbers of a manifest gets the colors of cgan."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.manifest import Manifest


def test_the_words_of_a_manifest_make_the_colors_of_cgan(tiny_model: Path) -> None:
    document = json.loads(Manifest.path_for(tiny_model).read_text())
    before, after = document["preprocess"], document["postprocess"]
    assert "multiples of 16, about 64 x 64" in before["height_and_width"]
    gray = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    with Colorizer.open(tiny_model, "onnxruntime") as colorizer:
        expected = colorizer.image(gray)
        c = gray / 255
        y = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        lightness = np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)
        x = (lightness / 50 - 1).astype(np.float32)[None, None]
        output = colorizer.backend.infer({before["input"]: x})[after["output"]]
        a, b = after["scale"] * output[0].astype(np.float64)
    fy = (lightness + 16) / 116
    f = np.stack((fy + a / 500, fy, fy - b / 200), axis=-1)
    t = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = (t * after["white"]) @ np.linalg.inv(after["xyz_of_linear_rgb"]).T
    v = linear.clip(0, 1)
    code = 255 * np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)
    inside = ((linear >= 0) & (linear <= 1)).all(axis=-1)  # cgan keeps the lightness of colors outside
    assert inside.mean() > 0.3
    assert np.abs(code - expected)[inside].max() <= 2
