"""`cgan-run` with hints, references and keys, and `--suggest-keys`, as people use them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import write_tiny_model
from tests.guided_model import write_guided_model
from tests.runtime.commands.conftest import Run
from tests.videos import read_frames, scenes, write_scenes

from cgan_runtime.cli import main
from cgan_runtime.color.lab import lab_of_rgb
from cgan_runtime.image.read_write import read_image, write_image

WEDGE = np.linspace(40, 200, 80, dtype=np.uint8)[None, :, None].repeat(60, 0).repeat(3, 2)
HINTS = {"hints": [{"x": 0.25, "y": 0.5, "color": "blue", "radius": 0.1}]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_guided_model(tmp_path_factory.mktemp("model") / "guided.onnx")


def still(path: Path, frames: int) -> Path:
    """Write a video of one picture."""
    picture = scenes(1, lambda _: 3, (48, 64))[0]
    return write_scenes(path, [picture] * frames, [Fraction(number, 25) for number in range(frames)])


def green(path: Path, gray: np.ndarray) -> Path:
    """Write an image with a green tint."""
    path.parent.mkdir(exist_ok=True)
    tinted = gray.astype(int) + np.array([-30, 20, -30])
    write_image(path, tinted.clip(0, 255).astype(np.uint8))
    return path


def test_a_photo_takes_hints_and_a_reference(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "photo.png", WEDGE)
    (tmp_path / "hints.json").write_text(json.dumps(HINTS))
    green(tmp_path / "ref.png", WEDGE)
    done = run("photo.png", "--hints", "hints.json", "--reference", "ref.png")
    assert (done.code, done.err) == (0, "")
    _, a, b = lab_of_rgb(read_image(tmp_path / "photo.color.png"))
    assert b[28:32, 18:22].mean() < -20
    assert a[:, 40:].mean() < -5


def test_a_video_takes_keys_and_says_how_sure_it_was(run: Run, tmp_path: Path) -> None:
    still(tmp_path / "in.mp4", 12)
    gray = read_frames(tmp_path / "in.mp4")[4].to_ndarray(format="rgb24")
    green(tmp_path / "keys" / "4.png", gray)
    done = run("in.mp4", "--keys", "keys", "--stats", "stats.json")
    assert (done.code, done.err) == (0, "")
    _, a, _ = lab_of_rgb(read_frames(tmp_path / "in.color.mp4")[8].to_ndarray(format="rgb24"))
    assert a.mean() < -5
    ((shot,),) = [video["shots"] for video in json.loads((tmp_path / "stats.json").read_text())["videos"]]
    assert (shot["first"], shot["frames"], shot["keys"]) == (0, 12, [4])
    assert shot["similarity"] > 0.5


def test_the_videos_of_a_folder_have_keys_of_their_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    for name in ("a", "b"):
        still(tmp_path / "films" / f"{name}.mp4", 6)
    write_image(tmp_path / "films" / "c.png", WEDGE)
    gray = read_frames(tmp_path / "films" / "a.mp4")[2].to_ndarray(format="rgb24")
    (tmp_path / "keys").mkdir()
    green(tmp_path / "keys" / "a" / "2.png", gray)
    assert run("films", "--keys", "keys", "-o", "out").code == 0
    tints = [
        lab_of_rgb(read_frames(tmp_path / "out" / f"{name}.color.mp4")[2].to_ndarray(format="rgb24"))[1].mean()
        for name in ("a", "b")
    ]
    assert tints[0] < -5 < tints[1]


def test_frames_to_paint_are_suggested(run: Run, tmp_path: Path) -> None:
    still(tmp_path / "in.mp4", 20)
    done = run("in.mp4", "--suggest-keys", "keys", "--count", "1")
    assert (done.code, done.err) == (0, "")
    (name,) = [path.name for path in (tmp_path / "keys").iterdir() if path.name != "contact-sheet.png"]
    first, second, *_ = done.out.splitlines()
    assert first.startswith(f"keys/{name}: at 0:0")
    assert first.endswith(" of the video")
    assert second == "keys/contact-sheet.png: all of them; paint them, then add --keys keys"
    assert not (tmp_path / "in.color.mp4").exists()


def test_frames_that_add_nothing_are_not_suggested(run: Run, tmp_path: Path) -> None:
    still(tmp_path / "in.mp4", 20)
    assert run("in.mp4", "--suggest-keys", "keys", "--count", "4").code == 0
    assert len(list((tmp_path / "keys").glob("0*.png"))) == 1


@pytest.mark.parametrize(
    ("args", "message", "code"),
    [
        (["photo.png", "--hints", "none.json"], "cannot read none.json (No such file", 1),
        (["photo.png", "--hints", "text.json"], "text.json is no JSON: line 1 has a comment", 1),
        (["photo.png", "--reference", "text.json"], "text.json is no image that can be read", 1),
        (["photo.png", "--reference", "photo.png"], "the reference photo.png has no color", 1),
        (["photo.png", "--keys", "."], "--keys are frames of a video", 2),
        (["in.mp4", "--count", "3"], "add --suggest-keys DIR", 2),
        (["photo.png", "--suggest-keys", "keys"], "--suggest-keys looks at one video in a file", 2),
        ([".", "--hints", "hints.json"], "--hints are for one image or video", 2),
        (["--serve", "--hints", "hints.json"], "are for videos and images in files", 2),
        (["in.mp4", "--keys", "empty"], "empty holds no key", 1),
    ],
)
def test_what_does_not_go_is_one_line(args: list[str], message: str, code: int, run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "photo.png", WEDGE)
    still(tmp_path / "in.mp4", 3)
    (tmp_path / "text.json").write_text("// no hints")
    (tmp_path / "hints.json").write_text(json.dumps(HINTS))
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.iterdir())
    done = run(*args)
    assert (done.code, done.err.count("\n")) == (code, 1), done.err
    assert message in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_without_a_memory_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny_model(tmp_path / "tiny.onnx")
    write_image(tmp_path / "photo.png", WEDGE)
    green(tmp_path / "ref.png", WEDGE)
    with pytest.raises(SystemExit, match="1"):
        main(["photo.png", "--reference", "ref.png", "--model", "tiny.onnx", "--backend", "onnxruntime"])
    assert capsys.readouterr().err == (
        "error: tiny.onnx takes no hints, references or keys, as it was trained without; name a model that takes them "
        "with --model, or leave them out\n"
    )
    assert not (tmp_path / "photo.color.png").exists()
