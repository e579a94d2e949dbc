"""Photos that stay decoded in the memory of the training device; crops, zoom and flips are one resampling there.

    photos = ResidentPhotos(images, device)            # uint8 (N, S, S, 3), all of one size
    rgb = photos.batch(256, 128, zoom=(0.3, 1.0), rng=rng)

For a GPU that is borrowed for minutes: reading and decoding photos in every epoch would take longer than the
network. Pale photos can be drawn more often, since collections of photos have few of them and real footage has
many.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.color import lab_of_rgb, split_lab
from cgan_train.data.augment import square_views

PALE = 7.0
"""Mean chroma below which a photo is pale; that of photographs is about 17."""

_AB = 110.0
_AT_ONCE = 512  # photos whose chroma is measured together
_THUMBNAIL = 32  # px


class ResidentPhotos:
    """Photos of one size on a device.

    Args:
        images: uint8 RGB (N, S, S, 3).
        device: Where they stay.
        pale: Share of pale photos in a batch; None draws all photos equally often.

    Attributes:
        chroma: Mean chroma of each photo, float (N,).
    """

    def __init__(self, images: npt.NDArray[np.uint8], device: torch.device, pale: float | None = None) -> None:
        self._images = torch.from_numpy(images).to(device)
        self.chroma = torch.cat([_mean_chroma(part) for part in torch.split(self._images, _AT_ONCE)]).cpu()
        self._weights = torch.ones(len(images), dtype=torch.float64)
        is_pale = self.chroma < PALE
        if pale is not None and is_pale.any() and not is_pale.all():
            self._weights[is_pale] = pale / float(is_pale.sum())
            self._weights[~is_pale] = (1 - pale) / float((~is_pale).sum())

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, count: int, side: int, *, zoom: tuple[float, float], rng: torch.Generator) -> Tensor:
        """Draw square crops, half of them mirrored: uint8 (count, 3, side, side) on the device.

        `zoom` is the smallest and largest side of a crop, relative to the photo's.
        """
        chosen = torch.multinomial(self._weights, count, replacement=True, generator=rng)
        draws = torch.rand((count, 4), generator=rng)
        scale = zoom[0] + (zoom[1] - zoom[0]) * draws[:, 0]
        middle = (2 * draws[:, 1:3] - 1) * (1 - scale)[:, None]
        photos = self._images[chosen.to(self._images.device)].permute(0, 3, 1, 2).float()
        crops = square_views(photos, scale, middle, draws[:, 3] < 0.5, side)
        return crops.round().clamp(0, 255).to(torch.uint8)


def _mean_chroma(images: Tensor) -> Tensor:
    """Mean chroma of photos, uint8 (N, S, S, 3), seen small."""
    rgb = images.permute(0, 3, 1, 2).float() / 255
    _, chroma = split_lab(lab_of_rgb(F.adaptive_avg_pool2d(rgb, min(_THUMBNAIL, rgb.shape[-1]))))
    mean: Tensor = chroma.norm(dim=1).mean(dim=(1, 2)) * _AB
    return mean
