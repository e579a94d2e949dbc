"""Memory does not grow with a video's length."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.paths import ROOT
from tests.videos import Video, write_video

GROWTH = 1.10  # that a longer video's peak may be of a short one's
PROGRAM = """
import sys
from pathlib import Path
from cgan_runtime.video import segments
segments.SEGMENT_FRAMES = 50
from tests.fakes import FakeBackend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video
colorize_video(Path(sys.argv[1]), Path(sys.argv[1] + ".out.mkv"), Colorizer(FakeBackend()))
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak.split()[1])
"""


def _peak(folder: Path, frames: int) -> int:
    """Largest resident memory of a run over a video of so many frames, kB."""
    video = Video(frames=frames, width=320, height=240, audio=["aac"])
    source = write_video(folder / f"{frames}.mp4", video)
    paths = os.pathsep.join([str(ROOT), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, source],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory's peak as Linux tells it")
@pytest.mark.parametrize(
    ("short", "long"),
    [
        pytest.param(150, 600, marks=pytest.mark.slow),  # the allocator takes two segments to settle
        pytest.param(1500, 15_000, marks=pytest.mark.benchmark),  # ten minutes of video
    ],
)
def test_peak_memory_is_flat(short: int, long: int, tmp_path: Path) -> None:
    peaks = _peak(tmp_path, short), _peak(tmp_path, long)
    print(f"{short} frames {peaks[0]} kB, {long} frames {peaks[1]} kB, ratio {peaks[1] / peaks[0]:.3f}")
    assert peaks[1] < peaks[0] * GROWTH
