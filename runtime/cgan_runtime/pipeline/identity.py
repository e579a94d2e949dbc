"""Everything that decides how a colored video looks: a run may resume another if all of it is the same."""

from __future__ import annotations

import av

from cgan_runtime import __version__
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.output import Output
from cgan_runtime.guide.keys import fingerprint
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.read.reader import VideoReader


def video_identity(
    reader: VideoReader, output: Output, colorizer: Colorizer, settings: VideoSettings
) -> dict[str, str]:
    """Input, model, settings and versions, by names for people."""
    encoder, backend = settings.encoder, colorizer.backend
    guide = {} if settings.guide.is_empty else {"guide": fingerprint(settings.guide)}
    codec = encoder.codec_for(output)
    versions = ".".join(str(part) for version in av.library_versions.values() for part in version)
    return {
        "input": reader.fingerprint,
        "model": backend.manifest.sha256,
        "back end": f"{backend.name} on {backend.device}",
        "size": str(colorizer.size),
        "saturation": str(colorizer.saturation),
        "encoder": " ".join([codec, *(f"{key}={value}" for key, value in encoder.options(codec).items())]),
        "pixel format": "of the input" if encoder.keeps_format(codec) else "of common players",
        "codec threads": str(encoder.codec_threads or "one for each core"),
        "version of cgan": __version__,
        "version of FFmpeg": versions,
        "stream": str(reader.stream.index),
        "part": settings.stretch.text,
        "deinterlacing": settings.deinterlace,
        "levels": str(settings.levels),
        "gray beside color": "yes" if settings.compare else "no",
        "temporal": settings.temporal.strength,
        "every": str(settings.temporal.every),
        **guide,
    }
