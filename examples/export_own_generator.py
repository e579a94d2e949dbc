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
from cgan_train.models import GENERATORS
from cgan_train.models.base import Generator


class Mine(Generator):
    """Takes lightness (N, 1, H, W) in [-1, 1]; returns (a*, b*)/110, (N, 2, H, W) in [-1, 1]."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__(size_multiple=16)
        first, last = nn.Conv2d(1, widths[0], 3, padding=1), nn.Conv2d(widths[0], 2, 1)
        self.net = nn.Sequential(first, nn.ReLU(), last)

    def predict(self, lightness: Tensor) -> Tensor:
        """Predict chroma."""
        return tanh(self.net(lightness))


GENERATORS["mine"] = Mine
folder, config = Path(sys.argv[1]), GeneratorConfig("mine", size=64, widths=(8,))
save_checkpoint(folder / "checkpoint", Mine((8,)).state_dict(), config, "mine", training={}, metrics={})
(model,) = export(folder / "checkpoint", folder)
with Colorizer.open(model.path) as colorizer:
    print(model.path, colorizer.image(np.full((48, 64), 128, np.uint8)).shape)
