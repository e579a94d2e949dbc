"""Matplotlib, imported so that its list of fonts goes into cgan's cache folder.

    from cgan_train.plotting import Figure

Nothing else in the project imports it first: it chooses the folder while it is imported.
"""

from __future__ import annotations

import os

from cgan_runtime.files.cache import cache_folder

os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

__all__ = [
    "Axes", "Bbox", "Figure", "FigureCanvasAgg", "FuncFormatter", "LogLocator", "NullFormatter", "matplotlib",
]  # fmt: skip
