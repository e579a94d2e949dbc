"""4x4 convolutions of stride 2, down and up, that train faster on a CPU where pictures are tiny.

At 4x4 pixels and below a direct convolution leaves a CPU's matrix units idle; the same sum as one matrix
product (im2col) takes a third of its time, forwards and backwards. Weights, results and what is exported
are those of the plain convolution.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

_KERNEL, _STRIDE, _PAD = 4, 2, 1
_TINY = 4  # px; from 8 on the direct convolution is as fast


class Down(nn.Conv2d):
    """(N, inside, H, W) to (N, outside, H/2, W/2), no bias."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, _KERNEL, _STRIDE, padding=_PAD, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        if not _as_product(self, x):
            return super().forward(x)
        count, _, height, width = x.shape
        padded = F.pad(x, (_PAD,) * 4).permute(0, 2, 3, 1)
        patches = padded.unfold(1, _KERNEL, _STRIDE).unfold(2, _KERNEL, _STRIDE)  # (N, H/2, W/2, C, 4, 4)
        product = patches.reshape(-1, self.in_channels * _KERNEL**2) @ self.weight.flatten(1).t()
        return product.view(count, height // 2, width // 2, self.out_channels).permute(0, 3, 1, 2)


class Up(nn.ConvTranspose2d):
    """(N, inside, H, W) to (N, outside, 2H, 2W), no bias."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, _KERNEL, _STRIDE, padding=_PAD, bias=False)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve; `output_size` is the base class's and is not used."""
        if not _as_product(self, x):
            return super().forward(x, output_size)
        count, _, height, width = x.shape
        product = x.permute(0, 2, 3, 1).reshape(-1, self.in_channels) @ self.weight.flatten(1)
        columns = product.view(count, height * width, -1).transpose(1, 2)
        return F.fold(columns, (2 * height, 2 * width), _KERNEL, stride=_STRIDE, padding=_PAD)


def _as_product(layer: nn.Module, x: Tensor) -> bool:
    small = max(x.shape[-2:]) <= _TINY and x.shape[-1] % 2 == x.shape[-2] % 2 == 0
    return layer.training and x.device.type == "cpu" and small
