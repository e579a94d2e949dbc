"""What decides how a colored video looks: a run may resume another one where all of it is the same."""

from __future__ import annotations

from pathlib import Path

import av

from cgan_runtime import __version__
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.files.pipe import OutputPipe
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.read.reader import VideoReader


def video_identity(
    reader: VideoReader,
    target: Path | OutputPipe,
    colorizer: Colorizer,
    settings: VideoSettings,
) -> dict[str, str]:
    """All that decides what the colored video looks like, by names for people."""
    encoder = settings.encoder
    codec = encoder.codec_for(target)
    backend = colorizer.backend
    versions = ".".join(str(part) for version in av.library_versions.values() for part in version)
    return {
        "input": reader.fingerprint,
        "model": backend.manifest.sha256,
        "back end": f"{backend.name} on {backend.device}",
        "size": str(colorizer.size),
        "saturation": str(colorizer.saturation),
        "encoder": " ".join([codec, *(f"{key}={value}" for key, value in encoder.options(codec).items())]),
        "codec threads": str(encoder.codec_threads or "one for each core"),
        "version of cgan": __version__,
        "version of FFmpeg": versions,
        "stream": str(reader.stream.index),
        "deinterlacing": settings.deinterlace,
        "gray beside color": "yes" if settings.compare else "no",
        "temporal": settings.temporal.strength,
        "every": str(settings.temporal.every),
    }
