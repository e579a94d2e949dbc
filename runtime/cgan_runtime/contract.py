"""What a program does before and after a network, in words and numbers that C++ or JavaScript can follow.

document["preprocess"] = preprocess("lightness", size=256, multiple=32)
document["postprocess"] = postprocess("chroma")

These blocks of a manifest are made from its other fields; cgan itself does not read them.
"""

from __future__ import annotations

from typing import Any

_XYZ_OF_RGB = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
"""IEC 61966-2-1 (sRGB): linear light to XYZ; the sums of the rows are the white point."""


def preprocess(name: str, size: int, multiple: int, fixed: tuple[int, int] | None = None) -> dict[str, Any]:
    """How an image becomes the first input, as plain JSON values.

    Args:
        name: Of the input.
        size: Side in pixels that the model was made for.
        multiple: Of height and width.
        fixed: Height and width, if the model takes one size only.
    """
    where = f"{fixed[0]} x {fixed[1]}" if fixed else f"multiples of {multiple}, about {size} x {size} in all"
    return {
        "input": name,
        "layout": "NCHW, one channel",
        "dtype": "float32",
        "range": [-1.0, 1.0],
        "formula": "L*/50 - 1",
        "height_and_width": f"{where}, near the aspect of the image; the whole image, without a border",
        "resampling": "mean over the area of each pixel, to a smaller size; linear, to a larger one",
        "steps": [
            "c: gray of the image as sRGB, 0 to 1: code/255; of 8-bit video in limited range (code - 16)/219",
            "Y = c/12.92 if c <= 0.04045 else ((c + 0.055)/1.055)^2.4",
            "L* = 116*Y^(1/3) - 16 if Y > 216/24389 else Y*24389/27",
            "resize L*, then x = L*/50 - 1",
        ],
        "further_inputs": "zeros: nothing is known",
    }


def postprocess(name: str, ab_scale: float) -> dict[str, Any]:
    """How the first output becomes color, as plain JSON values; `name` is that of the output."""
    return {
        "output": name,
        "layout": "NCHW, two channels: a*, b*",
        "dtype": "float32",
        "range": [-1.0, 1.0],
        "formula": f"(a*, b*)/{ab_scale:g}",
        "scale": ab_scale,
        "white": [round(sum(row), 7) for row in _XYZ_OF_RGB],
        "xyz_of_linear_rgb": _XYZ_OF_RGB,
        "steps": [
            f"(a*, b*) = {ab_scale:g} * output, resized to the image, linear or along its edges",
            "L* is the image's own, at full size",
            "fy = (L* + 16)/116, fx = fy + a*/500, fz = fy - b*/200",
            "for each f: t = f^3 if f > 6/29 else 3*(6/29)^2*(f - 4/29); (X, Y, Z) = t * white",
            "linear RGB = inverse of xyz_of_linear_rgb, times (X, Y, Z), clipped to 0 to 1",
            "code = 255*(12.92*v if v <= 0.0031308 else 1.055*v^(1/2.4) - 0.055)",
        ],
    }
