"""`cgan-bench layers`: where in the network the time goes, as the engine's own clock tells it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_benchmarks.options import PATH, check_needs
from cgan_runtime.options.groups import SizeType

if TYPE_CHECKING:
    from cgan_runtime.backends.base import Layer

_WIDTH = 110  # columns
_NAME = 56  # columns of a layer's name
_BAR = 20  # columns of the longest bar


@click.command(context_settings={"show_default": True}, short_help="How long each layer of a model takes.")
@click.option("--model", type=PATH, help="ONNX file with its manifest.  [default: the one that ships]")
@click.option("--backend", default="auto", help="What runs it; auto takes the best that works here.")
@click.option("--size", type=SizeType(), help="Size in pixels.  [default: the model's]", show_default=False)
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Images in a run.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of the engine.")
@click.option("--runs", type=click.IntRange(min=1), default=50, help="Over how many the mean is taken.")
@click.option("--top", type=click.IntRange(min=1), default=15, help="How many of the slowest to print.")
@click.option("--json", "json_file", type=PATH, help="Write all layers there as well.")
def layers(
    model: Path | None, backend: str, size: tuple[int, int] | None, batch: int, threads: int, runs: int,
    top: int, json_file: Path | None,
) -> None:  # fmt: skip
    """Measure how long each layer of a model takes, where the back end tells.

    ONNX Runtime's profiler, OpenVINO's counters or TensorRT's profiler; engines make one step of several
    layers. Their clocks cost a little: the sum is above what cgan-bench measures.
    """
    check_needs(json_file)
    from cgan_benchmarks.results.document import write_document
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.console import Console
    from cgan_runtime.models import bundled_model
    from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of

    console = Console()
    with console.building() as report:
        opened = open_backend(model or bundled_model(), backend, threads=threads, progress=report)
    with opened:
        height, width = size or (opened.manifest.size, opened.manifest.size)
        photos = comparison_photos()
        lightness = lightness_of([photos[number % len(photos)] for number in range(batch)], height, width)
        found = opened.layers(lightness, runs)
        title = f"{opened.manifest.file}, {opened.name}, {opened.device}, {width}x{height} px, batch {batch}"
    _print(title, found, top, runs)
    if json_file is not None:
        write_document(_document(title, found, runs, threads), json_file)
        console.note(f"all layers are in {json_file}")


def _print(title: str, found: Sequence[Layer], top: int, runs: int) -> None:
    """The slowest layers, then what each kind of operation takes in all."""
    import rich.console
    from rich.table import Table

    total = sum(layer.ms for layer in found) or 1e-9
    console = rich.console.Console(highlight=False)
    console.width = max(_WIDTH, console.width)
    console.print(f"{title}\n{len(found)} steps, {total:.2f} ms a run, mean of {runs}\n", markup=False)
    slowest = sorted(found, key=lambda layer: -layer.ms)[:top]
    rows = [(_short(layer.name), layer.kind, layer.ms) for layer in slowest]
    kinds: dict[str, list[float]] = {}
    for layer in found:
        kinds.setdefault(layer.kind, []).append(layer.ms)
    sums = sorted(
        ((f"{len(of)} steps", kind, sum(of)) for kind, of in kinds.items()), key=lambda row: -row[2]
    )
    for heading, lines in (("slowest steps", rows), ("by kind", sums if len(kinds) > 1 else [])):
        if not lines:
            continue
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        table.add_column(heading, no_wrap=True, min_width=_NAME)
        table.add_column("kind", no_wrap=True)
        for head in ("ms", "part"):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column("")
        most = max(ms for _, _, ms in lines) or 1e-9
        for name, kind, ms in lines:
            table.add_row(name, kind, f"{ms:.3f}", f"{ms / total:.0%}", "█" * round(_BAR * ms / most))
        console.print(table, markup=False)
        console.print()


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _document(title: str, found: Sequence[Layer], runs: int, threads: int) -> dict[str, Any]:
    import datetime
    from dataclasses import asdict

    from cgan_benchmarks.machine.describe import describe_machine
    from cgan_runtime import __version__

    return {
        "format": "cgan-layers",
        "format_version": 1,
        "version": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": describe_machine(threads, None),
        "what": title,
        "runs": runs,
        "layers": [asdict(layer) for layer in found],
    }
