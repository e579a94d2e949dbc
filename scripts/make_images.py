"""Make pictures of the docs: frames of the sample, gray and colored; a photo with hints; and infrared-like photos.

python scripts/make_images.py     # with [cpu] installed; colors the sample with the bundled model
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import ImageColor

from cgan_runtime import Guide, Hint
from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.level_tracker import LevelTracker
from cgan_runtime.color.levels import Levels
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.read_write import read_image
from cgan_runtime.pipeline.video import colorize_video

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "sample.mp4"
IMAGES = ROOT / "docs" / "images"
SECONDS = (1.2, 3.2, 5.2, 7.2)  # one in each shot of the sample
WIDTH = 400  # px of a frame
GAP = 6  # px
HINTED = ROOT / "samples" / "photos" / "astronaut.jpg"
HINTS = (
    Hint(0.11, 0.43, "#b22234"), Hint(0.03, 0.68, "#b22234"), Hint(0.09, 0.22, "#3c3b6e"), Hint(0.04, 0.5, "white"),
    Hint(0.2, 0.68, "#e8763a"), Hint(0.6, 0.72, "#e8763a"), Hint(0.82, 0.13, "#b5651d"),
)  # fmt: skip
"""Known colors of that photo, which the model cannot know: flag, suit, tank."""
PHOTOS = ROOT / "train" / "cgan_train" / "evaluation" / "photos"
USED = (0.01, 0.07)  # the part of the range that the made-up dim camera uses
NEAR_INFRARED = np.array([1.4, -0.1, -0.3], np.float32)
"""Weights of R, G and B that make skin and cloth bright and blue dark, as near infrared; a stand-in, not physics."""
DEEP = Encoding("bt601", full_range=True, bits=16)


def main() -> None:
    """Color the sample and write the images."""
    with tempfile.TemporaryDirectory() as folder, Colorizer.open(backend="onnxruntime", precision="fp32") as colorizer:
        colored = Path(folder) / "colored.mp4"
        colorize_video(SAMPLE, colored, colorizer)
        _write("frames.png", np.vstack([_row(SAMPLE), _row(colored)])[:-GAP, :-GAP])
        gray = read_image(HINTED)
        marked = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
        for hint in HINTS:
            place = round(hint.x * gray.shape[1]), round(hint.y * gray.shape[0])
            cv2.circle(marked, place, 9, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(marked, place, 7, ImageColor.getrgb(hint.color)[2::-1], -1, cv2.LINE_AA)
        images = [colorizer.image(gray)[..., ::-1], marked, colorizer.image(gray, guide=Guide(hints=HINTS))[..., ::-1]]
        _write("hints.png", np.hstack([_small(image) for image in images])[:-GAP, :-GAP])
        make_infrared(colorizer)


def make_infrared(colorizer: Colorizer) -> None:
    """Write two rows: a photo as a dim 16-bit camera delivers it, and one with the tones of near infrared.

    In each from left to right: as it is, the same with stretched levels, and that colored.
    """
    rows = []
    for name, weights in (("chelsea", None), ("astronaut", NEAR_INFRARED)):
        photo = read_image(PHOTOS / f"{name}.jpg").astype(np.float32) / 255
        gray = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) if weights is None else np.clip(photo @ weights, 0, 1)
        low, high = USED if weights is None else (0.0, 1.0)
        codes = np.rint((low + (high - low) * gray) * DEEP.peak).astype(np.uint16)
        stretched = LevelTracker(Levels("auto")).stretch(codes, DEEP, bits=8)
        before = np.repeat((codes >> 8).astype(np.uint8)[..., None], 3, axis=2)
        images = before, np.repeat(stretched[..., None], 3, axis=2), colorizer.image(stretched)[..., ::-1]
        rows.append(np.hstack([_small(image) for image in images]))
    width = min(row.shape[1] for row in rows)
    _write("infrared.png", np.vstack([row[:, :width] for row in rows])[:-GAP, :-GAP])


def _write(name: str, image: np.ndarray) -> None:
    target = IMAGES / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(target), image, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SystemExit(f"cannot write {target}")
    height, width = image.shape[:2]
    print(f"{target.relative_to(ROOT)}: {width}x{height}, {target.stat().st_size // 1024} kB")


def _frame_at(video: Path, second: float) -> np.ndarray:
    """The first frame from a time on, BGR."""
    with av.open(video) as container:
        return next(f for f in container.decode(video=0) if f.time >= second).to_ndarray(format="bgr24")


def _row(video: Path) -> np.ndarray:
    """The chosen frames beside each other, BGR."""
    return np.hstack([_small(_frame_at(video, second)) for second in SECONDS])


def _small(image: np.ndarray) -> np.ndarray:
    """An image at `WIDTH`, with a gap right and below."""
    height = round(WIDTH * image.shape[0] / image.shape[1])
    small = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.pad(small, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()
