"""Measuring a run's generator between two epochs, which a signal interrupts.

take_back = snapshot(gan)
try:
    metrics, sheet = measure(generator, images, side=256, requested=requested)
except Interrupted:
    take_back()
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import torch

from cgan_train.data.sources import Image
from cgan_train.evaluation.contact_sheet import measure_generator
from cgan_train.models.base import Generator
from cgan_train.training.batch_norm import batch_norms
from cgan_train.training.distributed import World, any_process
from cgan_train.training.gan import Gan

T = TypeVar("T")


class Interrupted(Exception):
    """A signal came."""


def measure(
    generator: Generator, images: Sequence[Image], side: int, requested: Callable[[], bool], batch: int = 1
) -> tuple[dict[str, float], Image | None]:
    """Measure a generator on images at `side` px, and draw a contact sheet; nothing without images.

    If it gets a batch of more than one image at once, BatchNorm normalizes by the statistics of that batch.

    Raises:
        Interrupted: `requested` said so.
    """
    if not images:
        return {}, None

    def leave_if_requested(*_: object) -> None:
        if requested():
            raise Interrupted

    generator.register_forward_pre_hook(leave_if_requested)
    for norm in batch_norms(generator) if batch > 1 else ():
        norm.train()
    quality, sheet = measure_generator(generator, images, side, batch)
    figures = vars(quality).items() if quality else ()
    return {name: round(value, 4) for name, value in figures if math.isfinite(value)}, sheet


def until_requested(items: Iterable[T], requested: Callable[[], bool], world: World) -> Iterator[T]:
    """The items, until a signal came in any process; all processes leave at the same one, with Interrupted."""
    for item in items:
        if any_process(requested(), world):
            raise Interrupted
        yield item
    if any_process(requested(), world):  # a hanging read ended the items
        raise Interrupted


def snapshot(gan: Gan) -> Callable[[], None]:
    """What takes back all that measuring changes: BatchNorm's statistics and the random state."""
    buffers = {name: tensor.clone() for name, tensor in gan.generator.named_buffers()}
    average, cpu, own = dict(gan.average), torch.get_rng_state(), gan.rng.get_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def take_back() -> None:
        gan.generator.load_state_dict(buffers, strict=False)
        gan.average = average
        torch.set_rng_state(cpu)
        gan.rng.set_state(own)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)

    return take_back
