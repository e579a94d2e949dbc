"""Trains a variant for its CPU time, measures it on photos that it has not seen, and times it as ONNX."""

from __future__ import annotations

import dataclasses
import json
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_benchmarks.studies.variants.classes import ClassLoss
from cgan_benchmarks.studies.variants.models import SEED_WIDTHS, VARIANTS, Variant, build
from cgan_runtime import manifest
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ConfigError
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import Augmentation, Phase
from cgan_train.data.loader import Loader
from cgan_train.data.sources import Image, ImageSource
from cgan_train.evaluation.metrics import Array
from cgan_train.evaluation.quality import Quality, measure_quality
from cgan_train.models.base import Generator
from cgan_train.models.edge import EdgeGenerator
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan
from cgan_train.training.losses import pixel_loss

CROP = 128  # px, what is trained on
SIDE = 160  # px, what is measured: the short side of most photos
_BATCH = 32
_EVERY = 40  # of so many photos one is held out
_MAX_PHOTOS = 120  # that are measured
_EMA = 0.998  # all rows were measured with this and the zoom below, whatever the recipe has today
_GAN_FROM = 0.7  # of the time, where the discriminator takes part
TIMED = 256  # px
_ROUNDS = 40  # timings of each, in turns
_SCHEDULE = 1000  # steps that the learning rate is divided into


def train(variant: Variant, source: ImageSource, cpu_seconds: float, weights: Path) -> dict[str, Any]:
    """Train one variant for its time, write its weights, and measure it; errors as of `_copy_weights`."""
    held = list(range(0, len(source), _EVERY))[:_MAX_PHOTOS]
    if variant.scale == 1:
        rest = sorted(set(range(len(source))) - set(held))
        cost = _train(variant, _Subset(source, rest), cpu_seconds, weights)
    else:
        cost = _copy_weights(variant, weights)
    quality = _measure(variant, [source.read(index) for index in held], weights)
    return {"variant": dataclasses.asdict(variant)} | cost | dataclasses.asdict(quality)


def _train(variant: Variant, source: ImageSource, cpu_seconds: float, weights: Path) -> dict[str, float]:
    """Train, write the weights, and return the cost of training."""
    gan, phases = _prepare(variant)
    loader = Loader(source, _BATCH, gan.config.augmentation, seed=0)
    batches = (batch for epoch in range(1000) for batch in loader.epoch(epoch, CROP))
    phase, seen = phases[0], 0
    gan.enter(phase, scratch=variant.seed)
    begun = time.process_time()
    while (used := (time.process_time() - begun) / cpu_seconds) < 1 or not seen:
        if used > _GAN_FROM and phase is not phases[-1]:
            phase = phases[-1]
            gan.enter(phase, scratch=variant.seed)
        gan.set_rate(phase, int(used * _SCHEDULE), _SCHEDULE)
        gan.step(phase, next(batches), number=seen)
        seen += 1
    torch.save(gan.weights(), weights)
    return {"images_seen": seen * _BATCH, "cpu_seconds": cpu_seconds}


def _prepare(variant: Variant) -> tuple[Gan, list[Phase]]:
    """The networks of a variant, and the phases of its training."""
    torch.manual_seed(0)  # common parts of the networks start from the same weights
    generator = build(variant)
    augmentation = Augmentation(zoom=(0.5, 1.0), film=variant.film)
    if not isinstance(generator, EdgeGenerator):
        judge = dataclasses.replace(recipe("seed").discriminator, widths=SEED_WIDTHS)
        phases = [Phase("gan", share=1.0, crop=CROP, lr=2e-4)]
        config = recipe("seed", discriminator=judge, augmentation=augmentation, ema=_EMA)
        return Gan(config, World(), generator), phases
    plain = dataclasses.replace(
        recipe("edge").phases[0], schedule="cosine", chroma_gain=variant.chroma_gain, share=1.0,
        frozen_blocks=len(generator.encoder.blocks),
    )  # fmt: skip
    judged = dataclasses.replace(plain, name="gan", gan=True, lr=2e-4, pixel_weight=300.0, frozen_norm=True)
    config = recipe("edge", phases=(plain,), augmentation=augmentation, ema=_EMA)
    loss = ClassLoss() if variant.classes else pixel_loss
    return Gan(config, World(), generator, loss), [plain] + [judged] * variant.gan


def _copy_weights(variant: Variant, weights: Path) -> dict[str, float]:
    """Copy the weights of the row that differs only in scale, or raise ConfigError; return their cost."""
    same = [dataclasses.replace(variant, name=other.name, scale=1.0) == other for other in VARIANTS]
    number = same.index(True)
    original = weights.with_name(f"{number}.pt")
    if not original.with_suffix(".json").exists():
        first = VARIANTS[number].name
        raise ConfigError(f"{variant.name!r} has the weights of {first!r}; train {original} first")
    shutil.copyfile(original, weights)
    row = json.loads(original.with_suffix(".json").read_text(encoding="utf-8"))
    return {name: row[name] for name in ("images_seen", "cpu_seconds")}


@torch.inference_mode()
def _measure(variant: Variant, images: Sequence[Image], weights: Path) -> Quality:
    generator = build(variant)
    generator.load_state_dict(torch.load(weights, weights_only=True))
    generator.eval()

    def predict(lightness: Array) -> Array:
        chroma = colored_small(generator, torch.from_numpy(lightness), variant.scale)
        return chroma.numpy()

    return measure_quality(predict, images, SIDE)


def colored_small(generator: Generator, lightness: Tensor, scale: float) -> Tensor:
    """Chroma (N, 2, H, W) of lightness (N, 1, H, W), by the network on a smaller, padded image."""
    size = lightness.shape[-2:]
    height, width = (round(side * scale) for side in size)
    if (height, width) != size:
        lightness = F.interpolate(lightness, (height, width), mode="area")
    below, right = (-side % generator.size_multiple for side in (height, width))
    chroma = generator(F.pad(lightness, (0, right, 0, below), mode="replicate"))[..., :height, :width]
    return F.interpolate(chroma, size, mode="bilinear", align_corners=False)


class _Subset:
    """Some images of a source."""

    def __init__(self, source: ImageSource, chosen: Sequence[int]) -> None:
        self._source, self._chosen = source, chosen
        self.names = [source.names[index] for index in chosen]
        self.left_out: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._chosen)

    def read(self, index: int) -> Image:
        return self._source.read(self._chosen[index])

    def fingerprint(self) -> str:
        return self._source.fingerprint()


def time_all(files: Sequence[tuple[Variant, Path]], threads: int) -> list[float]:
    """Median milliseconds of each variant at 256 px in ONNX Runtime; each is given with its weights."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="cgan-variants-") as folder, ExitStack() as stack:
        opened = []
        for number, (variant, weights) in enumerate(files):
            path = Path(folder) / f"{number}.onnx"
            side = export(variant, weights, path)
            lightness = rng.uniform(-1, 1, (1, 1, side, side)).astype(np.float32)
            backend = stack.enter_context(open_backend(path, "onnxruntime", threads=threads))
            opened.append((backend, lightness))
        times: list[list[float]] = [[] for _ in opened]
        for (backend, lightness), seconds in [*zip(opened, times, strict=True)] * _ROUNDS:
            begun = time.perf_counter()
            backend.chroma(lightness)
            seconds.append(time.perf_counter() - begun)
    return [1000 * statistics.median(seconds) for seconds in times]


def export(variant: Variant, weights: Path, path: Path) -> int:
    """Write a variant as ONNX with its manifest; returns the side of its input, px."""
    generator = build(variant)
    generator.load_state_dict(torch.load(weights, weights_only=True))
    side = round(TIMED * variant.scale)
    example = torch.zeros(1, 1, side, side)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            generator.eval(), (example,), path, input_names=["lightness"], output_names=["chroma"],
            dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    manifest.Manifest(
        name=variant.name, file=path.name, sha256=manifest.sha256_of(path), precision="fp32",
        weights="fp32", opset=18, size=side, size_multiple=generator.size_multiple, recipe="variant",
        inputs=(manifest.Tensor("lightness", "float32", (1, 1, side, side)),),
        outputs=(manifest.Tensor("chroma", "float32", (1, 2, side, side)),),
    ).save(path)  # fmt: skip
    return side
