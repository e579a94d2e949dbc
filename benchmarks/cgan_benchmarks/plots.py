"""Pictures of measured figures, as PNG for the documentation.

draw_paper_curve(document, Path("curve.png"))
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_SIZE = (7.0, 3.6)  # inches
_DPI = 120


def draw_paper_curve(document: dict[str, Any], path: Path) -> None:
    """MAE over epochs of each recipe of a paper table, complete or not at all."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    for name, curve in document["curves"].items():
        if curve:
            axes.plot(*zip(*curve, strict=True), marker="o", markersize=4, label=name)
    axes.axhline(document["mae_grey"], color="grey", linestyle=":", label="grey picture")
    axes.set(xlabel="epochs", ylabel="MAE over RGB, %", title="CIFAR-10 test split")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save(figure, path)


def draw_variants(document: dict[str, Any], path: Path) -> None:
    """Quality against milliseconds of variants, coloured by their chroma, complete or not at all."""
    rows = document["rows"]
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    chroma = [row["chroma_ratio"] for row in rows]
    points = axes.scatter(
        [row["ms"] for row in rows], [row["gain_percent"] for row in rows], c=chroma, cmap="viridis", zorder=2
    )
    for row in rows:
        where = (row["ms"], row["gain_percent"])
        axes.annotate(row["variant"]["name"], where, (4, 4), textcoords="offset points", fontsize=7)
    figure.colorbar(points, label="chroma relative to the truth's")
    axes.axhline(0, color="grey", linestyle=":")
    axes.set(xlabel=f"ms at {document['timed_at_px']} px", ylabel="CIEDE2000 under the grey picture's, %")
    axes.margins(x=0.25)
    axes.grid(alpha=0.3)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; it appears under its name only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    figure.savefig(draft, format="png", dpi=_DPI, metadata={"Software": ""})
    draft.replace(path)
