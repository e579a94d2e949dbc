"""A run that is killed at any moment loses at most its last segment."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import av
import pytest
from tests.paths import ROOT
from tests.videos import Video, packets_of, write_video

from cgan_runtime.video.resume.work_folder import kept_frames
from cgan_runtime.video.segments import SEGMENT_FRAMES

KILLS = 12
SHORT = 50  # frames of a segment, so that a run takes less time
FRAMES = 4 * SHORT + 40
PROGRAM = """
from pathlib import Path
from cgan_runtime.video import segments
segments.SEGMENT_FRAMES = {segment}
from tests.fakes import FakeBackend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video
colorize_video(Path("in.mp4"), Path("{name}"), Colorizer(FakeBackend()), resume=True, overwrite={overwrite},
            progress=lambda done, of: print(done, flush=True))
"""


def _start(folder: Path, name: str, *, overwrite: bool = True, segment: int = SEGMENT_FRAMES) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(name=name, overwrite=overwrite, segment=segment)],
        cwd=folder, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip


def _image(path: Path) -> tuple[int, str]:
    """The number of frames, and a hash of their times and contents."""
    digest, count = hashlib.sha256(), 0
    with av.open(path) as container:
        for frame in container.decode(video=0):
            count += 1
            digest.update(f"{frame.pts * frame.time_base}".encode())
            for plane in frame.planes:
                digest.update(bytes(plane))
    return count, digest.hexdigest()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is sent to a process of our own")
def test_an_image_sequence_killed_in_its_first_segment_is_resumed(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=SEGMENT_FRAMES))
    run = partial(_start, tmp_path, "%03d.png", overwrite=False)
    with run() as killed:
        assert killed.stdout is not None
        while not any(tmp_path.glob("*.png")):
            assert killed.stdout.readline()
        killed.kill()
    with run() as again:
        again.communicate(timeout=120)
    assert again.returncode == 0
    names = [f"{number:03d}.png" for number in range(1, SEGMENT_FRAMES + 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names, "in.mp4"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is sent to a process of our own")
def test_a_run_killed_at_random_moments_makes_the_same_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgan_runtime.video.resume.work_folder.SEGMENT_FRAMES", SHORT)
    run = partial(_start, tmp_path, segment=SHORT)
    chance = random.Random(6)
    write_video(tmp_path / "in.mp4", Video(frames=FRAMES, audio=["aac"]))
    whole = run("whole.mp4")
    whole.communicate(timeout=120)
    expected = _image(tmp_path / "whole.mp4")
    assert expected[0] == FRAMES
    kills, target = 0, tmp_path / "out.mp4"
    while kills < KILLS:
        before = kept_frames(target)
        process = run(target.name)
        # The moment is chosen by frames, not by time: anywhere, near a border, or at the end.
        moment = chance.choice([0, chance.randrange(FRAMES), before + SHORT, FRAMES])
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= min(moment, FRAMES):
                break
        time.sleep(chance.random() * 0.03)
        process.kill()
        process.communicate()
        kills += process.returncode != 0
        assert kept_frames(target) >= before or target.exists()
        if target.exists():  # complete before the kill
            assert _image(target) == expected
            target.unlink()
    last = run(target.name)
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert _image(target) == expected
    assert packets_of(target, "audio") == packets_of(tmp_path / "in.mp4", "audio")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4", "whole.mp4"]
