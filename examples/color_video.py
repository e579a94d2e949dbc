"""Color a video file; audio, subtitles and timing stay as they are.

    python examples/color_video.py film.mp4 colored.mp4

Needs `pip install 'cgan[cpu]'`.
"""

import sys

from cgan_runtime import CganError, Colorizer, EncoderSettings, TemporalSettings, VideoSettings, colorize_video


def show(done: int, total: int | None) -> None:
    """Print the number of frames that are done."""
    print(f"{done} of {total or '?'} frames", end="\r")


def main(source: str, target: str) -> None:
    """Color one video with settings of your own, and replace an older result."""
    settings = VideoSettings(
        encoder=EncoderSettings(codec="libx264", crf=20),
        temporal=TemporalSettings(strength="high", every=2),  # the network runs on every second frame
    )
    progress = show if sys.stdout.isatty() else None  # not in a pipe
    try:
        with Colorizer.open(backend="auto", saturation=1.2) as colorizer:
            result = colorize_video(source, target, colorizer, settings=settings, overwrite=True, progress=progress)
    except CganError as error:  # the input cannot be read, the model takes no such size, ...
        raise SystemExit(f"error: {error}") from None
    print(f"{result.output}: {result.frames} frames, {result.fps:.1f} frames/s on {result.backend}")
    for note in result.notes:
        print(f"note: {note}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
