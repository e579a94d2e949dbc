"""Draw what a guided generator is trained with: hints as people might place them, and memory of other views.

    rgb, near = second_views(rgb, rng)                  # the last quarter of the batch repeats the first
    guide, chroma = draw_guide(chroma, near, share=0.5, rng=rng)

How many hints and how large follows Zhang et al. 2017 (arXiv 1705.02999, section 3.2): a geometric number of
patches, their color the mean of what they cover, and now and then all colors at once. Colors of some images are
turned, so that they can only be known from the guide: a generator has to obey unlikely colors too.

Memory comes from the batch itself: an image may look up another view of the same photograph, a different
photograph (whose colors it has to ignore), or both.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_train.data.augment import square_views
from cgan_train.models.guided import TrainingGuide

_STOP = 1 / 8  # of the geometric law: 8 hints on average
_MANY = 0.1  # of the images with hints have 20 to 120 of them
_ALL = 0.02  # of the images with hints have all colors
_STROKE = 0.15  # of the hints are strokes
_SIDES = (1, 3)  # of a patch, cells at stride 4: 4 to 12 pixels
_STROKE_CELLS = (3, 10)
_LEAST_COVER = 0.3  # of the cell of a small hint
_NOISE = 0.01  # standard deviation of a hint's (a*, b*)/110: colors are chosen by eye

_VIEWS = 4  # one image in four is a second view of another
_NEAR = 0.6  # of the second views are a frame shortly after: a small move, no mirroring
_MOVE, _ZOOM = 0.4, 0.1  # largest move, of half a side, and change of scale of such a view
_FAR_SCALE = (0.5, 1.0)  # part of the image that another second view shows
_TURNED = 0.12  # of the images with a guide have their colors turned
_REMEMBERED = 0.8  # of the images with a second view look it up
_OTHER = 0.2  # of the images look up a different photograph
_PART = 0.3  # of what is looked up is a part of that image
_LEAST_WEIGHT = 0.1


def second_views(rgb: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Replace the last quarter of a batch by second views of its first images.

    Args:
        rgb: (N, 3, H, W), float.
        rng: Random state, on the CPU.

    Returns:
        The batch, and which second views show nearly the same as the first (N // 4,), bool.
    """
    count = len(rgb) // _VIEWS
    if not count:  # of a batch too small
        return rgb, torch.zeros(0, dtype=torch.bool)
    draws = torch.rand((count, 6), generator=rng)
    near = draws[:, 0] < _NEAR
    low, high = _FAR_SCALE
    scale = torch.where(near, 1 + _ZOOM * (2 * draws[:, 1] - 1), low + (high - low) * draws[:, 1])
    reach = torch.where(near, torch.tensor(_MOVE), 1 - scale)
    moves = (2 * draws[:, 2:4] - 1) * reach[:, None]
    views = square_views(rgb[:count], scale, moves, ~near & (draws[:, 4] < 0.5), rgb.shape[-1])
    return torch.cat((rgb[: len(rgb) - count], views)), near


def draw_guide(chroma: Tensor, near: Tensor, *, share: float, rng: torch.Generator) -> tuple[TrainingGuide, Tensor]:
    """A guide for a batch of `second_views`.

    Args:
        chroma: True (a*, b*)/110 at stride 4, float (N, 2, h, w).
        near: As `second_views` returns it.
        share: Probability that an image has a guide.
        rng: Random state, on the CPU.

    Returns:
        The guide on the device of `chroma`, and the colors that it leads to, (N, 2, h, w).
    """
    device, (count, _, height, width) = chroma.device, chroma.shape
    numbers = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))
    chroma, views = chroma.cpu(), len(near)
    drawn = numbers.random(count)
    hinted = drawn < share * 0.66
    turned = numbers.random(count) < _TURNED * min(1.0, 2 * share)
    turned[count - views :] = turned[:views]  # both views alike
    alone = np.arange(count) >= views
    alone[count - views :] = False
    colors = turn_colors(chroma, turned & (hinted | ~alone), numbers, pairs=views)
    weight = np.zeros((count, 2))
    weight[:, 0] = ~alone & ((numbers.random(count) < _REMEMBERED * min(1.0, 2 * share)) | turned)
    weight[:, 1] = (numbers.random(count) < _OTHER * min(1.0, 2 * share)) & (count > 1)
    weight *= np.where(numbers.random((count, 2)) < 0.5, 1.0, numbers.uniform(_LEAST_WEIGHT, 1, (count, 2)))
    cells = torch.from_numpy(weight).float()[:, :, None, None].repeat(1, 1, height // 2, width // 2)
    for index, which in np.argwhere((weight > 0) & (numbers.random((count, 2)) < _PART)):
        cells[index, which] *= _part(height // 2, width // 2, numbers)
    nearness = numbers.random((count, 2)) < 0.5
    same = near.numpy()
    nearness[:views, 0] = nearness[count - views :, 0] = same
    who = np.stack((_partners(count, views), (np.arange(count) + numbers.integers(1, max(count, 2), count)) % count), 1)
    guide = TrainingGuide(
        draw_hints(colors, hinted, numbers),
        F.avg_pool2d(colors, 2),
        torch.from_numpy(who),
        cells,
        torch.from_numpy(nearness).float(),
    )
    return TrainingGuide(*(part.to(device) for part in guide)), colors.to(device)


def _partners(count: int, views: int) -> np.ndarray:
    """The index of each image's other view; its own where there is none."""
    partners = np.arange(count)
    partners[:views] += count - views
    partners[count - views :] -= count - views
    return partners


def _part(height: int, width: int, rng: np.random.Generator) -> Tensor:
    """1 in a random rectangle and 0 outside, or the reverse, (height, width)."""
    (top, bottom), (left, right) = (np.sort(rng.integers(0, side + 1, 2)) for side in (height, width))
    inside = torch.zeros(height, width)
    inside[top:bottom, left:right] = 1
    return inside if rng.random() < 0.5 else 1 - inside


def draw_hints(chroma: Tensor, hinted: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Hints for some images of a batch.

    Args:
        chroma: (a*, b*)/110 at stride 4, float (N, 2, h, w), on the CPU.
        hinted: Which images have hints, bool (N,).
        rng: Random state.

    Returns:
        (N, 3, h, w): a*/110 and b*/110 times the share of the cell that is covered, and this share.
    """
    count, _, height, width = chroma.shape
    hints = torch.zeros(count, 3, height, width)
    for index in np.flatnonzero(hinted):
        if rng.random() < _ALL:
            hints[index] = torch.cat((chroma[index], torch.ones(1, height, width)))
            continue
        number = int(rng.integers(20, 121)) if rng.random() < _MANY else int(rng.geometric(_STOP))
        for _ in range(number):
            rows, columns = _stroke(height, width, rng) if rng.random() < _STROKE else _patch(height, width, rng)
            color = chroma[index][:, rows, columns].mean(dim=1) + torch.from_numpy(rng.normal(0, _NOISE, 2)).float()
            cover = rng.uniform(_LEAST_COVER, 1) if len(rows) == 1 else 1.0
            hints[index, :2, rows, columns] = color[:, None] * cover
            hints[index, 2, rows, columns] = cover
    return hints


def turn_colors(chroma: Tensor, chosen: np.ndarray, rng: np.random.Generator, *, pairs: int) -> Tensor:
    """Turn all colors of the chosen images by an angle, the first and last `pairs` images alike; (N, 2, h, w)."""
    count = len(chroma)
    angle = rng.uniform(0, 2 * math.pi, count) * chosen
    angle[count - pairs :] = angle[:pairs]
    cos, sin = (torch.from_numpy(f(angle)).float()[:, None, None] for f in (np.cos, np.sin))
    a, b = chroma[:, 0], chroma[:, 1]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=1)


def _patch(height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells of a square."""
    side = int(rng.integers(_SIDES[0], _SIDES[1] + 1))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    rows, columns = np.mgrid[top : top + side, left : left + side].reshape(2, -1)
    return rows, columns


def _stroke(height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells of a straight stroke, one cell wide."""
    cells, angle = int(rng.integers(_STROKE_CELLS[0], _STROKE_CELLS[1] + 1)), rng.uniform(0, 2 * np.pi)
    steps = np.arange(cells)
    rows = np.clip(np.rint(rng.integers(0, height) + steps * np.sin(angle)), 0, height - 1).astype(int)
    columns = np.clip(np.rint(rng.integers(0, width) + steps * np.cos(angle)), 0, width - 1).astype(int)
    return rows, columns
