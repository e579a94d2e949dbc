"""sRGB to CIE L*a*b* and back on tensors, on whatever device they are.

sRGB: IEC 61966-2-1. L*a*b*: CIE 15, white D65, 2 degree observer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cgan_runtime.manifest import AB_SCALE

_RGB_OF_XYZ = ((3.240479, -1.537150, -0.498535), (-0.969256, 1.875992, 0.041556), (0.055648, -0.204043, 1.057311))
_XYZ_OF_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.950456, 1.0, 1.088754)  # the matrix's row sums: gray stays at a* = b* = 0 exactly
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27
_LUMA = (0.2989, 0.587, 0.114)  # of ITU-R BT.601, as TensorFlow's `rgb_to_grayscale` has them


def lab_of_rgb(rgb: Tensor) -> Tensor:
    """Gamma-coded sRGB, float (N, 3, H, W) in [0, 1], to L* (0..100), a* and b*, same shape."""
    matrix = rgb.new_tensor(_XYZ_OF_RGB) / rgb.new_tensor(_WHITE)[:, None]
    x, y, z = _root(torch.einsum("rc,nchw->nrhw", matrix, _linear(rgb))).unbind(dim=1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=1)


def rgb_of_lab(lab: Tensor, beyond: float = 0.0) -> Tensor:
    """The inverse of `lab_of_rgb`; clipped, but for a share `beyond` of the light outside, so that gradients see it."""
    root_y = (lab[:, :1] + 16) / 116
    root = torch.cat((root_y + lab[:, 1:2] / 500, root_y, root_y - lab[:, 2:] / 200), dim=1)
    white = lab.new_tensor(_WHITE)[:, None, None]
    light = torch.einsum("rc,nchw->nrhw", lab.new_tensor(_RGB_OF_XYZ), _light(root) * white)
    return _encoded(torch.lerp(light.clamp(0, 1), light, beyond))


def lightness_of_gray(gray: Tensor) -> Tensor:
    """Gamma-coded gray, float in [0, 1], to L*/50 - 1 in [-1, 1], same shape."""
    return (116 * _root(_linear(gray)) - 16) / 50 - 1


def gray_of_lightness(lightness: Tensor) -> Tensor:
    """The inverse of `lightness_of_gray`: L*/50 - 1 to gamma-coded gray in [0, 1], same shape."""
    root = (50 * (lightness + 1) + 16) / 116
    return _encoded(_light(root))


def luma_of_rgb(rgb: Tensor) -> Tensor:
    """Weighted sum of gamma-coded red, green and blue, float (N, 3, H, W) in [0, 1], to (N, 1, H, W)."""
    return (rgb * rgb.new_tensor(_LUMA)[:, None, None]).sum(dim=1, keepdim=True)


def split_lab(lab: Tensor) -> tuple[Tensor, Tensor]:
    """L*a*b* (N, 3, H, W) to lightness L*/50 - 1 (N, 1, H, W) and chroma (a*, b*)/110 (N, 2, H, W)."""
    return lab[:, :1] / 50 - 1, lab[:, 1:] / AB_SCALE


def _encoded(light: Tensor) -> Tensor:
    """Apply the gamma of sRGB."""
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp_min(1e-6) ** (1 / 2.4) - 0.055)


def _linear(encoded: Tensor) -> Tensor:
    """Undo the gamma of sRGB."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055).clamp_min(1e-9) ** 2.4)


def _root(light: Tensor) -> Tensor:
    """The f of L*a*b*: the cube root, and its tangent for dark colors."""
    return torch.where(light > _EPSILON, light.clamp_min(1e-9) ** (1 / 3), (_KAPPA * light + 16) / 116)


def _light(root: Tensor) -> Tensor:
    """The inverse of `_root`."""
    return torch.where(root**3 > _EPSILON, root**3, (116 * root - 16) / _KAPPA)
