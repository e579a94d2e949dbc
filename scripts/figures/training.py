"""Training: the runs behind the bundled checkpoint, speed, the paper's table, and variants of `edge`."""

from __future__ import annotations

import json
from typing import Any

from figures import ROOT, Columns, block, machine, plain_table, read, table

_CHECKPOINT = ROOT / "train" / "cgan_train" / "checkpoints" / "edge" / "config.json"


_MUCH = 0.05  # of the processor
_MEASURES = {"mae": "MAE, %", "accuracy_2": "accuracy at 2 %", "accuracy_5": "accuracy at 5 %"}
_OWN = " (own L)"


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


@block("throughput")
def throughput() -> str:
    """One row for each loop, the plain one first."""
    report = read("throughput.json")
    names = {"plain": "plain loop", "cgan": "`cgan-train`"}
    slowest = report["rows"][0]["images_per_second"]
    columns: Columns = {
        "loop": lambda row: names[row["loop"]],
        "computes in": "{type}",
        "images/s": "{images_per_second:.1f}",
        "times the plain loop": lambda row: f"{row['images_per_second'] / slowest:.2f}",
        "GFLOP an image": "{gflop_per_image:.1f}",
        "share of the peak": "{share_of_peak:.0%}",
        "peak, GFLOP/s": "{peak_gflops:.0f}",
    }
    others = report["machine"]["others"] or 0.0
    turns = len(report["rows"][0]["seconds_per_step"])
    what = (
        f"`{report['recipe']}` at batch {report['batch_size']}, medians of {turns} turns, "
        f"{report['machine']['threads']} threads; {machine(report)}."
        + (f" Other programs took {others:.0%} of the processor meanwhile." if others > _MUCH else "")
    )
    return f"{table(columns, report['rows'])}\n\n{what}"


@block("photo-training")
def photo_training() -> str:
    """One row for each version."""
    report = read("photo-training.json")
    slowest = report["rows"][0]["pictures_per_second"]
    columns: Columns = {
        "": "{version}",
        "pictures/s": "{pictures_per_second:.1f}",
        "times": lambda row: f"{row['pictures_per_second'] / slowest:.2f}",
        "waiting for pictures, ms a step": "{waiting_ms:.0f}",
    }
    what = (
        f"Batch {report['batch_size']}, crops of 128 px, {report['frozen_blocks']} blocks frozen, medians of "
        f"{report['rounds']} rounds of {report['steps']} steps, {report['machine']['threads']} threads; "
        f"{machine(report)}."
    )
    return f"{table(columns, report['rows'])}\n\n{what}"


@block("paper-table")
def paper_table() -> str:
    """The reported rows, then ours, then the gray image."""
    report = read("paper-table.json")
    rows = [{"row": f"reported: {row['what']}", "epochs": "200"} | _measures(row) for row in report["reported"]]
    rows += [_ours(row, report["epochs_of_the_paper"]) for row in report["rows"]]
    if report["rows"]:
        first = report["rows"][0]["as_predicted"]
        rows.append({"row": "gray image"} | _measures(first, of="_gray"))
        what = f"{first['images']:,} of the test split's 10,000 images, {report['date'][:10]}."
    else:
        what = "Nothing that can be compared has been trained yet."
    return f"{plain_table(rows)}\n\n{what} {report['remark']}"


def _measures(values: dict[str, Any], of: str = "", suffix: str = "") -> dict[str, str]:
    return {title + suffix: f"{values[key + of]:.1f}" for key, title in _MEASURES.items()}


def _ours(row: dict[str, Any], whole: int) -> dict[str, str]:
    own = row["own_lightness"]
    return {
        "row": f"`{row['recipe']}`",
        "epochs": f"{row['epochs']:g} of {whole}",
        **_measures(row["as_predicted"]),
        **_measures(own, suffix=_OWN),
        "CIEDE2000 under gray's" + _OWN: f"{own['gain_percent']:.1f} %",
        "minutes": f"{row['minutes']:.0f}",
        "device": "; ".join(map(_device, row["devices"])),
    }


def _device(found: dict[str, Any]) -> str:
    """A GPU, or a processor with its threads."""
    threads = found["threads"]
    return f"{found['device']}, {threads} thread{'s' if threads > 1 else ''}" if threads else found["device"]


@block("variants")
def variants() -> str:
    """One row for each, the recipe itself first."""
    report = read("variants.json")
    columns: Columns = {
        "variant": "{variant[name]}",
        "ms": "{ms:.1f}",
        "CIEDE2000 under gray's": "{gain_percent:.1f} %",
        "chroma / true": "{chroma_ratio:.2f}",
        "images seen": "{images_seen:,}",
    }
    first = report["rows"][0]
    smaller = [row["variant"]["name"] for row in report["rows"] if row["variant"].get("scale", 1) != 1]
    what = (
        f"{first['cpu_seconds']:.0f} seconds of processor time each, on {report['trained_on_px']} px crops; "
        f"{first['images']} held-out photos at {report['measured_at_px']} px; milliseconds at "
        f"{report['timed_at_px']} px in ONNX Runtime with {report['machine']['threads']} threads; "
        f"{machine(report)}."
    )
    if smaller:
        what += f" {smaller[0].capitalize()}: the weights of `edge`; timed so, and measured as much smaller."
    return f"{table(columns, report['rows'])}\n\n{what}"
