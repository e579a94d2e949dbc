"""The inputs of a batch, and the names of its results.

results = output_folder(folder, None)
sources = find_sources(folder, results, recursive=True)
items = make_items(sources, folder, results, options)

items = items_of(["a.mp4", "photos/"], options, recursive=False)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cgan_runtime.batch.schedule import Item
from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import real_path
from cgan_runtime.files.formats import IMAGES, VIDEOS
from cgan_runtime.files.output import INFIX, default_output
from cgan_runtime.files.storage import is_remote, open_location, storage_errors
from cgan_runtime.files.urls import is_url
from cgan_runtime.options.inputs import kind_of
from cgan_runtime.options.run import RunOptions
from cgan_runtime.video.write.codecs import video_suffix


def output_folder(folder: Path, asked: Path | None) -> Path:
    """The folder for the results, by default `DIR.color` beside the input; the input itself is refused."""
    results = asked or _beside(folder)
    local = not is_remote(results) and not is_remote(folder)
    if real_path(results) == real_path(folder) if local else results == folder:
        raise MediaError(f"the output folder {results} is the input itself; name another with -o")
    return results


def find_sources(folder: Path, results: Path, *, recursive: bool) -> list[Path]:
    """Every image and video, sorted by name; a MediaError if there is none or the folder cannot be read.

    Results of earlier runs that lie beside their input are none.
    """
    with storage_errors("read the folder", folder, "give one that is there"):
        found = folder.rglob("*") if recursive else folder.iterdir()
        ours = _inside(folder, results)
        sources = sorted(path for path in found if _is_input(path, folder, ours))
        originals = {(path.parent, path.stem) for path in sources}
        sources = [path for path in sources if not _is_result(path, originals)]
    if not sources:
        mend = "" if recursive else "; --recursive looks into subfolders"
        raise MediaError(f"{folder} holds no image and no video{mend}")
    return sources


def linked_folders(folder: Path) -> list[Path]:
    """The links to folders below a folder, which `find_sources` does not follow: they may lead in a circle."""
    if is_remote(folder):
        return []
    return sorted(path for path in folder.rglob("*") if path.is_symlink() and path.is_dir())


def make_items(sources: list[Path], folder: Path, results: Path, options: RunOptions) -> list[Item]:
    """Pair sources with results, and make the folders of these. Items whose result exists are skipped."""
    with storage_errors("make the folder", results, "name another with -o"):
        results.mkdir(exist_ok=True, parents=is_remote(results))
    with storage_errors("read the folder", results, "name another with -o"):
        existing = set() if options.files.overwrite else {str(path) for path in results.rglob("*")}
    items: list[Item] = []
    for source in sources:
        inside = source.relative_to(folder)
        target = _target(source, results.joinpath(*inside.parts[:-1]), options)
        if not is_remote(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        # Listed at once, since each request to remote storage takes time.
        items.append(_item(str(inside), source, target, source.stat().st_size, exists=str(target) in existing))
    _refuse_same_names(items)
    return items


def items_of(places: Sequence[str], options: RunOptions, *, recursive: bool) -> list[Item]:
    """Pair several files and folders with results: each beside its input, or all in the folder of -o.

    Raises:
        MediaError: A folder cannot be read or made, or an address is among them.
    """
    asked, items = options.files.output, []
    if asked is not None:
        with storage_errors("make the folder", asked, "name another with -o"):
            asked.mkdir(exist_ok=True)
    for place in dict.fromkeys(places):
        if kind_of(place) == "folder":
            folder = open_location(place)
            results = asked / folder.name if asked is not None and folder.name else output_folder(folder, asked)
            found = make_items(find_sources(folder, results, recursive=recursive), folder, results, options)
            items += [replace(item, name=str(item.source)) for item in found]
        elif is_url(place):
            raise MediaError(f"{place} is an address; color it alone")
        else:
            source = Path(place)
            target = _target(source, asked or source.parent, options)
            size = source.stat().st_size if source.exists() else 0  # the run says that it is missing
            there = not options.files.overwrite and target.exists()
            items.append(_item(place, source, target, size, exists=there))
    _refuse_same_names(items)
    return items


def pass_over_colored(items: Sequence[Item]) -> None:
    """Skip the items that have colors already."""
    from cgan_runtime.color.hues import is_colored
    from cgan_runtime.image.read_write import read_image
    from cgan_runtime.video.existing_colors import has_colors

    for item in items:
        if item.state != "waiting":
            continue
        try:
            colored = is_colored(read_image(item.source)) if item.image else has_colors(item.source)
        except MediaError:  # the run says what is wrong with it
            continue
        if colored:
            item.state, item.note = "skipped", "it has colors already"


def _item(name: str, source: Path, target: Path, size: int, *, exists: bool) -> Item:
    image = source.suffix.lower() in IMAGES
    return Item(name, source, target, image, size=size, state="skipped" if exists else "waiting")


def _refuse_same_names(items: list[Item]) -> None:
    named: dict[str, str] = {}
    for item in items:
        if (other := named.setdefault(str(item.target), item.name)) != item.name:
            item.state = "failed"
            item.error = f"its result would take the name of that of {other}; rename one"


def _beside(folder: Path) -> Path:
    """`DIR.color` beside the folder, also if it is given as `.` or `..`."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    if not named.name:
        raise MediaError(f"there is no folder beside {folder}; name an output folder with -o")
    return named.with_name(f"{named.name}{INFIX}")


def _inside(folder: Path, results: Path) -> tuple[str, ...]:
    """The path of the results inside of the input folder; empty if they are not in it."""
    if is_remote(folder) or is_remote(results):
        return results.relative_to(folder).parts if folder in results.parents else ()
    outer, inner = real_path(folder), real_path(results)
    return inner.relative_to(outer).parts if outer in inner.parents else ()


def _is_input(path: Path, folder: Path, results: tuple[str, ...]) -> bool:
    inside = path.relative_to(folder).parts
    return (
        path.suffix.lower() in VIDEOS | IMAGES
        and not any(part.startswith(".") for part in inside)
        and not (results and inside[: len(results)] == results)
        and path.is_file()
    )


def _is_result(path: Path, originals: set[tuple[Path, str]]) -> bool:
    """Whether a file is the result of another one in its folder."""
    return path.stem.endswith(INFIX) and (path.parent, path.stem.removesuffix(INFIX)) in originals


def _target(source: Path, folder: Path, options: RunOptions) -> Path:
    """The result of a source in a folder: its suffix is changed if its format cannot be written."""
    suffix = source.suffix
    if suffix.lower() not in IMAGES:
        suffix = video_suffix(source, options.video.encoder)
    return default_output(source, suffix, folder)
