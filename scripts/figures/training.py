"""The training runs behind the bundled checkpoint."""

from __future__ import annotations

import json
from typing import Any

from figures import ROOT, Columns, block, table

_CHECKPOINT = ROOT / "train" / "cgan_train" / "checkpoints" / "edge" / "config.json"


@block("training")
def training() -> str:
    """One row for each run, oldest first."""
    runs, run = [], json.loads(_CHECKPOINT.read_text(encoding="utf-8"))["training"]
    while run:
        runs += [*reversed(run.get("averaged_with", [])), run]
        run = run.get("before")
    columns: Columns = {
        "epochs": "{epochs_done}",
        "images in each": "{images_per_epoch:,}",
        "minutes": lambda run: f"{run['seconds'] / 60:.0f}",
        "phases": lambda run: "; ".join(map(_phase, run["config"]["phases"])),
    }
    return table(columns, runs[::-1])


def _phase(phase: dict[str, Any]) -> str:
    with_or_without = "with" if phase["gan"] else "without"
    return f"{phase['name']}: {phase['crop']} px, rate {phase['lr']:g}, {with_or_without} discriminator"
