"""What is measured on: sets of images in true colors, and their groups.

    truths = open_truths(Path("photos-val.tar"))
    truths = open_truths(Path("benchmarks/sets/footage.csv"), [Path("videos")])

A set is CIFAR-10, photographs (a folder or tar shards), a video, a folder of videos, or a list: a CSV file with the
columns `group`, `file` and `image`, one row for each image. `file` is a video or a tar of photographs below one of
the roots; `image` is the number of a frame, from 0, or a name in the tar. More columns may say where an image comes
from. The lists of this repository are in benchmarks/sets/.
"""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from cgan_benchmarks.quality.clips import ClipSource, clips_in, frames_of
from cgan_benchmarks.quality.grays import GRAYS
from cgan_runtime.errors import ConfigError, DataError
from cgan_train.data.cifar import CifarSource
from cgan_train.data.sources import Image, ImageSource, PhotoSource, open_validation

FRAMES = 12
"""Frames of a video that are measured, unless a list names them."""

LIST = ".csv"
_COLUMNS = ("group", "file", "image")


class Truth(NamedTuple):
    """An image in true colors: its name, its group, and where it is read."""

    name: str
    group: str  # a clip, or a group of a list; empty for photographs
    source: ImageSource
    number: int  # in its source

    @property
    def is_frame(self) -> bool:
        """Whether it is of a video."""
        return isinstance(self.source, ClipSource)

    def read(self) -> Image:
        """Read it, uint8 RGB (H, W, 3); raises DataError if it is damaged."""
        return self.source.read(self.number)


@dataclass(frozen=True)
class Truths:
    """A set of images in true colors."""

    name: str
    images: Sequence[Truth]
    cifar: bool = False

    def groups(self) -> dict[str, list[Truth]]:
        """The images by group, in the order of the groups' first images."""
        found: dict[str, list[Truth]] = {}
        for image in self.images:
            found.setdefault(image.group, []).append(image)
        return found

    def without(self, pattern: str) -> Truths:
        """The images whose names do not fit a pattern; all for an empty one. DataError if none are left."""
        kept = [image for image in self.images if not (pattern and fnmatch.fnmatch(image.name, pattern))]
        if not kept:
            raise DataError(f"no photos are left without {pattern!r}; give another pattern")
        return replace(self, images=kept)


def open_truths(path: Path, roots: Sequence[Path] = (), frames: int = FRAMES) -> Truths:
    """Open a set.

    Args:
        path: As this module says.
        roots: The folders with the files that a list names.
        frames: How many frames of each video are taken, unless a list names them.

    Raises:
        DataError: The path is missing or holds no images, or what a list names is not there.
    """
    name = path.stem if path.is_file() else path.resolve().name
    if path.suffix.lower() == LIST:
        return Truths(name, list(_listed(path, roots)))
    if clips := clips_in(path):
        footage = frames_of(clips, frames)
        return Truths(name, [Truth(*row, footage, index) for index, row in enumerate(_named(footage))])
    source = open_validation(path)
    images = [Truth(image, "", source, index) for index, image in enumerate(source.names)]
    return Truths(name, images, cifar=isinstance(source, CifarSource))


@dataclass(frozen=True)
class Way:
    """What is measured, and how: `truths` without the images that fit `without`, as a `gray` records them."""

    truths: Truths
    without: str = ""
    gray: str = ""  # of `GRAYS`; empty for lightness


def ways_to_measure(sets: Sequence[Truths], without: str = "", grays: Sequence[str] = ()) -> list[Way]:
    """Each set; after it the same without the images that fit a pattern, if there are any; and from other grays.

    Raises:
        ConfigError: A gray is unknown.
        DataError: The pattern fits no image, or all of a set.
    """
    if unknown := [gray for gray in grays if gray not in GRAYS]:
        raise ConfigError(f"the gray {unknown[0]!r} is unknown; take one of {', '.join(GRAYS)}")
    ways = []
    for truths in sets:
        ways.append(Way(truths))
        if len((fewer := truths.without(without)).images) < len(truths.images):
            ways.append(Way(fewer, without))
        ways += [Way(truths, gray=gray) for gray in grays]
    if without and not any(way.without for way in ways):
        raise DataError(f"no image fits --without {without!r}; give a pattern such as 'imagenet*'")
    return ways


def _named(source: ClipSource) -> Iterator[tuple[str, str]]:
    """Name and group of each frame."""
    for path, number in source.places:
        yield f"{path.name}#{number}", path.name


def _listed(path: Path, roots: Sequence[Path]) -> Iterator[Truth]:
    """The images that a list names, those of each file together."""
    by_file: dict[str, list[dict[str, str]]] = {}
    for row in _rows(path):
        by_file.setdefault(row["file"], []).append(row)
    for file, rows in by_file.items():
        place, wanted = _find(file, roots, path), [row["image"] for row in rows]
        source: ImageSource
        if clips_in(place):
            if strange := [image for image in wanted if not (image.isascii() and image.isdigit())]:
                raise DataError(f"{path} has {strange[0]!r} as a frame of {file}; give its number, from 0")
            source = ClipSource([(place, int(image)) for image in wanted])
            indices = list(range(len(wanted)))
        else:
            source = PhotoSource.of_shards([place])
            known = {name: index for index, name in enumerate(source.names)}
            if missing := [image for image in wanted if image not in known]:
                raise DataError(
                    f"{place} lacks {len(missing)} of the {len(wanted)} photos that {path} names, such as "
                    f"{missing[0]}; is it the file that was meant?"
                )
            indices = [known[image] for image in wanted]
        for row, index in zip(rows, indices, strict=True):
            yield Truth(f"{file}#{row['image']}", row["group"], source, index)


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a list; DataError if it is none."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a list of images ({error})") from error
    if not rows or any(not isinstance(row.get(column), str) for row in rows for column in _COLUMNS):
        raise DataError(f"{path} is no list of images; its first line is {','.join(_COLUMNS)}, and each row has all")
    return rows


def _find(file: str, roots: Sequence[Path], path: Path) -> Path:
    """A file that a list names, below the first root that has it; DataError if none has."""
    for root in roots:
        if (root / file).is_file():
            return root / file
    where = ", ".join(str(root) for root in roots) or "no folder"
    raise DataError(f"{path} names {file}, which is not in {where}; give its folder with --root")
