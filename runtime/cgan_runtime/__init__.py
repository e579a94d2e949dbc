"""cgan's edge runtime: color images, videos and cameras with an exported generator, without torch.

    import cgan_runtime

    cgan_runtime.colorize_video("in.mp4", "out.mp4")
    with cgan_runtime.Colorizer.open() as colorizer:
        colored = colorizer.image(array)            # NumPy, uint8 or uint16

The import is fast: what needs NumPy, OpenCV or PyAV is loaded when it is first used.
"""

from __future__ import annotations

from cgan_runtime.errors import (
    BackendUnavailable,
    CganError,
    ConfigError,
    DataError,
    InputShapeError,
    MediaError,
    ModelFileError,
    ParityError,
    TrainingError,
)

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` would take most of the time
if TYPE_CHECKING:
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.guide.hints import read_hints
    from cgan_runtime.guide.settings import Guide, Hint
    from cgan_runtime.pipeline.image import colorize_image
    from cgan_runtime.pipeline.results import ImageResult, VideoResult
    from cgan_runtime.pipeline.settings import VideoSettings
    from cgan_runtime.pipeline.video import colorize_video
    from cgan_runtime.temporal.settings import TemporalSettings
    from cgan_runtime.video.write.codecs import EncoderSettings

__version__ = "0.1.0"

__all__ = [
    "BackendUnavailable", "CganError", "Colorizer", "ConfigError", "DataError", "EncoderSettings", "Guide", "Hint",
    "ImageResult", "InputShapeError", "MediaError", "ModelFileError", "ParityError", "TemporalSettings",
    "TrainingError", "VideoResult", "VideoSettings", "colorize_image", "colorize_video", "read_hints",
]  # fmt: skip

_LAZY = {
    "Colorizer": "colorizer",
    "EncoderSettings": "video.write.codecs",
    "Guide": "guide.settings",
    "Hint": "guide.settings",
    "ImageResult": "pipeline.results",
    "TemporalSettings": "temporal.settings",
    "VideoResult": "pipeline.results",
    "VideoSettings": "pipeline.settings",
    "colorize_image": "pipeline.image",
    "colorize_video": "pipeline.video",
    "read_hints": "guide.hints",
}  # the module of each name


def __getattr__(name: str) -> object:
    """Load a name when it is first used (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
