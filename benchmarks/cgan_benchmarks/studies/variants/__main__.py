"""The command `python -m cgan_benchmarks.studies.variants`."""

from __future__ import annotations

import json
from pathlib import Path

import click
import torch

from cgan_benchmarks.machine.describe import describe_machine
from cgan_benchmarks.options import PATH, OutputFileType, SecondsType, json_option, study_command
from cgan_benchmarks.render.plots import draw_variants
from cgan_benchmarks.results.document import Document, new_document, write_document
from cgan_benchmarks.studies.variants.models import VARIANTS, Variant
from cgan_benchmarks.studies.variants.training import CROP, SIDE, TIMED, time_all, train
from cgan_runtime.errors import ConfigError
from cgan_train.data.sources import open_sources


@study_command
@click.option("--data", multiple=True, type=PATH, required=True, help="Photos to train on, and to measure.")
@click.option("--cpu-seconds", type=SecondsType(), default=60.0, help="Of training, for each.")
@click.option("--state", type=PATH, default=Path("runs/variants"), help="Folder of what is trained.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads.")
@click.option("--time", "timing", is_flag=True, help="Time all that are trained, and train no more.")
@json_option("Write all figures there.")
@click.option("--image", type=OutputFileType(), help="Draw quality against milliseconds there, as PNG.")
def main(
    data: tuple[Path, ...], cpu_seconds: float, state: Path, threads: int, timing: bool,
    json_file: Path | None, image: Path | None,
) -> None:  # fmt: skip
    """Train and measure the variants that are not yet trained; with --time, time all that are."""
    torch.set_num_threads(threads)
    if not timing:
        _train_missing(data, cpu_seconds, state)
        return
    document = _document(state, threads)
    for row in document["rows"]:
        click.echo(f"{row['variant']['name']}: {row['ms']:.1f} ms, {row['gain_percent']:.1f} %")
    write_document(document, json_file)
    if image is not None:
        draw_variants(document, image)


def _train_missing(data: tuple[Path, ...], cpu_seconds: float, state: Path) -> None:
    source, _ = open_sources(data)
    state.mkdir(parents=True, exist_ok=True)
    for number, variant in enumerate(VARIANTS):
        if not (state / f"{number}.json").exists():
            row = train(variant, source, cpu_seconds, state / f"{number}.pt")
            (state / f"{number}.json").write_text(json.dumps(row), encoding="utf-8")
            click.echo(f"{variant.name}: {row['gain_percent']:.1f} % at chroma {row['chroma_ratio']:.2f}")


def _document(state: Path, threads: int) -> Document:
    files = [state / f"{number}.json" for number in range(len(VARIANTS))]
    files = [file for file in files if file.exists()]
    if not files:
        raise ConfigError(f"nothing is trained in {state}; run it without --time first")
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    variants = [Variant(**row["variant"]) for row in rows]
    weights = [file.with_suffix(".pt") for file in files]
    for row, ms in zip(rows, time_all(list(zip(variants, weights, strict=True)), threads), strict=True):
        row["ms"] = ms
    return new_document(
        "cgan-variants", 1, describe_machine(threads), trained_on_px=CROP, measured_at_px=SIDE,
        timed_at_px=TIMED, rows=rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
