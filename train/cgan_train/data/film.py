"""Gray as film and cameras record it, on the training device.

Real gray images are not L*: film has its own response to red, green and blue, its own contrast, grain and
softness, it fades and is scratched; cameras see infrared, and video is soft and has coarse noise, by its codec
and because it was enlarged. Some images of every batch get such a gray as input; their true colors stay the
target. Every image draws its own softness and grain.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.color import gray_of_lightness, lightness_of_gray

_CONTRAST = 0.35  # largest change of the gamma exponent, as log
_GRAIN = 0.05  # largest standard deviation, of a range of 1
_GRAIN_SIGMA = (0.3, 1.5)  # px; as a Gaussian blur of white noise makes it
_SOFT_SIGMA = (0.4, 1.6)  # px, of the blur
_SOFT_SHARE = 0.5  # of the images that film changes are blurred
_GRAINY_SHARE = 0.6  # of the images that are soft or grainy have grain, as many are blurred, some both
_RADIUS = 5  # px, of the largest blur
_INFRARED = 0.15  # of the changed images are as a near-infrared camera sees them
_LEAF, _SKY = 0.9, -0.35  # vegetation reflects infrared, clear sky scatters little of it
_FADED = 0.35  # of the changed images do not use their whole range
_DARKEST, _BRIGHTEST = 0.25, 0.7  # the ends of such a range lie up to, and down to, here
_SCRATCHED = 0.1  # of the changed images have vertical scratches


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
    draw = _Draws(rng, lightness)
    response = draw.uniform(0.05, 1.0, 3)  # from blue-sensitive plates to panchromatic stock
    response = response / response.sum(dim=1, keepdim=True)
    gray = (rgb * response).sum(dim=1, keepdim=True)
    red, green, blue = torch.split(rgb, 1, dim=1)
    leaf = (green - (red + blue) / 2).clamp_min(0) * draw.uniform(0.5, 3.0)
    infrared = ((red + green) / 2 + _LEAF * leaf + _SKY * (blue - red).clamp_min(0)).clamp(0, 1)
    gray = torch.where(draw.chance(_INFRARED), infrared, gray)
    gray = gray.clamp_min(1e-4) ** draw.uniform(-_CONTRAST, _CONTRAST).exp()
    gray = _blurred_and_grainy(gray, draw, draw.chance(_SOFT_SHARE), draw.chance(1.0))
    columns = lightness.shape[-1]
    scratch = (draw.uniform(0, 1, 1, columns) < 1 / 64) & draw.chance(_SCRATCHED)
    gray = torch.where(scratch, gray + draw.uniform(-0.5, 0.5, 1, columns), gray).clamp(0, 1)
    low, high = draw.uniform(0, _DARKEST), draw.uniform(_BRIGHTEST, 1)
    gray = torch.where(draw.chance(_FADED), low + gray * (high - low), gray)
    return torch.where(draw.chance(share), lightness_of_gray(gray), lightness)


def soft_lightness(lightness: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Blur the lightness of some images, give it grain, or both, as video has it.

    Args:
        lightness: L*/50 - 1, (N, 1, H, W).
        share: Probability that an image is changed.
        rng: Random state, on the CPU.

    Returns:
        L*/50 - 1, (N, 1, H, W) in [-1, 1].
    """
    draw = _Draws(rng, lightness)
    grainy = draw.chance(_GRAINY_SHARE)
    blurred = draw.chance(_GRAINY_SHARE) | ~grainy
    gray = _blurred_and_grainy(gray_of_lightness(lightness), draw, blurred, grainy)
    return torch.where(draw.chance(share), lightness_of_gray(gray.clamp(0, 1)), lightness)


class _Draws:
    """Random numbers for the images of a batch, on its device; drawn on the CPU but for white noise."""

    def __init__(self, rng: torch.Generator, like: Tensor) -> None:
        self._rng, self._like = rng, like
        self._count = like.shape[0]

    def uniform(self, low: float, high: float, channels: int = 1, columns: int = 1) -> Tensor:
        """(N, channels, 1, columns) in [low, high)."""
        draws = torch.rand((self._count, channels, 1, columns), generator=self._rng)
        return (draws * (high - low) + low).to(self._like.device)

    def chance(self, share: float) -> Tensor:
        """Which images are among a share of them, bool (N, 1, 1, 1)."""
        return self.uniform(0, 1) < share

    def noise(self) -> Tensor:
        """White noise of standard deviation 1, of the batch's shape."""
        rng = self._rng
        if self._like.device.type != "cpu":  # a GPU draws its own noise; copying it there would take too long
            rng = torch.Generator(self._like.device).manual_seed(int(torch.randint(2**62, (), generator=rng)))
        return torch.randn(self._like.shape, generator=rng, device=self._like.device)


def _blurred_and_grainy(gray: Tensor, draw: _Draws, blurred: Tensor, grainy: Tensor) -> Tensor:
    """Gray, (N, 1, H, W), of which the chosen images are blurred, then have grain; not clipped to the range."""
    gray = torch.where(blurred, _blur(gray, _kernels(draw.uniform(*_SOFT_SIGMA))), gray)
    kernels = _kernels(draw.uniform(*_GRAIN_SIGMA))
    grain = _blur(draw.noise(), kernels) / kernels.square().sum(dim=1)[:, None, None, None]
    return gray + grain * draw.uniform(0, _GRAIN) * grainy


def _kernels(sigma: Tensor) -> Tensor:
    """Gaussian kernels, (N, 2 * radius + 1), of these standard deviations in pixels, (N, 1, 1, 1)."""
    places = torch.arange(-_RADIUS, _RADIUS + 1, device=sigma.device)
    kernels = torch.exp(-(places**2) / (2 * sigma.reshape(-1, 1) ** 2))
    return kernels / kernels.sum(dim=1, keepdim=True)


def _blur(images: Tensor, kernels: Tensor) -> Tensor:
    """Each image, (N, 1, H, W), blurred along both axes by its own kernel; its edge is continued."""
    stacked = F.pad(images.transpose(0, 1), (_RADIUS,) * 4, mode="replicate")
    stacked = F.conv2d(stacked, kernels[:, None, :, None], groups=len(kernels))
    return F.conv2d(stacked, kernels[:, None, None, :], groups=len(kernels)).transpose(0, 1)
