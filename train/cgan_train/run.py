"""A training run from its data to its last checkpoint: `train`, and `open_run` for `cgan-train`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgan_runtime.errors import ConfigError, DataError
from cgan_train.config import recipes
from cgan_train.config.overrides import apply_overrides

if TYPE_CHECKING:  # these load PyTorch
    from cgan_train.data.sources import Image, ImageSource
    from cgan_train.training.loop import Trainer
    from cgan_train.training.run_log import TrainingCallback

_MAX_VALIDATION = 60  # images


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a run beside its recipe.

    Attributes:
        overrides: Replace settings of the recipe, as `--set` does: `{"ema": 0.99, "phases.gan.lr": 1e-4}`.
        gan_only: Train only the recipe's phases with a discriminator; needs `init`.
        minutes: Stop after so many; None trains to the end.
        threads: CPU threads of PyTorch; None leaves them as they are.
        tensorboard: Write events for TensorBoard.
    """

    overrides: Mapping[str, Any] = field(default_factory=dict)
    gan_only: bool = False
    minutes: float | None = None
    threads: int | None = None
    tensorboard: bool = False


DEFAULTS = TrainSettings()


def train(
    data: str | Path | Sequence[str | Path], out: str | Path, *, recipe: str = recipes.DEFAULT,
    val: str | Path | None = None, init: str | Path | None = None, resume: bool = False,
    settings: TrainSettings = DEFAULTS, progress: TrainingCallback | None = None,
) -> Path:  # fmt: skip
    """Train a colorizer, as the command `cgan-train` does.

    Args:
        data: CIFAR-10, a folder of photos, a tar shard of photos, a folder of shards, or several of these.
        out: Folder of the run.
        recipe: Name of the settings to start from; not used with `resume`.
        val: Images to measure on after each epoch; None takes those in `data`, if there are any.
        init: Checkpoint that the generator takes its weights from.
        resume: Go on with the run in `out` from its last checkpoint.
        settings: Other settings.
        progress: Called after every step.

    Returns:
        Folder of the newest checkpoint.

    Raises:
        ConfigError: An argument or a setting cannot be used.
        DataError: The images cannot be read.
        ModelFileError: A checkpoint cannot be read or written.
        TrainingError: Training cannot go on.
    """
    paths = [Path(each) for each in ([data] if isinstance(data, str | Path) else data)]
    with open_run(
        paths, Path(out), recipe=None if resume else recipe, val=None if val is None else Path(val),
        init=None if init is None else Path(init), resume=resume, settings=settings,
    ) as trainer:  # fmt: skip
        return trainer.run(progress or (lambda _: None), minutes=settings.minutes)


@contextmanager
def open_run(
    data: Sequence[Path], out: Path, *, recipe: str | None, val: Path | None, init: Path | None,
    resume: bool, settings: TrainSettings, warn: Callable[[str], object] = warnings.warn,
) -> Iterator[Trainer]:  # fmt: skip
    """Open a new run or one to resume, with the arguments of `train`.

    With `resume`, those that change a run are refused. `recipe` None is the default one. `warn` is called
    with a line about each validation image that cannot be read.
    """
    if resume and (recipe or init or settings.overrides or settings.gan_only):
        raise ConfigError(
            "--resume goes on with a run as it was; leave out what changes it (--recipe, --epochs...), or "
            "begin a new run"
        )
    if settings.gan_only and init is None:
        raise ConfigError("--gan-only trains on from a checkpoint; name it with --init")
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs PyTorch; run: pip install 'cgan[train]'") from error
    from cgan_train.data.sources import open_sources
    from cgan_train.training.distributed import join, leave
    from cgan_train.training.loop import Trainer

    if settings.threads:
        torch.set_num_threads(settings.threads)
    world = join()
    try:
        source, validation = open_sources(data, val)
        images = _read(validation, warn if world.is_main else lambda _: None)
        if resume:
            yield Trainer.resume(out, source, images, world=world, tensorboard=settings.tensorboard)
            return
        config = apply_overrides(recipes.recipe(recipe or recipes.DEFAULT), settings.overrides)
        config = recipes.only_gan(config) if settings.gan_only else config
        yield Trainer.start(config, source, out, images, init=init, world=world, tensorboard=settings.tensorboard)
    finally:
        leave(world)


def _read(validation: ImageSource | None, warn: Callable[[str], object]) -> list[Image]:
    from cgan_train.data.loader import is_gray
    from cgan_train.data.sources import evenly_spaced

    images: list[Image] = []
    if validation is None:
        return images
    for index in evenly_spaced(_MAX_VALIDATION, len(validation)):
        try:
            images.append(validation.read(index))
        except DataError as error:
            warn(f"not measured on: {error}")
    if gray := sum(map(is_gray, images)):
        warn(f"not measured on: {gray} of {len(images)} images, which have no color")
    return images
