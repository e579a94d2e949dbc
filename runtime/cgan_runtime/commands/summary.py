"""What the command line prints and writes about finished videos and images."""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.console import Console, size_text
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.video.read.sources import FFmpegInput


def print_video(source: Path | FFmpegInput, result: VideoResult, console: Console) -> None:
    """Print the result of a video, with its notes and damage."""
    for note in result.notes:
        console.note(note)
    if result.damage:
        console.warn(f"{source} is damaged: {result.damage}; what could be read is colored")
    colored = f"{result.frames - result.kept_frames} frames"
    colored += f" after {result.kept_frames} of an earlier run" if result.kept_frames else ""
    console.result(
        f"{result.output_name}: {result.width}x{result.height}, {size_text(result.bytes)}, "
        f"{colored} in {result.seconds:.1f} s, {result.fps:.1f} frames/s"
    )


def print_image(result: ImageResult, console: Console) -> None:
    """Print the result of an image."""
    console.result(
        f"{result.output}: {result.width}x{result.height}, {size_text(result.bytes)}, {result.seconds:.2f} s"
    )


def write_video_stats(options: RunOptions, videos: list[VideoResult]) -> None:
    """Write the statistics of videos to the file that --stats names, if it does."""
    from cgan_runtime.pipeline.stage_times import write_stats

    if options.report.stats is not None:
        write_stats(options.report.stats, videos)
