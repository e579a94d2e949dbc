"""The motion of the clips is the true one, and the command measures the temporal filter on them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data as photos
from tests.fakes import FakeBackend
from tests.paths import ROOT
from tests.videos import Video, write_video

from cgan_benchmarks.studies import temporal_stability
from cgan_benchmarks.studies.synthetic_motion import Clip, made_up_clips, real_clips, videos_in
from cgan_benchmarks.studies.temporal_stability import CachingBackend, Stability, measure_clips, summary
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import DataError
from cgan_runtime.image.read_write import write_image
from cgan_train.data.sources import PhotoSource

NAMES = ("astronaut", "coffee", "chelsea", "rocket")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photographs in color."""
    below = tmp_path / "photos"
    below.mkdir()
    for name in NAMES:
        write_image(below / f"{name}.png", getattr(photos, name)())
    return below


@pytest.fixture
def clips(folder: Path) -> list[Clip]:
    """One of each disturbance."""
    return list(made_up_clips(PhotoSource.of_folder(folder), count=4, frames=14))


def test_the_motion_of_made_up_clips_is_the_true_one(clips: list[Clip]) -> None:
    compared = 0
    for clip in clips:
        for index, moving in enumerate(clip.frames):
            if moving.where is None or moving.known is None:
                continue
            earlier = clip.frames[index - moving.before].truth
            carried = cv2.remap(earlier, moving.where[..., 0], moving.where[..., 1], cv2.INTER_LINEAR)
            difference = np.abs(carried.astype(int) - moving.truth.astype(int)).mean(axis=-1)
            assert difference[moving.known].mean() < 4
            assert moving.known.mean() > 0.9
            compared += 1
    # All pairs but those over the cut and with the flash: 13 of each clip, less 1 and 1.
    assert compared == 4 * 13 - 2


def test_too_few_photographs_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        list(made_up_clips(PhotoSource.of_folder(folder), count=5, frames=4))


def test_a_real_clip_has_motion_where_the_scene_goes_on() -> None:
    sample = ROOT / "samples"
    (clip,) = real_clips(videos_in(sample), frames=5)
    assert [moving.before for moving in clip.frames] == [0, 1, 1, 1, 1]
    assert all(moving.known is not None and moving.known.mean() > 0.8 for moving in clip.frames[1:])


def test_a_flickering_network_is_seen_and_the_filter_helps(clips: list[Clip]) -> None:
    seeds = iter(range(10_000))

    def flicker(lightness: FloatArray) -> FloatArray:
        coarse = np.random.default_rng(next(seeds)).normal(0.1, 0.05, (4, 4, 2)).astype(np.float32)
        return np.moveaxis(cv2.resize(coarse, lightness.shape[:1:-1]), -1, 0)[None].copy()

    cache = CachingBackend(FakeBackend(flicker, size=128))
    with Colorizer(cache) as colorizer:
        found = measure_clips(clips[:2], colorizer, cache)
    rows = summary(found)
    assert rows["off"] == {"change": 1.0, "ciede2000": 1.0, "predictions": 1.0}
    assert rows["high"]["change"] < rows["low"]["change"] < 0.7
    for by_setting in found.values():
        assert by_setting["off"].predictions == 14
        assert by_setting["high, every 4"].predictions == 4


@pytest.mark.slow
def test_the_command_writes_what_it_found(folder: Path, tmp_path: Path, tiny_model: Path) -> None:
    program = (
        "from cgan_benchmarks.studies import temporal_stability as s\n"
        "s.CLIPS, s.CLIP_FRAMES, s.COST_ROUNDS = 2, 4, 6\n"
        "s.COST_SIZES = {'1080p': (108, 192)}\n"
        "s.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--photos", folder, "--model", tiny_model, "--json", "out.json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    assert set(document["relative_to_off"]["made up"]) == set(temporal_stability.SETTINGS)
    assert document["path_core_ms"]["1080p"]["off"] > 0
    assert "made up clips (2)" in done.stdout


def test_videos_in_which_nothing_can_be_compared_are_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(name: str, video: Video | None) -> str:
        folder = tmp_path / name
        folder.mkdir()
        if video is not None:
            write_video(folder / "in.mp4", video).rename(folder / "IN.MP4")
        with pytest.raises(SystemExit) as left:
            temporal_stability.main(["--clips", str(folder)])
        assert left.value.code == 1
        printed = capsys.readouterr().err
        assert printed.count("\n") == 1
        return printed

    assert "there are no videos in" in refused("empty", None)
    assert "has fewer than two frames" in refused("one", Video(frames=1))


def test_clips_without_motion_are_no_figures(clips: list[Clip]) -> None:
    cache = CachingBackend(FakeBackend(size=128))
    image = Clip("still", [replace(clips[0].frames[0], before=0, where=None, known=None)])
    with Colorizer(cache) as colorizer, pytest.raises(DataError, match="no two frames of still"):
        measure_clips([image], colorizer, cache)
    never = Stability(0.0, 1.0, 1, 0)
    with pytest.raises(DataError, match="does not change"):
        summary({"flat": dict.fromkeys(temporal_stability.SETTINGS, never)})


def test_nothing_to_measure_on_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as left:
        temporal_stability.main([])
    assert left.value.code == 2
