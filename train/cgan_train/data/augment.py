"""Augmentation of a batch on the training device: pasting, and gray as photographic film records it.

Real gray images are not L*: film has its own response to red, green and blue, its own contrast, grain and
softness, it fades and is scratched; cameras see infrared. Some images of every batch get such a gray as input;
their true colors stay the target.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.color import lightness_of_gray

_CONTRAST = 0.35  # largest change of the gamma exponent, as log
_GRAIN = 0.05  # largest standard deviation, of a range of 1
_GRAIN_SIZES = (1.0, 3.0)  # px; compressed and enlarged video has coarse noise, too
_SOFT = (1.0, 2.5)  # a softened image is made this much smaller and enlarged again
_SOFT_SHARE = 0.5  # of the batches
_INFRARED = 0.15  # of the changed images are as a near-infrared camera sees them
_LEAF, _SKY = 0.9, -0.35  # vegetation reflects infrared, clear sky scatters little of it
_FADED = 0.35  # of the changed images do not use their whole range
_DARKEST, _BRIGHTEST = 0.25, 0.7  # the ends of such a range lie up to, and down to, here
_SCRATCHED = 0.1  # of the changed images have vertical scratches
_PASTED = (0.3, 0.7)  # sides of a pasted part, relative to the image's


def film_lightness(rgb: Tensor, lightness: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Replace the lightness of some images by what film would record.

    Args:
        rgb: Gamma-coded sRGB, float (N, 3, H, W) in [0, 1].
        lightness: Its L*/50 - 1, (N, 1, H, W).
        share: Probability that an image is changed.
        rng: Random state, on the CPU.

    Returns:
        L*/50 - 1, (N, 1, H, W) in [-1, 1].
    """
    count, _, height, width = rgb.shape
    device = rgb.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(shape, generator=rng) * (high - low) + low).to(device)

    response = uniform(0.05, 1.0, count, 3, 1, 1)  # from blue-sensitive plates to panchromatic stock
    response = response / response.sum(dim=1, keepdim=True)
    gray = (rgb * response).sum(dim=1, keepdim=True)
    red, green, blue = torch.split(rgb, 1, dim=1)
    leaf = (green - (red + blue) / 2).clamp_min(0) * uniform(0.5, 3.0, count, 1, 1, 1)
    infrared = ((red + green) / 2 + _LEAF * leaf + _SKY * (blue - red).clamp_min(0)).clamp(0, 1)
    gray = torch.where(uniform(0, 1, count, 1, 1, 1) < _INFRARED, infrared, gray)
    gray = gray.clamp_min(1e-4) ** uniform(-_CONTRAST, _CONTRAST, count, 1, 1, 1).exp()
    if float(torch.rand((), generator=rng)) < _SOFT_SHARE:
        scale = float(uniform(*_SOFT, 1))
        size = (max(1, round(height / scale)), max(1, round(width / scale)))
        small = F.interpolate(gray, size=size, mode="area")
        gray = F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    grain = rng
    if device.type != "cpu":  # a GPU draws its own noise; copying it there would take too long
        grain = torch.Generator(device).manual_seed(int(torch.randint(2**62, (), generator=rng)))
    noise = _grain((count, 1, height, width), float(uniform(*_GRAIN_SIZES, 1)), grain)
    gray = gray + noise * uniform(0.0, _GRAIN, count, 1, 1, 1)
    scratch = (uniform(0, 1, count, 1, 1, width) < 1 / 64) & (uniform(0, 1, count, 1, 1, 1) < _SCRATCHED)
    gray = torch.where(scratch, gray + uniform(-0.5, 0.5, count, 1, 1, width), gray).clamp(0, 1)
    low, high = uniform(0, _DARKEST, count, 1, 1, 1), uniform(_BRIGHTEST, 1, count, 1, 1, 1)
    gray = torch.where(uniform(0, 1, count, 1, 1, 1) < _FADED, low + gray * (high - low), gray)
    chosen = uniform(0, 1, count, 1, 1, 1) < share
    return torch.where(chosen, lightness_of_gray(gray), lightness)


def _grain(shape: tuple[int, ...], size: float, rng: torch.Generator) -> Tensor:
    """Noise of standard deviation 1 whose grains are about `size` px wide, float (N, 1, H, W)."""
    count, _, height, width = shape
    small = (count, 1, max(2, round(height / size)), max(2, round(width / size)))
    noise = torch.randn(small, generator=rng, device=rng.device)
    noise = F.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)
    return noise / noise.std()


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
