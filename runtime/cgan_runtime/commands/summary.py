"""What the command line prints and writes about finished videos and images."""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.console import Console
from cgan_runtime.guide.settings import Guide
from cgan_runtime.manifest import Manifest
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.results import ImageResult, VideoResult
from cgan_runtime.progress import count_text, rate_text, size_text
from cgan_runtime.video.read.sources import FFmpegInput


def print_video(
    source: Path | FFmpegInput, result: VideoResult, console: Console, *, one_of_many: bool = False
) -> None:
    """Print the result of a video, with its notes and damage; `one_of_many` says whose notes they are."""
    for note in result.notes:
        console.note(f"{source.name}: {note}" if one_of_many else note)
    if result.damage:
        console.warn(f"{source} is damaged: {result.damage}; what could be read is colored")
    colored = count_text(result.frames - result.kept_frames, "frame")
    colored += f" after {result.kept_frames} of an earlier run" if result.kept_frames else ""
    console.result(
        f"{result.output_name}: {result.width}x{result.height}, {size_text(result.bytes)}, "
        f"{colored} in {result.seconds:.1f} s, {rate_text(result.fps)}"
    )


def print_image(result: ImageResult, console: Console, *, one_of_many: bool = False) -> None:
    """Print the result of an image, with its notes; `one_of_many` says whose they are."""
    for note in result.notes:
        console.note(f"{result.output.name}: {note}" if one_of_many else note)
    console.result(
        f"{result.output}: {result.width}x{result.height}, {size_text(result.bytes)}, {result.seconds:.2f} s"
    )


def print_tips(options: RunOptions, manifest: Manifest, console: Console) -> None:
    """Say on a terminal what one may try with this model where one does not like the colors."""
    from cgan_runtime.guide.memory import takes_guide

    tips = ["too pale? --strength 1.5"] if options.model.saturation == 1 else []
    if takes_guide(manifest) and options.video.guide == Guide():
        tips.append(
            "other colors: --hints" + (", --reference or --keys" if options.files.image is None else " or --reference")
        )
    if tips:
        console.tip("; ".join(tips))


def write_video_stats(options: RunOptions, videos: list[VideoResult]) -> None:
    """Write the statistics of videos to the file that --stats names, if it does."""
    from cgan_runtime.pipeline.stage_times import write_stats

    if options.report.stats is not None:
        write_stats(options.report.stats, videos)
