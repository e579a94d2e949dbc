"""Make the eight photographs of cgan from free ones inside scikit-image.

    python scripts/make_photos.py              # writes train/cgan_train/evaluation/photos/*.jpg

Exported models are compared with PyTorch and timed on them. Licenses: README.md in that folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import skimage.data

SIDE = 256  # pixels
QUALITY = 88  # of JPEG


class View(NamedTuple):
    """A square of a photograph of `skimage.data`, in pixels."""

    name: str
    photograph: str
    left: int
    top: int
    side: int


VIEWS = (
    View("astronaut", "astronaut", 0, 0, 512),
    View("astronaut-face", "astronaut", 110, 0, 256),
    View("chelsea", "chelsea", 90, 0, 300),
    View("coffee", "coffee", 120, 0, 400),
    View("coffee-rim", "coffee", 250, 120, 256),
    View("rocket", "rocket", 110, 0, 427),
    View("rocket-tower", "rocket", 230, 170, 256),
    View("deep-field", "hubble_deep_field", 200, 100, 512),
)


def main() -> None:
    """Read the command line and write the photographs."""
    parser = argparse.ArgumentParser(description="Make the photographs that come with cgan.")
    default = Path(__file__).resolve().parent.parent / "train" / "cgan_train" / "evaluation" / "photos"
    parser.add_argument("-o", "--output", type=Path, default=default, help="default: %(default)s")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for view in VIEWS:
        photograph = getattr(skimage.data, view.photograph)()[..., :3]
        part = photograph[view.top : view.top + view.side, view.left : view.left + view.side]
        part = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        path = output / f"{view.name}.jpg"
        if not cv2.imwrite(str(path), part[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
            raise OSError(f"{path} cannot be written")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
