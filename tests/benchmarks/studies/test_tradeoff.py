"""The picture of models by nearness and chroma, from files of `cgan-bench quality`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cgan_benchmarks.studies.tradeoff import main, read_tradeoff
from cgan_runtime.errors import ConfigError


@pytest.fixture
def result(tmp_path: Path) -> Path:
    quality = {"chroma_ratio": 0.5, "gain_percent": 16.0}
    guided = [{"hints": 0, "nearer": 0.16, "psnr": 23.0, "chroma": 0.5}]
    guided += [{"hints": 10, "nearer": 0.4, "psnr": 26.0, "chroma": 0.8}]
    path = tmp_path / "quality.json"
    path.write_text(json.dumps({"reports": [{"quality": quality, "frechet": {"distance": 223.4}}], "guided": guided}))
    return path


def test_a_picture_shows_each_model_and_its_hints(result: Path, tmp_path: Path) -> None:
    image = tmp_path / "tradeoff.png"
    with pytest.raises(SystemExit) as exited:
        main([f"edge={result}", f"old={result}", "--image", str(image)])
    assert not exited.value.code
    with Image.open(image) as drawn:
        assert drawn.size == (900, 660)
    found = read_tradeoff("edge", result)
    assert (found.chroma, found.gain, found.frechet) == (0.5, 16.0, 223.4)
    assert found.guided == ((0, 0.5, 16.0), (10, 0.8, 40.0))


def test_what_is_no_result_is_said_in_one_line(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_tradeoff("edge", tmp_path / "none.json")
    result.write_text("[]")
    with pytest.raises(ConfigError, match="no result of quality"):
        read_tradeoff("edge", result)
    with pytest.raises(SystemExit) as exited:
        main([str(result), "--image", str(tmp_path / "a.png")])
    assert exited.value.code == 1
    assert "NAME=FILE" in capsys.readouterr().err
