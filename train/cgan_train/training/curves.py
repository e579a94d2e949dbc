"""The summary of a run as an image: losses and quality over its epochs.

draw_summary(rows, Path("runs/x/summary.png"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cgan_runtime.files.atomic import replacing
from cgan_train.plotting import Axes, Figure

_SIZE = (9.0, 5.6)  # inches
_DPI = 110
_PANELS = (
    ("pixel loss", {"loss_pixel": "generator"}, None),
    ("perceptual loss", {"loss_perceptual": "generator"}, None),
    ("GAN losses", {"loss_G": "generator", "loss_D": "discriminator", "loss_features": "features"}, None),
    ("CIEDE2000 from the truth", {"ciede2000": "colored", "ciede2000_gray": "gray"}, None),
    ("relative to the truth", {"chroma_ratio": "chroma", "colorfulness_ratio": "colorfulness"}, 1.0),
)  # title, columns of the log and their labels, target

Row = Mapping[str, str]


def draw_summary(rows: Sequence[Row], path: Path) -> None:
    """Draw the rows of a run's log; the image appears under its name only when complete.

    Panels without figures are left out, and the others take their room.
    """
    panels = [panel for panel in _PANELS if any(_points(rows, column) for column in panel[1])]
    count = max(1, len(panels))
    columns = min(2, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(_SIZE[0], _SIZE[1] * lines / 2), layout="constrained")
    for place, (title, lines_of, target) in enumerate(panels, 1):
        axes = figure.add_subplot(lines, columns, place)
        for column, label in lines_of.items():
            _draw_column(axes, _points(rows, column), label)
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        if target is not None:
            axes.axhline(target, color="gray", linestyle=":")
        if place > count - columns:
            axes.set_xlabel("epoch")
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=_DPI)


def _points(rows: Sequence[Row], column: str) -> list[tuple[int, float]]:
    """Epochs and figures of a column of the log."""
    return [(int(row["epoch"]), float(row[column])) for row in rows if row.get(column) not in (None, "", "nan")]


def _draw_column(axes: Axes, points: Sequence[tuple[int, float]], label: str) -> None:
    if points:
        marker = "o" if len(points) < 20 else ""
        axes.plot(*zip(*points, strict=True), marker=marker, markersize=3, label=label)
