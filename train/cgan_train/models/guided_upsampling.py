"""Guided upsampling of predicted chroma to the input's size: its edges follow those of the lightness.

The last step of a generator that predicts chroma smaller than its input, and a part of every exported graph.
The runtime upsamples further, to the image's size, in the same way (`cgan_runtime.color.upsampling`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 0.005
"""Variance of L*/50 - 1 at which a slope is halved; a standard deviation of 3.5 of L*'s 100."""


def upsample_guided(chroma: Tensor, lightness: Tensor) -> Tensor:
    """Fit chroma by lines of the lightness, upsample these bilinearly, and apply them to the full lightness.

    The lines are regressions in windows of 3x3 small pixels, as in the fast guided filter (He and Sun 2015,
    arXiv 1505.00996). The mean around each pixel is subtracted before the products are taken. Engines compute
    this in half precision and bfloat16, where the mean of squares minus the square of the mean would lose the
    variance.

    Args:
        chroma: (a*, b*)/110, (N, 2, h, w).
        lightness: L*/50 - 1, (N, 1, H, W); H and W are the same multiple of h and w.

    Returns:
        (N, 2, H, W) in [-1, 1].
    """
    stride = lightness.shape[-1] // chroma.shape[-1]
    small = F.avg_pool2d(lightness, stride)
    deviation = small - _box(small)
    slope = _box(deviation * (chroma - _box(chroma))) / (_box(deviation * deviation) + EPSILON)
    # Chroma is slope * lightness + shift. Both are upsampled together: four planes take no longer than one.
    lines = torch.cat((slope, chroma - slope * small), dim=1)
    lines = F.interpolate(lines, scale_factor=float(stride), mode="bilinear", align_corners=False)
    return (lines[:, :2] * lightness + lines[:, 2:]).clamp(-1, 1)


def _box(planes: Tensor) -> Tensor:
    """Mean over the 3x3 pixels around each; at borders over those that exist."""
    return F.avg_pool2d(planes, 3, stride=1, padding=1, count_include_pad=False)
