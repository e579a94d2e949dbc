"""The report of a batch, as JSON and as one line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cgan_runtime import __version__
from cgan_runtime.batch.schedule import Item, Pool
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.storage import is_remote, storage_errors
from cgan_runtime.pipeline.results import VideoResult

REPORT_NAME = "cgan-report.json"


def make_report(items: Sequence[Item], seconds: float, pool: Pool | None) -> dict[str, Any]:
    """The report of a batch; `pool` is the workers that it had, None if there was no work."""
    counts = Counter(item.state for item in items)
    frames = sum(item.frames for item in items)
    return {
        "version": __version__,
        "done": counts["done"],
        "skipped": counts["skipped"],
        "failed": counts["failed"],
        "not_begun": counts["waiting"],
        "frames": frames,
        "seconds": round(seconds, 3),
        "frames_per_second": round(frames / seconds, 3),
        "workers": pool.count if pool else 0,
        "workers_lost": pool.lost if pool else 0,
        "backend": pool.description if pool else "",
        "items": [_entry(item) for item in items],
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report, completely or not at all; a MediaError if the file cannot be written."""
    content = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    with storage_errors("write", path, "name another with --report"):
        if is_remote(path):
            path.write_bytes(content.encode(errors="backslashreplace"))
        else:
            write_file(path, content)


def summary_line(items: Sequence[Item], results: Path | None) -> str:
    """The report in one line; the results lie in one folder, or beside the inputs (None)."""
    counts = Counter(item.state for item in items)
    parts = [f"{counts['done']} of {len(items)} colored" + ("" if results is None else f" into {results}")]
    colored = sum(bool(item.note) for item in items)
    if there := counts["skipped"] - colored:
        parts.append(f"{there} {'was' if there == 1 else 'were'} there already (--overwrite makes them again)")
    if colored:
        parts.append(f"{colored} {'has' if colored == 1 else 'have'} colors already")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    return ", ".join(parts)


def _entry(item: Item) -> dict[str, Any]:
    result = item.result
    entry: dict[str, Any] = {
        "source": item.name,
        "target": str(item.target),
        "state": "not begun" if item.state == "waiting" else item.state,
    }
    optional = {"error": item.error, "note": item.note, "failed_tries": item.tries, "trace": item.trace}
    entry |= {name: value for name, value in optional.items() if value}
    if result is not None:
        entry |= {"bytes": result.bytes, "seconds": round(result.seconds, 3)}
    if isinstance(result, VideoResult):
        entry |= {
            "frames": result.frames,
            "colored_now": item.frames,
            "lost_frames": result.lost_frames,
            "damage": result.damage,
        }
    if result is not None:
        entry["notes"] = list(result.notes)
    return entry
