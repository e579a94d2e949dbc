"""`cgan-bench layers`: the time that each layer of a model takes, by the engine's own clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_benchmarks.options import ModelOptions, json_option, model_options, require_pytorch
from cgan_runtime.options.groups import GroupedCommand, SizeType

if TYPE_CHECKING:
    from cgan_runtime.backends.base import Layer

_NAME = 56  # columns of a layer's name
_BAR = 20  # columns of the longest bar


@click.command(cls=GroupedCommand, short_help="How long each layer of a model takes.")
@model_options
@click.option("--size", type=SizeType(), help="Size in pixels.  [default: the model's]", show_default=False)
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Images in a run.")
@click.option("--runs", type=click.IntRange(min=1), default=50, help="Number of runs in the mean.")
@click.option("--top", type=click.IntRange(min=1), default=15, help="How many of the slowest to print.")
@json_option()
def layers(
    model: ModelOptions, size: tuple[int, int] | None, batch: int, runs: int, top: int, json_file: Path | None
) -> None:
    """Measure how long each layer of a model takes, where the back end can.

    By ONNX Runtime's profiler, OpenVINO's counters or TensorRT's profiler. Engines fuse several layers into
    one step. Their clocks cost some time: the sum exceeds what cgan-bench measures.
    """
    require_pytorch()
    from dataclasses import asdict

    from cgan_benchmarks.machine.describe import describe_machine
    from cgan_benchmarks.results.document import new_document, write_document
    from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of

    with model.open() as backend:
        manifest = backend.manifest
        height, width = size or (manifest.size, manifest.size)
        photos = comparison_photos()
        lightness = lightness_of([photos[number % len(photos)] for number in range(batch)], height, width)
        found = backend.layers(lightness, runs)
    title = f"{manifest.file}, {backend.name}, {backend.device}, {width}x{height} px, batch {batch}"
    _print(title, found, top, runs)
    document = new_document(
        "cgan-layers", 1, describe_machine(model.threads), what=title, runs=runs,
        layers=[asdict(layer) for layer in found],
    )  # fmt: skip
    write_document(document, json_file)


def _print(title: str, found: Sequence[Layer], top: int, runs: int) -> None:
    """Print the slowest layers, then the sum of each kind of operation."""
    from cgan_benchmarks.render.terminal import make_table, wide_console

    total = sum(layer.ms for layer in found) or 1e-9
    console = wide_console(110)
    console.print(f"{title}\n{len(found)} steps, {total:.2f} ms a run, mean of {runs}\n", markup=False)
    kinds: dict[str, list[float]] = {}
    for layer in found:
        kinds.setdefault(layer.kind, []).append(layer.ms)
    steps = [(_short(layer.name), layer.kind, layer.ms) for layer in found]
    sums = [(f"{len(ms)} steps", kind, sum(ms)) for kind, ms in kinds.items()]
    tables = {"slowest steps": steps} | ({"by kind": sums} if len(kinds) > 1 else {})
    for heading, lines in tables.items():
        slowest = sorted(lines, key=lambda line: -line[2])[: top if lines is steps else None]
        most = slowest[0][2] or 1e-9
        rows = [
            (name, kind, f"{ms:.3f}", f"{ms / total:.0%}", "█" * round(_BAR * ms / most)) for name, kind, ms in slowest
        ]
        titles = (heading, "kind", "ms", "share", "")
        console.print(make_table(titles, rows, left=("kind", ""), min_width=_NAME), markup=False)
        console.print()


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
