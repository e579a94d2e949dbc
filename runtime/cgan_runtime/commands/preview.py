"""`cgan-run in.mp4 --preview`: how a video would look, how long it would take, and how large it would be.

run_preview("in.mp4", options, console)
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from cgan_runtime.commands.open_model import load_colorizer
from cgan_runtime.commands.outlook import Outlook, Painter, try_out
from cgan_runtime.commands.single import video_output, with_usable_encoder
from cgan_runtime.commands.summary import print_tips
from cgan_runtime.console import Console
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import Output
from cgan_runtime.image.read_write import write_image
from cgan_runtime.options.run import RunOptions
from cgan_runtime.progress import duration_text, rate_text, size_text
from cgan_runtime.video.contact_sheet import check_sheet, tile
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.open_writer import plan_layout, settle_encoder


def run_preview(given: Path | str, options: RunOptions, console: Console) -> None:
    """Show how a video would look, and what it would take.

    Raises:
        CganError: It cannot be read, or the picture cannot be written.
    """
    began = time.monotonic()
    options = with_usable_encoder(options, console)
    source, output = Path(given), video_output(Path(given), options)[0]
    sheet = options.report.sheet or source.with_name(f"{source.stem}.preview.jpg")
    check_sheet(sheet, source=source, overwrite=True)
    if output.images is not None or output.path is None:
        raise MediaError("--preview is about a video in a file; leave -o out, or name one")
    settings = options.video
    with (
        VideoReader(
            source, stream=settings.stream, threads=settings.encoder.codec_threads, levels=settings.levels
        ) as reader,
        load_colorizer(options, console) as colorizer,
    ):
        settings = replace(settings, encoder=settle_encoder(settings.encoder, reader, output))
        layout = plan_layout(reader, settings.encoder, output, compare=settings.compare)
        painter = Painter(reader, layout, colorizer, settings.stretch)
        for image in painter.images():
            write_image(sheet, tile(image))
            if len(image) == 1:
                console.note(f"first picture after {time.monotonic() - began:.1f} s: {sheet}")
        console.result(f"{sheet}: {painter.judgment()}")
        outlook = try_out(reader, layout, colorizer, settings, output)
    console.result(_about(output, outlook, part=not settings.stretch.is_whole))
    for note in layout.notes:
        console.note(note)
    print_tips(options, colorizer.backend.manifest, console)


def _about(output: Output, outlook: Outlook | None, *, part: bool) -> str:
    """Time and size of the whole or the part, for people."""
    what = "the part" if part else "the whole"
    if outlook is None or not outlook.frames:
        return f"{what} goes into {output}; its length is not known"
    return (
        f"{what}: about {duration_text(outlook.frames / outlook.rate)} at {rate_text(outlook.rate)}, and "
        f"{size_text(outlook.size)}, in {output}"
    )
