"""Make a run's newest checkpoint the model that ships under its recipe's name: in half precision, and as ONNX.

python scripts/ship_model.py runs/edge --val photos-val.tar
python scripts/ship_model.py runs/edge runs/other --val photos-val.tar      # the mean of their weights

The mean of runs that started with the same weights (`--init`) is often better than each of them (Wortsman et
al. 2022, arXiv 2203.05482).
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

from cgan_runtime.backends.registry import open_backend
from cgan_runtime.doctor.probes.colors import test_inputs, write_expected
from cgan_train.checkpoint import half_weights, load_checkpoint, save_checkpoint
from cgan_train.data.sources import open_validation
from cgan_train.evaluation.contact_sheet import predictor
from cgan_train.evaluation.quality import measure_quality
from cgan_train.models.base import Generator
from cgan_train.shipped import SHIPPED

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "runtime" / "cgan_runtime" / "models"


def main() -> None:
    """Average, convert to half precision, measure, save, export."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="runs, or checkpoints")
    parser.add_argument("--val", type=Path, required=True, help="photos to measure it on, for its manifest")
    options = parser.parse_args()
    runs = [load_checkpoint(run) for run in options.runs]
    states = [run.generator.state_dict() for run in runs]
    weights = half_weights({name: _mean([state[name] for state in states]) for name in states[0]})
    generator = runs[0].generator
    generator.load_state_dict(weights)
    metrics = _measure(generator, options.val, runs[0].config.size)
    training = dict(runs[0].training)
    if len(runs) > 1:
        training["averaged_with"] = [run.training | {"before": {}} for run in runs[1:]]
    shipped = SHIPPED.with_name(runs[0].recipe)
    save_checkpoint(shipped, weights, runs[0].config, runs[0].recipe, training, metrics)
    export = [sys.executable, "-m", "cgan_export.cli", str(shipped), "-o", str(MODELS), "--weights", "fp16"]
    subprocess.run([*export, "--overwrite"], check=True)
    if shipped != SHIPPED:
        return
    with open_backend(MODELS / "edge.onnx", "onnxruntime") as backend:  # what cgan-doctor compares with
        answer = backend.infer(test_inputs(backend.manifest.size))
        write_expected(answer[backend.manifest.output.name], backend.manifest)


def _mean(tensors: list[Tensor]) -> Tensor:
    """The mean of a parameter over all runs; counters of the first run."""
    return torch.stack(tensors).mean(dim=0) if tensors[0].is_floating_point() else tensors[0]


def _measure(generator: Generator, val: Path, side: int) -> dict[str, float]:
    photos = open_validation(val)
    images = [photos.read(index) for index in range(len(photos))]
    quality = measure_quality(predictor(generator, generator), images, side)
    return {name: round(value, 4) for name, value in dataclasses.asdict(quality).items()}


if __name__ == "__main__":
    main()
