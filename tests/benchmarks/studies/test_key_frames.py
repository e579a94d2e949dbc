"""The study of key frames, with a guided model made by hand that knows places by their lightness."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.guided_model import write_guided_model

from cgan_benchmarks.studies import key_frames
from cgan_benchmarks.studies.key_frames import Found, frames_of, measure_clip, shots_of, summary
from cgan_benchmarks.studies.synthetic_motion import Clip, MovingFrame, luma_of
from cgan_runtime.backends.registry import open_backend


def scene(seed: int) -> np.ndarray:
    """Blocks of colors and textures, 96x160."""
    dice = np.random.default_rng(seed)
    colors = dice.integers(30, 230, (3, 5, 3)).repeat(32, 0).repeat(32, 1)
    return (colors + dice.integers(-25, 25, (96, 160, 1))).clip(0, 255).astype(np.uint8)


def clip(*seeds: int, frames: int = 6) -> Clip:
    """A pan over each scene, with a cut between."""
    images = [np.roll(scene(seed), 2 * number, axis=1) for seed in seeds for number in range(frames)]
    return Clip("made", [MovingFrame(image, luma_of(image.astype(np.float32))) for image in images])


def test_a_key_brings_its_shot_nearer_and_the_cut_is_found(tmp_path: Path) -> None:
    with open_backend(write_guided_model(tmp_path / "guided.onnx"), "onnxruntime") as backend:
        frames = frames_of(clip(1, 2), backend)
        assert [list(shot) for shot in shots_of(frames)] == [[*range(6)], [*range(6, 12)]]
        found = measure_clip(frames, backend)
    assert found.shots == 2
    assert found.first > found.automatic + 0.1
    assert found.both is not None
    assert found.both > found.automatic + 0.1
    assert found.behind_cut is not None
    assert found.behind_cut == found.behind_cut_automatic  # a key counts in its own shot only
    assert found.behind_missed_cut is not None


def test_one_shot_has_nothing_behind_a_cut(tmp_path: Path) -> None:
    with open_backend(write_guided_model(tmp_path / "guided.onnx"), "onnxruntime") as backend:
        found = measure_clip(frames_of(clip(3, frames=5), backend), backend, step=2)
    assert (found.shots, found.behind_cut, found.behind_missed_cut, found.behind_cut_automatic) == (1, None, None, None)


def test_means_leave_out_what_a_clip_does_not_have() -> None:
    found = [Found(1, 0.1, 0.5, 0.6, None, None, None), Found(3, 0.2, 0.7, None, 0.2, 0.1, 0.2)]
    assert summary(found) == pytest.approx(
        {
            "shots": 2,
            "automatic": 0.15,
            "first": 0.6,
            "both": 0.6,
            "behind_cut": 0.2,
            "behind_missed_cut": 0.1,
            "behind_cut_automatic": 0.2,
        }
    )


def test_the_command_writes_table_picture_and_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_frames, "CLIPS", 2)
    monkeypatch.setattr(key_frames, "CLIP_FRAMES", 5)
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in (4, 5):
        cv2.imwrite(str(photos / f"{seed}.png"), np.tile(scene(seed), (3, 3, 1)))
    model = write_guided_model(tmp_path / "guided.onnx")
    arguments = ["--photos", photos, "--model", model, "--backend", "onnxruntime",
                 "--json", tmp_path / "keys.json", "--image", tmp_path / "keys.png"]  # fmt: skip
    with pytest.raises(SystemExit) as exit_:
        key_frames.main([str(argument) for argument in arguments])
    assert exit_.value.code == 0
    document = json.loads((tmp_path / "keys.json").read_text())
    assert len(document["clips"]["made up"]) == 2
    assert document["means"]["made up"]["first"] > document["means"]["made up"]["automatic"]
    assert "all made up" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "keys.png")).shape[1] > 5 * 32


def test_a_model_without_guide_is_refused(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(12):
        cv2.imwrite(str(photos / f"{seed}.png"), scene(seed))
    with pytest.raises(SystemExit) as exit_:
        key_frames.main(["--photos", str(photos), "--model", str(tiny_model)])
    assert exit_.value.code == 1
    assert "takes no guide" in capsys.readouterr().err
