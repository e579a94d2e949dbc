"""Measures the colors of the model that ships on every set, and fills the tables of the docs.

python scripts/measure_quality.py FOLDER...                 # with photos-val.tar, photos-held-out.tar and the clips
python scripts/measure_quality.py FOLDER... --only quality-footage       # one file of figures

The lists in benchmarks/sets/ say which clips and photographs these are and where they come from;
scripts/held_out_photos.py builds photos-held-out.tar. Key frames are measured on all clips of the folder videos/
beside photos-val.tar. Half an hour of one core is enough for all.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from cgan_runtime.errors import DataError

ROOT = Path(__file__).parents[1]
SETS, RESULTS = ROOT / "benchmarks" / "sets", ROOT / "benchmarks" / "results"
PICTURE = ROOT / "docs" / "images" / "tradeoff.png"
VAL = "photos-val.tar"
GRAYS = "panchromatic,orthochromatic,infrared,faded,blurred,scratched"
FILES = {
    "quality": (VAL, SETS / "objects.csv", "--without", "imagenet*"),
    "quality-held-out": (SETS / "held-out.csv",),
    "quality-footage": (SETS / "footage.csv", SETS / "footage-more.csv"),
    "quality-vivid": (
        VAL, SETS / "objects.csv", SETS / "held-out.csv", SETS / "footage.csv", SETS / "footage-more.csv",
        "--model", "edge-vivid",
    ),
    "quality-grays": (VAL, "--gray", GRAYS),
    "quality-hints": (VAL, "--hints", "0,1,2,5,10,20,50,100"),
}  # fmt: skip
"""What each file of figures is measured on, and with which options."""

KEY_FRAMES = "key-frames"
DRAWN = {"edge": "hints", "edge-vivid": "vivid", "edge-small": "small", "before": "before"}
"""The models of the picture of nearness and liveliness, and which `quality-` file has their figures."""


def main() -> None:
    """Measure, then draw the picture and fill the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="where the tars and the clips are")
    parser.add_argument("--only", choices=[*FILES, KEY_FRAMES], action="append", help="leave all other figures")
    parser.add_argument("--threads", default="2")
    given = parser.parse_args()
    for name in given.only or [*FILES, KEY_FRAMES]:
        command = module_for(name, given.folders, given.threads)
        subprocess.run([sys.executable, "-m", *command, "--json", str(RESULTS / f"{name}.json")], check=True)
    models = [f"{name}={RESULTS / f'quality-{file}.json'}" for name, file in DRAWN.items()]
    draw = ["cgan_benchmarks.studies.tradeoff", *models, "--image", str(PICTURE)]
    subprocess.run([sys.executable, "-m", *draw], check=True)
    subprocess.run([sys.executable, str(ROOT / "scripts" / "update_docs.py")], check=True)


def module_for(name: str, folders: list[Path], threads: str) -> list[str]:
    """The module that makes a file of figures, and its options."""
    val = found(VAL, folders)
    if name == KEY_FRAMES:
        return ["cgan_benchmarks.studies.key_frames", "--photos", str(val), "--clips", str(val.parent / "videos")]
    command = ["cgan_benchmarks", "quality", "--threads", threads]
    for part in FILES[name]:
        if isinstance(part, Path):
            command += ["--data", str(part)]
        else:
            command += ["--data", str(val)] if part == VAL else [part]
    for folder in folders:
        command += ["--root", str(folder)]
    return command


def found(file: str, folders: list[Path]) -> Path:
    """A file in one of the folders."""
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    raise DataError(f"{file} is in none of the folders; name the one that has it")


if __name__ == "__main__":
    main()
