"""What cgan_benchmarks.studies.video_speed found: videos in frames per second."""

from __future__ import annotations

from typing import Any

from figures import block, machine, of_model, read, table


@block("video")
def video() -> str:
    """One row for each size and way."""
    report = read("video.json")
    rows: list[dict[str, Any]] = [
        {"video": size, "way": way, **taken, **found["ratios"].get(way, {})}
        for size, found in report["videos"].items()
        for way, taken in found["ways"].items()
    ]

    def ratio(row: dict[str, Any], of: str) -> str:
        return f"{row[of]:.2f}" if of in row else ""

    columns = {
        "video": lambda row: row["video"],
        "": lambda row: row["way"],
        "frames/s": lambda row: f"{row['fps']:.1f}",
        "of copying": lambda row: ratio(row, "of copy"),
        "of the plain loop": lambda row: ratio(row, "of plain loop"),
        "first frame after": lambda row: f"{row['first_frame_seconds']:.1f} s",
        "ms of all cores": lambda row: f"{row['cores_ms']:.0f}",
        "peak MB": lambda row: f"{row['megabytes']:.0f}",
    }
    machine_of = report["machine"]
    backend = next(iter(report["videos"].values()))["ways"]["cgan"]["backend"]
    what = f"{backend}, {machine_of['threads']} threads, {report['rounds']} rounds, `{report['model']}`"
    what += f" ({of_model(report['sha256'])})"
    others = machine_of["others"]
    told = f"; other programs took {others:.0%} of the processor" if others else ""
    return f"{table(columns, rows)}\n\n{what}; {machine(report)}{told}."
