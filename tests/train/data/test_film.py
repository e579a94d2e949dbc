"""Gray as film and video record it: which images change, and how."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cgan_train.color import lab_of_rgb, lightness_of_gray, split_lab
from cgan_train.data.film import film_lightness, soft_lightness


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_film_changes_a_share_of_images_and_stays_in_range() -> None:
    rgb = torch.rand(64, 3, 24, 24, generator=seeded(0))
    lightness, _ = split_lab(lab_of_rgb(rgb))
    film = film_lightness(rgb, lightness, 0.5, seeded(1))
    same = sum(torch.equal(a, b) for a, b in zip(film, lightness, strict=True))
    assert 15 < same < 49
    assert film.shape == lightness.shape
    assert film.min() >= -1.0001
    assert film.max() <= 1.0001
    assert torch.equal(film_lightness(rgb, lightness, 0.0, seeded(1)), lightness)


def test_soft_images_are_a_share_and_stay_in_range() -> None:
    lightness = torch.rand(64, 1, 24, 24, generator=seeded(2)) * 2 - 1
    soft = soft_lightness(lightness, 0.5, seeded(3))
    changed = (soft - lightness).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 15 < int(changed.sum()) < 49
    torch.testing.assert_close(soft[~changed], lightness[~changed], rtol=0, atol=0)
    assert soft.min() >= -1.0001
    assert soft.max() <= 1.0001
    assert torch.equal(soft_lightness(lightness, 0.0, seeded(3)), lightness)


def test_a_soft_image_is_blurred_or_grainy() -> None:
    edge = torch.zeros(64, 1, 32, 32)
    edge[..., 16:] = 1
    lightness = lightness_of_gray(0.2 + 0.6 * edge)
    soft = soft_lightness(lightness, 1.0, seeded(4))
    grainy = soft[..., :8].std(dim=(1, 2, 3)) > 1e-4  # far from the edge
    columns = soft.mean(dim=(1, 2))  # the mean of 32 rows evens grain out
    step = (columns[:, 1:] - columns[:, :-1]).amax(dim=1) / (lightness.max() - lightness.min())
    assert (step[~grainy] < 0.95).all()  # without grain it is blurred
    assert int((grainy & (step > 0.95)).sum()) > 10
    assert int((grainy & (step < 0.85)).sum()) > 10  # both


@pytest.mark.parametrize("change", ["film", "soft"])
def test_each_image_has_its_own_grain_from_fine_to_coarse(change: str) -> None:
    gray = torch.full((64, 3, 64, 64), 0.5)
    lightness, _ = split_lab(lab_of_rgb(gray))
    if change == "film":
        seen = film_lightness(gray, lightness, 1.0, seeded(5))
    else:
        seen = soft_lightness(lightness, 1.0, seeded(5))
    likeness = likeness_of_neighbors(seen[seen.std(dim=(1, 2, 3)) > 0.01])
    assert likeness.min() < 0.1
    assert likeness.max() > 0.75
    assert likeness.std() > 0.1


def likeness_of_neighbors(images: Tensor) -> Tensor:
    """Correlation of pixels side by side, (N,)."""
    noise = images - images.mean(dim=(2, 3), keepdim=True)
    return (noise[..., 1:] * noise[..., :-1]).mean(dim=(1, 2, 3)) / noise.square().mean(dim=(1, 2, 3))


def test_random_state_decides_everything() -> None:
    rgb = torch.rand(4, 3, 16, 16, generator=seeded(6))
    lightness, _ = split_lab(lab_of_rgb(rgb))
    first, again, other = (film_lightness(rgb, lightness, 1.0, seeded(seed)) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
