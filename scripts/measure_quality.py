"""Measures the colors of the model that ships on every set, and fills the tables of the docs.

python scripts/measure_quality.py FOLDER...                 # with photos-val.tar, photos-held-out.tar and the clips
python scripts/measure_quality.py FOLDER... --only quality-footage       # one file of figures

The lists in benchmarks/sets/ say which clips and photographs these are and where they come from;
scripts/held_out_photos.py builds photos-held-out.tar. An hour of one core is enough for all.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from cgan_runtime.errors import DataError

ROOT = Path(__file__).parents[1]
SETS, RESULTS = ROOT / "benchmarks" / "sets", ROOT / "benchmarks" / "results"
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
}  # fmt: skip
"""What each file of figures is measured on, and with which options."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="where the tars and the clips are")
    parser.add_argument("--only", choices=FILES, action="append", help="leave the other files of figures as they are")
    parser.add_argument("--threads", default="2")
    given = parser.parse_args()
    for name in given.only or FILES:
        command = [sys.executable, "-m", "cgan_benchmarks", "quality", "--threads", given.threads]
        for part in FILES[name]:
            if isinstance(part, Path):
                command += ["--data", str(part)]
            else:
                command += ["--data", str(found(VAL, given.folders))] if part == VAL else [part]
        for folder in given.folders:
            command += ["--root", str(folder)]
        subprocess.run([*command, "--json", str(RESULTS / f"{name}.json")], check=True)
    subprocess.run([sys.executable, str(ROOT / "scripts" / "update_docs.py")], check=True)


def found(file: str, folders: list[Path]) -> Path:
    """A file in one of the folders."""
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    raise DataError(f"{file} is in none of the folders; name the one that has it")


if __name__ == "__main__":
    main()
