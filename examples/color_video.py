"""Color a video file; audio, subtitles and timing stay as they are.

    python examples/color_video.py film.mp4 colored.mp4

Needs `pip install 'cgan[cpu]'`.
"""

import sys

from cgan_runtime import Colorizer, EncoderSettings, TemporalSettings, VideoSettings, colorize_video


def show(done: int, total: int | None) -> None:
    """Print the number of frames that are done."""
    print(f"\r{done} of {total or '?'} frames", end="")


def main(source: str, target: str) -> None:
    """Color one video with settings of your own, and replace an older result."""
    settings = VideoSettings(
        encoder=EncoderSettings(codec="libx264", crf=20),
        temporal=TemporalSettings(strength="high", every=2),  # the network runs on every second frame
    )
    with Colorizer.open(backend="auto", saturation=1.2) as colorizer:
        result = colorize_video(source, target, colorizer, settings=settings, overwrite=True, progress=show)
    print(f"\n{result.output}: {result.frames} frames, {result.fps:.1f} frames/s on {result.backend}")
    for note in result.notes:
        print(f"note: {note}")


if __name__ == "__main__":
    main(*sys.argv[1:])
