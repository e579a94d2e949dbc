"""Augmentation of a batch on the training device: square parts of images, and pasting."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_PASTED = (0.3, 0.7)  # sides of a pasted part, relative to the image's


def square_views(images: Tensor, scale: Tensor, middle: Tensor, mirrored: Tensor, side: int) -> Tensor:
    """Square parts of images, resampled bilinearly; what lies beyond an edge is reflected.

    Args:
        images: Float (N, C, H, W).
        scale: Size of each part relative to its image, (N,).
        middle: Its middle, x and y from -1 at the left and top edge to 1, (N, 2).
        mirrored: Which parts are mirrored, bool (N,).
        side: Of the result, in pixels.

    Returns:
        (N, C, side, side).
    """
    zero = torch.zeros_like(scale)
    across = torch.stack((torch.where(mirrored, -scale, scale), zero, middle[:, 0]), dim=1)
    down = torch.stack((zero, scale, middle[:, 1]), dim=1)
    places = torch.stack((across, down), dim=1).to(images.device)
    grid = F.affine_grid(places, [len(images), images.shape[1], side, side], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def paste_others(rgb: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Paste a rectangle of the batch's next image into some images, at the same place.

    The network then cannot recognize a photo as a whole and has to recognize what is in it. As in CutMix (Yun
    et al. 2019, arXiv 1905.04899); the true colors are pasted too, so no targets are mixed.

    Args:
        rgb: A batch, (N, 3, H, W).
        share: Probability that an image gets a rectangle.
        rng: Random state, on the CPU.

    Returns:
        (N, 3, H, W). If share is 0 this is `rgb` itself, and nothing is drawn from `rng`.
    """
    if not share:
        return rgb
    count, _, height, width = rgb.shape
    draws = torch.rand((count, 5), generator=rng)
    low, high = _PASTED

    def span(length: int, size: Tensor, start: Tensor) -> Tensor:
        """Which of `length` positions are in the rectangle, (N, length)."""
        part = low + (high - low) * size
        first = start * (1 - part) * length
        places = torch.arange(length)
        return (places >= first[:, None]) & (places < (first + part * length)[:, None])

    rows, columns = span(height, draws[:, 0], draws[:, 1]), span(width, draws[:, 2], draws[:, 3])
    inside = rows[:, None, :, None] & columns[:, None, None] & (draws[:, 4] < share)[:, None, None, None]
    return torch.where(inside.to(rgb.device), rgb.roll(-1, dims=0), rgb)
