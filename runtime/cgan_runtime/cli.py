"""The command `cgan-run`: color a video, an image, a folder of both, or a camera.

cgan-run --video in.mp4 [-o out.mp4]
cgan-run --image in.jpg
cgan-run --input-dir FOLDER
cgan-run --webcam
cgan-run --serve

Here it is declared and handed to who does the work: `jobs` a video or an image, `archive` a folder, `live`
a camera.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from cgan_runtime.commands.single import run_image, run_video
from cgan_runtime.console import Console, guard
from cgan_runtime.files.output import check_json, is_numbered
from cgan_runtime.options.batch import ArchiveOptions, archive_options
from cgan_runtime.options.groups import GroupedCommand
from cgan_runtime.options.live import LiveOptions, live_options
from cgan_runtime.options.run import (
    FileOptions,
    LookOptions,
    ModelOptions,
    ReportOptions,
    RunOptions,
    VideoOptions,
    encoder_options,
    file_options,
    look_options,
    model_options,
    report_options,
    source_options,
    video_options,
)
from cgan_runtime.video.read.sources import SourceSettings
from cgan_runtime.video.write.codecs import EncoderSettings


@guard
@click.command(
    cls=GroupedCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@file_options
@model_options
@look_options
@video_options
@encoder_options
@source_options
@archive_options
@live_options
@report_options
@click.version_option(package_name="cgan", prog_name="cgan-run")
def main(
    files: FileOptions,
    model: ModelOptions,
    look: LookOptions,
    video: VideoOptions,
    encoder: EncoderSettings,
    source: SourceSettings,
    archive: ArchiveOptions,
    live: LiveOptions,
    report: ReportOptions,
) -> int:
    """Give color to a gray video (--video), an image (--image), a folder of both (--input-dir), or a camera:
    in a window (--webcam), or on a web page (--serve).

    Sound, subtitles, timing and sharpness of a video stay as they were: color is added, the luma is not
    touched.
    """
    given = [each is not None for each in (files.video, files.image, files.input_dir)]
    if sum([*given, live.asked]) != 1:
        raise click.UsageError(
            "give exactly one of --video, --image, --input-dir, and --webcam or --serve, which go together"
        )
    if not live.asked and replace(live, token=None) != LiveOptions():  # the token may be in the environment
        raise click.UsageError("options of a live image go with --webcam or --serve")
    if report.stats is not None and files.image is not None:
        raise click.UsageError("--stats tells of videos; give it with --video or --input-dir")
    if files.format is not None and not files.into_pipe:
        raise click.UsageError("--format is for a pipe, -o -; the suffix of a file says its format")
    if files.input_dir is None and archive != ArchiveOptions():
        raise click.UsageError("options for many videos go with --input-dir")
    if archive.cluster is None and replace(archive, cpus_per_task=1, gpus_per_task=0.0) != archive:
        raise click.UsageError("--cpus-per-task and --gpus-per-task go with --cluster")
    if files.image is not None and (video, encoder, source) != (
        VideoOptions(), EncoderSettings(), SourceSettings()
    ):  # fmt: skip
        raise click.UsageError("options of videos go with --video or --input-dir")
    if files.input_dir is not None and source != SourceSettings():
        raise click.UsageError("what a bare video is like goes with --video")
    if report.stats is not None:
        check_json(report.stats, "--stats")
    if archive.report is not None:
        check_json(archive.report, "--report")
    if report.sheet is not None and (files.video is None or files.into_pipe):
        raise click.UsageError("--sheet shows a video in a file; give it with --video and -o FILE")
    if files.output is not None and is_numbered(files.output):
        if files.video is None:
            raise click.UsageError("numbered images are made of one video; give it with --video")
        if report.sheet is not None:
            raise click.UsageError("--sheet shows a video in a file, not numbered images; leave it out")
    if look.compare and live.asked:
        raise click.UsageError("--compare is for videos and images; --webcam has --split")
    options = RunOptions(files, model, look, video, encoder, source, report)
    console = Console(quiet=report.quiet, results_aside=files.into_pipe)
    if live.asked:
        from cgan_runtime.live.run import run_live  # loads OpenCV

        run_live(options, live, console)
        return 0
    if files.input_dir is not None:
        from cgan_runtime.batch.run import run_folder  # loads PyAV and OpenCV

        return run_folder(files.input_dir, options, archive, console)
    if files.output is not None and not isinstance(files.output, Path):
        raise click.UsageError("storage by URL goes with --input-dir")
    if files.image is not None:
        run_image(files.image, options, console)
    if files.video is not None:
        run_video(files.video, options, console)
    return 0
