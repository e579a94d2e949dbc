"""Make docs/images/frames.png: frames of the sample video, gray above and colored below.

python scripts/make_images.py     # with [cpu] installed; colors the sample with the bundled model
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "sample.mp4"
TARGET = ROOT / "docs" / "images" / "frames.png"
SECONDS = (1.2, 3.2, 5.2, 7.2)  # one in each shot of the sample
WIDTH = 400  # px of a frame
GAP = 6  # px


def main() -> None:
    """Color the sample and write the image."""
    with tempfile.TemporaryDirectory() as folder:
        colored = Path(folder) / "colored.mp4"
        with Colorizer.open(backend="onnxruntime", precision="fp32") as colorizer:
            colorize_video(SAMPLE, colored, colorizer)
        rows = [_row(SAMPLE), _row(colored)]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    image = np.vstack(rows)[:-GAP, :-GAP]
    if not cv2.imwrite(str(TARGET), image, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SystemExit(f"cannot write {TARGET}")
    height, width = image.shape[:2]
    print(f"{TARGET.relative_to(ROOT)}: {width}x{height}, {TARGET.stat().st_size // 1024} kB")


def _row(video: Path) -> np.ndarray:
    """The chosen frames beside each other, BGR."""
    wanted, frames = list(SECONDS), []
    with av.open(video) as container:
        for frame in container.decode(video=0):
            if wanted and frame.time >= wanted[0]:
                wanted.pop(0)
                height = round(WIDTH * frame.height / frame.width)
                image = frame.to_ndarray(format="bgr24")
                small = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
                frames.append(np.pad(small, ((0, GAP), (0, GAP), (0, 0)), constant_values=255))
    return np.hstack(frames)


if __name__ == "__main__":
    main()
