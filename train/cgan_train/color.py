"""sRGB to CIE L*a*b* and back on tensors, on whatever device they lie.

sRGB: IEC 61966-2-1. L*a*b*: CIE 15, white D65 2 degrees.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cgan_runtime.manifest import AB_SCALE

_XYZ_OF_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.950456, 1.0, 1.088754)  # the matrix's row sums: gray stays at a* = b* = 0 exactly
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27


def lab_of_rgb(rgb: Tensor) -> Tensor:
    """Gamma-coded sRGB, float (N, 3, H, W) in [0, 1], to L* (0..100), a*, b*, same shape."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).clamp_min(1e-9) ** 2.4)
    matrix = rgb.new_tensor(_XYZ_OF_RGB) / rgb.new_tensor(_WHITE)[:, None]
    xyz = torch.einsum("rc,nchw->nrhw", matrix, linear)
    f = torch.where(xyz > _EPSILON, xyz.clamp_min(1e-9) ** (1 / 3), (_KAPPA * xyz + 16) / 116)
    x, y, z = f.unbind(dim=1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=1)


def lightness_of_gray(gray: Tensor) -> Tensor:
    """Gamma-coded gray, float in [0, 1], to L*/50 - 1 in [-1, 1], same shape."""
    linear = torch.where(gray <= 0.04045, gray / 12.92, ((gray + 0.055) / 1.055).clamp_min(1e-9) ** 2.4)
    f = torch.where(linear > _EPSILON, linear.clamp_min(1e-9) ** (1 / 3), (_KAPPA * linear + 16) / 116)
    return (116 * f - 16) / 50 - 1


def split(lab: Tensor) -> tuple[Tensor, Tensor]:
    """L*a*b* (N, 3, H, W) to lightness L*/50 - 1 (N, 1, H, W) and chroma (a*, b*)/110 (N, 2, H, W)."""
    return lab[:, :1] / 50 - 1, lab[:, 1:] / AB_SCALE
