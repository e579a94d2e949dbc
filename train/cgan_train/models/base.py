"""What every generator is: lightness in, chroma out, and a size multiple."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class Generator(nn.Module):
    """A network that predicts chroma from lightness.

    `forward` takes L*/50 - 1, float (N, 1, H, W) in [-1, 1], and returns (a*, b*)/110, (N, 2, H, W) in
    [-1, 1], the contract of the runtime's back ends. H and W are multiples of `size_multiple`.
    """

    size_multiple: ClassVar[int]

    def forward(self, lightness: Tensor) -> Tensor:
        """Predict chroma; shapes as in the class."""
        raise NotImplementedError


def init_gan_weights(module: nn.Module, std: float = 0.02) -> None:
    """Draw convolution and linear weights from N(0, std) and BatchNorm scales from N(1, std).

    The initialisation of DCGAN (Radford et al. 2015, arXiv 1511.06434, section 3).
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, 0.0, std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, std)
            nn.init.zeros_(part.bias)
