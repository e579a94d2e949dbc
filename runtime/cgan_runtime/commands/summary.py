"""TODO."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.console import Console, size_text
from cgan_runtime.options.run import RunOptions
from cgan_runtime.video.read.sources import Source

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.pipeline.results import ImageResult, VideoResult


def report_video(source: Path | Source, result: VideoResult, console: Console) -> None:
    """Say what became of a video."""
    for note in result.notes:
        console.note(note)
    if result.damage:
        console.warn(f"{source} is damaged: {result.damage}; what could be read is colored")
    colored = f"{result.frames - result.kept_frames} frames"
    colored += f" after {result.kept_frames} of an earlier run" if result.kept_frames else ""
    console.result(
        f"{result.output}: {result.width}x{result.height}, {size_text(result.bytes)}, "
        f"{colored} in {result.seconds:.1f} s, {result.fps:.1f} frames/s"
    )


def report_image(result: ImageResult, console: Console) -> None:
    """Say what became of an image."""
    console.result(
        f"{result.output}: {result.width}x{result.height}, {size_text(result.bytes)}, {result.seconds:.2f} s"
    )


def write_video_stats(options: RunOptions, videos: list[VideoResult]) -> None:
    """Write what videos took to the file that --stats names, if it does."""
    from cgan_runtime.pipeline.stage_times import write_stats

    if options.report.stats is not None:
        write_stats(options.report.stats, videos)
