"""Plots as SVG inside a page: they take the page's colors, in light and dark, and text stays text.

Each plot is drawn twice, for a wide page and for a phone, because text in an image shrinks with the image.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

# Placeholders for the page's colors: in the SVG they are replaced by its variables.
INK, SOFT, LINE, CARD = "#010101", "#020202", "#030303", "#040404"
TORCH, OPENVINO, ONNXRUNTIME, GPU, OTHER = "#0a0101", "#0a0202", "#0a0303", "#0a0404", "#0a0505"
_VARIABLES = {
    INK: "ink", SOFT: "soft", LINE: "line", CARD: "card", TORCH: "torch", OPENVINO: "openvino",
    ONNXRUNTIME: "onnxruntime", GPU: "gpu", OTHER: "other",
}  # fmt: skip

_COLORS = {
    "pytorch": TORCH, "openvino": OPENVINO, "onnxruntime": ONNXRUNTIME, "tensorrt": GPU, "cuda": OTHER,
}  # fmt: skip

WIDE, NARROW = 760, 350  # px
_PX_PER_INCH = 72  # matplotlib's SVG has one px for each point

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": INK,
    **dict.fromkeys(("xtick.major.size", "xtick.minor.size", "ytick.major.size", "ytick.minor.size"), 0),
}

Plot = Callable[[Any, bool], None]
"""Draws into matplotlib's axes; the second argument says whether they are narrow."""


def engine_color(backend: str) -> str:
    """The color of a row, by what ran it."""
    return _COLORS.get(backend.split()[0], OTHER)


def name_lanes(axes: Any, names: Sequence[str], narrow: bool) -> None:
    """Write names beside their lanes, or on a phone above them, where lines of the plot pass behind."""
    axes.set_yticks(*(([],) if narrow else (range(len(names)), names)))
    for lane, name in enumerate(names if narrow else ()):
        axes.annotate(
            name, (0, lane), (0, 13), xycoords=("axes fraction", "data"), textcoords="offset points",
            color=INK, fontsize=9, bbox={"facecolor": CARD, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip


def label(axes: Any, text: str, place: tuple[float, float], offset: tuple[int, int], **style: Any) -> None:
    """Write a label beside a place, `offset` points away."""
    style = {"va": "center", "color": SOFT, "fontsize": 10, "textcoords": "offset points"} | style
    axes.annotate(text, place, offset, **style)


def draw(name: str, height: int, narrow_height: int, plot: Plot) -> str:
    """Both images of a plot as HTML, heights in px; the ids in the SVG begin with its name."""
    wide = _svg(f"{name}-wide", WIDE, height, plot, narrow=False)
    narrow = _svg(f"{name}-narrow", NARROW, narrow_height, plot, narrow=True)
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def _svg(name: str, width: int, height: int, plot: Plot, *, narrow: bool) -> str:
    from cgan_train.plotting import Figure, matplotlib

    style: Any = {**_STYLE, "svg.hashsalt": name, "font.size": 10 if narrow else 11}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width / _PX_PER_INCH, height / _PX_PER_INCH), layout="constrained")
        axes = figure.add_subplot()
        plot(axes, narrow)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _for_page(buffer.getvalue(), name)


def _for_page(svg: str, name: str) -> str:
    """The SVG element alone, with unique ids and the page's colors."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns:?\w*="[^"]*"', "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(url\(|xlink:href=")#', rf"\1#{name}-", svg).replace("xlink:href", "href")
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', r'<svg aria-hidden="true" \1>', svg, count=1)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    return svg
