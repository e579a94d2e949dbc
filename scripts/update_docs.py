"""Fills the measured figures into README.md and docs/*.md from the committed result files.

python scripts/update_docs.py           # write
python scripts/update_docs.py --check   # exit code 1 where a page does not say what the files say

A page holds `<!-- figures: NAME -->` and `<!-- end of figures -->`; what stands between them is replaced.
"""

from __future__ import annotations

import json
import operator
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
CHECKPOINT = ROOT / "train" / "cgan_train" / "checkpoints" / "edge" / "config.json"
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
_SECONDS_PER_MINUTE = 60


def main() -> None:
    """Fill or check every page."""
    stale = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        filled = BLOCK.sub(lambda found: f"{found[1]}{FIGURES[found[2]]()}\n{found[3]}", text)
        if filled != text:
            stale.append(str(page.relative_to(ROOT)))
            if "--check" not in sys.argv:
                page.write_text(filled, encoding="utf-8")
    if stale:
        print(", ".join(stale), "did not say what the result files say")
    sys.exit(1 if stale and "--check" in sys.argv else 0)


def bench() -> str:
    """The latency table of cgan-bench."""
    report = _read(RESULTS / "bench-cpu.json")
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "model": lambda row: row["model"],
        "run by": lambda row: row["backend"],
        "p50 ms": lambda row: f"{row['p50_ms']:.1f}",
        "p90 ms": lambda row: f"{row['p90_ms']:.1f}",
        "p99 ms": lambda row: f"{row['p99_ms']:.1f}",
        "frames/s": lambda row: f"{row['frames_per_second']:.0f}",
        "times PyTorch": lambda row: f"{row['speedup']:.2f}",
        "MB": lambda row: f"{row['megabytes']:.1f}",
        "largest difference": lambda row: f"{row['largest_difference']:.1e}",
    }
    batch, _, height, width = report["input_shape"]
    machine = report["machine"]
    what = f"{width} x {height} px, batch {batch}, {machine['threads']} threads; {_machine(report)}."
    return f"{_table(columns, report['rows'])}\n\n{what}"


def quality() -> str:
    """The table of cgan-bench quality."""
    report = _read(RESULTS / "quality.json")
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "photos": lambda each: f"without `{each['without']}`" if each["without"] else "all",
        "count": lambda each: str(each["quality"]["pictures"]),
        "mean CIEDE2000": lambda each: f"{each['quality']['ciede2000']:.2f}",
        "p90": lambda each: f"{each['quality']['ciede2000_p90']:.2f}",
        "of the grey picture": lambda each: f"{each['quality']['ciede2000_grey']:.2f}",
        "nearer by": lambda each: f"{each['quality']['gain_percent']:.1f} %",
        "chroma": lambda each: f"{each['quality']['chroma_ratio']:.2f}",
        "colourfulness": lambda each: f"{each['quality']['colourfulness_ratio']:.2f}",
    }
    first = report["reports"][0]
    what = f"`{first['model']}` (sha256 {first['sha256'][:12]}) at {first['side']} px by {first['backend']}"
    return f"{_table(columns, report['reports'])}\n\n{what}; {_machine(report)}."


def steadiness() -> str:
    """The summary of cgan_benchmarks.steadiness."""
    report = _read(RESULTS / "steadiness.json")
    kinds, sizes = report["relative_to_off"], report["path_core_ms"]
    rows = []
    for setting in next(iter(kinds.values())):
        row = {"`--temporal`": setting}
        for kind, found in kinds.items():
            row[f"{kind}: change"] = f"{found[setting]['change']:.2f}"
            row[f"{kind}: CIEDE2000"] = f"{found[setting]['ciede2000']:.3f}"
        for size, costs in sizes.items():
            row[f"core-ms more at {size}"] = f"{costs[setting] - costs['off']:.1f}"
        rows.append(row)
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        title: operator.itemgetter(title) for title in rows[0]
    }
    counts = " and ".join(f"{len(clips)} {kind} clips" for kind, clips in report["clips"].items())
    what = f"{counts}, `{report['model']}` (sha256 {report['sha256'][:12]}); {_machine(report)}."
    return f"{_table(columns, rows)}\n\n{what}"


def training() -> str:
    """The runs that led to the shipped checkpoint, oldest first."""
    runs, run = [], _read(CHECKPOINT)["training"]
    while run:
        runs.append(run)
        run = run.get("before")
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "epochs": lambda run: str(run["epochs_done"]),
        "pictures in each": lambda run: f"{run['pictures_per_epoch']:,}",
        "minutes": lambda run: f"{run['seconds'] / _SECONDS_PER_MINUTE:.0f}",
        "phases": lambda run: "; ".join(map(_phase, run["config"]["phases"])),
    }
    return _table(columns, runs[::-1])


def _phase(phase: dict[str, Any]) -> str:
    judge = "with" if phase["gan"] else "without"
    return f"{phase['name']}: {phase['crop']} px, rate {phase['lr']:g}, {judge} discriminator"


FIGURES: dict[str, Callable[[], str]] = {
    "bench": bench,
    "quality": quality,
    "steadiness": steadiness,
    "training": training,
}


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _machine(report: dict[str, Any]) -> str:
    machine = report["machine"]
    return f"{machine['cpu']}, {machine['cores']} cores, {report['date'][:10]}"


def _table(columns: dict[str, Callable[[dict[str, Any]], str]], rows: list[dict[str, Any]]) -> str:
    lines = [list(columns), ["---"] * len(columns)]
    lines += [[cell(row) for cell in columns.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
