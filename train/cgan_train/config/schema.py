"""The settings of a training run: frozen dataclasses that check themselves; `recipes` holds named ones.

A run is a sequence of phases. Each has its share of the epochs, its image size and learning rate, and trains
with or without the discriminator. The paper's recipe has one phase, `edge` has four.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from cgan_runtime.errors import ConfigError
from cgan_train.config.validation import (
    ABOVE_0,
    AT_LEAST_0,
    AT_LEAST_1,
    BELOW_1,
    MAY_BE_EMPTY,
    UP_TO_1,
    Range,
    invalid_fields,
)  # fmt: skip

_STAIR = 0.1  # factor of the learning rate at each stair
_WIDTH = Range("whole numbers from 1 to 4096", low=1, high=4096, whole=True)
_RANGES = {
    "epochs": AT_LEAST_1, "batch_size": AT_LEAST_1, "generator_steps": AT_LEAST_1, "stair_steps": AT_LEAST_1,
    "crop": AT_LEAST_1, "size": AT_LEAST_1, "widths": _WIDTH,
    "sampling": AT_LEAST_0, "recalibration": AT_LEAST_0, "frozen_blocks": AT_LEAST_0,
    "scales": Range("1 to 4", low=1, high=4, whole=True),
    "discriminator_warmup": AT_LEAST_0, "pixel_weight": AT_LEAST_0, "chroma_gain": AT_LEAST_0,
    "feature_weight": AT_LEAST_0, "perceptual_weight": AT_LEAST_0,
    "discriminator_rate": AT_LEAST_0, "encoder_rate": AT_LEAST_0,
    "lr": ABOVE_0, "share": ABOVE_0, "smooth_beta": ABOVE_0,
    "film": UP_TO_1, "soft": UP_TO_1, "surfaces": UP_TO_1, "paste": UP_TO_1, "guides": UP_TO_1,
    "zoom": Range("two numbers above 0, up to 1", high=1, open_low=True),
    "ema": BELOW_1, "betas": Range("two numbers from 0 to below 1", high=1, open_high=True),
    "label_smoothing": Range("0 to below 0.5", high=0.5, open_high=True),
    "seed": Range("0 to 2^63 - 1", high=2**63 - 1),
}  # fmt: skip


@dataclass(frozen=True)
class GeneratorConfig:
    """The generator.

    Attributes:
        name: In the registry of `cgan_train.models`, or of the class in `file`.
        size: Side in pixels of the images that it is made for.
        widths: Channels of its levels; empty where an own generator takes none.
        channels: What it predicts: `ab` is chroma alone, `lab` is lightness too, as in the paper's code. An
            export uses the chroma alone.
        gray: What it computes with: `lightness` is L*/50 - 1; `codes` are gray codes from 0 to 255, which it is
            trained with as a weighted sum of red, green and blue, as in the paper's code.
        file: Name of the file of an own generator (`--generator FILE.py:NAME`); empty for those of cgan.
        sha256: Of that file.
    """

    name: str
    size: int
    widths: tuple[int, ...] = field(metadata=MAY_BE_EMPTY)
    channels: Literal["ab", "lab"] = "ab"
    gray: Literal["lightness", "codes"] = "lightness"
    file: str = ""
    sha256: str = ""

    @property
    def weights(self) -> str:
        """Describe for people what its weights fit; they do not depend on the size."""
        if self.file:
            return f"generator {self.name!r} of {self.file} (sha256 {self.sha256[:12]}), widths {list(self.widths)}"
        codes = ", gray codes" if self.gray == "codes" else ""
        return f"generator {self.name!r} of widths {list(self.widths)} for channels {self.channels}{codes}"


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The discriminator.

    Attributes:
        name: `patch` (PatchGAN) or `seed` (contracting path and a linear layer).
        widths: Channels of its levels.
        spectral_norm: Divide each weight by its largest singular value (Miyato et al. 2018, arXiv
            1802.05957).
        scales: How many of it there are: the second sees images of half the size, and so on (Wang et al. 2018,
            arXiv 1711.11585, section 3.2).
    """

    name: Literal["patch", "seed"]
    widths: tuple[int, ...]
    spectral_norm: bool = False
    scales: int = 1


@dataclass(frozen=True)
class Phase:
    """One phase of a run.

    Attributes:
        name: For the log.
        share: Its part of the run's epochs, above 0, at most 1.
        crop: Side of the training images in pixels.
        lr: Learning rate of the generator at the start.
        schedule: How the rate falls: `cosine` to 0; `staircase` to a tenth after every `stair_steps`.
        stair_steps: Steps of the phase between two stairs of the `staircase`.
        gan: Train with the discriminator; without it the phase is plain regression.
        frozen_blocks: Leading blocks of an ImageNet encoder that keep their weights.
        discriminator_warmup: Steps at the start that train the discriminator alone.
        pixel_weight: Factor of the pixel loss beside the GAN loss (100 in the paper).
        chroma_gain: The pixel loss is weighted by 1 + chroma * gain, at most 5; 0 for no weights. A larger
            gain makes colors stronger, wrong ones too.
        feature_weight: Factor of feature matching on the discriminator's features (Wang et al. 2018,
            arXiv 1711.11585, equation 3) beside the GAN loss.
        perceptual_weight: Factor of the difference of an ImageNet network's features of color images (Johnson et
            al. 2016, arXiv 1603.08155), beside the pixel loss.
        frozen_norm: BatchNorm normalizes by its running statistics, as in use, and keeps them.
    """

    name: str
    share: float
    crop: int
    lr: float
    schedule: Literal["constant", "cosine", "staircase"] = "constant"
    stair_steps: int = 10_000
    gan: bool = True
    frozen_blocks: int = 0
    discriminator_warmup: int = 0
    pixel_weight: float = 100.0
    chroma_gain: float = 0.0
    feature_weight: float = 0.0
    perceptual_weight: float = 0.0
    frozen_norm: bool = False

    def rate_at(self, step: int, steps: int) -> float:
        """The generator's learning rate at a step, counted from 0, of the phase's `steps`."""
        factor = 1.0
        if self.schedule == "cosine":
            factor = (1 + math.cos(math.pi * step / steps)) / 2
        elif self.schedule == "staircase":
            factor = _STAIR ** (step // self.stair_steps)
        return self.lr * factor


@dataclass(frozen=True)
class Augmentation:
    """Augmentation of the training images.

    Attributes:
        flip: Mirror half of them.
        zoom: Smallest and largest side of the crop, relative to the image's short side.
        film: Share of images whose gray is that of photographic film: random response to red, green and blue,
            contrast, grain and softness. The others keep their own L*.
        soft: Share of these others whose L* is blurred, grainy or both, as in enlarged and compressed video.
        surfaces: Share of images that show a small part of themselves, enlarged, or a made-up gray surface.
        paste: Share of images that get a rectangle of another one.
        guides: Share of images that a guided generator colors with hints or remembered colors; a quarter of
            the batch then shows second views of other images.
    """

    flip: bool = True
    zoom: tuple[float, float] = (1.0, 1.0)
    film: float = 0.0
    soft: float = 0.0
    surfaces: float = 0.0
    paste: float = 0.0
    guides: float = 0.0


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a run except its data. Every checkpoint contains them.

    Attributes:
        recipe: Name of the recipe that it started from.
        phases: Its phases, in their order; their shares sum to 1. One is named as `phases.NAME`.
        epochs: Passes over the training images, of all phases together.
        batch_size: Images in a batch, over all processes together.
        pixel_loss: `l1`, or `smooth_l1` (Huber) with `smooth_beta`, on (a*, b*)/110.
        smooth_beta: Difference of (a*, b*)/110 below which `smooth_l1` is quadratic, above it linear.
        shade: Weight dark pixels by L*/50, within 0.15 to 1, since their color is hardly visible.
        label_smoothing: Real images are labeled 1 - this (one-sided; Salimans et al. 2016).
        gan_loss: `bce` (non-saturating cross-entropy) or `hinge` (Lim and Ye 2017, arXiv 1705.02894).
        generator_steps: Steps of the generator for each of the discriminator, on the same batch.
        discriminator_rate: Learning rate of the discriminator relative to the generator's (TTUR, Heusel et
            al. 2017, arXiv 1706.08500).
        encoder_rate: Learning rate of an ImageNet encoder relative to the decoder's.
        encoder_weights: What the encoder starts from: `imagenet`, or `none` for random weights.
        teacher: Checkpoint of a network whose colors are learned in place of the photographs', `edge` for the
            one that ships; empty for none. The generator starts with those of its weights that fit.
        optimizer: `adam`, or `adamw` with a weight decay of 0.01.
        betas: Decay of the optimizer's averages of gradients and of their squares.
        ema: Decay of the weights' moving average per step, less in the first steps; 0 for no average.
        sampling: Images per epoch; 0 for all.
        precision: What the networks compute in; `auto` is bfloat16 where the hardware is faster with it.
        compile: Run the networks through torch.compile; its first steps take half a minute or more.
        cuda_graphs: On one GPU, record each kind of step once and replay it (`training.cuda_graph`).
        dropout: Dropout has an effect in training; in the paper's published code it has none.
        batch_statistics: After an epoch, measure with BatchNorm by the statistics of each batch of images, as the
            paper's published code does; what is saved and exported keeps its own.
        recalibration: Batches on which BatchNorm's statistics are measured anew before a checkpoint is
            written; 0 keeps those gathered in training.
        seed: Of the first weights, the order of the images, their crops and augmentation.
    """

    recipe: str
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    phases: tuple[Phase, ...]
    epochs: int
    batch_size: int
    augmentation: Augmentation = Augmentation()
    pixel_loss: Literal["l1", "smooth_l1"] = "l1"
    smooth_beta: float = 0.03
    shade: bool = False
    label_smoothing: float = 0.0
    gan_loss: Literal["bce", "hinge"] = "bce"
    generator_steps: int = 1
    discriminator_rate: float = 1.0
    encoder_rate: float = 1.0
    encoder_weights: Literal["imagenet", "none"] = "none"
    teacher: str = ""
    optimizer: Literal["adam", "adamw"] = "adam"
    betas: tuple[float, float] = (0.5, 0.999)
    ema: float = 0.0
    sampling: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    cuda_graphs: bool = True
    dropout: bool = True
    batch_statistics: bool = False
    recalibration: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        if problem := next(self._problems(), None):
            raise ConfigError(f"recipe {self.recipe!r}: {problem}")

    def _problems(self) -> Iterator[str]:
        for part in (self.generator, self.discriminator, self.augmentation, self):
            yield from invalid_fields(part, _RANGES)
        for phase in self.phases:
            yield from (f"phase {phase.name!r}: {problem}" for problem in invalid_fields(phase, _RANGES))
        if abs(sum(phase.share for phase in self.phases) - 1) > 1e-6:
            yield "the phases' shares do not sum to 1"
        if self.generator.gray == "codes" and self.shade:
            yield "shade needs lightness; set generator.gray=lightness or shade=false"
        if self.generator.gray == "codes" and any(phase.perceptual_weight for phase in self.phases):
            yield "perceptual_weight needs lightness; set generator.gray=lightness or the weight to 0"
        if self.augmentation.zoom[0] > self.augmentation.zoom[1]:
            yield f"zoom is {self.augmentation.zoom}; give the smaller side first"

    def phase_at(self, epoch: int) -> tuple[Phase, int, int]:
        """Find the phase of an epoch (counted from 0), its first epoch, and the epoch after its last.

        Raises:
            ConfigError: The run has fewer epochs.
        """
        end, first = 0.0, 0
        for index, phase in enumerate(self.phases):
            end += phase.share * self.epochs
            last = self.epochs if index == len(self.phases) - 1 else round(end)
            if epoch < last:
                return phase, first, last
            first = last
        raise ConfigError(f"epoch {epoch} is beyond the run's {self.epochs}")

    def skipped_phases(self) -> list[str]:
        """Names of the phases that get no epoch because there are too few."""
        used = {id(self.phase_at(epoch)[0]) for epoch in range(self.epochs)}
        return [phase.name for phase in self.phases if id(phase) not in used]

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """Read the output of `to_json`.

        Raises:
            ConfigError: A field is missing, unknown or out of range.
        """
        try:
            values = dict(values)
            values["generator"] = generator_from_json(values["generator"])
            values["discriminator"] = DiscriminatorConfig(**_tuples(values["discriminator"]))
            values["phases"] = tuple(Phase(**phase) for phase in values["phases"])
            values["augmentation"] = Augmentation(**_tuples(values["augmentation"]))
            return cls(**_tuples(values))
        except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
            raise ConfigError(f"the training config cannot be used ({error}); start from a recipe again") from error


def generator_from_json(values: dict[str, Any]) -> GeneratorConfig:
    """Read a generator's config.

    Raises:
        ConfigError: A field is missing, unknown, of a wrong type or out of range.
    """
    try:
        config = GeneratorConfig(**_tuples(values))
        valid = isinstance(config.name, str) and isinstance(config.size, int)
        if not valid or any(invalid_fields(config, _RANGES)):
            raise TypeError(str(values))
    except TypeError as error:
        raise ConfigError(f"the generator's config cannot be used ({error})") from error
    return config


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
