"""The figures of `cgan-bench quality` on the screen and in a file."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cgan_benchmarks.machine.describe import describe_machine
from cgan_benchmarks.quality.guided import GuidedQuality
from cgan_benchmarks.quality.measure import QualityReport
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document

REMARK = (
    "Reported: Nazeri et al. 2018. Of these figures only the MAE of the GAN on CIFAR-10 (5.1 %) is confirmed "
    "in public by the authors (issue 13 of ImagingLab/Colorizing-with-GANs); the others are from memory, to "
    "be checked with the paper. The paper's network predicts lightness too."
)
_ENDS = "Of the gray images chroma, colorfulness and colored pixels are 0; of the true ones the Fréchet distance is."

_OF_SEVERAL = {
    "CIEDE2000": ("ciede2000", 2), "of gray": ("ciede2000_gray", 2), "nearer by %": ("gain_percent", 1),
    "chroma / true": ("chroma_ratio", 2), "MAE %": ("mae", 2), "PSNR ab dB": ("psnr_ab", 2),
}  # fmt: skip
"""Columns of the table of several models: the figure, and its digits."""


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


def print_quality(reports: Sequence[QualityReport], *, cifar: bool = False) -> None:
    """Print three tables with a row for each set or group of images; for CIFAR-10 with the figures of the paper."""
    print(f"{reports[0].model} by {reports[0].backend}, {reports[0].side} px")
    distances, colors, measures = [], [], []
    for report in reports:
        name = _name(report)
        if (found := report.quality) is None:
            distances.append((name, "0", *[""] * 5))
            continue
        distances.append((
            name, str(found.images), f"{found.ciede2000:.2f}", f"{found.ciede2000_p90:.2f}",
            f"{found.ciede2000_gray:.2f}", f"{found.gain_percent:.1f} %", f"{found.chroma_ratio:.2f}",
        ))  # fmt: skip
        pairs = ((found.chroma, found.chroma_truth), (found.colored, found.colored_truth),
                 (found.colorfulness, found.colorfulness_truth))  # fmt: skip
        away = report.frechet
        colors.append((
            name, *(f"{value:.1f}" for pair in pairs for value in pair),
            *((f"{away.distance:.1f}", f"{away.distance_gray:.1f}") if away else ("", "")),
        ))  # fmt: skip
        if not report.group and not report.gray:
            for images, end in ((name, ""), (f"{name}, gray", "_gray")):
                keys = ("mae", "accuracy_2", "accuracy_5", "psnr_ab", "psnr_rgb")
                measures.append((images, *(f"{getattr(found, key + end):.2f}" for key in keys)))
    print_table(("images", "count", "CIEDE2000", "p90", "of gray", "nearer by", "chroma / true"), distances)
    for report in reports:
        if report.quality and not report.group and (left := report.quality.without_color):
            where = f" of {_name(report)}"
            print(f"Left out{where}: {left} images without color, which are no truth to compare with.")
    print_table(("images", "chroma", "true", "colored %", "true", "colorful", "true", "Fréchet", "gray"), colors)
    print(_ENDS)
    reported = [row for row in REPORTED if cifar and row.what.startswith("CIFAR-10")]
    measures += [
        (f"reported: {row.what}", f"{row.mae}", f"{row.accuracy_2}", f"{row.accuracy_5}", "", "") for row in reported
    ]
    print_table(("images", "MAE %", "accuracy 2 %", "accuracy 5 %", "PSNR ab, dB", "PSNR RGB, dB"), measures)
    if cifar:
        print(REMARK)


def print_several(names: Sequence[str], reports: Sequence[Sequence[QualityReport]], *, spread: bool) -> None:
    """Print a table for each set: a row for each model, and with `spread` their mean and standard deviation.

    `reports` has the reports of each model, in the same order of sets.
    """
    titled = [*names, "mean", "deviation"] if spread else names
    for of_set in zip(*reports, strict=True):
        found = [report.quality for report in of_set if report.quality is not None]
        if of_set[0].group or len(found) < len(of_set):
            continue
        rows = [[getattr(quality, key) for key, _ in _OF_SEVERAL.values()] for quality in found]
        titles, digits = list(_OF_SEVERAL), [digits for _, digits in _OF_SEVERAL.values()]
        if all(report.frechet for report in of_set):
            titles, digits = [*titles, "Fréchet"], [*digits, 1]
            rows = [[*row, report.frechet.distance] for row, report in zip(rows, of_set, strict=True) if report.frechet]
        if spread:
            columns = list(zip(*rows, strict=True))
            rows += [list(map(statistics.fmean, columns)), list(map(statistics.stdev, columns))]
        table = [
            (name, *(f"{value:.{digit}f}" for value, digit in zip(row, digits, strict=True)))
            for name, row in zip(titled, rows, strict=True)
        ]
        print_table((f"{_name(of_set[0])}, {found[0].images} images", *titles), table)


def print_guided(curve: Sequence[GuidedQuality]) -> None:
    """Print a row for each number of hints; nothing for none."""
    if curve:
        rows = [(str(at.hints), f"{100 * at.nearer:.1f} %", f"{at.psnr:.2f}", f"{at.chroma:.2f}") for at in curve]
        print_table(("hints", "nearer by", "PSNR RGB, dB", "chroma / true"), rows)


def write_quality(
    reports: Sequence[QualityReport], guided: Sequence[GuidedQuality], threads: int, path: Path | None
) -> None:
    """Write the reports, the curve over hints and the machine; as of `write_document`."""
    found = [dataclasses.asdict(report) for report in reports]
    curve = {"guided": [dataclasses.asdict(at) for at in guided]} if guided else {}
    write_document(new_document("cgan-quality", 1, describe_machine(threads), reports=found, **curve), path)


def _name(report: QualityReport) -> str:
    """What a row is of: the set, or a group below it."""
    name = f"  {report.group}" if report.group else report.data
    name = f"{name} without {report.without}" if report.without else name
    return f"{name}, {report.gray}" if report.gray else name
