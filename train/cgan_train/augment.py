"""Makes the grey picture that the generator sees, on the device that trains.

Real grey pictures are not L*: film answers to red, green and blue in its own way, with its own contrast,
grain and softness. A share of every batch gets such a grey; the true colours stay what is to be found.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.color import lightness_of_grey

_CONTRAST = 0.35  # largest change of the gamma exponent, as log
_GRAIN = 0.05  # largest standard deviation, of a range of 1
_SOFT = (1.0, 2.5)  # a softened picture is made this much smaller and enlarged again
_SOFT_SHARE = 0.3  # of the pictures with film grey, batch by batch


def film_lightness(rgb: Tensor, lightness: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Replace the lightness of some pictures by what a film would have seen.

    Args:
        rgb: Gamma-coded sRGB, float (N, 3, H, W) in [0, 1].
        lightness: Its L*/50 - 1, (N, 1, H, W).
        share: Probability of each picture to be changed.
        rng: Random state; lives on the CPU.

    Returns:
        L*/50 - 1, (N, 1, H, W) in [-1, 1].
    """
    count, _, height, width = rgb.shape
    device = rgb.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(shape, generator=rng) * (high - low) + low).to(device)

    response = uniform(0.05, 1.0, count, 3, 1, 1)  # from blue-sensitive plates to panchromatic stock
    response = response / response.sum(dim=1, keepdim=True)
    grey = (rgb * response).sum(dim=1, keepdim=True)
    grey = grey.clamp_min(1e-4) ** uniform(-_CONTRAST, _CONTRAST, count, 1, 1, 1).exp()
    if float(torch.rand((), generator=rng)) < _SOFT_SHARE:
        scale = float(uniform(*_SOFT, 1))
        small = F.interpolate(
            grey, size=(max(1, round(height / scale)), max(1, round(width / scale))), mode="area"
        )
        grey = F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    noise = torch.randn((count, 1, height, width), generator=rng).to(device)
    grey = (grey + noise * uniform(0.0, _GRAIN, count, 1, 1, 1)).clamp(0, 1)
    chosen = uniform(0, 1, count, 1, 1, 1) < share
    return torch.where(chosen, lightness_of_grey(grey), lightness)
