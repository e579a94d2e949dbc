"""Color on tensors, against scikit-image in float64; and augmentation."""

from __future__ import annotations

import numpy as np
import torch
from skimage.color import rgb2lab

from cgan_train.color import lab_of_rgb, lightness_of_gray, rgb_of_lab, split_lab
from cgan_train.data.augment import paste_others


def test_lab_agrees_with_scikit_image() -> None:
    rgb = np.random.default_rng(0).random((17, 19, 3))
    rgb[0, 0], rgb[0, 1] = 0, 1
    tensor = torch.from_numpy(rgb).permute(2, 0, 1)[None].float()
    ours = lab_of_rgb(tensor)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, rgb2lab(rgb), atol=0.02)


def test_rgb_and_lab_are_inverses() -> None:
    rgb = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    rgb[0, :, 0, :2] = torch.tensor([0.0, 1.0])
    torch.testing.assert_close(rgb_of_lab(lab_of_rgb(rgb)), rgb, atol=2e-3, rtol=0)


def test_gradients_know_of_colors_beyond_the_gamut() -> None:
    lab = torch.tensor([50.0, 120.0, 0.0]).reshape(1, 3, 1, 1).requires_grad_()
    clipped, kept = rgb_of_lab(lab), rgb_of_lab(lab, 0.1)
    assert clipped[0, 1] == 0
    (gradient,) = torch.autograd.grad(kept[0, 0].sum(), lab)
    assert gradient[0, 1] > 0  # red rises with a*, though it is above 1


def test_gray_has_no_chroma_and_the_right_lightness() -> None:
    gray = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16)
    lightness, chroma = split_lab(lab_of_rgb(gray.expand(1, 3, 16, 16)))
    assert chroma.abs().max() * 110 < 0.01
    torch.testing.assert_close(lightness, lightness_of_gray(gray), atol=1e-4, rtol=0)
    assert abs(float(lightness.min()) + 1) < 1e-5
    assert abs(float(lightness.max()) - 1) < 1e-5


def test_pasting_puts_parts_of_the_next_image_into_a_share() -> None:
    count, side = 200, 20
    rgb = torch.arange(count, dtype=torch.uint8).reshape(count, 1, 1, 1).expand(count, 3, side, side)
    pasted = paste_others(rgb, 0.5, torch.Generator().manual_seed(2))
    touched = 0
    for index, image in enumerate(pasted):
        others = image[0] != index
        assert (image[:, others] == (index + 1) % count).all()
        if others.any():
            touched += 1
            rows, columns = others.any(dim=1), others.any(dim=0)
            assert others.sum() == rows.sum() * columns.sum()  # one rectangle
            assert 0.25 * side <= min(rows.sum(), columns.sum()) <= max(rows.sum(), columns.sum()) <= 0.75 * side
    assert 70 < touched < 130


def test_no_pasting_draws_no_random_numbers() -> None:
    rng = torch.Generator().manual_seed(3)
    before, rgb = rng.get_state(), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    assert paste_others(rgb, 0.0, rng) is rgb
    assert torch.equal(rng.get_state(), before)
