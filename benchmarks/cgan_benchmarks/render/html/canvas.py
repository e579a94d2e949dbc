"""Plots as SVG that lives in a page: its colors are the page's, in light and dark; text stays text.

svg = draw("latency", 760, 300, plot)            # plot(axes) draws with INK, SOFT, LINE and the rest

Each is drawn for a wide page and for a phone, since text in an image does not grow when the image shrinks.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

# Stand for the page's colors until the SVG is written, where the names take their place.
INK, SOFT, LINE, CARD = "#010101", "#020202", "#030303", "#040404"
TORCH, OPENVINO, ONNXRUNTIME, GPU, OTHER = "#0a0101", "#0a0202", "#0a0303", "#0a0404", "#0a0505"
_NAMES = {
    INK: "ink", SOFT: "soft", LINE: "line", CARD: "card", TORCH: "torch", OPENVINO: "openvino",
    ONNXRUNTIME: "onnxruntime", GPU: "gpu", OTHER: "other",
}  # fmt: skip

_ENGINES = {
    "pytorch": "PyTorch", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "tensorrt": "TensorRT",
    "cuda": "ONNX Runtime CUDA",
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
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}

Plot = Callable[[Any, bool], None]
"""Draws into matplotlib's axes; is told whether they are narrow."""


def engine_color(backend: str) -> str:
    """Of a row, by what ran it."""
    first = backend.split()[0]
    known = {
        "pytorch": TORCH,
        "openvino": OPENVINO,
        "onnxruntime": ONNXRUNTIME,
        "tensorrt": GPU,
        "cuda": OTHER,
    }
    return known.get(first, OTHER)


def engine_name(backend: str) -> str:
    """Of a row, as the engine's makers write it."""
    for name, proper in _ENGINES.items():
        backend = backend.replace(name, proper)
    return backend


def name_above(axes: Any, lane: float, name: str) -> None:
    """What a lane is called, above it, as phones have no room beside it; lines of the plot pass behind."""
    axes.annotate(
        name, (0, lane), (0, 13), xycoords=("axes fraction", "data"), textcoords="offset points", color=INK,
        fontsize=9, bbox={"facecolor": CARD, "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


def draw(name: str, height: int, narrow_height: int, plot: Plot) -> str:
    """Both images of a plot as HTML, for a wide page and a phone.

    Args:
        name: Of the plot; makes the ids in the SVG unique within the page.
        height: In px.
        narrow_height: In px, of the phone's.
        plot: Draws.
    """
    wide = _svg(f"{name}-wide", WIDE, height, plot, narrow=False)
    narrow = _svg(f"{name}-narrow", NARROW, narrow_height, plot, narrow=True)
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def _svg(name: str, width: int, height: int, plot: Plot, *, narrow: bool) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": name, "font.size": 10 if narrow else 11}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width / _PX_PER_INCH, height / _PX_PER_INCH), layout="constrained")
        axes = figure.add_subplot()
        plot(axes, narrow)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _for_page(buffer.getvalue(), name)


def _for_page(svg: str, name: str) -> str:
    """The SVG element alone, its ids unique, its colors the page's."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns:?\w*="[^"]*"', "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(url\(|xlink:href=")#', rf"\1#{name}-", svg).replace("xlink:href", "href")
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', r'<svg aria-hidden="true" \1>', svg, count=1)
    for color, variable in _NAMES.items():
        svg = svg.replace(color, f"var(--{variable})")
    return svg
