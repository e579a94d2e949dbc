"""The runs that led to the checkpoint that ships."""

from __future__ import annotations

import json
from typing import Any

from figures import ROOT, block, table

_CHECKPOINT = ROOT / "train" / "cgan_train" / "checkpoints" / "edge" / "config.json"
_SECONDS_PER_MINUTE = 60


@block("training")
def training() -> str:
    """One row for each run, oldest first."""
    runs, run = [], json.loads(_CHECKPOINT.read_text(encoding="utf-8"))["training"]
    while run:
        runs += [*reversed(run.get("averaged_with", [])), run]
        run = run.get("before")
    columns = {
        "epochs": lambda run: str(run["epochs_done"]),
        "images in each": lambda run: f"{run['images_per_epoch']:,}",
        "minutes": lambda run: f"{run['seconds'] / _SECONDS_PER_MINUTE:.0f}",
        "phases": lambda run: "; ".join(map(_phase, run["config"]["phases"])),
    }
    return table(columns, runs[::-1])


def _phase(phase: dict[str, Any]) -> str:
    judge = "with" if phase["gan"] else "without"
    return f"{phase['name']}: {phase['crop']} px, rate {phase['lr']:g}, {judge} discriminator"
