"""The losses of the conditional GAN.

Generator: GAN loss + weight x pixel loss (Isola et al. 2017, arXiv 1611.07004, equation 4; weight 100).
Discriminator: binary cross-entropy, the labels of real images smoothed (Salimans et al. 2016, arXiv 1606.03498,
section 3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_runtime.manifest import AB_SCALE
from cgan_train.color import rgb_of_lab
from cgan_train.config.schema import TrainConfig
from cgan_train.models.encoder import LiteColorEncoder

_MAX_CHROMA_WEIGHT = 5.0
_MIN_SHADE = 0.15
_FEATURE_SIDE = 128  # px; colors are coarse
_FEATURE_WEIGHTS = (0.0, 0.5, 1.0, 1.0, 1.0)  # of the features at strides 2, 4, 8, 16 and 32
_BEYOND = 0.1  # of light beyond the gamut
_ALL = 99  # blocks of an encoder

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


class PerceptualLoss:
    """The difference of features of a network that classifies photographs: it sees what colors are of.

    Johnson et al. 2016 (arXiv 1603.08155), section 3.1. The network is EfficientNet-Lite0 with its ImageNet weights,
    on color images; it computes in bfloat16 if `bf16`. It is another one than measures the Fréchet distance, but of
    the same family: a lower distance after training with this loss says less than one without.

    Raises:
        ConfigError: The package with the network's weights is not installed.
    """

    def __init__(self, device: torch.device, *, bf16: bool = False) -> None:
        self._bf16 = bf16
        self._network = LiteColorEncoder()
        self._network.load_imagenet()
        self._network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network.freeze(_ALL)

    def __call__(self, lightness: Tensor, predicted: Tensor, truth: Tensor) -> Tensor:
        """Mean absolute difference of the features relative to the true ones, averaged over the strides.

        Args:
            lightness: True L*/50 - 1, (N, 1, h, w).
            predicted: (a*, b*)/110, (N, 2, h, w); what stands before these channels is not looked at.
            truth: The same.
        """
        with torch.no_grad():
            real = self._features(lightness, truth)
        losses = [
            weight * (a - b).abs().mean() / (b.abs().mean() + 1e-6)
            for weight, a, b in zip(_FEATURE_WEIGHTS, self._features(lightness, predicted), real, strict=True)
            if weight
        ]
        return torch.stack(losses).sum() / sum(_FEATURE_WEIGHTS)

    def _features(self, lightness: Tensor, image: Tensor) -> list[Tensor]:
        lab = torch.cat((50 * (lightness + 1), image[:, -2:] * AB_SCALE), dim=1)
        lab = F.interpolate(lab, size=(_FEATURE_SIDE, _FEATURE_SIDE), mode="bilinear", align_corners=False)
        rgb = rgb_of_lab(lab, _BEYOND)
        with torch.autocast(rgb.device.type, torch.bfloat16, enabled=self._bf16):
            return [feature.float() for feature in self._network(rgb)]
