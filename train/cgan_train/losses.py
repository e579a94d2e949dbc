"""The losses of the conditional GAN.

Generator: GAN loss + weight x pixel loss (Isola et al. 2017, arXiv 1611.07004, equation 4; weight 100).
Discriminator: binary cross-entropy, real labels smoothed on one side (Salimans et al. 2016, arXiv
1606.03498, section 3.4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_runtime.manifest import AB_SCALE
from cgan_train.config import TrainConfig

_MOST_CHROMA_WEIGHT = 5.0
_LEAST_SHADE = 0.15


def pixel_loss(
    predicted: Tensor, truth: Tensor, lightness: Tensor, config: TrainConfig, chroma_gain: float
) -> Tensor:
    """Distance of predicted from true chroma, weighted as the config says; not yet times `pixel_weight`.

    Args:
        predicted: (a*, b*)/110, (N, 2, h, w).
        truth: Same.
        lightness: True L*/50 - 1, (N, 1, h, w).
        config: `pixel_loss`, `smooth_beta` and `shade` are used.
        chroma_gain: The phase's.
    """
    if config.pixel_loss == "smooth_l1":
        distance = F.smooth_l1_loss(predicted, truth, reduction="none", beta=config.smooth_beta)
    else:
        distance = (predicted - truth).abs()
    if chroma_gain:
        chroma = truth.norm(dim=1, keepdim=True) * AB_SCALE
        distance = distance * (1 + chroma * chroma_gain).clamp_max(_MOST_CHROMA_WEIGHT)
    if config.shade:
        distance = distance * (lightness + 1).clamp(_LEAST_SHADE, 1.0)  # L*/50
    return distance.mean()


def generator_gan_loss(fake_logits: Tensor) -> Tensor:
    """Binary cross-entropy against 'real': the non-saturating loss (Goodfellow et al. 2014)."""
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float) -> Tensor:
    """Mean of the cross-entropies of real (label 1 - smoothing) and fake (label 0)."""
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, 1 - smoothing))
    fake = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    return (real + fake) / 2
