"""Put two planes or images side by side, to compare them.

put_side_by_side(out, gray, colored, vertical=False)      # gray left, colored right
"""

from __future__ import annotations

from cgan_runtime.color.encoding import Plane


def put_side_by_side(out: Plane, first: Plane, second: Plane, *, vertical: bool) -> None:
    """Fill a plane with two others: the first at its start, the second at its end.

    A gap between them, which aligns the second with the chroma samples, repeats the edge of the first.

    Args:
        out: The plane to fill; it may be larger than the two together.
        first: (H, W) or (H, W, channels).
        second: The same.
        vertical: Put the first above the second instead of left of it.
    """
    if vertical:
        out, first, second = (plane.swapaxes(0, 1) for plane in (out, first, second))
    start = out.shape[1] - second.shape[1]
    out[:, : first.shape[1]] = first
    out[:, first.shape[1] : start] = first[:, -1:]
    out[:, start:] = second
