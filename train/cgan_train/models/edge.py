"""`edge`: the generator that ships, made for 256 px on two CPU cores and small GPUs.

An EfficientNet-Lite0 encoder and a light decoder. At each stride the coarser features are enlarged and added
to a 1x1 convolution of the encoder's (feature pyramid, Lin et al. 2017, arXiv 1612.03144), and a 3x3
convolution follows. It ends at a quarter of the size: color needs no more, and its edges come from the
lightness (`guided_upsampling`). 1.6 GFLOP at 256 px, 4.1 M weights.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_train.models.base import Generator
from cgan_train.models.encoder import TAP_CHANNELS, LiteEncoder


class EdgeGenerator(Generator):
    """Lightness (N, 1, H, W) to chroma (N, 2, H, W); see `Generator`.

    Args:
        widths: Decoder channels at each level, finest first; by default at strides 4, 8, 16 and 32.
        finest: The finest level of the encoder that is used, 0 for stride 2; chroma is predicted there.
        coarsest: The coarsest one, 4 for stride 32.
    """

    def __init__(self, widths: tuple[int, ...], *, finest: int = 1, coarsest: int = 4) -> None:
        super().__init__(size_multiple=2 ** (coarsest + 1), stride=2 ** (finest + 1))
        self.encoder = LiteEncoder(coarsest + 1)
        self._finest = finest
        skips = TAP_CHANNELS[finest : coarsest + 1]
        self.laterals = nn.ModuleList(nn.Conv2d(skip, width, 1) for skip, width in zip(skips, widths, strict=True))
        self.reduce = nn.ModuleList(nn.Conv2d(coarse, fine, 1, bias=False) for fine, coarse in pairwise(widths))
        self.refine = nn.ModuleList(_Refine(width) for width in widths)
        self.head = nn.Conv2d(widths[0], 2, 3, padding=1)
        nn.init.normal_(self.head.weight, 0.0, 1e-3)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def predict(self, lightness: Tensor) -> Tensor:
        """Predict chroma at the size of the finest level, by default (N, 2, H/4, W/4)."""
        features = self.encoder(lightness)[self._finest :]
        x = self.refine[-1](self.laterals[-1](features[-1]))
        for level in reversed(range(len(features) - 1)):
            enlarged = F.interpolate(self.reduce[level](x), scale_factor=2, mode="nearest")
            x = self.refine[level](enlarged + self.laterals[level](features[level]))
        return self._answer(x)

    def _answer(self, x: Tensor) -> Tensor:
        """Turn the decoder's finest features into chroma."""
        return torch.tanh(self.head(x))

    def freeze(self, blocks: int) -> None:
        """Keep the encoder's stem and first `blocks` blocks as they are; 0 trains all."""
        self.encoder.freeze(blocks)

    def pretrained(self) -> list[nn.Parameter]:
        """The encoder's parameters."""
        return list(self.encoder.parameters())

    def load_imagenet(self) -> None:
        """Load ImageNet weights into the encoder; raises ConfigError if they are not installed."""
        self.encoder.load_imagenet()


class _Refine(nn.Sequential):
    """ReLU, then 3x3 convolution, BatchNorm, ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
