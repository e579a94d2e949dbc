"""The report of a batch as a page to look at: a row for each input, with its pictures and what was said.

page = ReportPage(Path("colored/cgan-report.html"))
page.add_sheet(item)                                # when an item is done
page.write(items, "3 of 4 colored into colored, 1 failed")

The pictures lie in a folder beside the page. The page fetches nothing else, and needs no server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import quote

from cgan_runtime.batch.schedule import Item
from cgan_runtime.errors import CganError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.storage import is_remote, storage_errors
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.progress import count_text, duration_text, size_text

_STATES = {"done": "colored", "skipped": "was there already", "failed": "failed", "waiting": "not begun"}
_SHORT = 60  # seconds, below which a time is told in these
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid #8884; padding: .6rem .8rem .6rem 0; text-align: left; vertical-align: top; }
img { border-radius: 4px; display: block; max-height: 11rem; max-width: 36rem; width: 100%; object-fit: contain;
  object-position: left; }
td:first-child { width: 60%; } a { overflow-wrap: anywhere; } .said { margin: .3rem 0 0; } .failed { color: #c33; }
.soft { opacity: .7; }
@media (max-width: 45rem) { td, th { display: block; border: 0; padding: .2rem 0; } tr { display: block;
  border-top: 1px solid #8884; padding: .6rem 0; } thead { display: none; } td:first-child { width: auto; } }
"""


class ReportPage:
    """A page of HTML, and a folder of the same name with a picture for each video."""

    def __init__(self, path: Path) -> None:
        self._path, self._sheets = path, path.with_suffix("")

    def add_sheet(self, item: Item) -> None:
        """Make the picture of an item that is there, if it can be made and is not there yet."""
        sheet = self._sheet(item)
        if item.state not in ("done", "skipped") or item.note or item.image or is_remote(item.target):
            return
        if item.state == "skipped" and sheet.exists():
            return
        from cgan_runtime.video.contact_sheet import write_small_sheet

        with suppress(CganError, OSError):  # a page without it still says all
            sheet.parent.mkdir(parents=True, exist_ok=True)
            write_small_sheet(item.target, sheet)

    def write(self, items: Sequence[Item], summary: str) -> None:
        """Write the page, completely or not at all; a MediaError if that fails."""
        rows = "\n".join(f"<tr>{''.join(self._cells(item))}</tr>" for item in items)
        text = (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<link rel="icon" href="data:,">\n<title>cgan: {escape(summary)}</title>\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(summary)}</h1>\n<table>\n"
            "<thead><tr><th>pictures</th><th>result</th></tr></thead>\n"
            f"<tbody>\n{rows}\n</tbody>\n</table>\n</body>\n</html>\n"
        )
        with storage_errors("write", self._path, "name another with --report"):
            write_file(self._path, text)

    def _cells(self, item: Item) -> Iterator[str]:
        sheet = item.target if item.image else self._sheet(item)
        shown = item.state in ("done", "skipped") and not is_remote(sheet) and sheet.exists()
        picture = f'<img src="{self._link(sheet)}" alt="" loading="lazy">' if shown else ""
        yield f"<td>{picture}</td>"
        there = item.state in ("done", "skipped") and not item.note
        name = escape(item.name)
        title = f'<a href="{self._link(item.target)}">{name}</a>' if there else name
        said = [f'<p class="said">{escape(note)}</p>' for note in _said(item)]
        if item.error:
            said.append(f'<p class="said failed">{escape(item.error)}</p>')
        yield f'<td>{title}<p class="said soft">{escape(_figures(item))}</p>{"".join(said)}</td>'

    def _sheet(self, item: Item) -> Path:
        name = item.name if not Path(item.name).is_absolute() else Path(item.name).name
        inside = Path(*(part for part in Path(name).parts if part != ".."))
        return self._sheets / inside.with_name(f"{inside.name}.jpg")

    def _link(self, path: Path) -> str:
        if is_remote(path):
            return escape(str(path))
        return quote(os.fsencode(Path(os.path.relpath(path, self._path.parent)).as_posix()))


def _said(item: Item) -> Sequence[str]:
    if item.result is None:
        return ()
    damage = item.result.damage if isinstance(item.result, VideoResult) else None
    return (*([f"damaged: {damage}"] if damage else []), *item.result.notes)


def _figures(item: Item) -> str:
    result = item.result
    if result is None:
        return item.note or _STATES[item.state]
    parts = [f"{result.width}x{result.height}", size_text(result.bytes)]
    if isinstance(result, VideoResult):
        parts.append(count_text(result.frames, "frame"))
    spent = f"{result.seconds:.1f} s" if result.seconds < _SHORT else duration_text(result.seconds)
    return ", ".join([*parts, f"colored in {spent}"])
