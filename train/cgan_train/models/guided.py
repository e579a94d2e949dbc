"""`guided`: the `edge` network with a color memory, so that people can say which colors they want.

A place of the image is recognized by its key, 32 numbers from the encoder's features at strides 4, 8 and 16. The
memory holds places whose color is known: hints in this image, and rows that the caller brings from other images (a
reference, a key frame). Every place at stride 8 looks the memory up by similarity of keys and, where it makes
sense, by nearness and lightness, and recalls a color with a confidence. What it recalls is added to the decoder's
features at strides 4, 8 and 16; the hints themselves are added at all its strides. The added convolutions start at
zero, so that the network starts as the `edge` network that it was made from, and an empty memory adds exactly
nothing to what is recalled. What the decoder then says is moved, with or without a guide, to the mean of the
image's own places that look alike. Where that is something else than a hint, what is missing is added there and, by
the same likeness, to what looks alike. At last weak guesses are made weaker and strong ones stronger. A decoder
without stride 4 is smaller: that of `edge-small`.

The look-up is attention (Vaswani et al. 2017, arXiv 1706.03762) with a constant in the denominator that stands
for "nothing known". Its sums are of weights in (0, 1], without the softmax's maximum: half precision holds them.
At 256 px all this adds 6 % to the network's multiplications; rows of memory add 0.07 MFLOP each.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cgan_train.models.edge import EdgeGenerator
from cgan_train.models.encoder import TAP_CHANNELS
from cgan_train.models.guided_upsampling import upsample_guided

KEY_CHANNELS = 32
MEMORY_COLUMNS = KEY_CHANNELS + 6
"""Columns of a row of memory: key, y, x, nearness, a*/110, b*/110, weight."""

HINT_STRIDE = 4
KEY_STRIDE = 8
_HIDDEN = 64  # channels between the encoder's features and the keys
_TINY = 1e-3  # a cell that hints cover less than this has no color of its own
# One hint speaks for all that looks somewhat like it: similarity counts less sharply then, by this exponent. Of so
# many places with hints, each speaks for what looks much like it; the exponent is half of that.
_ALONE, _FEW = 1.1, 30.0
_ALIKE = 0.25  # the exponent for places of the image itself, of whose colors none is known
_SHADES = 45.0  # how fast likeness to a hint falls with the square of the difference of L*/50
# Weak colors are made weaker, strong ones stronger: factors at chroma 0 and far above `_MIDDLE`, in (a*, b*)/110.
_WEAK, _STRONG, _MIDDLE = 0.76, 1.15, 0.08
_DOUBT = 0.02  # weight of "as the network says" where hints add what is missing


class TrainingGuide(NamedTuple):
    """The guide of a batch in training, whose images may remember each other (`data.guides`)."""

    hints: Tensor  # as `GuidedGenerator.forward` takes them
    chroma: Tensor  # the batch's true (a*, b*)/110 at stride 8, (N, 2, h, w)
    who: Tensor  # which images each one remembers, int64 (N, 2)
    weight: Tensor  # of their places, in [0, 1], (N, 2, h, w)
    nearness: Tensor  # how much the place in the image counts, in [0, 1], (N, 2)

    def rows(self, keys: Tensor) -> Tensor:
        """Rows of memory, (N, 2*h*w, 38), for the batch's keys, (N, 32, h, w)."""
        return torch.cat([self._rows_of(keys, which) for which in range(self.who.shape[1])], dim=1)

    def _rows_of(self, keys: Tensor, which: int) -> Tensor:
        who, weight = self.who[:, which], self.weight[:, which : which + 1]
        nearness = self.nearness[:, which, None, None, None].expand_as(weight)
        return rows_of_memory(keys[who], self.chroma[who], weight, nearness)


class GuidedGenerator(EdgeGenerator):
    """Lightness, hints and memory to chroma and keys.

    Args:
        widths: Decoder channels at strides 4, 8, 16 and 32; or at 8, 16 and 32, and chroma is predicted at 8.
    """

    guided = True

    def __init__(self, widths: tuple[int, ...]) -> None:
        if len(widths) not in (3, 4):
            raise ValueError("give three or four")
        super().__init__(widths, finest=len(TAP_CHANNELS) - len(widths))
        self.key4 = nn.Conv2d(TAP_CHANNELS[1], _HIDDEN, 1)
        self.key8 = nn.Conv2d(TAP_CHANNELS[2], _HIDDEN, 1, bias=False)
        self.key16 = nn.Conv2d(TAP_CHANNELS[3], _HIDDEN, 1, bias=False)
        self.key = nn.Conv2d(_HIDDEN, KEY_CHANNELS, 1)
        self.sharpness = nn.Parameter(torch.tensor(math.log(8.0)))  # how fast similarity of keys counts less
        self.nearness = nn.Parameter(torch.tensor(math.log(8.0)))  # the same for distance in the image
        self.unknown = nn.Parameter(torch.tensor(math.log(0.05)))  # weight of "nothing known"
        self.hinted = nn.ModuleList(nn.Conv2d(3, width, 3, padding=1, bias=False) for width in widths)
        self.recalled = nn.ModuleList(nn.Conv2d(3, width, 3, padding=1, bias=False) for width in widths[:-1])
        for added in (*self.hinted, *self.recalled):
            nn.init.zeros_(added.weight)

    def forward(  # type: ignore[override]
        self, lightness: Tensor, hints: Tensor | None = None, memory: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Predict chroma at the input's size, and the keys of this image.

        Args:
            lightness: L*/50 - 1, (N, 1, H, W).
            hints: (N, 3, H/4, W/4): a*/110 and b*/110 times the share of the cell that has a hint, and this
                share, in [0, 1]. None is the same as zeros, which mean "no hint".
            memory: (N, M, 38), a row for each remembered place: its key of unit length; y and x in [0, 1], the
                middle of the place in its image; how much nearness counts, from 0 (the place says nothing) to
                1; a*/110 and b*/110; its weight in [0, 1]. None is the same as zeros, which mean "no place".

        Returns:
            The chroma (N, 2, H, W) in [-1, 1]. If `hints` or `memory` is given also the keys
            (N, 32, H/8, W/8), of unit length at each place.
        """
        features = self.encoder(lightness)
        keys = self.keys_of(features)
        chroma = upsample_guided(self._colored(features, keys, lightness, hints, memory), lightness)
        return chroma if hints is None and memory is None else (chroma, keys)

    def predict(self, lightness: Tensor, guide: TrainingGuide | None = None) -> Tensor:
        """Predict chroma at 1/stride of the size, with the guide of a batch in training."""
        features = self.encoder(lightness)
        keys = self.keys_of(features)
        hints, memory = (None, None) if guide is None else (guide.hints, guide.rows(keys))
        return self._colored(features, keys, lightness, hints, memory)

    def _decode(self, features: list[Tensor], added: list[Tensor | float]) -> Tensor:
        """Chroma at 1/stride of the size from the encoder's features and what the guide adds at each level."""
        x = self.refine[-1](self.laterals[-1](features[-1]) + added[-1])
        for level in reversed(range(len(self.reduce))):
            enlarged = F.interpolate(self.reduce[level](x), scale_factor=2, mode="nearest")
            x = self.refine[level](enlarged + self.laterals[level](features[level + self._finest]) + added[level])
        return self._answer(x)

    def _settled(
        self, features: list[Tensor], keys: Tensor, lightness: Tensor, hints: Tensor | None, found: Tensor | None
    ) -> Tensor:
        """The decoder's chroma, moved at stride 8 to the mean of the image's own places that look alike.

        The decoder sees a part of a sky or a wall, and answers each part by itself; so all parts get one color. The
        places that speak are means of 16x16 pixels, which takes a quarter of the work. A place is moved less, the
        more surely its color is known by the sums that were `found` in memory, (N, h*w, 3).
        """
        chroma = self._decode(features, self._added(keys, hints, found))
        own, seen = F.avg_pool2d(chroma, KEY_STRIDE // self.stride), F.avg_pool2d(lightness, KEY_STRIDE)
        shown = F.avg_pool2d(seen, 2)
        everywhere = torch.zeros_like(shown)
        rows = rows_of_memory(unit(F.avg_pool2d(keys, 2)), F.avg_pool2d(own, 2), torch.ones_like(shown), everywhere)
        shades = (seen.flatten(2).mT - shown.flatten(2)).square()
        alike = self._likeness(keys, rows, _ALIKE, shades) @ _weighted(rows)
        moved = _planes(alike[..., :2] / (alike[..., 2:] + _TINY), keys) - own
        if found is not None:
            moved = moved * self._unsure(found, keys)
        return (chroma + self._enlarged(moved)).clamp(-1, 1)

    def _unsure(self, found: Tensor, keys: Tensor) -> Tensor:
        """How far the color of each place is a guess, by the sums that were found in memory, (N, 1, h, w)."""
        return 1 - self._confident(found, keys)[:, 2:]

    def _enlarged(self, planes: Tensor) -> Tensor:
        """Planes at stride 8 at the size of the predicted chroma."""
        if self.stride == KEY_STRIDE:
            return planes
        return F.interpolate(planes, scale_factor=KEY_STRIDE // self.stride, mode="bilinear", align_corners=False)

    def keys_of(self, features: list[Tensor]) -> Tensor:
        """Keys (N, 32, H/8, W/8), of unit length, from the encoder's features."""
        coarse = F.interpolate(self.key16(features[3]), scale_factor=2, mode="bilinear", align_corners=False)
        hidden = self.key8(features[2]) + self.key4(F.avg_pool2d(features[1], 2)) + coarse
        return unit(self.key(F.relu(hidden)))

    def recall(self, keys: Tensor, memory: Tensor, sharpness: Tensor | float = 1.0) -> Tensor:
        """Look all places of an image up in rows of memory.

        Args:
            keys: (N, 32, h, w).
            memory: (N, M, 38).
            sharpness: How sharply similarity to each row counts, relative to the learned sharpness, (N, M, 1).

        Returns:
            (N, 3, h, w): a*/110 and b*/110 times the confidence, and the confidence, in [0, 1).
        """
        return self._confident(self._likeness(keys, memory, sharpness) @ _weighted(memory), keys)

    def _likeness(
        self, keys: Tensor, memory: Tensor, sharpness: Tensor | float, shades: Tensor | None = None
    ) -> Tensor:
        """How much each place is like each row, (N, h*w, M) in (0, 1]; arguments as in `recall`.

        `shades` are squares of the differences of lightness, (N, h*w, M), where the rows' is known.
        """
        if torch.is_autocast_enabled(keys.device.type):  # exponents reach 30, where bfloat16 has steps of an eighth
            with torch.autocast(keys.device.type, enabled=False):
                return self._likeness(keys.float(), memory.float(), sharpness, shades)
        y, x = (places(keys, axis) for axis in (2, 3))
        square, one = y * y + x * x, torch.ones_like(y)
        sharp, near = self.sharpness.exp(), self.nearness.exp()
        query = torch.cat((keys * sharp, y, x, square, one), dim=1).flatten(2).transpose(1, 2)
        key, place = memory[..., :KEY_CHANNELS], memory[..., KEY_CHANNELS : KEY_CHANNELS + 2] - 0.5
        nearness = memory[..., KEY_CHANNELS + 2 : KEY_CHANNELS + 3] * near
        far = -nearness * (place * place).sum(dim=2, keepdim=True) - sharp * sharpness
        # sharp * (q.k - 1) - nearness * |p - p'|^2, as one product of vectors
        entry = torch.cat((key * sharpness, 2 * nearness * place, -nearness, far), dim=2)
        like = query @ entry.transpose(1, 2)
        return torch.exp(like if shades is None else like - _SHADES * shades)

    def _confident(self, found: Tensor, keys: Tensor) -> Tensor:
        """Sums of colors and weights, (N, h*w, 3), as `recall` returns them."""
        return _planes(found / (found[..., 2:] + self.unknown.exp()), keys)

    def _colored(
        self, features: list[Tensor], keys: Tensor, lightness: Tensor, hints: Tensor | None, memory: Tensor | None
    ) -> Tensor:
        """Chroma at 1/stride of the size, by what hints and memory say, if there are any."""
        remembered = None if memory is None else self._likeness(keys, memory, 1.0) @ _weighted(memory)
        if hints is None:
            chroma = self._settled(features, keys, lightness, None, remembered)
            return _bolder(chroma, 1.0 if remembered is None else self._enlarged(self._unsure(remembered, keys)))
        rows = rows_of_hints(keys, hints)
        sharpness = sharpness_of_hints(rows)
        likeness = self._likeness(keys, rows, sharpness, _difference(lightness, hints).square() * sharpness.mT)
        found = likeness @ _weighted(rows)
        known = found if remembered is None else found + remembered
        chroma = self._settled(features, keys, lightness, hints, known)
        missing = likeness @ (_missing(chroma, hints, self.stride) * rows[..., -1:])
        added = _planes(missing / (found[..., 2:] + _DOUBT), keys)
        return _bolder(chroma + self._enlarged(added), self._enlarged(self._unsure(known, keys)))

    def _added(self, keys: Tensor, hints: Tensor | None, found: Tensor | None) -> list[Tensor | float]:
        """What hints, and the sums found in memory, add to the decoder's features, finest level first."""
        added: list[Tensor | float] = [0.0] * len(self.refine)
        finest = self._finest - 1  # in halvings of the hints' stride
        if hints is not None:
            for level, layer in enumerate(self.hinted):
                added[level] = layer(_colors_of(hints, finest + level))
        if found is not None:
            recalled = self._confident(found, keys)
            finer = F.interpolate(recalled, scale_factor=2, mode="bilinear", align_corners=False)
            for level, planes in enumerate((finer, recalled, F.avg_pool2d(recalled, 2))[finest:]):
                added[level] = added[level] + self.recalled[level](planes)
        return added

    def added_parameters(self) -> list[nn.Parameter]:
        """The parameters that `edge` does not have."""
        return [p for name, p in self.named_parameters() if name.split(".")[0] in _ADDED]


_ADDED = {"key4", "key8", "key16", "key", "sharpness", "nearness", "unknown", "hinted", "recalled"}


def _bolder(chroma: Tensor, unsure: Tensor | float) -> Tensor:
    """Chroma with weak colors weaker and strong ones stronger, as far as they are a guess, in [-1, 1]."""
    square = (chroma * chroma).sum(dim=1, keepdim=True)
    change = _WEAK - 1 + (_STRONG - _WEAK) * square / (square + _MIDDLE**2)
    return (chroma + chroma * change * unsure).clamp(-1, 1)


def unit(keys: Tensor) -> Tensor:
    """Vectors along the channels at unit length."""
    return keys * torch.rsqrt((keys * keys).sum(dim=1, keepdim=True) + 1e-6)


def places(planes: Tensor, axis: int) -> Tensor:
    """The middle of each place along an axis, from -0.5 to 0.5, (N, 1, h, w)."""
    length = planes.shape[axis]
    # Counted in integers: ONNX has no Range in half precision.
    middle = (torch.arange(length, device=planes.device).to(planes.dtype) + 0.5) / length - 0.5
    shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
    return middle.view(shape) + torch.zeros_like(planes[:, :1])


def rows_of_memory(keys: Tensor, chroma: Tensor, weight: Tensor, nearness: Tensor) -> Tensor:
    """Remember an image whose colors are known.

    Args:
        keys: (N, 32, h, w).
        chroma: (a*, b*)/110, (N, 2, h, w).
        weight: (N, 1, h, w) in [0, 1]; 0 leaves a place out.
        nearness: How much the place in the image counts, (N, 1, h, w) in [0, 1].

    Returns:
        (N, h*w, 38), for `GuidedGenerator.forward`.
    """
    y, x = (places(keys, axis) + 0.5 for axis in (2, 3))
    return torch.cat((keys, y, x, nearness, chroma, weight), dim=1).flatten(2).transpose(1, 2)


def rows_of_hints(keys: Tensor, hints: Tensor) -> Tensor:
    """Hints at stride 4 as rows of memory: one for each 16x16 pixels, (N, h*w/4, 38).

    Keys of the places that have hints are averaged. Places nearby count more.
    """
    cells = F.avg_pool2d(hints, 2)
    cover = cells[:, 2:]
    sums = F.avg_pool2d(torch.cat((keys * cover, cells), dim=1), 2)
    mask = sums[:, -1:]
    key, color = unit(sums[:, :KEY_CHANNELS] * 16), sums[:, KEY_CHANNELS:-1] / mask.clamp_min(_TINY / 16)
    weight = (mask * 16).clamp(0, 1)  # a hint of one cell at stride 4 has its full weight
    return rows_of_memory(key, color, weight, torch.ones_like(weight))


def sharpness_of_hints(rows: Tensor) -> Tensor:
    """How sharply similarity to hints counts, by how many places have some, (N, M, 1) below 1, of rows (N, M, 38)."""
    weight = rows[..., -1:]
    places = weight.sum(dim=1, keepdim=True)
    return torch.exp(-_ALONE / (1 + places / _FEW)) + torch.zeros_like(weight)


def _weighted(rows: Tensor) -> Tensor:
    """Colors of rows (N, M, 38) times their weights, and the weights, (N, M, 3)."""
    return torch.cat((rows[..., -3:-1] * rows[..., -1:], rows[..., -1:]), dim=2)


def _planes(table: Tensor, keys: Tensor) -> Tensor:
    """A row for each place, (N, h*w, C), as planes (N, C, h, w) like those of `keys`."""
    return table.transpose(1, 2).reshape(keys.shape[0], -1, *keys.shape[2:])


def _difference(lightness: Tensor, hints: Tensor) -> Tensor:
    """Lightness of places at stride 8 less that of each of `rows_of_hints`, (N, h*w, h*w/4), in L*/50."""
    seen, cover = F.avg_pool2d(lightness, KEY_STRIDE), F.avg_pool2d(hints[:, 2:], KEY_STRIDE // HINT_STRIDE)
    sums = F.avg_pool2d(torch.cat((seen * cover, cover), dim=1), 2)
    given = sums[:, :1] / sums[:, 1:].clamp_min(_TINY / 16)
    return seen.flatten(2).mT - given.flatten(2)


def _missing(chroma: Tensor, hints: Tensor, stride: int) -> Tensor:
    """What chroma at a stride lacks where hints are, one row for each of `rows_of_hints`, (N, h*w/4, 2)."""
    cells = F.avg_pool2d(hints, stride // HINT_STRIDE) if stride > HINT_STRIDE else hints
    mask = cells[:, 2:]
    sums = F.avg_pool2d(torch.cat((cells[:, :2] - chroma * mask, mask), dim=1), 2 * KEY_STRIDE // stride)
    return (sums[:, :2] / sums[:, 2:].clamp_min(_TINY / 16)).flatten(2).transpose(1, 2)


def _colors_of(hints: Tensor, level: int) -> Tensor:
    """Hints at stride 4 times 2**level: a*/110 and b*/110 of the hints in a cell, and how far they fill it."""
    pooled = F.avg_pool2d(hints, 2**level) if level else hints
    mask = pooled[:, 2:]
    known = (mask * 4**level).clamp(0, 1)
    return torch.cat((pooled[:, :2] / mask.clamp_min(_TINY / 4**level) * known, known), dim=1)
