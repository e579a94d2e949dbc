"""How well a model colours photos that it has not seen: the figures of the model card.

    report = measure_model(Path("edge.onnx"), open_photos(Path("photos-val.tar")))

Each photo's middle square is resized to the model's size, coloured from its own L*, and compared with
itself in colour; definitions stand in cgan_train.metrics.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cgan_benchmarks.machine import describe_machine
from cgan_benchmarks.report import write_document
from cgan_runtime import __version__
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import DataError
from cgan_train.data.sources import Photos, Picture
from cgan_train.metrics import Quality, measure_quality

FORMAT = "cgan-quality"
FORMAT_VERSION = 1

_TERMINAL = 100  # columns of the table


@dataclass(frozen=True)
class QualityReport:
    """Quality of one model on one set of photos.

    Attributes:
        model: Name of the model's file.
        sha256: Of that file.
        backend: What ran it.
        side: Side of the squares, in px.
        quality: Over all photos that were measured.
        without: The pattern of names that were left out; empty for none.
    """

    model: str
    sha256: str
    backend: str
    side: int
    quality: Quality
    without: str = ""


def measure_model(
    model: Path,
    photos: Photos,
    *,
    backend: str = "auto",
    threads: int | None = None,
    without: str = "",
    advance: Callable[[], None] = lambda: None,
) -> QualityReport:
    """Measure a model on photos.

    Args:
        model: An exported model with its manifest.
        photos: What to measure on.
        backend: Name of the back end, or `auto`.
        threads: CPU threads; None lets the back end choose.
        without: Leave out photos whose name fits this pattern (as a shell's).
        advance: Called after each photo, for a progress bar.

    Raises:
        DataError: No photos are left, or one cannot be read.
    """
    chosen = [i for i, name in enumerate(photos.names) if not (without and fnmatch.fnmatch(name, without))]
    if not chosen:
        raise DataError(f"no photos are left without {without!r}; give another pattern")

    def pictures() -> Iterator[Picture]:
        for index in chosen:
            yield photos.read(index)
            advance()

    with open_backend(model, backend, threads=threads) as opened:
        side = opened.manifest.size
        quality = measure_quality(opened.infer, pictures(), side)
        return QualityReport(model.name, opened.manifest.sha256, opened.name, side, quality, without)


def print_quality(reports: Sequence[QualityReport]) -> None:
    """Print one row for each set of photos."""
    import rich.box
    import rich.console
    from rich.table import Table

    table = Table(box=rich.box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("photos", no_wrap=True)
    for title in ("count", "CIEDE2000", "p90", "of grey", "nearer by", "chroma", "colourfulness"):
        table.add_column(title, justify="right", no_wrap=True)
    for report in reports:
        found = report.quality
        table.add_row(
            f"without {report.without}" if report.without else "all",
            str(found.pictures),
            f"{found.ciede2000:.2f}",
            f"{found.ciede2000_p90:.2f}",
            f"{found.ciede2000_grey:.2f}",
            f"{found.gain_percent:.1f} %",
            f"{found.chroma_ratio:.2f}",
            f"{found.colourfulness_ratio:.2f}",
        )
    console = rich.console.Console(highlight=False)
    console.width = max(_TERMINAL, console.width)
    console.print(table)


def write_quality(reports: Sequence[QualityReport], threads: int, path: Path) -> None:
    """Write the reports, the machine and the date as JSON; complete or not at all.

    Raises:
        ConfigError: The file cannot be written.
    """
    write_document(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "version": __version__,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": describe_machine(threads, None),
            "reports": [dataclasses.asdict(report) for report in reports],
        },
        path,
    )
