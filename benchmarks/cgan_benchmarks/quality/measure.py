"""How well a model colors images that it has not seen: the figures of the model card.

    with open_subject(model=Path("edge.onnx")) as subject:
        report = measure_model(subject, open_measuring(Path("photos-val.tar")))

Each image's middle square is resized to the model's size, colored from its own L*, and compared with
itself in color; definitions stand in cgan_train.evaluation.metrics.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cgan_benchmarks.machine.describe import describe_machine
from cgan_benchmarks.quality.published import REMARK, REPORTED
from cgan_benchmarks.results.document import write_document
from cgan_runtime import __version__
from cgan_runtime.backends.base import Backend
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import DataError
from cgan_runtime.models import bundled_model
from cgan_train.data.sources import Image, Source, evenly
from cgan_train.evaluation.contact_sheet import contact_sheet, write_png
from cgan_train.evaluation.metrics import Quality, measure_quality

FORMAT = "cgan-quality"
FORMAT_VERSION = 1

_TERMINAL = 100  # columns of the table
_SHEET = 24  # images on a contact sheet
_BATCH_PIXELS = 2**16  # PyTorch gets as many small images at once as make this many pixels


@dataclass(frozen=True)
class QualityReport:
    """Quality of one model on one set of images.

    Attributes:
        model: Name of the model's file, or of the checkpoint.
        sha256: Of that file, or of the checkpoint's weights.
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


def open_subject(
    model: Path | None = None,
    checkpoint: Path | None = None,
    *,
    backend: str = "auto",
    threads: int | None = None,
) -> Backend:
    """What is measured: an exported model (the one that ships by default), or a PyTorch checkpoint."""
    if checkpoint is None:
        return open_backend(model or bundled_model(), backend, threads=threads)
    from cgan_train.checkpoint import load_checkpoint
    from cgan_train.torch_backend import TorchBackend

    return TorchBackend(load_checkpoint(checkpoint), threads=threads)


def measure_model(
    subject: Backend,
    source: Source,
    *,
    without: str = "",
    advance: Callable[[], None] = lambda: None,
) -> QualityReport:
    """Measure a model on images.

    Args:
        subject: What colors.
        source: What to measure on.
        without: Leave out images whose name fits this pattern (as a shell's).
        advance: Called after each image, for a progress bar.

    Raises:
        DataError: No images are left, or one cannot be read.
    """
    chosen = [i for i, name in enumerate(source.names) if not (without and fnmatch.fnmatch(name, without))]
    if not chosen:
        raise DataError(f"no photos are left without {without!r}; give another pattern")

    def images() -> Iterator[Image]:
        for index in chosen:
            yield source.read(index)
            advance()

    side = subject.manifest.size
    # An engine may have been built for single images.
    batch = max(1, _BATCH_PIXELS // side**2) if subject.name == "pytorch" else 1
    quality = measure_quality(subject.infer, images(), side, batch=batch)
    name = subject.manifest.file if subject.name != "pytorch" else f"{subject.manifest.recipe} (PyTorch)"
    return QualityReport(name, subject.manifest.sha256, subject.name, side, quality, without)


def write_sheet(subject: Backend, source: Source, path: Path) -> None:
    """Write a contact sheet of some of the images, evenly chosen: gray, colored, truth."""
    images = [source.read(index) for index in evenly(_SHEET, len(source))]
    write_png(path, contact_sheet(subject.infer, images, subject.manifest.size))


def print_quality(reports: Sequence[QualityReport], *, cifar: bool = False) -> None:
    """Print two tables with a row for each set of images; on CIFAR-10 with what the paper reports."""
    rows = [(f"without {r.without}" if r.without else "all", r.quality) for r in reports]
    near = [
        (
            name, str(found.images), f"{found.ciede2000:.2f}", f"{found.ciede2000_p90:.2f}",
            f"{found.ciede2000_gray:.2f}", f"{found.gain_percent:.1f} %", f"{found.chroma_ratio:.2f}",
            f"{found.colorfulness_ratio:.2f}",
        )
        for name, found in rows
    ]  # fmt: skip
    titles = ("images", "count", "CIEDE2000", "p90", "of gray", "nearer by", "chroma", "colorfulness")
    _print_table(titles, near)
    exact: list[tuple[str, ...]] = []
    for name, found in rows:
        ours = (found.mae, found.accuracy_2, found.accuracy_5, found.psnr_ab)
        gray = (found.mae_gray, found.accuracy_2_gray, found.accuracy_5_gray, found.psnr_ab_gray)
        for what, values in ((name, ours), (f"{name}, gray", gray)):
            exact.append((what, *(f"{value:.2f}" for value in values)))
    if cifar:
        for row in REPORTED:
            if row.what.startswith("CIFAR-10"):
                exact.append(
                    (f"reported: {row.what}", f"{row.mae}", f"{row.accuracy_2}", f"{row.accuracy_5}", "")
                )
    _print_table(("images", "MAE %", "accuracy 2 %", "accuracy 5 %", "PSNR ab, dB"), exact)
    if cifar:
        print(REMARK)


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    import rich.box
    import rich.console
    from rich.table import Table

    table = Table(box=rich.box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for index, title in enumerate(titles):
        table.add_column(title, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = rich.console.Console(highlight=False)
    console.width = max(_TERMINAL, console.width)
    console.print(table, markup=False)


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
