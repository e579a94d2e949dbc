"""A video with known colors is read ahead, no farther than needed: what is small is kept, the rest read again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.guided_model import write_guided_model
from tests.paths import ROOT
from tests.runtime.pipeline.test_guide import GREEN, VIOLET, colored, slow, write_key
from tests.videos import FPS, decoded, write_scenes

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.guide.settings import Guide, Hint
from cgan_runtime.pipeline import guiding
from cgan_runtime.pipeline.guide_pass import SETTLED, GuidePass
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.read.reader import VideoReader

SHAPE = (64, 96)
CUTS = (30, 80)
FRAMES = slow(CUTS[0] + SETTLED + 60, lambda frame: sum(frame >= cut for cut in CUTS), SHAPE)
FRAME_BYTES = SHAPE[0] * SHAPE[1] * 3 // 2


@pytest.fixture
def colorizer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colorizer]:
    model = write_guided_model(tmp_path_factory.mktemp("model") / "guided.onnx")
    with Colorizer.open(model, "onnxruntime", threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots, the last of them the longest, with audio."""
    times = [Fraction(n, FPS) for n in range(len(FRAMES))]
    return write_scenes(tmp_path_factory.mktemp("clip") / "in.mp4", FRAMES, times)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by each reader that is opened beside the one that is colored from."""
    readers: list[object] = []

    def open_reader(*args: Any, **settings: Any) -> Any:
        readers.append(args)
        return VideoReader(*args, **settings)

    monkeypatch.setattr(guiding, "VideoReader", open_reader)
    return readers


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of the frames that were looked at ahead."""
    times: list[float] = []
    look = GuidePass._look

    def counted(self: GuidePass, time: float, frame: Any) -> None:
        times.append(time)
        look(self, time, frame)

    monkeypatch.setattr(GuidePass, "_look", counted)
    return times


@pytest.mark.parametrize("kept", [0, 20, len(FRAMES) - 1, len(FRAMES)])
def test_what_is_kept_is_colored_as_what_is_read_again(
    kept: int, clip: Path, colorizer: Colorizer, opened: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = write_key(tmp_path / "keys", "000100.png", FRAMES[100], GREEN)
    write_key(keys, "000010.png", FRAMES[10], VIOLET)
    colored(clip, tmp_path / "whole.mkv", colorizer, Guide(keys=keys))
    assert opened == []
    monkeypatch.setattr(guiding, "MOST_KEPT", kept * FRAME_BYTES)  # and the packets of audio
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys))
    assert len(opened) == 1
    assert result.frames == len(FRAMES)
    assert decoded(tmp_path / "out.mkv") == decoded(tmp_path / "whole.mkv")


def test_no_more_than_the_room_is_kept(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guiding, "MOST_KEPT", 20 * FRAME_BYTES)
    with VideoReader(clip) as reader:
        ahead = guiding._Ahead(reader, VideoSettings())
        assert len(list(ahead.frames(lambda: None))) == len(FRAMES)
        assert sum(map(guiding._bytes_of, ahead._kept)) <= 22 * FRAME_BYTES
        items = list(ahead.items())
    with VideoReader(clip) as reader:
        expected = list(reader)
    assert [type(item) for item in items] == [type(item) for item in expected]
    assert [item.pts for item in items] == [item.pts for item in expected]


@pytest.mark.parametrize(
    ("hints", "last"),
    [((), CUTS[0] + SETTLED), ((Hint(0.5, 0.5, "red", 0.2, time=0.2, until=6.0),), 6 * FPS)],
    ids=["a-key", "a-hint-that-lasts"],
)
def test_reading_ahead_ends_with_the_shot_of_the_last_key(
    hints: tuple[Hint, ...], last: int, clip: Path, colorizer: Colorizer, looked: list[float],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    keys = write_key(tmp_path / "keys", "000010.png", FRAMES[10], GREEN)
    guide = Guide(keys=keys, hints=hints)
    result = colored(clip, tmp_path / "out.mkv", colorizer, guide)
    assert len(FRAMES) > last + 20
    assert last < len(looked) <= last + 10
    looked.clear()
    monkeypatch.setattr(GuidePass, "knows_all", False)
    whole = colored(clip, tmp_path / "whole.mkv", colorizer, guide)
    assert len(looked) == len(FRAMES)
    assert decoded(tmp_path / "out.mkv") == decoded(tmp_path / "whole.mkv")
    assert [shot.first for shot in result.shots] == [0, *CUTS]
    assert [shot.keys for shot in result.shots] == [whole.shots[0].keys, (), ()]


PROGRAM = """
import sys
from pathlib import Path
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.guide.settings import Guide
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
source, model, keys = map(Path, sys.argv[1:])
with Colorizer.open(model, "onnxruntime", threads=1, size=128) as colorizer:
    result = colorize_video(source, keys.with_suffix(".mkv"), colorizer, settings=VideoSettings(guide=Guide(keys=keys)))
assert sum(len(shot.keys) for shot in result.shots) == len(list(keys.iterdir()))
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak.split()[1])
"""
KEYS = 500
KEY_MEGABYTES = 0.2  # at most, thrice what a key needs, for a moment; one of the pictures below has 0.46
SCALE = 5  # of a key, by its frame


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory's peak as Linux tells it")
def test_hundreds_of_keys_take_little_memory(tmp_path: Path) -> None:
    model = write_guided_model(tmp_path / "guided.onnx")
    frames = [FRAMES[0]] * (KEYS + 20)
    clip = write_scenes(tmp_path / "in.mp4", frames, [Fraction(n, FPS) for n in range(len(frames))])
    picture = write_key(tmp_path / "picture", "0.png", FRAMES[0], GREEN, scale=SCALE) / "0.png"
    peaks = []
    for count in (1, KEYS):
        keys = tmp_path / f"keys{count}"
        keys.mkdir()
        for number in range(count):
            shutil.copy(picture, keys / f"{number:06d}.png")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, clip, model, keys], capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) / 1000)
    print(f"1 key {peaks[0]:.0f} MB, {KEYS} keys {peaks[1]:.0f} MB")
    assert peaks[1] - peaks[0] < KEYS * KEY_MEGABYTES
