"""How fast `paper` trains on CIFAR-10: cgan's loop against the plain one, taking turns.

python -m cgan_benchmarks.studies.training_speed --data cifar-10-batches-py --json throughput.json

The plain loop is what one writes first: float32, contiguous tensors, PIL images from a DataLoader, the
generator run anew for every step. Networks, batch and losses are the same. On a GPU the same command says the
same of that GPU.
"""

from __future__ import annotations

import datetime
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_benchmarks.options import check_writable
from cgan_runtime import __version__
from cgan_runtime.console import guard

if TYPE_CHECKING:
    import torch

    from cgan_train.training.distributed import World

FORMAT = "cgan-throughput"
FORMAT_VERSION = 2
"""2 has each loop's own operations; 1 took the plain loop's for both."""
_PEAK_SIDE = 2048  # of the square matrices whose product is the machine's peak
_PEAK_RUNS = 8
_TURN_ON_GPU = 20  # steps, so that what was queued and loaded ahead weighs little
_PATH = click.Path(path_type=Path)

Step = Callable[[], None]


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--data", type=_PATH, required=True, help="CIFAR-10: cifar-10-batches-py or its tar.gz.")
@click.option("--rounds", type=click.IntRange(min=1), default=8, help="Turns of each loop.")
@click.option("--batch-size", type=click.IntRange(min=2), default=128, help="Images in a batch.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads.")
@click.option("--workers", type=click.IntRange(min=0), help="Of the plain loader.  [default: GPU 8, CPU 0]")
@click.option("--json", "json_file", type=_PATH, help="Write all figures there.")
def main(
    data: Path, rounds: int, batch_size: int, threads: int, workers: int | None, json_file: Path | None
) -> None:
    """Time steps of both loops in turns, and print images per second and the share of the peak."""
    check_writable(json_file)
    import torch

    from cgan_benchmarks.machine.describe import Others, describe_machine
    from cgan_benchmarks.results.document import write_document
    from cgan_train.training.distributed import World

    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    # PyTorch's float32 convolutions compute in TF32 on a GPU unless told otherwise, its products do not.
    tf32 = on_gpu and torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = on_gpu  # as cgan-train has it; the plain loop is quicker for it too
    world = World(device=device)
    plain = plain_loop(data, batch_size, world, workers if workers is not None else 8 * on_gpu)
    loops = {"plain": plain, "cgan": our_loop(data, batch_size, world)}
    work = {name: step_flops(loop) for name, loop in loops.items()}
    others = Others()
    times = take_turns(loops, rounds, _TURN_ON_GPU if on_gpu else 1, device)
    taken = others.share()
    kinds = {"plain": torch.float32, "cgan": our_kind(world)}
    rows = []
    for name, seconds in times.items():
        step, peak = statistics.median(seconds), peak_flops(kinds[name], device)
        row = {"loop": name, "images_per_second": batch_size / step}
        row |= {"gflop_per_image": work[name] / batch_size / 1e9, "share_of_peak": work[name] / step / peak}
        kind = "tf32" if tf32 and kinds[name] is torch.float32 else str(kinds[name]).removeprefix("torch.")
        row |= {"type": kind, "peak_gflops": peak / 1e9}
        rows.append(row | {"seconds_per_step": seconds})
        rate, share = row["images_per_second"], row["share_of_peak"]
        click.echo(f"{name}: {rate:.1f} images/s, {share:.0%} of the peak in {row['type']}")
    document = _document(batch_size, rows, describe_machine(threads, taken))
    click.echo(f"cgan is {document['speedup']:.2f} times as fast")
    if json_file is not None:
        write_document(document, json_file)


def our_loop(data: Path, batch_size: int, world: World) -> Step:
    """A step of `paper` as cgan-train does it."""
    from cgan_train.config.recipes import recipe
    from cgan_train.data.loader import Loader
    from cgan_train.data.sources import open_sources
    from cgan_train.training.gan import Gan

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
    """The same step as one writes it first."""
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.utils.data import DataLoader

    from cgan_train.config.recipes import recipe
    from cgan_train.models import build_discriminator, build_generator
    from cgan_train.models.matmul_conv import Down, Up

    config = recipe("paper", batch_size=batch_size)
    torch.manual_seed(config.seed)
    generator = build_generator(config.generator).to(world.device)
    judge = build_discriminator(config.discriminator, 1 + generator.outputs).to(world.device)
    for part in itertools.chain(generator.modules(), judge.modules()):
        if isinstance(part, Down | Up):  # PyTorch's own convolutions
            part.__class__ = nn.Conv2d if isinstance(part, Down) else nn.ConvTranspose2d  # type: ignore
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
    """CIFAR-10 as PIL images, flipped and turned to L*a*b* one by one: L*/50 - 1, (a*, b*)/110."""

    def __init__(self, data: Path) -> None:
        from PIL import Image

        from cgan_train.data.sources import open_sources

        source, _ = open_sources([data])
        self._images = [Image.fromarray(source.read(index)) for index in range(len(source))]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> torch.Tensor:
        import cv2
        import numpy as np
        import torch
        from PIL import ImageOps

        image = self._images[index]
        if torch.rand(()) < 0.5:
            image = ImageOps.mirror(image)
        lab = cv2.cvtColor(np.asarray(image, np.float32) / 255, cv2.COLOR_RGB2Lab)
        scaled = lab / np.array([50, 110, 110], np.float32) - np.array([1, 0, 0], np.float32)
        return torch.from_numpy(scaled).permute(2, 0, 1)


def take_turns(
    loops: dict[str, Step], rounds: int, turn: int, device: torch.device
) -> dict[str, list[float]]:
    """Seconds of a step in each turn, after one turn of each to warm up."""
    times: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, step in loops.items():
            begun = time.perf_counter()
            for _ in range(turn):
                step()
            _wait(device)
            if number:
                times[name].append((time.perf_counter() - begun) / turn)
    return times


def step_flops(step: Step) -> int:
    """Floating-point operations of a step's convolutions and matrix products, forwards and back."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


def peak_flops(kind: torch.dtype, device: torch.device) -> float:
    """Operations per second of a large product of square matrices: what the machine can do at best."""
    import torch

    first, second = (torch.randn(_PEAK_SIDE, _PEAK_SIDE, device=device).to(kind) for _ in range(2))
    seconds = []
    for _ in range(_PEAK_RUNS):
        begun = time.perf_counter()
        torch.mm(first, second)
        _wait(device)
        seconds.append(time.perf_counter() - begun)
    return 2 * _PEAK_SIDE**3 / min(seconds)


def our_kind(world: World) -> torch.dtype:
    """What cgan-train computes `paper` in here."""
    import torch

    from cgan_train.config.recipes import recipe
    from cgan_train.training.gan import Gan

    return torch.bfloat16 if Gan(recipe("paper"), world).bf16 else torch.float32


def _wait(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()


def _document(batch_size: int, rows: list[dict[str, Any]], machine: dict[str, Any]) -> dict[str, Any]:
    from cgan_benchmarks.machine.describe import device_name

    rate = {row["loop"]: row["images_per_second"] for row in rows}
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine,
        "device": device_name(),
        "recipe": "paper",
        "batch_size": batch_size,
        "rows": rows,
        "speedup": rate["cgan"] / rate["plain"],
    }


if __name__ == "__main__":
    main()
