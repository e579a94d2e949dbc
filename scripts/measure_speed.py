"""Measures speed on this machine with the model that ships, and fills the tables of the docs.

python scripts/measure_speed.py --videos FOLDER                       # all, in half an hour, on a quiet machine
python scripts/measure_speed.py --videos FOLDER --only stage-costs    # one file of figures
python scripts/measure_speed.py --videos FOLDER --prepare             # only makes the videos, on any machine

FOLDER keeps the videos that are measured with, and is made. The tables say how busy the machine was otherwise.
--data names the folder with photos-val.tar and videos/, for steadiness, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from cgan_benchmarks.studies import stage_costs, video_speed

ROOT = Path(__file__).parents[1]
RESULTS, IMAGES = ROOT / "benchmarks" / "results", ROOT / "docs" / "images"
FILES = {
    "stage-costs": ("cgan_benchmarks.studies.stage_costs", "--image", str(IMAGES / "stage-costs.png")),  # 2 minutes
    "instruction-sets": ("cgan_benchmarks.studies.instruction_sets",),  # 1 minute
    "video": ("cgan_benchmarks.studies.video_speed",),  # 2 minutes for each round
    "bench-cpu": ("cgan_benchmarks", "--all"),  # 15 minutes
    "steadiness": ("cgan_benchmarks.studies.temporal_stability",),  # 5 minutes
}
"""What makes each file of figures."""

WITH_VIDEOS = {"stage-costs": stage_costs.SIZES, "video": video_speed.SIZES}
WITH_DATA = "steadiness"
WITH_ROUNDS = ("stage-costs", "instruction-sets", "video")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, required=True, help="folder where the videos are kept")
    parser.add_argument("--only", choices=FILES, action="append", help="leave the other files of figures as they are")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--data", type=Path, help="folder with photos-val.tar and videos/")
    parser.add_argument("--prepare", action="store_true", help="make the videos, and measure nothing")
    given = parser.parse_args()
    names = given.only or [name for name in FILES if given.data or name != WITH_DATA]
    if WITH_DATA in names and given.data is None:
        parser.error(f"{WITH_DATA} needs --data")
    for name in names:
        folder = given.videos / name
        for size in WITH_VIDEOS.get(name, {}).values():
            folder.mkdir(parents=True, exist_ok=True)
            video_speed.kept_source(folder, size)
    if given.prepare:
        return
    for name in names:
        command = [sys.executable, "-m", *FILES[name], "--json", str(RESULTS / f"{name}.json")]
        command += ["--videos", str(given.videos / name)] if name in WITH_VIDEOS else []
        command += ["--rounds", str(given.rounds)] if name in WITH_ROUNDS else []
        if name == WITH_DATA:
            command += ["--photos", str(given.data / "photos-val.tar"), "--clips", str(given.data / "videos")]
        subprocess.run(command, check=True)
    subprocess.run([sys.executable, str(ROOT / "scripts" / "update_docs.py")], check=True)


if __name__ == "__main__":
    main()
