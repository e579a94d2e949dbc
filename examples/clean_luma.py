"""Clean the luma of a gray video before it is colored: a filter of your own in a pipe of y4m.

    python examples/clean_luma.py old.mp4 | cgan-run - -o clean.mkv

Needs `pip install 'cgan[cpu]'`.
"""

import sys

import av
import cv2
import numpy as np


def clean(luma: np.ndarray) -> np.ndarray:
    """Take noise out of a luma plane, uint8 (H, W). Put your own filter here."""
    return cv2.fastNlMeansDenoising(luma, None, h=6, templateWindowSize=5, searchWindowSize=11)


def main(source: str) -> None:
    """Write the cleaned frames of a video to standard output."""
    with av.open(source) as video, av.open(sys.stdout.buffer, "w", format="yuv4mpegpipe") as pipe:
        given = video.streams.video[0]
        stream = pipe.add_stream("rawvideo", rate=given.average_rate)
        stream.width, stream.height, stream.pix_fmt = given.width, given.height, "gray"
        for frame in video.decode(given):
            cleaned = av.VideoFrame.from_ndarray(clean(frame.to_ndarray(format="gray")), format="gray")
            pipe.mux(stream.encode(cleaned))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
