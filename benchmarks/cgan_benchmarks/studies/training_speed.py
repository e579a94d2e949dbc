"""Training speed of `paper` on CIFAR-10: the loop of cgan against a plain one, in turns.

    python -m cgan_benchmarks.studies.training_speed --data cifar-10-batches-py --json throughput.json

The plain loop is what one writes first: float32, contiguous tensors, PIL images from a DataLoader, the
generator run again for every step. Networks, batch and losses are the same. On a GPU it measures that GPU.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine, device_name
from cgan_benchmarks.machine.roofline import measure_peak
from cgan_benchmarks.options import PATH, json_option, study_command
from cgan_benchmarks.results.document import new_document, write_document
from cgan_train.config.recipes import recipe
from cgan_train.data.loader import Loader
from cgan_train.data.sources import open_sources
from cgan_train.models import build_discriminator, build_generator
from cgan_train.models.matmul_conv import MatmulConv2d, MatmulConvTranspose2d
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan

FORMAT_VERSION = 2  # 2 counts the operations of each loop; 1 took those of the plain loop for both
_PEAK_SECONDS = 0.5
_TURN_ON_GPU = 20  # steps, so that work that was queued and loaded ahead counts little

Step = Callable[[], None]


@study_command
@click.option("--data", type=PATH, required=True, help="CIFAR-10: cifar-10-batches-py or its tar.gz.")
@click.option("--rounds", type=click.IntRange(min=1), default=8, help="Turns of each loop.")
@click.option("--batch-size", type=click.IntRange(min=2), default=128, help="Images in a batch.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads.")
@click.option("--workers", type=click.IntRange(min=0), help="Of the plain loader.  [default: GPU 8, CPU 0]")
@json_option("Write all figures there.")
def main(data: Path, rounds: int, batch_size: int, threads: int, workers: int | None, json_file: Path | None) -> None:
    """Time steps of both loops in turns, and print images per second and the share of the peak."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    # On a GPU, PyTorch's float32 convolutions compute in TF32 by default, its matrix products do not.
    tf32 = on_gpu and torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = on_gpu  # as in cgan-train; it makes the plain loop faster too
    world = World(device=device)
    plain = plain_loop(data, batch_size, world, workers if workers is not None else 8 * on_gpu)
    loops = {"plain": plain, "cgan": cgan_loop(data, batch_size, world)}
    flops = {name: step_flops(loop) for name, loop in loops.items()}
    load = BackgroundLoad()
    times = take_turns(loops, rounds, _TURN_ON_GPU if on_gpu else 1, device)
    machine = describe_machine(threads, load.share())
    in_bf16 = Gan(recipe("paper"), world).bf16
    precisions = {"plain": "fp32", "cgan": "bf16" if in_bf16 else "fp32"}
    rows: list[dict[str, Any]] = []
    for name, seconds in times.items():
        step = statistics.median(seconds)
        peak = measure_peak(precisions[name], device.type, _PEAK_SECONDS).gflops
        row = {"loop": name, "images_per_second": batch_size / step}
        row |= {"gflop_per_image": flops[name] / batch_size / 1e9, "share_of_peak": flops[name] / step / peak / 1e9}
        kind = "bfloat16" if precisions[name] == "bf16" else "tf32" if tf32 else "float32"
        row |= {"type": kind, "peak_gflops": peak}
        rows.append(row | {"seconds_per_step": seconds})
        rate, share = row["images_per_second"], row["share_of_peak"]
        click.echo(f"{name}: {rate:.1f} images/s, {share:.0%} of the peak in {row['type']}")
    plain_rate, rate = (row["images_per_second"] for row in rows)
    click.echo(f"cgan is {rate / plain_rate:.2f} times as fast")
    document = new_document(
        "cgan-throughput", FORMAT_VERSION, machine, device=device_name(), recipe="paper",
        batch_size=batch_size, rows=rows, speedup=rate / plain_rate,
    )  # fmt: skip
    write_document(document, json_file)


def cgan_loop(data: Path, batch_size: int, world: World) -> Step:
    """A step of `paper` in cgan-train."""
    config = recipe("paper", batch_size=batch_size)
    source, _ = open_sources([data])
    loader = Loader(source, batch_size, config.augmentation, config.seed, device=world.device)
    gan = Gan(config, world)
    phase = config.phases[0]
    gan.enter(phase, scratch=True)
    gan.set_rate(phase, 0, 1)
    numbers = itertools.count()
    batches = (batch for epoch in itertools.count() for batch in loader.epoch(epoch, phase.crop))

    def step() -> None:
        gan.step(phase, next(batches), number=next(numbers))

    return step


def plain_loop(data: Path, batch_size: int, world: World, workers: int) -> Step:
    """The same step in a plain loop."""
    config = recipe("paper", batch_size=batch_size)
    torch.manual_seed(config.seed)
    generator = build_generator(config.generator).to(world.device)
    judge = build_discriminator(config.discriminator, 1 + generator.outputs).to(world.device)
    for part in itertools.chain(generator.modules(), judge.modules()):
        if isinstance(part, MatmulConv2d | MatmulConvTranspose2d):  # PyTorch's own convolutions
            part.__class__ = nn.Conv2d if isinstance(part, MatmulConv2d) else nn.ConvTranspose2d  # type: ignore
    rate, scale = config.phases[0].lr, config.discriminator_rate
    for_generator = torch.optim.Adam(generator.parameters(), lr=rate, betas=config.betas)
    for_judge = torch.optim.Adam(judge.parameters(), lr=rate * scale, betas=config.betas)
    loader: DataLoader[torch.Tensor] = DataLoader(
        _PilImages(data),  # type: ignore[arg-type]
        batch_size, shuffle=True, drop_last=True, num_workers=workers,
        persistent_workers=workers > 0,
    )  # fmt: skip
    batches = (batch for _ in itertools.count() for batch in loader)
    entropy = F.binary_cross_entropy_with_logits

    def step() -> None:
        lab = next(batches).to(world.device)
        gray = lab[:, :1]
        with torch.no_grad():
            fake = generator.predict(gray)
        real_logits = judge(torch.cat((gray, lab), dim=1))[-1]
        fake_logits = judge(torch.cat((gray, fake), dim=1))[-1]
        loss = entropy(real_logits, torch.ones_like(real_logits))
        loss = (loss + entropy(fake_logits, torch.zeros_like(fake_logits))) / 2
        for_judge.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for_judge.step()
        for _ in range(config.generator_steps):
            fake = generator.predict(gray)
            logits = judge(torch.cat((gray, fake), dim=1))[-1]
            loss = entropy(logits, torch.ones_like(logits)) + 100 * (fake - lab).abs().mean()
            for_generator.zero_grad()
            loss.backward()
            for_generator.step()
            loss.item()

    return step


class _PilImages:
    """CIFAR-10 as PIL images, flipped and converted to L*a*b* one by one: L*/50 - 1, (a*, b*)/110."""

    def __init__(self, data: Path) -> None:
        from PIL import Image

        source, _ = open_sources([data])
        self._images = [Image.fromarray(source.read(index)) for index in range(len(source))]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> torch.Tensor:
        from PIL import ImageOps

        image = self._images[index]
        if torch.rand(()) < 0.5:
            image = ImageOps.mirror(image)
        lab = cv2.cvtColor(np.asarray(image, np.float32) / 255, cv2.COLOR_RGB2Lab)
        scaled = lab / np.array([50, 110, 110], np.float32) - np.array([1, 0, 0], np.float32)
        return torch.from_numpy(scaled).permute(2, 0, 1)


def take_turns(loops: dict[str, Step], rounds: int, turn: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of a step in each turn, after one turn of each loop to warm up."""
    times: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, step in loops.items():
            begun = time.perf_counter()
            for _ in range(turn):
                step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if number:
                times[name].append((time.perf_counter() - begun) / turn)
    return times


def step_flops(step: Step) -> int:
    """Floating-point operations of a step's convolutions and matrix products, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


if __name__ == "__main__":
    main()
