"""The variants, one row of settings each: `VARIANTS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WIDTHS = (56, 96, 160, 256)  # of the bundled model's decoder, at strides 4 to 32


@dataclass(frozen=True)
class Variant:
    """What differs from the recipe's first phase."""

    name: str
    widths: tuple[int, ...] = WIDTHS  # of the decoder, finest level first
    finest: int = 1  # finest level of the encoder used, also the output's: 0 for stride 2 to 4 for 32
    coarsest: int = 4  # later levels of the encoder are cut off
    chroma_gain: float = 1 / 30  # weight of strong colors
    film: float = 0.5  # share of images with the gray of film
    gan: bool = False  # whether the last part of the time is a GAN phase
    seed: bool = False  # the seed's U-Net at a quarter of its widths, from random weights, by its own recipe
    encoder: Literal["lite0", "lite1"] = "lite0"  # EfficientNet-Lite0, or Lite1, which has more blocks
    global_head: bool = False  # the mean of the coarsest features is added everywhere, by a small network
    attention: bool = False  # self-attention over the decoder's coarsest features
    classes: bool = False  # color classes instead of regression
    scale: float = 1.0  # the image is made smaller; weights of the row that differs in nothing else


# Trained variants are kept by the number of their row: new rows come last.
VARIANTS = (
    Variant("edge"),
    Variant("seed, quarter widths", seed=True),
    Variant("output at half", widths=(32, *WIDTHS), finest=0),
    Variant("output at an eighth", widths=WIDTHS[1:], finest=2),
    Variant("decoder of half the width", widths=(28, 48, 80, 128)),
    Variant("encoder cut at stride 16", widths=WIDTHS[:3], coarsest=3),
    Variant("strong colors weigh more", chroma_gain=1 / 12),
    Variant("strong colors weigh the same", chroma_gain=0.0),
    Variant("with a GAN phase", gan=True),
    Variant("no film gray", film=0.0),
    Variant("encoder Lite1", encoder="lite1"),
    Variant("global color head", global_head=True),
    Variant("attention at stride 32", attention=True),
    Variant("color classes", classes=True),
    Variant("input of 192 px", scale=0.75),
)
