"""A training run from its data to its last checkpoint: `train`, and `open_run` for `cgan-train`."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgan_runtime.callbacks import FractionCallback
from cgan_runtime.errors import ConfigError, DataError
from cgan_runtime.files.atomic import write_file
from cgan_train.config import recipes
from cgan_train.config.overrides import apply_overrides
from cgan_train.config.schema import TrainConfig
from cgan_train.shipped import mend_of, shipped_checkpoint

if TYPE_CHECKING:  # these load PyTorch
    from cgan_train.data.sources import Image, ImageSource
    from cgan_train.models.own import OwnGenerator
    from cgan_train.training.loop import Trainer
    from cgan_train.training.run_log import EpochReport, TrainingCallback

NO_VALIDATION = "none"
"""In place of the path of validation images: measure on none."""
_MAX_VALIDATION = 60  # images
_HELD_OUT = 0.05  # of the training images, where no others are given to measure on


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a run beside its recipe.

    Attributes:
        overrides: Replace settings of the recipe, as `--set` does: `{"ema": 0.99, "phases.gan.lr": 1e-4}`.
        generator: `FILE.py:NAME` of an own generator in place of the recipe's (`cgan_train.models.own`). The
            file is run, and a copy of it kept in the run's folder. A run that has one is resumed with it.
        gan_only: Train only the recipe's phases with a discriminator; needs `init`.
        minutes: Stop after so many; None trains to the end.
        threads: CPU threads of PyTorch; None leaves them as they are.
        tensorboard: Write events for TensorBoard.
        decoded: Folder that keeps the photos decoded, for all epochs and runs (`data.decoded`); None decodes them
            in every epoch.
        show_decoding: Opens what shows how many photos are decoded.
        on_epoch: Called in the main process after every epoch, such as to keep its figures in MLflow or Weights
            & Biases.
    """

    overrides: Mapping[str, Any] = field(default_factory=dict)
    generator: str = ""
    gan_only: bool = False
    minutes: float | None = None
    threads: int | None = None
    tensorboard: bool = False
    decoded: Path | None = None
    show_decoding: Callable[[], AbstractContextManager[FractionCallback]] = lambda: nullcontext(lambda *_: None)
    on_epoch: Callable[[EpochReport], object] | None = None


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
        val: Images to measure on after each epoch. None takes those in `data`; without any, 5 % of the photos, at
            most 60, are held out. "none" measures on none and trains on all.
        init: Checkpoint that the generator takes its weights from, or the name of one that ships, as `edge`.
        resume: Go on with the run in `out` from its last checkpoint; `overrides={"epochs": N}` makes it longer.
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
        on_epoch = settings.on_epoch or (lambda _: None)
        return trainer.run(progress or (lambda _: None), minutes=settings.minutes, on_epoch=on_epoch)


@contextmanager
def open_run(
    data: Sequence[Path], out: Path, *, recipe: str | None, val: Path | None, init: Path | None,
    resume: bool, settings: TrainSettings, warn: Callable[[str], object] = warnings.warn,
) -> Iterator[Trainer]:  # fmt: skip
    """Open a new run or one to resume, with the arguments of `train`.

    With `resume`, those that change a run are refused. `recipe` None is the default one. `warn` is called
    with a line about each validation image that cannot be read.
    """
    if resume and (init or settings.gan_only):
        raise _changed(["--init"] if init else ["--gan-only"])
    if settings.gan_only and init is None:
        raise ConfigError("--gan-only trains on from a checkpoint; name it with --init")
    if not resume:
        config = apply_overrides(recipes.recipe(recipe or recipes.DEFAULT), settings.overrides)
        config = recipes.only_gan(config) if settings.gan_only else config
    init = init and shipped_checkpoint(init)
    _check_paths(data, val, init)
    try:
        import torch
    except ImportError as error:
        raise ConfigError("training needs PyTorch; run: pip install 'cgan[train]'") from error
    from cgan_train.checkpoint import newest_state, read_training
    from cgan_train.models.own import load_own
    from cgan_train.training.distributed import join, leave
    from cgan_train.training.heap import keep_freed_memory
    from cgan_train.training.loop import Trainer
    from cgan_train.training.origin import describe_origin

    keep_freed_memory()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    world = join()
    try:
        own = load_own(settings.generator) if settings.generator else None
        hold_out = True
        if resume:
            before = read_training(newest_state(out))
            epochs = _more_epochs(TrainConfig.from_json(before["config"]), recipe, settings.overrides)
            hold_out = bool(before.get("held_out"))
        source, validation, held_out = _open(data, val, hold_out=hold_out)
        source = _decoded(source, settings, main=world.is_main)
        images = _read(validation, warn if world.is_main else lambda _: None)
        origin = describe_origin(data, val, world.device) | {"held_out": held_out}
        if resume:
            trainer = Trainer.resume(out, source, images, epochs=epochs, world=world, tensorboard=settings.tensorboard)
            trainer.origin = origin
            yield trainer
            return
        if own is not None:
            config = _with_own(config, own, settings.overrides)
        trainer = Trainer.start(config, source, out, images, init=init, world=world, tensorboard=settings.tensorboard)
        trainer.origin = origin
        if own is not None and world.is_main:
            out.mkdir(parents=True, exist_ok=True)
            write_file(out / own.file.name, own.code)
        yield trainer
    finally:
        leave(world)


def _more_epochs(config: TrainConfig, recipe: str | None, overrides: Mapping[str, Any]) -> int | None:
    """How long a resumed run shall become, None as long as it was. Other changes are refused, a ConfigError."""
    changed = [] if recipe in (None, config.recipe) else [f"--recipe {recipe} (it is one of {config.recipe})"]
    for path, value in overrides.items():
        if path != "epochs" and apply_overrides(config, {path: value}) != config:
            changed.append(f"{path}={value}")
    if changed:
        raise _changed(changed)
    epochs = apply_overrides(config, overrides).epochs
    return None if epochs == config.epochs else epochs


def _changed(what: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"--resume goes on with a run as it was, or longer with --epochs; leave out {', '.join(what)}, or begin a "
        "new run with another --out"
    )


def begun(run: Path) -> bool:
    """Whether a folder holds a run that was begun; looks at names alone."""
    return any(run.glob("epoch-*")) or any(run.glob("unfinished")) or any(run.glob(".unfinished.old"))


def _check_paths(data: Sequence[Path], val: Path | None, init: Path | None) -> None:
    """Raise DataError or ConfigError where a path does not exist, before anything is loaded."""
    for option, path in [*(("--data", path) for path in data), ("--val", val), ("--init", init)]:
        if path is not None and str(path) != NO_VALIDATION and not path.exists():
            mend = f"give {option} a path that exists"
            if option == "--init":
                raise ConfigError(f"nothing at {path}; {mend_of(path, mend)}")
            raise DataError(f"nothing at {path}; {mend}")


def _open(data: Sequence[Path], val: Path | None, *, hold_out: bool) -> tuple[ImageSource, ImageSource | None, int]:
    """The training and validation images, and how many of the former were held out for the latter."""
    from cgan_train.data.sources import PhotoSource, open_sources

    off = str(val) == NO_VALIDATION
    source, validation = open_sources(data, None if off else val)
    if off or validation is not None or not hold_out or not isinstance(source, PhotoSource) or len(source) < 2:
        return source, None if off else validation, 0
    count = min(_MAX_VALIDATION, max(1, round(_HELD_OUT * len(source))))
    return (*source.split(count), count)


def _decoded(source: ImageSource, settings: TrainSettings, *, main: bool) -> ImageSource:
    """The photos of a source from the folder of decoded ones, if there is to be one; CIFAR-10 as it is."""
    from cgan_runtime.system.cpu import usable_cores
    from cgan_train.data.decoded import decoded_photos
    from cgan_train.data.sources import PhotoSource

    if settings.decoded is None or not isinstance(source, PhotoSource):
        return source
    with (settings if main else DEFAULTS).show_decoding() as show:
        return decoded_photos(source, settings.decoded, threads=usable_cores(), progress=show)


def _with_own(config: TrainConfig, own: OwnGenerator, overrides: Mapping[str, Any]) -> TrainConfig:
    """The config with an own generator. It gets the widths that were asked for, never those of the recipe's."""
    widths = config.generator.widths if "generator.widths" in overrides else ()
    if widths and not own.takes_widths:
        raise ConfigError(f"{own.file}:{own.name} takes no `widths`; leave --set generator.widths out")
    generator = dataclasses.replace(
        config.generator, name=own.name, widths=widths, channels="ab", file=own.file.name, sha256=own.sha256
    )
    weights = config.encoder_weights if "encoder_weights" in overrides else "none"
    return dataclasses.replace(config, generator=generator, encoder_weights=weights)


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
