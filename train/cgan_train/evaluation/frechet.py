"""Fréchet distance between two sets of images, on the features of a network that classifies them.

    features = ImageNetFeatures()
    distance = frechet_distance(features(colored), features(true))

Heusel et al. 2017 (arXiv 1706.08500) define it: each set's features are taken as a normal distribution, and
the distance is |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). Theirs are features of Inception; these are of
EfficientNet-Lite2, so the figures compare with each other only. It sees whether colors are those that things
have, not whether they are those of this photograph: livelier colors that are wrong in place come out well.
The two sets are the same photographs, colored and true, so the truth itself has 0 and few images are enough.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from cgan_train.data.sources import Image
from cgan_train.evaluation.metrics import Array
from cgan_train.models.encoder import LiteClassifier

_SIDE = 160  # px; colors are coarse, and the network takes 0.4 of the time that it takes at 256 px


class ImageNetFeatures:
    """The pooled features of EfficientNet-Lite2 with its ImageNet weights, 1280 for each image.

    Raises:
        ConfigError: The package with the weights is not installed.
    """

    def __init__(self) -> None:
        self._network = LiteClassifier()
        self._network.load_imagenet()
        self._network.eval()

    @torch.inference_mode()
    def __call__(self, images: Image) -> Array:
        """Square sRGB images, uint8 (N, H, H, 3), to features, float32 (N, 1280); they are resized to 160 px."""
        rgb = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
        if (side := rgb.shape[2]) != _SIDE:
            rgb = F.interpolate(rgb, size=(_SIDE, _SIDE), mode="bilinear", antialias=side > _SIDE)
        return self._network(rgb).numpy()  # type: ignore[no-any-return]


def frechet_distance(first: Array, second: Array) -> float:
    """Fréchet distance of two sets of features, (N, D) and (M, D), N and M at least 2.

    The trace of the root is the sum of the singular values of A B^T for any A, B with A^T A = C1, B^T B = C2,
    so no root of a matrix is computed, and covariances that are not of full rank are no difficulty.
    """
    (mean_1, root_1), (mean_2, root_2) = _moments(first), _moments(second)
    spread = (root_1**2).sum() + (root_2**2).sum()
    common = np.linalg.svd(root_1 @ root_2.T, compute_uv=False).sum()
    return float(max(0.0, ((mean_1 - mean_2) ** 2).sum() + spread - 2 * common))


def _moments(features: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean (D,) and A (min(N, D), D) with A^T A the covariance."""
    values = features.astype(np.float64)
    mean = values.mean(axis=0)
    centered = (values - mean) / np.sqrt(len(values) - 1)
    return mean, centered if len(centered) <= centered.shape[1] else np.asarray(np.linalg.qr(centered, mode="r"))
