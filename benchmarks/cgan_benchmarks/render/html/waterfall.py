"""Where a video's time goes: what a frame takes in each stage, beside decoding and encoding alone.

html = waterfall(video)       # as `video.measure_video` makes it
"""

from __future__ import annotations

from typing import Any

from cgan_benchmarks.render.html.canvas import GPU, ONNXRUNTIME, OPENVINO, SOFT, TORCH, draw, name_above

_COLORS = (TORCH, OPENVINO, ONNXRUNTIME, GPU)
_LANE, _AXIS = 38, 70  # px


def waterfall(video: dict[str, Any]) -> str:
    """Draw the mean milliseconds a frame: of each stage, one after another as a frame passes them, and of
    whole videos by what made them. Stages work at once, on different frames.
    """
    stages = {name: of["mean_ms"] for name, of in video["stages"].items()}
    ways = {name: of["ms_a_frame"] for name, of in video["ways"].items()}
    lanes = len(stages) + len(ways)

    def plot(axes: Any, narrow: bool) -> None:
        names = []
        began = 0.0
        thick = 0.34 if narrow else 0.5
        for lane, (name, ms) in enumerate(stages.items()):
            axes.barh(lane, ms, thick, left=began, color=_COLORS[lane % len(_COLORS)])
            _label(axes, began + ms, lane, ms)
            names.append(name)
            began += ms
        for lane, (name, ms) in enumerate(ways.items(), start=len(stages)):
            axes.barh(lane, ms, thick, color=SOFT, alpha=0.45)
            _label(axes, ms, lane, ms)
            names.append(name)
        axes.axhline(len(stages) - 0.5, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.set_xlim(0, 1.15 * max(began, *ways.values()))
        axes.set_ylim(lanes - 0.5, -0.7)
        axes.set_xlabel("milliseconds a frame")
        if narrow:
            axes.set_yticks([])
            for lane, name in enumerate(names):
                name_above(axes, lane, name)
        else:
            axes.set_yticks(range(lanes), names)

    return draw("waterfall", _AXIS + _LANE * lanes, _AXIS + 46 * lanes, plot)


def _label(axes: Any, right: float, lane: int, ms: float) -> None:
    axes.annotate(f"{ms:.1f}", (right, lane), (6, 0), textcoords="offset points", va="center", color=SOFT,
                  fontsize=10)  # fmt: skip
