"""The command `cgan-run`: color a video, an image, a folder of both, or a camera.

cgan-run --video in.mp4 [-o out.mp4]
cgan-run --image in.jpg
cgan-run --input-dir FOLDER
cgan-run --webcam
cgan-run --serve

It declares the options and passes them on: to `commands` for a video or image, `batch` for a folder, `live`
for a camera.
"""

from __future__ import annotations

import click

from cgan_runtime.commands.single import run_image, run_video
from cgan_runtime.console import Console, guard
from cgan_runtime.options.batch import BatchOptions, batch_options
from cgan_runtime.options.groups import GroupedCommand
from cgan_runtime.options.live import LiveOptions, live_options
from cgan_runtime.options.model import ModelOptions, model_options
from cgan_runtime.options.run import FileOptions, ReportOptions, RunOptions, file_options, report_options
from cgan_runtime.options.video import source_options, video_options
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.read.sources import SourceSettings


@guard
@click.command(cls=GroupedCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@file_options
@model_options
@video_options
@source_options
@batch_options
@live_options
@report_options
@click.version_option(package_name="cgan", prog_name="cgan-run")
def main(
    files: FileOptions,
    model: ModelOptions,
    video: VideoSettings,
    source: SourceSettings,
    batch: BatchOptions,
    live: LiveOptions,
    report: ReportOptions,
) -> int:
    """Color a gray video (--video), an image (--image), a folder of both (--input-dir), or a camera: in a
    window (--webcam), or on a web page (--serve).

    Audio, subtitles, timing and sharpness of a video stay as they were: color is added, the luma is not
    touched.
    """
    options = RunOptions(files, model, video, source, report)
    options.check(live=live.asked)
    batch.check(files)
    live.check()
    console = Console(quiet=report.quiet, results_to_stderr=files.into_pipe)
    if live.asked:
        from cgan_runtime.live.run import run_live  # loads OpenCV

        run_live(options, live, console)
    elif files.input_dir is not None:
        from cgan_runtime.batch.run import run_folder  # loads PyAV and OpenCV

        return run_folder(files.input_dir, options, batch, console)
    elif files.image is not None:
        run_image(files.image, options, console)
    elif files.video is not None:
        run_video(files.video, options, console)
    return 0
