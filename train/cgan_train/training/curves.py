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
    ("GAN losses", {"loss_G": "generator", "loss_D": "discriminator", "loss_features": "features"}, None),
    ("CIEDE2000 from the truth", {"ciede2000": "colored", "ciede2000_gray": "gray"}, None),
    ("relative to the truth", {"chroma_ratio": "chroma", "colorfulness_ratio": "colorfulness"}, 1.0),
)  # title, columns of the log and their labels, target

Row = Mapping[str, str]


def draw_summary(rows: Sequence[Row], path: Path) -> None:
    """Draw the rows of a run's log; the image appears under its name only when complete."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    for place, (title, columns, target) in enumerate(_PANELS, 1):
        axes = figure.add_subplot(2, 2, place)
        for column, label in columns.items():
            _draw_column(axes, rows, column, label)
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
        if axes.get_lines():
            axes.legend(frameon=False, fontsize=8)
            if target is not None:
                axes.axhline(target, color="gray", linestyle=":")
        else:
            axes.set_axis_off()
            axes.set_title(f"{title}: none", fontsize=10)
        if place > 2:
            axes.set_xlabel("epoch")
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=_DPI)


def _draw_column(axes: Axes, rows: Sequence[Row], column: str, label: str) -> None:
    points = [(int(row["epoch"]), float(row[column])) for row in rows if row.get(column) not in (None, "", "nan")]
    if points:
        marker = "o" if len(points) < 20 else ""
        axes.plot(*zip(*points, strict=True), marker=marker, markersize=3, label=label)
