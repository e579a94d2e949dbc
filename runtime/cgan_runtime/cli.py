"""The command `cgan-run`: color videos, images, folders of both, or a camera.

cgan-run in.mp4 [-o out.mp4]
cgan-run photo.jpg
cgan-run FOLDER
cgan-run --webcam
cgan-run --serve

It declares the options and passes them on: to `commands` for a video or image, `batch` for a folder, `live`
for a camera.
"""

from __future__ import annotations

from dataclasses import replace

import click

from cgan_runtime.commands.single import run_image, run_video
from cgan_runtime.commands.usage import print_usage
from cgan_runtime.console import Console, guard
from cgan_runtime.options.batch import BatchOptions, batch_options
from cgan_runtime.options.config import config_option
from cgan_runtime.options.groups import GroupedCommand, given
from cgan_runtime.options.live import LiveOptions, live_options
from cgan_runtime.options.model import ModelOptions, model_options
from cgan_runtime.options.presets import apply_preset, preset_option
from cgan_runtime.options.run import PREVIEWS, FileOptions, ReportOptions, RunOptions, file_options, report_options
from cgan_runtime.options.video import source_options, video_options
from cgan_runtime.options.without_effect import refuse_without_effect
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.read.sources import SourceSettings


@guard
@click.command(cls=GroupedCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@file_options
@config_option
@preset_option
@model_options
@video_options
@source_options
@batch_options
@live_options
@report_options
@click.version_option(package_name="cgan", prog_name="cgan-run")
def main(
    files: FileOptions,
    preset_name: str,
    model: ModelOptions,
    video: VideoSettings,
    source: SourceSettings,
    batch: BatchOptions,
    live: LiveOptions,
    report: ReportOptions,
) -> int:
    """Color gray videos and images, folders of them, or a camera: in a window (--webcam), or on a web page
    (--serve).

    Audio, subtitles, timing and sharpness of a video stay as they were: only color is added.
    """
    asked = given(click.get_current_context())
    if not asked and not files.inputs:
        return print_usage()
    if report.preview not in (None, *PREVIEWS):  # cgan-run --preview in.mp4
        files = replace(files, inputs=(report.preview, *files.inputs))
        report = replace(report, preview=PREVIEWS[0])
    if live.list_cameras:
        from cgan_runtime.live.run import list_cameras  # loads OpenCV

        list_cameras(Console())
        return 0
    files = files.sorted()
    options = RunOptions(files, model, video, source, report)
    options.check(live=live.asked)
    options = apply_preset(preset_name, options)
    batch.check(files)
    live.check()
    if live.asked or report.preview == PREVIEWS[1]:
        refuse_without_effect(asked, live)
    console = Console(quiet=report.quiet, results_to_stderr=files.into_pipe, log=report.log)
    if live.asked:
        from cgan_runtime.live.run import run_live  # loads OpenCV

        run_live(options, live, console)
    elif files.many:
        from cgan_runtime.batch.run import run_files, run_folder  # loads PyAV and OpenCV

        if files.input_dir is None:
            return run_files(files.inputs, options, batch, console)
        return run_folder(files.input_dir, options, batch, console)
    elif files.video is not None and report.preview == "live":
        from cgan_runtime.live.run import run_live  # loads OpenCV

        run_live(options, replace(live, webcam=(str(files.video),)), console)
    elif files.video is not None and report.preview is not None:
        from cgan_runtime.commands.preview import run_preview  # loads PyAV and OpenCV

        run_preview(files.video, options, console)
    elif files.image is not None:
        run_image(files.image, options, console)
    elif files.video is not None:
        run_video(files.video, options, console)
    return 0
