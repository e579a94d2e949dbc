"""Plan how the frames of a video are stored, and open what writes them.

settings = settle_encoder(settings, reader, output)
layout = plan_layout(reader, settings, output)
with open_writer(work, reader, layout, settings) as writer:
    writer.write(item)
    writer.finish()
"""

from __future__ import annotations

from dataclasses import replace

import av

from cgan_runtime.errors import ConfigError
from cgan_runtime.files.output import Output
from cgan_runtime.video.frame_layout import FrameLayout, bits_of
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.resume.work_folder import NonResumableOutput, WorkFolder
from cgan_runtime.video.write.codecs import COMMON_NAMES, DEEP_DEFAULT, ENCODERS, EncoderSettings
from cgan_runtime.video.write.image_sequence_writer import PIXEL_FORMATS, ImageSequenceWriter
from cgan_runtime.video.write.rehearsal import rehearse
from cgan_runtime.video.write.writer import VideoWriter


def settle_encoder(settings: EncoderSettings, reader: VideoReader, output: Output) -> EncoderSettings:
    """The settings with the encoder for this video in place of a default.

    Raises:
        MediaError: As of `codec_for`.
        ConfigError: As of `codec_for`, or FFmpeg here has no such encoder.
    """
    if output.images is not None:
        settings.codec_for(output)
        return settings
    codec, first = settings.codec_for(output), reader.first
    deep = bits_of(first.format) > 8 and not settings.keeps_format(codec)
    large = min(first.width, first.height) >= ENCODERS[DEEP_DEFAULT].least
    if settings.codec is None and codec == "libx264" and deep and large and DEEP_DEFAULT in av.codecs_available:
        codec = DEEP_DEFAULT
    if codec not in av.codecs_available:
        others = [name for name, encoder in COMMON_NAMES.items() if encoder in av.codecs_available]
        raise ConfigError(f"FFmpeg here has no {codec}; take --codec {' or '.join(others)}")
    return replace(settings, codec=codec)


def plan_layout(
    reader: VideoReader, settings: EncoderSettings, output: Output, *, compare: bool = False
) -> FrameLayout:
    """How the frames of a video are stored in an output; errors as of `FrameLayout.plan` and `codec_for`."""
    encoder = settings.codec_for(output)
    accepted = PIXEL_FORMATS if output.images is not None else _accepted_formats(encoder, reader.first)
    playable = [] if settings.keeps_format(encoder) else _playable_formats(encoder)
    return FrameLayout.plan(
        reader.first,
        codec=reader.stream.codec_context.name,
        accepted=playable or accepted,
        encoder=encoder if output.images is None else None,
        compare=compare,
        playable=bool(playable),
    )


def open_writer(
    work: WorkFolder | NonResumableOutput, reader: VideoReader, layout: FrameLayout, settings: EncoderSettings
) -> VideoWriter | ImageSequenceWriter:
    """Open what writes into a container, or one image for each frame.

    Errors as of the writers; a container that could not be completed is refused, too.
    """
    segments = work if isinstance(work, WorkFolder) else None
    if work.output.images is not None:
        return ImageSequenceWriter(work.output, reader, layout, segments)
    muxer, losses = rehearse(work.output, reader, layout, settings)
    writer = VideoWriter(work.output, reader, layout, settings, segments, muxer)
    writer.notes += losses
    return writer


def _accepted_formats(encoder: str, first: av.VideoFrame) -> list[str]:
    """Pixel formats that an encoder takes for frames of this size."""
    if (named := ENCODERS[encoder].formats) is not None:
        return list(named)
    formats = av.Codec(encoder, "w").video_formats or []
    if ENCODERS[encoder].even:
        side = 64  # all subsampling factors divide it
        across = [each for each in formats if first.width % (side // each.chroma_width(side)) == 0]
        formats = [each for each in across if first.height % (side // each.chroma_height(side)) == 0]
    return _with_packed(encoder, [each.name for each in formats])


def _playable_formats(encoder: str) -> list[str]:
    """Pixel formats of an encoder that common players take, for frames of even sizes."""
    there = _with_packed(encoder, [each.name for each in av.Codec(encoder, "w").video_formats or []])
    return [name for name in ENCODERS[encoder].playable if name in there]


def _with_packed(encoder: str, names: list[str]) -> list[str]:
    return [*names, *(planar for planar, packed in ENCODERS[encoder].packed.items() if packed in names)]
