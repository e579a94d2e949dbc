"""Make the pictures of hints and key frames: gray, as the model guesses, and with what a person said.

    python scripts/make_guide_images.py [--films FOLDER]     # with [cpu] installed; colors with the bundled model

The photographs and their hints are in samples/photos. FOLDER holds the two films of `FILMS`, which come from
github.com/mdn/interactive-examples (CC0); without it only the photographs are made.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import ImageColor

from cgan_runtime import Colorizer, Guide, Hint, VideoSettings, colorize_video, read_hints

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "samples" / "photos"
IMAGES = ROOT / "docs" / "images"
SIZE = (240, 180)  # px of a photograph, width and height
FILM_SIZE = (300, 225)
GAP = 5  # px
PER_ROW = 2  # photographs
FRIDAY = (
    Hint(0.66, 0.27, "#d9a184"), Hint(0.65, 0.08, "#5b2333"), Hint(0.7, 0.42, "#6d7f5a"),
    Hint(0.2, 0.1, "#b9a98a"), Hint(0.1, 0.38, "#5b3a26"), Hint(0.41, 0.6, "#7a5230"),
)  # fmt: skip
"""Colors for a frame of the film of 1940, as a person may choose them; with them it becomes the key."""
FILMS = {"friday.mp4": (0.0, 0.5, 0.97), "flower.mp4": (0.97, 0.5, 0.0)}
"""Of each film the frame that is the key, and two others, as parts of its length."""


def main() -> None:
    """Make both pictures."""
    parser = argparse.ArgumentParser(description="Make the pictures of hints and key frames for the docs.")
    parser.add_argument("--films", type=Path, help=f"folder with {' and '.join(FILMS)}")
    films: Path | None = parser.parse_args().films
    with Colorizer.open(backend="onnxruntime", precision="fp32") as colorizer:
        rows = [_photo_row(colorizer, path) for path in sorted(PHOTOS.glob("*.jpg"))]
        pairs = [np.hstack(rows[start : start + PER_ROW]) for start in range(0, len(rows), PER_ROW)]
        _write("hinted-photos.webp", np.vstack(pairs))
        if films is not None:
            _write("key-frames.webp", np.vstack([_film(colorizer, films / name) for name in FILMS]))


def _photo_row(colorizer: Colorizer, path: Path) -> np.ndarray:
    """A photograph in gray with its hints, as the model guesses it, and with the hints."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        raise SystemExit(f"cannot read {path}")
    hints = read_hints(path.with_suffix(".hints.json"))
    colored = [colorizer.image(gray), colorizer.image(gray, guide=Guide(hints=hints))]
    return np.hstack([_small(_marked(gray, hints), SIZE), *(_small(each[..., ::-1], SIZE) for each in colored)])


def _marked(gray: np.ndarray, hints: tuple[Hint, ...]) -> np.ndarray:
    """A gray picture, BGR, with a dot for each hint."""
    marked = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    height, width = gray.shape
    for hint in hints:
        place = round(hint.x * width), round(hint.y * height)
        cv2.circle(marked, place, width // 24, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(marked, place, width // 24 - 4, ImageColor.getrgb(hint.color)[2::-1], -1, cv2.LINE_AA)
    return marked


def _film(colorizer: Colorizer, film: Path) -> np.ndarray:
    """Frames of a film: above as the model guesses them, below with one key, the frame on the left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "keys").mkdir()
        frames = _frames(film)
        number, *others = (round(part * (len(frames) - 1)) for part in FILMS[film.name])
        gray = cv2.cvtColor(frames[number], cv2.COLOR_BGR2GRAY)
        key = colorizer.image(gray, guide=Guide(hints=FRIDAY))[..., ::-1] if film.stem == "friday" else frames[number]
        cv2.imwrite(str(folder / "keys" / f"{number:06}.png"), key)
        rows: list[np.ndarray] = []
        for guide in (Guide(), Guide(keys=folder / "keys")):
            target = folder / f"{len(rows)}.mp4"
            colorize_video(film, target, colorizer, settings=VideoSettings(guide=guide))
            beside = _marked(gray, ()) if not rows else key
            colored = _frames(target)
            shown = (beside, *(colored[other] for other in others))
            rows.append(np.hstack([_small(each, FILM_SIZE) for each in shown]))
    return np.vstack(rows)


def _frames(video: Path) -> list[np.ndarray]:
    """All frames, BGR."""
    with av.open(video) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def _small(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of an image at a size, with a gap right and below."""
    height, width = image.shape[:2]
    wide = min(width, round(height * size[0] / size[1]))
    left = (width - wide) // 2
    small = cv2.resize(image[:, left : left + wide], size, interpolation=cv2.INTER_AREA)
    return np.pad(small, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


def _write(name: str, image: np.ndarray) -> None:
    target = IMAGES / name
    if not cv2.imwrite(str(target), image[:-GAP, :-GAP], [cv2.IMWRITE_WEBP_QUALITY, 88]):
        raise SystemExit(f"cannot write {target}")
    height, width = image.shape[:2]
    print(f"{target.relative_to(ROOT)}: {width - GAP}x{height - GAP}, {target.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
