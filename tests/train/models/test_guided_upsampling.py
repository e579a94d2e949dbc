"""Guided upsampling moves the edges of chroma to those of the lightness and changes nothing else."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.models.guided_upsampling import upsample_guided


def bilinear(chroma: Tensor, stride: int) -> Tensor:
    return F.interpolate(chroma, scale_factor=float(stride), mode="bilinear", align_corners=False)


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_uniform_color_stays_uniform(stride: int) -> None:
    chroma = torch.tensor([0.3, -0.6]).reshape(1, 2, 1, 1).expand(2, 2, 6, 5)
    lightness = torch.rand(2, 1, 6 * stride, 5 * stride) * 2 - 1
    large = upsample_guided(chroma, lightness)
    torch.testing.assert_close(large, chroma[..., :1, :1].expand_as(large), atol=1e-6, rtol=0)


def test_flat_lightness_gives_bilinear_upsampling() -> None:
    chroma = torch.rand(2, 2, 8, 8) - 0.5
    torch.testing.assert_close(upsample_guided(chroma, torch.full((2, 1, 32, 32), 0.4)), bilinear(chroma, 4))


@pytest.mark.parametrize("edge", [15, 16, 17, 18])
def test_color_edges_follow_the_lightness(edge: int) -> None:
    lightness = torch.full((1, 1, 32, 32), -0.4)
    lightness[..., edge:] = 0.4
    truth = torch.cat((lightness, -lightness / 2), dim=1)
    small = F.avg_pool2d(truth, 4)
    guided, plain = ((large - truth).abs().sum() for large in (upsample_guided(small, lightness), bilinear(small, 4)))
    assert guided < plain / 2


def test_strong_colors_stay_in_range() -> None:
    generator = torch.Generator().manual_seed(0)
    chroma = torch.rand((1, 2, 16, 16), generator=generator).round() * 2 - 1
    lightness = torch.rand((1, 1, 64, 64), generator=generator).round() * 2 - 1
    assert upsample_guided(chroma, lightness).abs().max() <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_close(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    chroma = (torch.rand((1, 2, 16, 16), generator=generator) - 0.5) / 2
    lightness = bilinear(torch.rand((1, 1, 32, 32), generator=generator) * 2 - 1, 2)
    exact = upsample_guided(chroma, lightness)
    near = upsample_guided(chroma.to(dtype), lightness.to(dtype)).float()
    assert (near - exact).abs().max() * 110 < (0.5 if dtype == torch.float16 else 3)
