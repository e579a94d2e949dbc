"""Trains the network that ships on a GPU that is there for minutes only.

    python scripts/gpu_train.py pack photos/ more.tar -o packed            # here: small photos in tars of 60 MB
    python scripts/gpu_train.py train packed --val photos-val.tar --minutes 9 -o $OUT      # there

Photos are packed as squares, so that all of them lie in the GPU's memory as one array; they are decoded once, on
all cores. Training starts from the weights that ship, or from --init, and is by one regression phase of `edge`
whose learning rate falls to 0 at the end of the time. Checkpoints in half precision (8 MB) and `log.csv` are
written every few minutes, and when the time is over or SIGTERM arrives; the newest can be given as --init.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import signal
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import cv2
import numpy as np
import torch

from cgan_runtime.console import guard
from cgan_runtime.errors import DataError
from cgan_train.checkpoint import half_weights, load_checkpoint, save_checkpoint
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import Phase, TrainConfig
from cgan_train.data.loader import center_crop
from cgan_train.data.resident import ResidentPhotos
from cgan_train.data.sources import Image, open_photos, open_validation
from cgan_train.evaluation.contact_sheet import measure_generator
from cgan_train.models import build_generator
from cgan_train.shipped import SHIPPED
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan

_QUALITY = 85  # of the packed WebP photos
_STEPS = 100_000  # that the time counts as for the learning rate
_FIELDS = ("minutes", "steps", "photos_per_second", "rate", "pixel", "ciede2000", "gain_percent", "chroma_ratio")


@click.group(help=(__doc__ or "").splitlines()[0])
def cli() -> None:
    """Group the two commands."""


@cli.command()
@click.argument("photos", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder.")
@click.option("--side", default=192, show_default=True, help="Of the square photos, in pixels.")
@click.option("--megabytes", default=60, show_default=True, help="Largest size of a tar.")
def pack(photos: tuple[Path, ...], output: Path, side: int, megabytes: int) -> None:
    """Pack PHOTOS (folders and tars) as small squares into tars."""
    output.mkdir(parents=True, exist_ok=True)
    pieces, size = [0], 0
    content: list[bytes] = []
    for encoded in (each for path in photos for each in _encoded_squares(path, side)):
        if content and size + _tar_size(encoded) > megabytes * 1_000_000:
            _write_piece(output / f"packed-{len(pieces) - 1:03d}.tar", content)
            pieces.append(0)
            content, size = [], 0
        content.append(encoded)
        size += _tar_size(encoded)
        pieces[-1] += 1
    _write_piece(output / f"packed-{len(pieces) - 1:03d}.tar", content)
    click.echo(f"{sum(pieces)} photos in {len(pieces)} files in {output}")


@cli.command()
@click.argument("packed", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--val", type=click.Path(path_type=Path, exists=True), required=True, help="Photos to measure on.")
@click.option("--minutes", default=9.0, show_default=True, help="Of training, without decoding.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder.")
@click.option("--init", type=click.Path(path_type=Path), default=SHIPPED, help="Checkpoint to start from.")
@click.option("--batch", default=256, show_default=True, help="Photos in a batch.")
@click.option("--crop", default=128, show_default=True, help="Side of the crops in pixels.")
@click.option("--lr", default=1e-3, show_default=True, help="Learning rate at the start.")
@click.option("--pale", default=0.33, show_default=True, help="Share of pale photos in a batch.")
@click.option("--frozen", default=5, show_default=True, help="Blocks of the encoder that keep their weights.")
@click.option("--keep-every", default=2.0, show_default=True, help="Minutes between two checkpoints.")
@click.option("--measure", default=100, show_default=True, help="Photos of --val that a checkpoint is measured on.")
def train(packed: tuple[Path, ...], val: Path, output: Path, **options: float) -> None:
    """Train on PACKED tars, or folders of them."""
    _Run(packed, val, output, options).train()


class _Run:
    """One training run."""

    def __init__(self, packed: tuple[Path, ...], val: Path, output: Path, options: dict[str, float]) -> None:
        """Load the photos and the weights to start from."""
        self._output, self._options, self._stopped = output, options, False
        output.mkdir(parents=True, exist_ok=True)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.backends.cudnn.benchmark = True
        images = decode(packed)
        self._photos = ResidentPhotos(images, device, options["pale"])
        measured = open_validation(val)
        count = min(int(options["measure"]), len(measured))
        self._val = [measured.read(number * len(measured) // count) for number in range(count)]
        start = load_checkpoint(Path(str(options["init"])))
        self._phase = Phase(
            "gpu", share=1.0, crop=int(options["crop"]), lr=options["lr"], schedule="cosine", gan=False,
            frozen_blocks=int(options["frozen"]), chroma_gain=1 / 50, frozen_norm=True,
        )  # fmt: skip
        self._config: TrainConfig = recipe(
            "edge", phases=(self._phase,), epochs=1, batch_size=int(options["batch"]), ema=0.9995,
            seed=int(time.time()),
        )  # fmt: skip
        generator = build_generator(self._config.generator)
        generator.load_state_dict(start.generator.state_dict(), strict=start.config == self._config.generator)
        self._gan = Gan(self._config, World(device=device), generator)
        click.echo(f"{len(images)} photos of {images.shape[1]} px on {device}, from {start.path}")

    def train(self) -> None:
        """Train until the time is over or SIGTERM arrives; checkpoints lie in the output's folder then."""
        signal.signal(signal.SIGTERM, self._stop)
        rng = torch.Generator().manual_seed(self._config.seed)
        seconds, keep = self._options["minutes"] * 60, self._options["keep_every"] * 60
        augmentation, gan, phase = self._config.augmentation, self._gan, self._phase
        gan.enter(phase, scratch=False)
        began = kept = time.monotonic()
        step, losses = 0, [0.0, 0]
        while not self._stopped and (elapsed := time.monotonic() - began) < seconds:
            gan.set_rate(phase, int(elapsed / seconds * _STEPS), _STEPS)
            rgb = self._photos.batch(self._config.batch_size, phase.crop, zoom=augmentation.zoom, rng=rng)
            losses[0] += gan.step(phase, rgb, number=step)["pixel"]
            losses[1] += 1
            step += 1
            if time.monotonic() - kept > keep:
                self._keep(step, elapsed, losses)
                kept, losses = time.monotonic(), [0.0, 0]
        self._keep(step, time.monotonic() - began, losses)

    def _keep(self, step: int, seconds: float, losses: list[float]) -> None:
        """Write a checkpoint of the averaged weights, and a line of the log."""
        weights = half_weights(self._gan.weights())
        generator = build_generator(self._config.generator)
        generator.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        quality, _ = measure_generator(generator.eval(), self._val, self._config.generator.size)
        found = dataclasses.asdict(quality) if quality else {}
        row = {
            "minutes": round(seconds / 60, 2),
            "steps": step,
            "photos_per_second": round(step * self._config.batch_size / max(seconds, 1e-9)),
            "rate": self._phase.rate_at(int(min(1, seconds / (self._options["minutes"] * 60)) * _STEPS), _STEPS),
            "pixel": losses[0] / max(losses[1], 1),
            **found,
        }
        training = {"steps_done": step, "seconds": seconds, "device": _device_name(), "config": self._config.to_json()}
        folder = self._output / f"checkpoint-{step:06d}"
        save_checkpoint(folder, weights, self._config.generator, "edge", training, found)
        log = self._output / "log.csv"
        is_new = not log.exists()
        with log.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, _FIELDS, extrasaction="ignore")
            if is_new:
                writer.writeheader()
            writer.writerow(row)
        click.echo("  ".join(f"{name} {row[name]:.5g}" for name in _FIELDS if name in row))

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopped = True


def decode(packed: tuple[Path, ...]) -> Image:
    """All photos of tars, or of folders of tars, uint8 RGB (N, S, S, 3); decoded on all cores."""
    tars = [tar for path in packed for tar in (sorted(path.glob("*.tar")) if path.is_dir() else [path])]
    encoded = [content for tar in tars for content in _contents(tar)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # OpenCV decodes without the interpreter lock
        return np.stack(list(pool.map(_decoded, encoded)))


def _write_piece(path: Path, content: list[bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for number, encoded in enumerate(content):
            entry = tarfile.TarInfo(f"{number:06d}.webp")
            entry.size = len(encoded)
            archive.addfile(entry, io.BytesIO(encoded))


def _tar_size(content: bytes) -> int:
    """Bytes that a file takes in a tar: a header, and the content in whole blocks."""
    return tarfile.BLOCKSIZE * (1 + -(-len(content) // tarfile.BLOCKSIZE))


def _contents(tar: Path) -> Iterator[bytes]:
    with tarfile.open(tar, "r:") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream:
                yield stream.read()


def _decoded(content: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None  # this script packed it
    return np.ascontiguousarray(image[..., ::-1])


def _encoded_squares(path: Path, side: int) -> Iterator[bytes]:
    """The middle square of each photo as WebP; damaged photos are left out."""
    photos = open_photos(path)
    for index in range(len(photos)):
        try:
            square = center_crop(photos.read(index), side, side)
        except DataError as error:
            click.echo(f"{photos.names[index]} is left out ({error})", err=True)
            continue
        yield cv2.imencode(".webp", square[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])[1].tobytes()


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    guard(cli)()
