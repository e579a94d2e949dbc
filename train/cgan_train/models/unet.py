"""`seed`: a U-Net of 3x3 convolutions (Ronneberger et al. 2015, arXiv 1505.04597), and its contracting path
as a discriminator.

Each level has two of (3x3 convolution, BatchNorm, LeakyReLU). Down by 2x2 max-pooling, up by 3x3 transposed
convolutions of stride 2; skips are concatenated.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_runtime.manifest import AB_SCALE
from cgan_train.models.base import Generator, init_gan_weights
from cgan_train.models.matmul_conv import MatmulConv2d, MatmulConvTranspose2d

_SLOPE = 0.2  # of the LeakyReLU
_SPAN, _CENTER = 127.5, -0.5  # this network codes (a*, b*) as (ab + 128)/127.5 - 1


class SeedGenerator(Generator):
    """Lightness (N, 1, H, W) to chroma (N, 2, H, W); see `Generator`.

    Args:
        widths: Channels from the finest level to the coarsest.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__(size_multiple=2 ** (len(widths) - 1))
        self.down = _contracting_path(1, widths)
        pairs = list(pairwise(widths))[::-1]
        self.enlarge = nn.ModuleList(
            MatmulConvTranspose2d(coarse, fine, 3, 2, padding=1, output_padding=1) for fine, coarse in pairs
        )
        self.up = nn.ModuleList(_Double(2 * fine, fine) for fine, _ in pairs)
        self.head = nn.Conv2d(widths[0], 2, 1)
        init_gan_weights(self)

    def predict(self, lightness: Tensor) -> Tensor:
        """Predict chroma at the input's size."""
        skips = []
        x = lightness
        for index, level in enumerate(self.down):
            x = level(x if index == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for enlarge, merge, skip in zip(self.enlarge, self.up, skips[-2::-1], strict=True):
            x = merge(torch.cat((enlarge(x), skip), dim=1))
        ab = torch.tanh(self.head(x)) * _SPAN + _CENTER
        return (ab / AB_SCALE).clamp(-1, 1)


class SeedDiscriminator(nn.Module):
    """Lightness and color, (N, channels, H, W), to features of each level and one logit for the image."""

    def __init__(self, widths: tuple[int, ...], channels: int = 3) -> None:
        super().__init__()
        self.down = _contracting_path(channels, widths)
        self.linear = nn.Linear(widths[-1], 1)
        init_gan_weights(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the features of each level and, last, the logits (N, 1), above 0 for real."""
        features = []
        for index, level in enumerate(self.down):
            image = level(image if index == 0 else F.max_pool2d(image, 2))
            features.append(image)
        return [*features, self.linear(image.mean(dim=(2, 3)))]


class _Double(nn.Sequential):
    def __init__(self, inside: int, outside: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inside, outside):
            layers += [
                MatmulConv2d(channels, outside, 3, padding=1, bias=False),
                nn.BatchNorm2d(outside),
                nn.LeakyReLU(_SLOPE, inplace=True),
            ]
        super().__init__(*layers)


def _contracting_path(channels: int, widths: tuple[int, ...]) -> nn.ModuleList:
    return nn.ModuleList(_Double(a, b) for a, b in zip((channels, *widths), widths, strict=False))
