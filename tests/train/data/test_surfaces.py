"""Images that show no more than a surface."""

from __future__ import annotations

import torch

from cgan_train.color import lab_of_rgb, split_lab
from cgan_train.data.surfaces import show_surfaces


def _halves(count: int, side: int = 64) -> torch.Tensor:
    """Images that are red on the left and blue on the right."""
    rgb = torch.zeros((count, 3, side, side), dtype=torch.uint8)
    rgb[:, 0, :, : side // 2] = 200
    rgb[:, 2, :, side // 2 :] = 200
    return rgb


def test_a_share_of_the_images_becomes_surfaces_and_the_others_stay() -> None:
    rgb = _halves(400)
    shown = show_surfaces(rgb, 0.25, torch.Generator().manual_seed(0))
    changed = (shown != rgb).flatten(1).any(dim=1).float().mean()
    assert (shown.dtype, shown.shape) == (rgb.dtype, rgb.shape)
    assert 0.15 < changed < 0.35
    torch.testing.assert_close(rgb, _halves(400))  # what was given stays as it was
    torch.testing.assert_close(shown, show_surfaces(rgb, 0.25, torch.Generator().manual_seed(0)))


def test_none_is_drawn_without_a_share() -> None:
    rgb, rng = _halves(4), torch.Generator().manual_seed(0)
    before = rng.get_state()
    assert show_surfaces(rgb, 0.0, rng) is rgb
    torch.testing.assert_close(rng.get_state(), before)


def test_surfaces_are_parts_of_the_image_or_nearly_gray() -> None:
    shown = show_surfaces(_halves(300), 1.0, torch.Generator().manual_seed(1))
    _, chroma = split_lab(lab_of_rgb(shown.float() / 255))
    saturation = torch.hypot(*chroma.mul(110).unbind(dim=1)).flatten(1).mean(dim=1)
    made_up = saturation < 10
    assert 0.2 < made_up.float().mean() < 0.4
    assert saturation[made_up].mean() < 4
    for image in shown[~made_up].float():
        red, green, blue = image
        assert green.max() == 0
        assert (red + blue - 200).abs().max() <= 1  # between the colors of the image, nothing else


def test_made_up_surfaces_are_of_all_shades() -> None:
    shown = show_surfaces(_halves(300), 1.0, torch.Generator().manual_seed(2)).float()
    gray = shown[shown[:, 1].flatten(1).amax(dim=1) > 0]
    means = gray.flatten(1).mean(dim=1)
    assert means.min() < 40
    assert means.max() > 215
