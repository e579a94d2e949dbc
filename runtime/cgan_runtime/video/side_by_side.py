"""Two planes or images side by side, to compare them.

put_beside(out, gray, colored, upright=False)      # gray left, colored right
"""

from __future__ import annotations

from cgan_runtime.color.encoding import Plane


def put_beside(out: Plane, first: Plane, second: Plane, *, upright: bool) -> None:
    """Fill a plane with two: the first at its start, the second at its end.

    A gap between them, where the second begins at the next chroma sample, repeats the edge of the first.

    Args:
        out: Filled; may be wider (or higher) than the two together.
        first: (H, W) or (H, W, channels).
        second: The same.
        upright: The first above the second instead of left of it.
    """
    if upright:
        out, first, second = (plane.swapaxes(0, 1) for plane in (out, first, second))
    start = out.shape[1] - second.shape[1]
    out[:, : first.shape[1]] = first
    out[:, first.shape[1] : start] = first[:, -1:]
    out[:, start:] = second
