"""`cgan-bench --video`: a video's stages beside decoding and encoding alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.videos import Video, write_video

from cgan_benchmarks.cli import main
from cgan_benchmarks.video.scenario import CGAN, LIMIT, measure_video
from cgan_runtime.errors import MediaError
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model


def bench(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


@pytest.mark.slow
def test_a_video_alone_is_measured_and_reported(
    tmp_path: Path, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_video(tmp_path / "in.mp4", Video(frames=12, width=96, height=64, audio=("aac",)))
    files = ("--json", tmp_path / "bench.json", "--html", tmp_path / "bench.html")
    by = ("--model", exported["fp32"], "--backends", "onnxruntime")
    assert bench("--scenario", "video", "--video", video, "--threads", 1, *by, *files) == 0
    document = json.loads((tmp_path / "bench.json").read_text())
    assert (document["scenario"], document["rows"]) == ("video", [])
    found, manifest = document["video"], Manifest.load(exported["fp32"])
    assert (document["recipe"], document["checkpoint_sha256"]) == ("paper", manifest.checkpoint_sha256)
    assert (found["model"], found["sha256"]) == (manifest.file, manifest.sha256)
    assert found["backend"].startswith("onnxruntime")
    assert (found["frames"], found["width"], found["height"]) == (12, 96, 64)
    assert found["ways"][LIMIT]["of_limit"] == 1
    for way in (LIMIT, CGAN):
        rates = found["ways"][way]
        assert 0 < rates["least"] <= rates["frames_per_second"] <= rates["most"]
        assert rates["ms_a_frame"] == pytest.approx(1e3 / rates["frames_per_second"])
    assert list(found["stages"]) == ["decode", "color", "encode"]
    assert all(stage["p50_ms"] > 0 for stage in found["stages"].values())
    printed = capsys.readouterr().out
    assert "decode and encode alone" in printed
    assert "stage of cgan-run" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.html", "bench.json", "in.mp4"]


def test_a_video_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MediaError):
        measure_video(tmp_path / "text.mp4", bundled_model(), threads=1, rounds=1)
    assert bench("--scenario", "video", "--video", tmp_path / "nowhere.mp4") == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert bench("--scenario", "video") == 2
    assert "give --video FILE" in capsys.readouterr().err
