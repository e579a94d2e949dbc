"""A video colored in parts is, bit for bit, the video of a single run."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.videos import Video, decoded, packets_of, scenes, write_scenes, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.pipeline.parts import Part, colorize_part, divide, independent_starts, plan_parts
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.temporal.filter import FLASH_FRAMES, TemporalFilter
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.resume.work_folder import work_folder
from cgan_runtime.video.write.codecs import EncoderSettings

FloatArray = npt.NDArray[np.float32]

pytestmark = pytest.mark.usefixtures("short_segments")

FRAMES = 2 * SEGMENT_FRAMES + 30
CUTS = (30, 51, 98)  # scenes long and short; a flash and a scene of a few frames are added
UNEVEN = [Fraction(1) + Fraction(n, 25) + Fraction(n * n % 97, 9000) for n in range(FRAMES)]


def restless(lightness: FloatArray) -> FloatArray:
    """A color that changes from frame to frame, but not from run to run."""
    a = np.sin(40 * lightness.mean()) * np.cos(9 * lightness[:, 0])
    return np.stack([a, np.sin(7 * lightness[:, 0])], axis=1).astype(np.float32)


def scene_of(cuts: tuple[int, ...]) -> Callable[[int], int]:
    """The scene of a frame; -1 is a flash, and some scenes come back after it."""

    def scene(frame: int) -> int:
        if frame % 41 == 40:
            return -1
        return sum(frame >= cut for cut in cuts)

    return scene


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes, flashes, uneven times, sound."""
    frames = scenes(FRAMES, scene_of(CUTS), (48, 64))
    return write_scenes(tmp_path_factory.mktemp("video") / "in.mp4", frames, UNEVEN)


def whole(source: Path, target: Path, settings: VideoSettings, *, resume: bool = False) -> int:
    """Color a video, or put it together; how often the network was asked."""
    backend = FakeBackend(restless)
    with Colorizer(backend) as colorizer:
        colorize_video(source, target, colorizer, settings=settings, resume=resume)
    return backend.calls


@pytest.mark.parametrize(
    ("suffix", "settings"),
    [
        (".mp4", VideoSettings(EncoderSettings(preset="medium"))),
        (".mkv", VideoSettings(EncoderSettings("ffv1"), TemporalSettings("low", 3))),
        (".webm", VideoSettings(EncoderSettings(), TemporalSettings("off"))),
    ],
    ids=["x264", "ffv1-every-third", "vp9-off"],
)
def test_parts_in_any_order_give_the_video_of_a_single_run(
    suffix: str, settings: VideoSettings, video: Path, tmp_path: Path
) -> None:
    alone, target = tmp_path / f"alone{suffix}", tmp_path / f"out{suffix}"
    whole(video, alone, settings)
    with Colorizer(FakeBackend(restless)) as colorizer:
        plan = plan_parts(video, target, colorizer, settings, segments=1)
    assert plan.frames == FRAMES
    assert len(plan.parts) >= 3
    assert any(0 < part.warm_from < part.first * SEGMENT_FRAMES for part in plan.parts) or (
        settings.temporal.passes_through
    )
    made = 0
    for part in random.Random(1).sample(plan.parts, len(plan.parts)):
        with Colorizer(FakeBackend(restless)) as colorizer:
            made += colorize_part(video, target, colorizer, settings, part)
    assert made == FRAMES
    assert whole(video, target, settings, resume=True) == 0  # only put together
    assert decoded(target) == decoded(alone)
    assert packets_of(target, "video") == packets_of(alone, "video")
    assert packets_of(target, "audio") == packets_of(alone, "audio")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alone.name, target.name])


def test_an_interrupted_part_is_resumed(video: Path, tmp_path: Path) -> None:
    settings, target = VideoSettings(EncoderSettings(), TemporalSettings(every=1)), tmp_path / "out.mkv"

    def stop(done: int, _: int | None) -> None:
        if done == SEGMENT_FRAMES + 20:
            raise KeyboardInterrupt

    backend = FakeBackend(restless)
    with Colorizer(backend) as colorizer:
        plan = plan_parts(video, target, colorizer, settings, segments=1)
        assert backend.calls == 0  # looking for cuts needs no network
        first, second = plan.parts[0], Part(1, 3, plan.parts[1].warm_from)
        with pytest.raises(KeyboardInterrupt):
            colorize_part(video, target, colorizer, settings, second, progress=stop)
        colorize_part(video, target, colorizer, settings, first)
        before = backend.calls
        left = FRAMES - second.first * SEGMENT_FRAMES - SEGMENT_FRAMES
        assert colorize_part(video, target, colorizer, settings, second) == left
        assert backend.calls == before + left  # from what was remembered, with no frame before it
        assert colorize_part(video, target, colorizer, settings, second) == 0
        assert plan_parts(video, target, colorizer, settings, segments=1, resume=True) == plan
    whole(video, target, settings, resume=True)
    whole(video, tmp_path / "alone.mkv", settings)
    assert decoded(target) == decoded(tmp_path / "alone.mkv")


def test_a_part_made_with_other_settings_is_refused(video: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with Colorizer(FakeBackend()) as colorizer:
        plan = plan_parts(video, target, colorizer, VideoSettings())
    with Colorizer(FakeBackend(), saturation=2) as colorizer, pytest.raises(MediaError, match="saturation"):
        colorize_part(video, target, colorizer, VideoSettings(), plan.parts[0])


def test_finished_parts_are_discarded_only_with_overwrite(video: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with Colorizer(FakeBackend()) as colorizer:
        plan = plan_parts(video, target, colorizer, VideoSettings(), segments=1)
        colorize_part(video, target, colorizer, VideoSettings(), plan.parts[1])
        with pytest.raises(MediaError, match="go on with --resume"):
            plan_parts(video, target, colorizer, VideoSettings(), segments=1)
        plan_parts(video, target, colorizer, VideoSettings(), segments=1, overwrite=True)
    assert not list(work_folder(target).glob("*.segment"))


def test_a_rotated_video_in_parts(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=2 * SEGMENT_FRAMES + 9, rotation=90))
    settings = VideoSettings(EncoderSettings(), TemporalSettings("off"))
    with Colorizer(FakeBackend(restless)) as colorizer:
        plan = plan_parts(source, tmp_path / "out.mp4", colorizer, settings, segments=1)
        assert [part.first for part in plan.parts] == [0, 1, 2]
        for part in plan.parts:
            colorize_part(source, tmp_path / "out.mp4", colorizer, settings, part)
    whole(source, tmp_path / "out.mp4", settings, resume=True)
    whole(source, tmp_path / "alone.mp4", settings)
    assert decoded(tmp_path / "out.mp4") == decoded(tmp_path / "alone.mp4")


@pytest.mark.parametrize("seed", range(6))
def test_frames_after_an_independent_start_do_not_depend_on_earlier_ones(seed: int) -> None:
    dice = random.Random(seed)
    kinds, order = 4, []
    while len(order) < 160:  # scenes of every length, short ones too, that come back
        length = dice.choice([1, 2, 3, 4, 5, 6, 7, 15, 30])
        order += [dice.randrange(-1, kinds)] * length
    settings = TemporalSettings(dice.choice(["off", "low", "high"]), dice.choice([2, 3, 5]))
    looks = [
        frame.astype(np.float32) / np.float32(127.5) - np.float32(1)
        for frame in scenes(len(order), lambda number: order[number], (32, 48))
    ]
    count, starts = independent_starts(looks, settings)
    assert count == len(looks)
    assert starts[0] == 0

    def predict(lightness: FloatArray) -> FloatArray:
        return restless(lightness[None, None])[0]

    steady = TemporalFilter(settings)
    in_one_go = [steady.step(look, predict) for look in looks]
    for start in starts:
        fresh = TemporalFilter(settings)
        for number in range(start, count):
            np.testing.assert_array_equal(fresh.step(looks[number], predict), in_one_go[number])
    assert all(count - start > FLASH_FRAMES for start in starts)


def test_cuts_are_independent_starts() -> None:
    frames = scenes(240, scene_of((100, 180)), (32, 48))
    looks = [frame.astype(np.float32) / np.float32(127.5) - np.float32(1) for frame in frames]
    assert independent_starts(looks, TemporalSettings())[1] == [0, 100, 180]


def test_a_long_scene_is_not_divided_and_parts_are_few() -> None:
    assert list(divide(20 * SEGMENT_FRAMES, [0])) == [Part(0, 20, 0)]
    assert list(divide(SEGMENT_FRAMES - 10, [0], 1)) == [Part(0, 1, 0)]
    parts = list(divide(400 * SEGMENT_FRAMES, list(range(0, 400 * SEGMENT_FRAMES, 18)), 1))
    assert [part.end for part in parts] == [*(part.first for part in parts[1:]), 400]
    assert 2 < len(parts) <= 8
    assert all(0 <= part.first * SEGMENT_FRAMES - part.warm_from < 18 for part in parts)
