"""Whether a server of cameras stays up, from cgan_benchmarks.studies.service.soak."""

from __future__ import annotations

from figures import block, machine, read


@block("soak")
def soak() -> str:
    """The soak test in a paragraph."""
    report = read("soak.json")
    settings, metrics = report["settings"], report["metrics"]

    def total(name: str) -> int:
        return int(sum(value for key, value in metrics.items() if key.startswith(f"{name}{{")))

    counted = "All counts agreed." if not report["failures"] else f"Wrong: {'; '.join(report['failures'])}."
    return (
        f"*Measured* for {settings['seconds'] / 60:.0f} minutes at {settings['rate']} frames/s of each camera, on "
        f"{machine(report)}, while other programs took {report['machine']['others']:.0%} of the processor: memory "
        f"changed by {report['memory_growth']:+.1%}, threads by {report['thread_growth']:+.1%}. The cameras were lost "
        f"{sum(report['losses'].values())} times and came back {total('cgan_camera_reconnects_total')} times. "
        f"{report['disconnected']} stalled pages were disconnected. Of {total('cgan_frames_read_total'):,} frames that "
        f"were read, {total('cgan_frames_colored_total'):,} were colored; the others gave way to newer ones. Pages "
        f"got {sum(report['received'].values()):,} frames. {counted}"
    )
