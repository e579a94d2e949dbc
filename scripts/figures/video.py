"""The table of cgan_benchmarks.studies.video_speed: videos in frames per second."""

from __future__ import annotations

from figures import Columns, block, machine, of_model, read, table


@block("video")
def video() -> str:
    """One row for each size and way."""
    report = read("video.json")
    rows = []
    for size, found in report["videos"].items():
        for way, figures in found["ways"].items():
            ratios = {name: f"{ratio:.2f}" for name, ratio in found["ratios"].get(way, {}).items()}
            rows.append({"video": size, "way": way, "of copy": "", "of plain loop": "", **figures, **ratios})
    columns: Columns = {
        "video": "{video}",
        "": "{way}",
        "frames/s": "{fps:.1f}",
        "of copying": "{of copy}",
        "of the plain loop": "{of plain loop}",
        "first frame after": "{first_frame_seconds:.1f} s",
        "ms of all cores": "{cores_ms:.0f}",
        "peak MB": "{megabytes:.0f}",
    }
    threads, others = (report["machine"][key] for key in ("threads", "others"))
    backend = next(iter(report["videos"].values()))["ways"]["cgan"]["backend"]
    what = f"{backend}, {threads} threads, {report['rounds']} rounds, `{report['model']}`"
    what += f" ({of_model(report['sha256'])}); {machine(report)}"
    what += f"; other programs took {others:.0%} of the processor" if others else ""
    return f"{table(columns, rows)}\n\n{what}."
