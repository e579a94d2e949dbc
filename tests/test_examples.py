"""The examples run as their docstrings say, on real files."""

from __future__ import annotations

import ast
import json
import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.paths import ROOT
from tests.train.conftest import write_photos
from tests.videos import Video, read_frames, write_video

from cgan_runtime.image.read_write import read_image, write_image
from cgan_train.config.recipes import RECIPES

EXAMPLES = ROOT / "examples"
MAX_LINES = 40


def started(name: str, *args: str | Path, before: tuple[str, ...] = (), text: bool = True) -> Any:
    command = [*before, sys.executable, EXAMPLES / name, *map(str, args)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, text=text, timeout=240, env=environment)


def run(name: str, *args: str | Path, before: tuple[str, ...] = (), text: bool = True) -> Any:
    done = started(name, *args, before=before, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("color_*.py")), ids=lambda path: path.stem)
def test_mistakes_are_told_without_a_traceback(path: Path, tmp_path: Path) -> None:
    alone = started(path.name)
    assert alone.returncode == 1
    assert alone.stderr.strip() == ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    missing = started(path.name, tmp_path / "none.jpg", tmp_path / "out.jpg")
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: ")
    assert missing.stderr.count("\n") == 1


def test_color_image(tmp_path: Path) -> None:
    write_image(tmp_path / "gray.png", np.full((64, 96, 3), 128, np.uint8))
    out = run("color_image.py", tmp_path / "gray.png", tmp_path / "colored.png")
    assert out.startswith(f"{tmp_path / 'colored.png'}: 96x64")
    assert read_image(tmp_path / "colored.png").shape == (64, 96, 3)


def test_clean_luma(tmp_path: Path) -> None:
    piped = run("clean_luma.py", write_video(tmp_path / "gray.mp4", Video(frames=3)), text=False)
    (tmp_path / "clean.y4m").write_bytes(piped)
    frames = read_frames(tmp_path / "clean.y4m")
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 3


def test_color_video(tmp_path: Path) -> None:
    source = write_video(tmp_path / "gray.mp4", Video(frames=8))
    out = run("color_video.py", source, tmp_path / "colored.mp4")
    assert out.startswith(f"{tmp_path / 'colored.mp4'}: 8 frames")
    assert len(read_frames(tmp_path / "colored.mp4")) == 8


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb-run is not installed")
def test_webcam_with_a_video_for_a_camera(tmp_path: Path) -> None:
    run("webcam.py", write_video(tmp_path / "gray.mp4", Video(frames=8)), before=("xvfb-run", "-a"))


def test_numpy_array() -> None:
    lines = run("numpy_array.py").splitlines()
    assert lines == ["uint8 (256, 256) -> uint8 (256, 256, 3)", "uint16 (256, 256) -> uint16 (256, 256, 3)"]


def test_own_generator(tmp_path: Path) -> None:
    assert run("own_generator.py", tmp_path).startswith(f"{tmp_path / 'Net.onnx'} ")
    assert json.loads((tmp_path / "Net.json").read_text())["parity"]["verified"]


def test_research(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process, with a recipe of few channels: four runs."""
    config = RECIPES["paper-unet"]
    generator, judge = (replace(part, widths=(8, 8)) for part in (config.generator, config.discriminator))
    thin = replace(config, generator=generator, discriminator=judge, recalibration=1)
    monkeypatch.setitem(RECIPES, "paper-unet", thin)
    write_photos(tmp_path / "photos", 6)
    words = ("research.py", tmp_path / "photos", tmp_path / "runs", "--epochs", 1)
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    runpy.run_path(str(EXAMPLES / words[0]), run_name="__main__")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["loss", "L1", "Huber"]
    assert all(float(cell) >= 0 for line in lines[1:] for cell in (line[1], line[3]))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_examples_are_short_and_say_how_to_run_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert f"python examples/{path.name}" in docstring
    assert (Path(__file__).read_text(encoding="utf-8")).count(f'("{path.name}"') == 1
