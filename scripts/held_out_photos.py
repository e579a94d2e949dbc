"""Builds photos-held-out.tar, the photographs that benchmarks/sets/held-out.csv names, from their repositories.

git clone --bare https://github.com/dogsteven/emod clones/dogsteven+emod      # and the others that the list names
python scripts/held_out_photos.py clones -o photos-held-out.tar

Photographs become JPEG with a short side of 256 px, as in photos-val. They are for measuring only: whoever trains
leaves these repositories out.
"""

from __future__ import annotations

import csv
import io
import subprocess
import tarfile
from pathlib import Path

import click
import cv2
import numpy as np

from cgan_runtime.console import guard
from cgan_runtime.errors import DataError

LIST = Path(__file__).parents[1] / "benchmarks" / "sets" / "held-out.csv"
SIDE = 256  # px
QUALITY = 95  # of JPEG


@click.command()
@click.argument("clones", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default="photos-held-out.tar", show_default=True)
def main(clones: Path, output: Path) -> None:
    """Take the photographs from the folder CLONES, whose git directories are called OWNER+NAME."""
    with LIST.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with tarfile.open(output, "w") as archive:
        for row in rows:
            photo = shrunk(blob(clones / row["repository"].replace("/", "+"), row["path"]))
            member = tarfile.TarInfo(row["image"])
            member.size = len(photo)
            archive.addfile(member, io.BytesIO(photo))
    print(f"{len(rows)} photographs are in {output}")


def blob(clone: Path, path: str) -> bytes:
    """A file of the newest commit of a git directory, or of one in its folder `repo`."""
    where = clone / "repo" if (clone / "repo").is_dir() else clone
    found = subprocess.run(["git", "-C", str(where), "cat-file", "blob", f"HEAD:{path}"], capture_output=True)
    if found.returncode:
        raise DataError(f"{path} cannot be read from {where} ({found.stderr.decode().strip()}); clone it anew")
    return found.stdout


def shrunk(encoded: bytes) -> bytes:
    """A photograph as JPEG, upright, with a short side of at most `SIDE`."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError("a photograph cannot be decoded; clone its repository anew")
    height, width = image.shape[:2]
    if (scale := SIDE / min(height, width)) < 1:
        size = (round(width * scale), round(height * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


if __name__ == "__main__":
    guard(main)()
