"""The cost of archives, from cgan_benchmarks.studies.batch_scaling, and what follows for more machines."""

from __future__ import annotations

from figures import Columns, block, machine, read, table

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
    """The cost of a frame in each pass."""
    report = read("scale.json")
    rows = [{"pass": title} | report["passes"][name] for name, title in _PASSES.items()]
    columns = {"pass": "{pass}", "ms of the clock": "{wall_ms:.2f}", "core-ms": "{core_ms:.2f}"}
    video = report["passes"]["color"]
    what = (
        f"For a frame of `{report['video']}` ({video['width']}x{video['height']}), one thread for the "
        f"network ({report['precision']}), {video['bytes_read'] / 1000:.1f} kB read and "
        f"{video['bytes_written'] / 1000:.1f} kB written; {machine(report)}."
    )
    return f"{table(columns, rows)}\n\n{what}"


@block("scale-runs")
def runs() -> str:
    """Folders by one worker and two, beside the prediction of the model."""
    report = read("scale.json")
    color, cores = report["passes"]["color"], report["machine"]["cores"]
    rows = []
    for run in report["runs"]:
        expected = min(run["workers"] * 1000 / color["wall_ms"], cores * 1000 / color["core_ms"])
        rows.append(run | {"rate": run["frames"] / run["seconds_coloring"], "expected": expected})
    columns: Columns = {
        "workers": "{run}",
        "seconds": "{seconds:.1f}",
        "of which coloring": "{seconds_coloring:.1f}",
        "frames/s, coloring": "{rate:.1f}",
        "by the model": "{expected:.1f}",
    }
    return f"{table(columns, rows)}\n\n{rows[0]['frames']} frames in four videos; {machine(report)}."


@block("scale-simulation")
def simulation() -> str:
    """The simulated archive."""
    rows = {
        "videos, hours of video": "{videos:,}, {hours_of_video:.0f}",
        "workers, of which died": "{workers}, {workers_lost}",
        "videos that kill their workers": "{poisoned}",
        "videos done, given up": "{done}, {failed}",
        "parts in a result twice": "{made_twice}",
        "videos that were divided": "{divided}",
        "hours, and if nothing but coloring took time": "{hours:.2f}, {hours_ideal:.2f}",
        "share of the workers' time that colored": "{efficiency:.1%}",
        "the scheduler's own time for a task": "{scheduler_ms_per_task:.3f} ms",
    }
    found = read("scale.json")["simulation"]
    return table({"": lambda row: row[0], "found": lambda row: row[1].format_map(found)}, rows.items())


@block("scale-nodes")
def nodes() -> str:
    """The prediction for more machines."""
    report = read("scale.json")
    color, efficiency = report["passes"]["color"], report["simulation"]["efficiency"]
    frames = _VIDEO_MINUTES * 60 * _FPS  # of a video
    rows = []
    for count in _NODES:
        rate = count * _CORES * 1000 / color["core_ms"] * efficiency
        rows.append({
            "nodes": count,
            "rate": rate,
            "hours": _VIDEOS * frames / rate / _HOURS,
            "read": rate * color["bytes_read"] / 1e6,
            "written": 2 * rate * color["bytes_written"] / 1e6,
            "videos": rate / frames,
        })  # fmt: skip
    columns: Columns = {
        f"machines of {_CORES} cores": "{nodes:,}",
        "frames/s": "{rate:,.0f}",
        f"hours for {_VIDEOS:,} videos of {_VIDEO_MINUTES} minutes": "{hours:,.1f}",
        "MB/s read": "{read:,.1f}",
        "MB/s written": "{written:,.1f}",
        "videos ended in a second": "{videos:,.3f}",
    }
    return table(columns, rows)
