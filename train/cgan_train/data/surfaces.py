"""Images that show no more than a surface, made from a batch on the training device.

A wall, a road or a sky at night has nothing in it that could be recognized, and is nearly gray in most photographs.
A network that has seldom seen one alone paints patches of color on it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.data.augment import square_views

_CLOSE = (0.12, 0.4)  # side of the part that is seen, relative to the image's
_MADE_UP = 0.3  # of these images are made up; the others are parts of their image, enlarged
_CLOUDS = 4  # places along a side of the slowly changing light
_LIGHT, _TEXTURE, _TINT = 0.5, 0.03, 0.01  # greatest change of light, of texture, and deviation of a channel; of 1


def show_surfaces(rgb: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Let some images show a small part of themselves, enlarged, or a made-up surface that is nearly gray.

    Args:
        rgb: A batch, uint8 sRGB (N, 3, side, side).
        share: Probability that an image becomes a surface.
        rng: Random state, on the CPU.

    Returns:
        uint8 (N, 3, side, side). If share is 0 this is `rgb` itself, and nothing is drawn from `rng`.
    """
    if not share:
        return rgb
    draws = torch.rand((len(rgb), 5), generator=rng)
    chosen = torch.nonzero(draws[:, 0] < share)[:, 0]
    if not len(chosen):
        return rgb
    made_up, scale, middle = draws[chosen, 1] < _MADE_UP, draws[chosen, 2], draws[chosen, 3:]
    scale = _CLOSE[0] + (_CLOSE[1] - _CLOSE[0]) * scale
    middle = (2 * middle - 1) * (1 - scale)[:, None]
    where = chosen.to(rgb.device)
    close = square_views(rgb[where].float(), scale, middle, torch.zeros_like(made_up), rgb.shape[-1])
    plain = _made_up(len(chosen), rgb.shape[-1], rng).to(rgb.device)
    shown = torch.where(made_up.to(rgb.device)[:, None, None, None], plain, close)
    result = rgb.clone()
    result[where] = shown.round().clamp(0, 255).to(torch.uint8)
    return result


def _made_up(count: int, side: int, rng: torch.Generator) -> Tensor:
    """Surfaces from black to white, with light that changes slowly and a texture, (count, 3, side, side), 0 to 255."""
    base, light, texture = torch.rand((3, count, 1, 1, 1), generator=rng)
    clouds = torch.rand((count, 1, _CLOUDS, _CLOUDS), generator=rng) - 0.5
    grain = torch.randn((count, 1, side, side), generator=rng)
    tint = torch.randn((count, 3, 1, 1), generator=rng)
    soft = F.interpolate(clouds, size=(side, side), mode="bicubic", align_corners=False)
    surfaces: Tensor = base + _LIGHT * light * soft + _TEXTURE * texture * F.avg_pool2d(grain, 3, 1, 1) + _TINT * tint
    return 255 * surfaces
