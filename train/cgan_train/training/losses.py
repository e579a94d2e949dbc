"""The losses of the conditional GAN.

Generator: GAN loss + weight x pixel loss (Isola et al. 2017, arXiv 1611.07004, equation 4; weight 100).
Discriminator: binary cross-entropy, the labels of real images smoothed (Salimans et al. 2016, arXiv
    1606.03498,
section 3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_runtime.manifest import AB_SCALE
from cgan_train.config.schema import TrainConfig

_MAX_CHROMA_WEIGHT = 5.0
_MIN_SHADE = 0.15

PixelLoss = Callable[[Tensor, Tensor, Tensor, TrainConfig, float], Tensor]
"""A function with the parameters of `pixel_loss`."""


def pixel_loss(predicted: Tensor, truth: Tensor, lightness: Tensor, config: TrainConfig, chroma_gain: float) -> Tensor:
    """Mean distance of the predicted from the true chroma, weighted by the config, without `pixel_weight`.

    Args:
        predicted: (a*, b*)/110, (N, 2, h, w); or L*/50 - 1 and these, (N, 3, h, w).
        truth: The same.
        lightness: True L*/50 - 1, (N, 1, h, w).
        config: `pixel_loss`, `smooth_beta` and `shade` are used.
        chroma_gain: The phase's.
    """
    if config.pixel_loss == "smooth_l1":
        distance = F.smooth_l1_loss(predicted, truth, reduction="none", beta=config.smooth_beta)
    else:
        distance = (predicted - truth).abs()
    if chroma_gain:
        chroma = truth[:, -2:].norm(dim=1, keepdim=True) * AB_SCALE
        distance = distance * (1 + chroma * chroma_gain).clamp_max(_MAX_CHROMA_WEIGHT)
    if config.shade:
        distance = shaded(distance, lightness)
    return distance.mean()


def shaded(distance: Tensor, lightness: Tensor) -> Tensor:
    """Losses of pixels, (N, C, h, w), weighted by L*/50 within 0.15 to 1: dark pixels count less."""
    return distance * (lightness + 1).clamp(_MIN_SHADE, 1.0)


def generator_gan_loss(fake_logits: Tensor, kind: str = "bce") -> Tensor:
    """The generator's GAN loss: non-saturating cross-entropy (`bce`) or `hinge`.

    Goodfellow et al. 2014, arXiv 1406.2661, section 3; Lim and Ye 2017, arXiv 1705.02894.
    """
    if kind == "hinge":
        return -fake_logits.mean()
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float, kind: str = "bce") -> Tensor:
    """Mean of the losses of real and fake. Cross-entropy labels real 1 - smoothing; hinge does not smooth."""
    if kind == "hinge":
        return (F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()) / 2
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, 1 - smoothing))
    fake = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    return (real + fake) / 2


def feature_loss(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Feature matching: mean absolute difference of the discriminator's features, averaged over its layers.

    Wang et al. 2018, arXiv 1711.11585, equation 3.
    """
    return torch.stack([(a - b).abs().mean() for a, b in zip(fake, real, strict=True)]).mean()
