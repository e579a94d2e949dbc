"""The inputs of a batch, and the names of its results.

results = output_folder(folder, None)
sources = find_sources(folder, results, recursive=True)
items = make_items(sources, folder, results, options)
"""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.batch.schedule import Item
from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import real_path
from cgan_runtime.files.formats import IMAGES, VIDEOS
from cgan_runtime.files.output import INFIX
from cgan_runtime.files.storage import is_remote, storage_errors
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
    """Every image and video, sorted by name; a MediaError if there is none or the folder cannot be read."""
    with storage_errors("read the folder", folder, "give one that is there"):
        found = folder.rglob("*") if recursive else folder.iterdir()
        ours = _inside(folder, results)
        sources = sorted(path for path in found if _is_input(path, folder, ours))
    if not sources:
        mend = "" if recursive else "; --recursive looks into subfolders"
        raise MediaError(f"{folder} holds no image and no video{mend}")
    return sources


def make_items(sources: list[Path], folder: Path, results: Path, options: RunOptions) -> list[Item]:
    """Pair sources with results, and make the folders of these. Items whose result exists are skipped."""
    with storage_errors("make the folder", results, "name another with -o"):
        results.mkdir(exist_ok=True, parents=is_remote(results))
    with storage_errors("read the folder", results, "name another with -o"):
        existing = set() if options.files.overwrite else {str(path) for path in results.rglob("*")}
    items: list[Item] = []
    named: dict[str, str] = {}
    for source in sources:
        inside = source.relative_to(folder)
        target = results.joinpath(*inside.parts[:-1], _name_of_result(source, options))
        if not is_remote(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        image = source.suffix.lower() in IMAGES
        item = Item(str(inside), source, target, image, size=source.stat().st_size)
        if (other := named.setdefault(str(target), item.name)) != item.name:
            item.state = "failed"
            item.error = f"its result would take the name of that of {other}; rename one"
        elif str(target) in existing:  # listed at once, since each request to remote storage takes time
            item.state = "skipped"
        items.append(item)
    return items


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


def _name_of_result(source: Path, options: RunOptions) -> str:
    """The name of the source, with a suffix added if its format cannot be written."""
    suffix = source.suffix
    if suffix.lower() in VIDEOS:
        suffix = video_suffix(source, options.video.encoder)
    return source.name if suffix == source.suffix else source.name + suffix
