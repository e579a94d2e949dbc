"""Discriminators of several scales: each sees the images at half the size of the one before it.

Wang et al. 2018, arXiv 1711.11585, section 3.2: the coarser one judges the image as a whole, the finer one details.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ManyScales(nn.Module):
    """Discriminators of one kind. The first sees the image as it is."""

    def __init__(self, judges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.judges = nn.ModuleList(judges)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, H, W) to the features of all, and last their logits, (N, all)."""
        features: list[Tensor] = []
        logits: list[Tensor] = []
        for scale, judge in enumerate(self.judges):
            *found, last = judge(F.avg_pool2d(image, 2**scale) if scale else image)
            features += found
            logits.append(last.flatten(1))
        return [*features, torch.cat(logits, dim=1)]
