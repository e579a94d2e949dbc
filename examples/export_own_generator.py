"""Export a generator of your own to ONNX, and color an array with it.

    python examples/export_own_generator.py exported

Needs `pip install 'cgan[cpu,export]'`. The weights are random here; train yours first.
"""

import sys
from pathlib import Path

import numpy as np
from torch import Tensor, nn, tanh

from cgan_export import export
from cgan_runtime import Colorizer
from cgan_train.checkpoint import save_checkpoint
from cgan_train.config.schema import GeneratorConfig
from cgan_train.models import GENERATORS, Generator


class Mine(Generator):
    """Takes lightness (N, 1, H, W) in [-1, 1]; returns (a*, b*)/110, (N, 2, H, W) in [-1, 1]."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__(size_multiple=16)
        (width,) = widths
        self.net = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 2, 1))

    def predict(self, lightness: Tensor) -> Tensor:
        """Predict chroma."""
        return tanh(self.net(lightness))


GENERATORS["mine"] = Mine
folder = Path(sys.argv[1])
config = GeneratorConfig("mine", size=64, widths=(8,))
save_checkpoint(folder / "checkpoint", Mine((8,)).state_dict(), config, "mine", training={}, metrics={})
(model,) = export(folder / "checkpoint", folder)
with Colorizer.open(model.path) as colorizer:
    print(model.path, colorizer.image(np.full((48, 64), 128, np.uint8)).shape)
