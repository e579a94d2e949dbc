"""The paper's generator and PatchGAN discriminator (Nazeri et al. 2018, arXiv 1803.05400).

4x4 convolutions, the first of stride 1 and the others of stride 2, then transposed convolutions with skips
and, in the first two, dropout. Widths 64-128-256-512-512 make the CIFAR-10 network of the official code,
64-64-128-256-512-512-512-512 its 256 px network.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_train.color import gray_of_lightness
from cgan_train.models.base import Generator, init_gan_weights
from cgan_train.models.matmul_conv import MatmulConv2d, MatmulConvTranspose2d

_KERNEL = 4
_SLOPE = 0.2  # of the LeakyReLU
_DROPOUT = 0.5
_DROPOUT_LAYERS = 2
_SAME = (1, 2, 1, 2)  # padding that keeps the size under a 4x4 kernel of stride 1


class PaperGenerator(Generator):
    """Lightness (N, 1, H, W) to chroma (N, 2, H, W); see `Generator`.

    Args:
        widths: Channels from the finest level to the coarsest.
        outputs: 2 for chroma; 3 for lightness and chroma, as the official code predicts.
        codes: Compute with gray codes from 0 to 255, as the official code does, in place of L*/50 - 1.
    """

    def __init__(self, widths: tuple[int, ...], outputs: int = 2, codes: bool = False) -> None:
        super().__init__(size_multiple=2 ** (len(widths) - 1), outputs=outputs)
        self._codes = codes
        self.stem = nn.Conv2d(1, widths[0], _KERNEL)
        self.down = nn.ModuleList(_down(a, b) for a, b in pairwise(widths))
        inside = widths[-1]
        up = []
        for index, width in enumerate(widths[-2::-1]):
            up.append(_up(inside, width, _DROPOUT if index < _DROPOUT_LAYERS else 0.0))
            inside = 2 * width
        self.up = nn.ModuleList(up)
        self.head = nn.Conv2d(inside, outputs, 1)
        init_gan_weights(self)

    def predict(self, lightness: Tensor) -> Tensor:
        """Predict chroma, or lightness and chroma, at the input's size."""
        gray = 255 * gray_of_lightness(lightness) if self._codes else lightness
        skips = [F.leaky_relu(self.stem(F.pad(gray, _SAME)), _SLOPE)]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        x = skips.pop()
        for layer in self.up:
            x = torch.cat((layer(x), skips.pop()), dim=1)
        return torch.tanh(self.head(x))


class PatchDiscriminator(nn.Module):
    """Lightness and color, (N, channels, H, W), to features of each layer and a logit for each patch.

    PatchGAN (Isola et al. 2017, arXiv 1611.07004): 4x4 convolutions of stride 2, the first without BatchNorm,
    and one of stride 1 for the logits.
    """

    def __init__(self, widths: tuple[int, ...], channels: int = 3) -> None:
        super().__init__()
        first = nn.Sequential(nn.Conv2d(channels, widths[0], _KERNEL, 2, padding=1), nn.LeakyReLU(_SLOPE, inplace=True))
        rest = [_down(a, b) for a, b in pairwise(widths)]
        self.layers = nn.Sequential(first, *rest)
        self.judge = nn.Conv2d(widths[-1], 1, _KERNEL)
        init_gan_weights(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Compute the features of each layer and, last, the logits (N, 1, h, w), above 0 for real."""
        features = []
        for layer in self.layers:
            image = layer(image)
            features.append(image)
        return [*features, self.judge(F.pad(image, _SAME))]


def _down(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        MatmulConv2d(inside, outside, _KERNEL, 2, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


def _up(inside: int, outside: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = [
        MatmulConvTranspose2d(inside, outside, _KERNEL, 2, padding=1, bias=False),
        nn.BatchNorm2d(outside),
    ]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))
