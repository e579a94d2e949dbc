"""Convolutions that train faster on a CPU if images are tiny.

On a few pixels a direct convolution leaves a CPU's matrix units idle; the same sum as one matrix product
(im2col) takes a third of the time, forward and backward. Patches and weights have the layout of
channels_last, so that runs of channels are copied and the weights not at all. Weights, results and exports
are those of the plain layers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_MAX_OUTPUT = 2  # px of a convolution's output
_MAX_INPUT = 4  # px of a transposed convolution's input; from twice as many on, direct ones are as fast


class MatmulConv2d(nn.Conv2d):
    """A convolution with a square kernel and zero padding, without groups and dilation."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, in_channels, H, W)."""
        if _worthwhile(self, x):
            patches = _Patches.of(self, (x.shape[2], x.shape[3]))
            if max(patches.rows) <= _MAX_OUTPUT:
                rows = F.linear(_gather(x.permute(0, 2, 3, 1), patches), _flat(self.weight), self.bias)
                return rows.view(len(x), *patches.rows, -1).permute(0, 3, 1, 2)
        return super().forward(x)


class MatmulConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution with a square kernel, without groups and dilation."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve (N, in_channels, H, W); `output_size` of the base class is not used."""
        if not _worthwhile(self, x) or max(x.shape[2:]) > _MAX_INPUT:
            return super().forward(x, output_size)
        more = self.kernel_size[0] - 2 * int(self.padding[0]) + self.output_padding[0]
        height, width = (self.stride[0] * (side - 1) + more for side in x.shape[2:])
        rows = x.permute(0, 2, 3, 1).reshape(-1, self.in_channels) @ _flat(self.weight)
        image = _scatter(rows, _Patches.of(self, (height, width))).permute(0, 3, 1, 2)
        return image if self.bias is None else image + self.bias.to(image.dtype)[:, None, None]


class _Patches(NamedTuple):
    """Where the patches of an image are; each makes one row of a matrix.

    Attributes:
        size: Height and width of the image.
        rows: Number of patches along each.
    """

    size: tuple[int, int]
    rows: tuple[int, int]
    kernel: int
    stride: int
    padding: int

    @classmethod
    def of(cls, layer: nn.Conv2d | nn.ConvTranspose2d, size: tuple[int, int]) -> _Patches:
        kernel, stride, padding = layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
        down, across = ((side + 2 * padding - kernel) // stride + 1 for side in size)
        return cls(size, (down, across), kernel, stride, padding)

    def taps(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Each position in the kernel, and the rows and columns of the padded image at that position."""
        reach = [self.stride * (count - 1) + 1 for count in self.rows]
        for y, x in itertools.product(range(self.kernel), repeat=2):
            yield y, x, slice(y, y + reach[0], self.stride), slice(x, x + reach[1], self.stride)


class _Gather(torch.autograd.Function):
    """Images (N, H, W, C) to their patches, (N * rows, kernel^2 * C)."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, patches: _Patches) -> Tensor:
        ctx.patches = patches
        padded = F.pad(image, (0, 0, *(patches.padding,) * 4))
        count, channels = len(image), image.shape[-1]
        out = image.new_empty(count, *patches.rows, patches.kernel, patches.kernel, channels)
        for y, x, down, across in patches.taps():
            out[:, :, :, y, x] = padded[:, down, across]
        return out.view(-1, patches.kernel**2 * channels)

    @staticmethod
    def backward(ctx: Any, rows: Tensor) -> tuple[Tensor, None]:
        return _scatter(rows, ctx.patches), None


class _Scatter(torch.autograd.Function):
    """Patches to the images that are their sums: the transpose of `_Gather`."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, patches: _Patches) -> Tensor:
        ctx.patches = patches
        (height, width), pad = patches.size, patches.padding
        kernel, channels = patches.kernel, rows.shape[1] // patches.kernel**2
        parts = rows.view(-1, *patches.rows, kernel, kernel, channels)
        padded = rows.new_zeros(len(parts), height + 2 * pad, width + 2 * pad, channels)
        for y, x, down, across in patches.taps():
            padded[:, down, across] += parts[:, :, :, y, x]
        return padded[:, pad : pad + height, pad : pad + width].contiguous()

    @staticmethod
    def backward(ctx: Any, image: Tensor) -> tuple[Tensor, None]:
        return _gather(image, ctx.patches), None


def _gather(image: Tensor, patches: _Patches) -> Tensor:
    return _Gather.apply(image, patches)  # type: ignore[no-untyped-call, no-any-return]


def _scatter(rows: Tensor, patches: _Patches) -> Tensor:
    return _Scatter.apply(rows, patches)  # type: ignore[no-untyped-call, no-any-return]


def _flat(weight: Tensor) -> Tensor:
    """Weights (A, B, k, k) as (A, k^2 * B), in the order of a patch; a view if they are channels_last."""
    return weight.permute(0, 2, 3, 1).flatten(1)


def _worthwhile(layer: nn.Module, x: Tensor) -> bool:
    """Whether to look at the size at all: in training on a CPU; torch.compile would take minutes for it."""
    return layer.training and x.device.type == "cpu" and not torch.compiler.is_compiling()
