"""From photos to a table: two losses, two seeds each, mean and deviation of their quality.

    python examples/research.py photos/ runs/research --epochs 4

Needs `pip install 'cgan[train]'`. Runs that are done already are not trained again.
"""

import argparse
import statistics
from pathlib import Path

from cgan_train import TrainSettings, train
from cgan_train.checkpoint import has_state, load_checkpoint

ARMS = {"L1": {"pixel_loss": "l1"}, "Huber": {"pixel_loss": "smooth_l1"}}
SEEDS = (0, 1)
FIGURES = ("ciede2000", "gain_percent", "chroma_ratio")

parser = argparse.ArgumentParser()
parser.add_argument("data", type=Path)
parser.add_argument("out", type=Path)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--recipe", default="paper-unet")
options = parser.parse_args()

print(f"{'loss':<8}", *(f"{name:>20}" for name in FIGURES))
for arm, changes in ARMS.items():
    found = []
    for seed in SEEDS:
        run = options.out / f"{arm}-{seed}"
        settings = TrainSettings(overrides={**changes, "epochs": options.epochs, "seed": seed})
        if not has_state(run):
            train(options.data, run, recipe=options.recipe, settings=settings)
        found.append(load_checkpoint(run).metrics)
    columns = ([metrics[name] for metrics in found] for name in FIGURES)
    cells = (f"{statistics.mean(each):.2f} +- {statistics.stdev(each):.2f}" for each in columns)
    print(f"{arm:<8}", *(f"{cell:>20}" for cell in cells))
