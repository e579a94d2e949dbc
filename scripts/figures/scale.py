"""What archives cost, by cgan_benchmarks.studies.batch_scaling, and what follows from it for more machines."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from figures import block, machine, read, table

_PASSES = {
    "decode": "decode: read the video, and no more",
    "plan": "plan: read it and look for cuts",
    "color": "color: read, color, encode",
    "network": "of that the network",
    "join": "put together: read it, copy what is encoded",
}
_NODES, _CORES = (1, 10, 1000), 16
_HOURS, _VIDEO_MINUTES, _VIDEOS, _FPS = 3600, 90, 10_000, 25


@block("scale-passes")
def passes() -> str:
    """What a frame costs in each pass."""
    report = read("scale.json")
    found = report["passes"]
    rows = [{"pass": title} | found[name] for name, title in _PASSES.items()]
    columns: dict[str, Callable[[Any], str]] = {
        "pass": operator.itemgetter("pass"),
        "ms of the clock": lambda row: f"{row['wall_ms']:.2f}",
        "core-ms": lambda row: f"{row['core_ms']:.2f}",
    }
    video = found["color"]
    what = (
        f"For a frame of `{report['video']}` ({video['width']}x{video['height']}), one thread for the network "
        f"({report['precision']}), "
        f"{video['bytes_read'] / 1000:.1f} kB read and {video['bytes_written'] / 1000:.1f} kB written; "
        f"{machine(report)}."
    )
    return f"{table(columns, rows)}\n\n{what}"


@block("scale-runs")
def runs() -> str:
    """Folders by one worker and two, beside what the model says."""
    report = read("scale.json")
    color, cores = report["passes"]["color"], report["machine"]["cores"]
    rows = []
    for run in report["runs"]:
        expected = min(run["workers"] * 1000 / color["wall_ms"], cores * 1000 / color["core_ms"])
        rows.append(run | {"rate": run["frames"] / run["seconds_coloring"], "expected": expected})
    columns: dict[str, Callable[[Any], str]] = {
        "workers": operator.itemgetter("run"),
        "seconds": lambda row: f"{row['seconds']:.1f}",
        "of which coloring": lambda row: f"{row['seconds_coloring']:.1f}",
        "frames/s, coloring": lambda row: f"{row['rate']:.1f}",
        "by the model": lambda row: f"{row['expected']:.1f}",
    }
    return f"{table(columns, rows)}\n\n{rows[0]['frames']} frames in four videos; {machine(report)}."


@block("scale-simulation")
def simulation() -> str:
    """The archive that was played through."""
    found = read("scale.json")["simulation"]
    rows = {
        "videos, hours of video": f"{found['videos']:,}, {found['hours_of_video']:.0f}",
        "workers, of which died": f"{found['workers']}, {found['workers_lost']}",
        "videos that kill their workers": str(found["poisoned"]),
        "videos done, given up": f"{found['done']}, {found['failed']}",
        "parts in a result twice": str(found["made_twice"]),
        "videos that were divided": str(found["divided"]),
        "hours, and if nothing but coloring took time": f"{found['hours']:.2f}, {found['hours_ideal']:.2f}",
        "share of the workers' time that colored": f"{found['efficiency']:.1%}",
        "the scheduler's own time for a task": f"{found['scheduler_ms_per_task']:.3f} ms",
    }
    columns: dict[str, Callable[[Any], str]] = {"": operator.itemgetter(0), "found": operator.itemgetter(1)}
    return table(columns, list(rows.items()))


@block("scale-nodes")
def nodes() -> str:
    """What follows for more machines."""
    report = read("scale.json")
    color, efficiency = report["passes"]["color"], report["simulation"]["efficiency"]
    frames = _VIDEOS * _VIDEO_MINUTES * 60 * _FPS
    rows: list[dict[str, Any]] = []
    for count in _NODES:
        rate = count * _CORES * 1000 / color["core_ms"] * efficiency
        rows.append(
            {
                "nodes": f"{count:,}",
                "rate": f"{rate:,.0f}",
                "hours": f"{frames / rate / _HOURS:,.1f}",
                "read": f"{rate * color['bytes_read'] / 1e6:,.1f}",
                "written": f"{2 * rate * color['bytes_written'] / 1e6:,.1f}",
                "tasks": f"{rate / (_VIDEO_MINUTES * 60 * _FPS):,.3f}",
            }
        )
    columns: dict[str, Callable[[Any], str]] = {
        f"machines of {_CORES} cores": operator.itemgetter("nodes"),
        "frames/s": operator.itemgetter("rate"),
        f"hours for {_VIDEOS:,} videos of {_VIDEO_MINUTES} minutes": operator.itemgetter("hours"),
        "MB/s read": operator.itemgetter("read"),
        "MB/s written": operator.itemgetter("written"),
        "videos ended in a second": operator.itemgetter("tasks"),
    }
    return table(columns, rows)
