"""How well a model colors images that it has not seen: the figures of the model card.

Each image's middle square is resized to the model's size, colored from its own L*, and compared with itself
in color. The measures are defined in cgan_train.evaluation.metrics.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cgan_benchmarks.machine.describe import describe_machine
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_runtime.backends.base import Backend
from cgan_runtime.errors import DataError
from cgan_train.data.sources import Image, ImageSource, evenly_spaced
from cgan_train.evaluation.contact_sheet import contact_sheet, write_png
from cgan_train.evaluation.metrics import Quality, measure_quality

_SHEET = 24  # images on a contact sheet
_BATCH_PIXELS = 2**16  # of the small images that PyTorch gets at once
REMARK = (
    "Reported: Nazeri et al. 2018. Of these figures only the MAE of the GAN on CIFAR-10 (5.1 %) is confirmed "
    "in public by the authors (issue 13 of ImagingLab/Colorizing-with-GANs); the others are from memory, to "
    "be checked with the paper. The paper's network predicts lightness too."
)


@dataclass(frozen=True)
class Reported:
    """One row of Nazeri et al. 2018 (arXiv 1803.05400), in percent, measured as `Quality` defines it."""

    what: str
    recipe: str  # the one here that follows it
    mae: float
    accuracy_2: float
    accuracy_5: float
    confirmed: tuple[str, ...] = ()  # figures that are confirmed in public


REPORTED = (
    Reported("CIFAR-10, GAN", "paper", 5.1, 24.1, 65.5, confirmed=("mae",)),
    Reported("CIFAR-10, U-Net", "paper-unet", 7.9, 13.7, 37.2),
    Reported("Places365, GAN", "places", 7.5, 18.3, 47.3),
)


@dataclass(frozen=True)
class QualityReport:
    """Quality of one model."""

    model: str
    sha256: str  # of the model's file, or of the checkpoint's weights
    backend: str
    side: int  # of the measured squares, px
    quality: Quality
    without: str = ""  # left out: images whose names fit this pattern


def measure_model(
    backend: Backend, source: ImageSource, *, without: str = "", on_image: Callable[[], None] = lambda: None
) -> QualityReport:
    """Measure a model on images except those that fit `without`; DataError where none are left."""
    chosen = [i for i, name in enumerate(source.names) if not (without and fnmatch.fnmatch(name, without))]
    if not chosen:
        raise DataError(f"no photos are left without {without!r}; give another pattern")

    def images() -> Iterator[Image]:
        for index in chosen:
            yield source.read(index)
            on_image()

    manifest, in_pytorch = backend.manifest, backend.name == "pytorch"
    # An engine may have been built for single images.
    batch = max(1, _BATCH_PIXELS // manifest.size**2) if in_pytorch else 1
    quality = measure_quality(backend.chroma, images(), manifest.size, batch=batch)
    name = f"{manifest.recipe} (PyTorch)" if in_pytorch else manifest.file
    return QualityReport(name, manifest.sha256, backend.name, manifest.size, quality, without)


def write_sheet(backend: Backend, source: ImageSource, path: Path) -> None:
    """Write a contact sheet of some images, evenly spaced: gray, colored, truth."""
    images = [source.read(index) for index in evenly_spaced(_SHEET, len(source))]
    write_png(path, contact_sheet(backend.chroma, images, backend.manifest.size))


def print_quality(reports: Sequence[QualityReport], *, cifar: bool = False) -> None:
    """Print two tables with a row for each set of images; for CIFAR-10 with the figures of the paper."""
    distances, measures = [], []
    for report in reports:
        name, found = f"without {report.without}" if report.without else "all", report.quality
        distances.append((
            name, str(found.images), f"{found.ciede2000:.2f}", f"{found.ciede2000_p90:.2f}",
            f"{found.ciede2000_gray:.2f}", f"{found.gain_percent:.1f} %", f"{found.chroma_ratio:.2f}",
            f"{found.colorfulness_ratio:.2f}",
        ))  # fmt: skip
        ours = (found.mae, found.accuracy_2, found.accuracy_5, found.psnr_ab)
        gray = (found.mae_gray, found.accuracy_2_gray, found.accuracy_5_gray, found.psnr_ab_gray)
        for images, values in ((name, ours), (f"{name}, gray", gray)):
            measures.append((images, *(f"{value:.2f}" for value in values)))
    titles = ("images", "count", "CIEDE2000", "p90", "of gray", "nearer by", "chroma", "colorfulness")
    print_table(titles, distances)
    if gray_truths := reports[0].quality.without_color:
        print(f"Left out: {gray_truths} images without color, which are no truth to compare with.")
    reported = [row for row in REPORTED if cifar and row.what.startswith("CIFAR-10")]
    measures += [
        (f"reported: {row.what}", f"{row.mae}", f"{row.accuracy_2}", f"{row.accuracy_5}", "") for row in reported
    ]
    print_table(("images", "MAE %", "accuracy 2 %", "accuracy 5 %", "PSNR ab, dB"), measures)
    if cifar:
        print(REMARK)


def write_quality(reports: Sequence[QualityReport], threads: int, path: Path | None) -> None:
    """Write the reports and the machine; as of `write_document`."""
    found = [dataclasses.asdict(report) for report in reports]
    write_document(new_document("cgan-quality", 1, describe_machine(threads), reports=found), path)
