"""Makes a run's newest checkpoint the model that ships: the checkpoint in half precision, and its ONNX file.

python scripts/ship_model.py runs/edge
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from torch import Tensor

from cgan_train.checkpoint import SHIPPED, load_checkpoint, save_checkpoint

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "runtime" / "cgan_runtime" / "models"


def main() -> None:
    """Halve, save, export."""
    source = load_checkpoint(Path(sys.argv[1]))
    weights = {name: _halved(tensor) for name, tensor in source.generator.state_dict().items()}
    save_checkpoint(SHIPPED, weights, source.config, source.recipe, source.training, source.metrics)
    export = [sys.executable, "-m", "cgan_export.cli", str(SHIPPED), "-o", str(MODELS), "--weights", "fp16"]
    subprocess.run(export, check=True)


def _halved(tensor: Tensor) -> Tensor:
    """Kernels in half precision; the rest is little of the file, and running variances may not fit."""
    return tensor.half() if tensor.dim() > 1 else tensor


if __name__ == "__main__":
    main()
