"""Makes a run's newest checkpoint the model that ships: the checkpoint in half precision, and its ONNX file.

python scripts/ship_model.py runs/edge
python scripts/ship_model.py runs/edge runs/other      # the mean of their weights

The mean of runs that began with the same weights (`--init`) is often better than each of them (Wortsman et
al. 2022, arXiv 2203.05482).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

from cgan_train.checkpoint import SHIPPED, load_checkpoint, save_checkpoint

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "runtime" / "cgan_runtime" / "models"


def main() -> None:
    """Average, halve, save, export."""
    runs = [load_checkpoint(Path(run)) for run in sys.argv[1:]]
    states = [run.generator.state_dict() for run in runs]
    weights = {name: _halved(_mean([state[name] for state in states])) for name in states[0]}
    training, metrics = dict(runs[0].training), runs[0].metrics
    if len(runs) > 1:
        training["averaged_with"] = [run.training | {"before": {}} for run in runs[1:]]
        metrics = {}  # nobody has measured the mean yet
    save_checkpoint(SHIPPED, weights, runs[0].config, runs[0].recipe, training, metrics)
    export = [sys.executable, "-m", "cgan_export.cli", str(SHIPPED), "-o", str(MODELS), "--weights", "fp16"]
    subprocess.run(export, check=True)


def _mean(tensors: list[Tensor]) -> Tensor:
    """Of one parameter in all runs; counters stay those of the first."""
    return torch.stack(tensors).mean(dim=0) if tensors[0].is_floating_point() else tensors[0]


def _halved(tensor: Tensor) -> Tensor:
    """Kernels in half precision; the rest is little of the file, and running variances may not fit."""
    return tensor.half() if tensor.dim() > 1 else tensor


if __name__ == "__main__":
    main()
