"""What became of an archive, as JSON and for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cgan_runtime import __version__
from cgan_runtime.batch.schedule import Item, Pool
from cgan_runtime.files.atomic import replacing
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.pipeline.results import VideoResult

REPORT_NAME = "cgan-report.json"


def report_of(items: Sequence[Item], seconds: float, pool: Pool | None) -> dict[str, Any]:
    """All that is told of an archive; `pool` is what has worked on it, if there was work."""
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
    """Write it, all or nothing.

    Raises:
        MediaError: The file cannot be written.
    """
    # What is no text in a name becomes what JSON writes for it.
    content = f"{json.dumps(report, indent=1, ensure_ascii=False)}\n".encode(errors="backslashreplace")
    with storage_errors("write", path, "name another with --report"):
        if isinstance(path, Path):
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        else:
            path.write_bytes(content)


def summary_of(items: Sequence[Item], results: Path) -> str:
    """One line for people."""
    counts = Counter(item.state for item in items)
    parts = [f"{counts['done']} of {len(items)} colored into {results}"]
    if counts["skipped"]:
        parts.append(f"{counts['skipped']} were there already (--overwrite makes them again)")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    return ", ".join(parts)


def _entry(item: Item) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "source": item.name,
        "target": str(item.target),
        "state": "not begun" if item.state == "waiting" else item.state,
    }
    if item.error:
        entry |= {"error": item.error}
    if item.tries:
        entry |= {"failed_tries": item.tries}
    if item.trace:
        entry |= {"trace": item.trace}
    if item.result is not None:
        entry |= {"bytes": item.result.bytes, "seconds": round(item.result.seconds, 3)}
    if isinstance(item.result, VideoResult):
        entry |= {
            "frames": item.result.frames,
            "colored_now": item.frames,
            "lost_frames": item.result.lost_frames,
            "damage": item.result.damage,
            "notes": list(item.result.notes),
        }
    return entry
