"""Variants of `edge`, trained for the same processor time from the same start: quality against milliseconds.

python -m cgan_benchmarks.variants --data photos/ --cpu-seconds 60 --json variants.json --picture variants.png

Every variant trains its decoder on the encoder with ImageNet weights (the first phase of the recipe), and is
measured on every 40th photo, which none of them sees. Processor time, not wall time, so that a busy machine
gives all the same. What is trained stays in a folder; a run that was stopped goes on with the next variant.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_runtime import __version__
from cgan_runtime.console import guard

if TYPE_CHECKING:
    from cgan_train.data.sources import Picture, Source
    from cgan_train.models.base import Generator

FORMAT = "cgan-variants"
FORMAT_VERSION = 1
_SEED_WIDTHS = (16, 32, 64, 128, 256)
WIDTHS = (56, 96, 160, 256)  # of the decoder that ships, at strides 4 to 32
_SIDE = 160  # px, what is measured: the short side of most photos
_TIMED = 256  # px, what is timed
_CROP = 128  # px, what is trained on
_BATCH = 32
_HELD = 40  # every so many photos one is held out
_MOST = 120  # photos that are measured
_GAN_FROM = 0.7  # of the time, where the discriminator takes part
_ROUNDS = 40  # timings of each, in turns
_SCHEDULE = 1000  # steps that the learning rate is divided into
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Variant:
    """What is different from the recipe's first phase.

    Attributes:
        name: For the table.
        widths: Of the decoder, finest level first.
        finest: The finest level of the encoder that is used: 0 for stride 2 to 4 for stride 32. The output
            is that much smaller than the input.
        coarsest: The coarsest one; what the encoder has behind it is cut off.
        chroma_gain: Weight of strong colours.
        film: Share of pictures with the grey of a film.
        gan: Whether the last part of the time is a GAN phase.
        seed: The seed's U-Net at a quarter of its widths, from nothing, by its own recipe.
    """

    name: str
    widths: tuple[int, ...] = WIDTHS
    finest: int = 1
    coarsest: int = 4
    chroma_gain: float = 1 / 30
    film: float = 0.5
    gan: bool = False
    seed: bool = False


VARIANTS = (
    Variant("edge"),
    Variant("seed, quarter widths", seed=True),
    Variant("output at half", widths=(32, *WIDTHS), finest=0),
    Variant("output at an eighth", widths=WIDTHS[1:], finest=2),
    Variant("decoder of half the width", widths=(28, 48, 80, 128)),
    Variant("encoder cut at stride 16", widths=WIDTHS[:3], coarsest=3),
    Variant("strong colours weigh more", chroma_gain=1 / 12),
    Variant("strong colours weigh the same", chroma_gain=0.0),
    Variant("with a GAN phase", gan=True),
    Variant("no film grey", film=0.0),
)


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--data", multiple=True, type=_PATH, required=True, help="Photos to train on, and to measure.")
@click.option("--cpu-seconds", type=click.FloatRange(min=0), default=60.0, help="Of training, for each.")
@click.option("--state", type=_PATH, default=Path("runs/variants"), help="Folder of what is trained.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads.")
@click.option("--time", "timing", is_flag=True, help="Time all that are trained, and train no more.")
@click.option("--json", "json_file", type=_PATH, help="Write all figures there.")
@click.option("--picture", type=_PATH, help="Draw quality against milliseconds there, as PNG.")
def main(
    data: tuple[Path, ...], cpu_seconds: float, state: Path, threads: int, timing: bool,
    json_file: Path | None, picture: Path | None,
) -> None:  # fmt: skip
    """Train and measure the variants that are not yet trained; with --time, time and tell of all."""
    import torch

    from cgan_train.data.sources import open_sources

    torch.set_num_threads(threads)
    if not timing:
        source, _ = open_sources(data)
        state.mkdir(parents=True, exist_ok=True)
        for number, variant in enumerate(VARIANTS):
            if not (state / f"{number}.json").exists():
                row = train(variant, source, cpu_seconds, state / f"{number}.pt")
                (state / f"{number}.json").write_text(json.dumps(row), encoding="utf-8")
                click.echo(f"{variant.name}: {row['gain_percent']:.1f} % at chroma {row['chroma_ratio']:.2f}")
        return
    from cgan_benchmarks.plots import draw_variants
    from cgan_benchmarks.report import write_document

    document = _document(state, threads)
    for row in document["rows"]:
        click.echo(f"{row['variant']['name']}: {row['ms']:.1f} ms, {row['gain_percent']:.1f} %")
    if json_file is not None:
        write_document(document, json_file)
    if picture is not None:
        draw_variants(document, picture)


def train(variant: Variant, source: Source, cpu_seconds: float, weights: Path) -> dict[str, Any]:
    """Train one variant for its time, keep its weights, and measure it."""
    import torch

    from cgan_train.data.loader import Loader
    from cgan_train.metrics import Array, measure_quality

    gan, phases = _prepare(variant)
    held = list(range(0, len(source), _HELD))[:_MOST]
    rest = sorted(set(range(len(source))) - set(held))
    loader = Loader(_Part(source, rest), _BATCH, gan.config.augmentation, seed=0)
    batches = (batch for epoch in range(1000) for batch in loader.epoch(epoch, _CROP))
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
    generator = build(variant)
    generator.load_state_dict(gan.weights())
    generator.eval()
    torch.save(generator.state_dict(), weights)

    @torch.inference_mode()
    def predict(lightness: Array) -> Array:
        return generator(torch.from_numpy(lightness)).numpy()  # type: ignore[no-any-return]

    quality = measure_quality(predict, [source.read(index) for index in held], _SIDE)
    row = {"variant": dataclasses.asdict(variant), "pictures_seen": seen * _BATCH}
    return row | {"cpu_seconds": cpu_seconds} | dataclasses.asdict(quality)


def _prepare(variant: Variant) -> tuple[Any, list[Any]]:
    """The networks of a variant, and its phases."""
    from cgan_train.config import Augmentation, Phase
    from cgan_train.distributed import World
    from cgan_train.gan import Gan
    from cgan_train.recipes import recipe

    if variant.seed:
        judge = dataclasses.replace(recipe("seed").discriminator, widths=_SEED_WIDTHS)
        phases = [Phase("gan", share=1.0, crop=_CROP, lr=2e-4)]
        augmentation = Augmentation(zoom=(0.5, 1.0), film=variant.film)
        config = recipe("seed", discriminator=judge, augmentation=augmentation, ema=0.998)
        return Gan(config, World(), build(variant)), phases
    plain = dataclasses.replace(
        recipe("edge").phases[0], schedule="cosine", chroma_gain=variant.chroma_gain, share=1.0
    )
    judged = dataclasses.replace(plain, name="gan", gan=True, lr=2e-4, pixel_weight=300.0, frozen_norm=True)
    config = recipe("edge", phases=(plain,))
    augmentation = dataclasses.replace(config.augmentation, film=variant.film)
    config = dataclasses.replace(config, augmentation=augmentation)
    return Gan(config, World(), build(variant)), [plain] + [judged] * variant.gan


def build(variant: Variant) -> Generator:
    """A variant's network, its encoder with ImageNet weights."""
    from cgan_train.models.edge import EdgeGenerator
    from cgan_train.models.unet import SeedGenerator

    if variant.seed:
        return SeedGenerator(_SEED_WIDTHS)
    generator = EdgeGenerator(variant.widths, finest=variant.finest, coarsest=variant.coarsest)
    generator.encoder.load_imagenet()
    return generator


class _Part:
    """Some pictures of a source."""

    def __init__(self, source: Source, chosen: Sequence[int]) -> None:
        self._source, self._chosen = source, chosen
        self.names = [source.names[index] for index in chosen]

    def __len__(self) -> int:
        return len(self._chosen)

    def read(self, index: int) -> Picture:
        return self._source.read(self._chosen[index])

    def fingerprint(self) -> str:
        return self._source.fingerprint()


def time_all(rows: Sequence[dict[str, Any]], state: Path, threads: int) -> list[float]:
    """Median milliseconds of each variant at 256 px in ONNX Runtime, one after the other in turns."""
    import tempfile
    from contextlib import ExitStack

    import numpy as np

    from cgan_runtime.backends.registry import open_backend

    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 1, _TIMED, _TIMED)).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="cgan-variants-") as folder, ExitStack() as stack:
        opened = []
        for number, row in enumerate(rows):
            path = Path(folder) / f"{number}.onnx"
            _export(Variant(**row["variant"]), state / f"{number}.pt", path)
            opened.append(stack.enter_context(open_backend(path, "onnxruntime", threads=threads)))
        times: list[list[float]] = [[] for _ in opened]
        for _ in range(_ROUNDS):
            for backend, seconds in zip(opened, times, strict=True):
                begun = time.perf_counter()
                backend.infer(lightness)
                seconds.append(time.perf_counter() - begun)
    return [1000 * statistics.median(seconds) for seconds in times]


def _export(variant: Variant, weights: Path, path: Path) -> None:
    """Write a variant as ONNX with its manifest."""
    import torch

    from cgan_runtime.manifest import Manifest, Tensor, sha256_of

    generator = build(variant)
    generator.load_state_dict(torch.load(weights, weights_only=True))
    example = torch.zeros(1, 1, _TIMED, _TIMED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            generator.eval(), (example,), path, input_names=["lightness"], output_names=["chroma"],
            dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    ends = (1, 1, _TIMED, _TIMED), (1, 2, _TIMED, _TIMED)
    Manifest(
        name=variant.name, file=path.name, sha256=sha256_of(path), precision="fp32", weights="fp32", opset=18,
        size=_TIMED, size_multiple=generator.size_multiple, recipe="variant",
        input=Tensor("lightness", "float32", ends[0]), output=Tensor("chroma", "float32", ends[1]),
    ).save(path)  # fmt: skip


def _document(state: Path, threads: int) -> dict[str, Any]:
    from cgan_benchmarks.machine import describe_machine

    files = [state / f"{number}.json" for number in range(len(VARIANTS))]
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    for row, ms in zip(rows, time_all(rows, state, threads), strict=True):
        row["ms"] = ms
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": describe_machine(threads, None),
        "trained_on_px": _CROP,
        "measured_at_px": _SIDE,
        "timed_at_px": _TIMED,
        "rows": rows,
    }


if __name__ == "__main__":
    main()
