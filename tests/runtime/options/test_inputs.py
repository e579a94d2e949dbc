"""What a name on the command line means, as people type, paste and drop it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cgan_runtime.options.inputs import clean_place, kind_of
from cgan_runtime.options.run import FileOptions


@pytest.mark.parametrize("given", ["{path}", "'{path}'", '"{path}"', "{path} ", "file://{quoted}", "'file://{quoted}'"])
def test_pasted_and_dropped_names_are_understood(given: str, tmp_path: Path) -> None:
    path = tmp_path / "my holiday's video.mp4"
    path.touch()
    quoted = str(path).replace(" ", "%20").replace("'", "%27")
    assert clean_place(given.format(path=path, quoted=quoted)) == str(path)


def test_a_file_with_quotes_in_its_name_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "'quoted'"
    path.touch()
    assert clean_place(str(path)) == str(path)


def test_a_drive_of_windows() -> None:
    assert clean_place("file:///C:/Users/me/my%20video.mp4") == "C:/Users/me/my video.mp4"


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("in.mp4", "video"), ("IN.AVI", "video"), ("in.gif", "video"), ("unknown", "video"), ("-", "video"),
        ("photo.JPG", "image"), ("frames/%05d.png", "video"), ("https://host/in.mp4", "video"),
        ("rtsp://camera/1", "video"), ("s3://bucket/videos", "folder"),
    ],
)  # fmt: skip
def test_the_kind_of_an_input(place: str, kind: str) -> None:
    assert kind_of(place) == kind


def test_a_folder_is_a_folder_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "photos.jpg").mkdir()
    assert kind_of(str(tmp_path / "photos.jpg")) == "folder"


def test_one_plain_name_becomes_an_option(tmp_path: Path) -> None:
    assert FileOptions(inputs=("in.mp4",)).sorted().video == "in.mp4"
    assert FileOptions(inputs=("in.png",)).sorted().image == Path("in.png")
    assert FileOptions(inputs=(str(tmp_path),)).sorted().input_dir == tmp_path
    (tmp_path / "moving.webp").touch()
    assert FileOptions(video=str(tmp_path / "moving.webp")).sorted().image == tmp_path / "moving.webp"
    assert FileOptions(video=str(tmp_path / "frame%d.webp")).sorted().image is None
    several = FileOptions(inputs=("a.mp4", "'b.png'")).sorted()
    assert (several.inputs, several.many) == (("a.mp4", "b.png"), True)


def test_plain_names_and_options_exclude_each_other() -> None:
    with pytest.raises(click.UsageError, match="but not both"):
        FileOptions(inputs=("a.mp4",), image=Path("b.png")).sorted()
