"""Plan how the frames of a video are stored, and open what writes them.

layout = plan_layout(reader, settings, output)
with open_writer(work, reader, layout, settings) as writer:
    writer.write(item)
    writer.finish()
"""

from __future__ import annotations

import av

from cgan_runtime.files.output import Output
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.resume.work_folder import NonResumableOutput, WorkFolder
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings
from cgan_runtime.video.write.image_sequence_writer import PIXEL_FORMATS, ImageSequenceWriter
from cgan_runtime.video.write.writer import VideoWriter


def plan_layout(
    reader: VideoReader, settings: EncoderSettings, output: Output, *, compare: bool = False
) -> FrameLayout:
    """How the frames of a video are stored in an output; errors as of `FrameLayout.plan` and `codec_for`."""
    encoder = settings.codec_for(output)
    return FrameLayout.plan(
        reader.first,
        codec=reader.stream.codec_context.name,
        accepted=_accepted_formats(encoder, reader.first) if output.images is None else PIXEL_FORMATS,
        encoder=encoder if output.images is None else None,
        compare=compare,
    )


def open_writer(
    work: WorkFolder | NonResumableOutput, reader: VideoReader, layout: FrameLayout, settings: EncoderSettings
) -> VideoWriter | ImageSequenceWriter:
    """Open what writes into a container, or one image for each frame; errors as of the writers."""
    segments = work if isinstance(work, WorkFolder) else None
    if work.output.images is not None:
        return ImageSequenceWriter(work.output, reader, layout, segments)
    return VideoWriter(work.output, reader, layout, settings, segments)


def _accepted_formats(encoder: str, first: av.VideoFrame) -> list[str]:
    """Pixel formats that an encoder takes for frames of this size."""
    if (named := ENCODERS[encoder].formats) is not None:
        return list(named)
    formats = av.Codec(encoder, "w").video_formats or []
    if ENCODERS[encoder].even:
        side = 64  # all subsampling factors divide it
        across = [each for each in formats if first.width % (side // each.chroma_width(side)) == 0]
        formats = [each for each in across if first.height % (side // each.chroma_height(side)) == 0]
    names = [each.name for each in formats]
    return [*names, *(planar for planar, packed in ENCODERS[encoder].packed.items() if packed in names)]
