"""Names of keys, what identifies a guide, and the keys of the videos of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cgan_runtime.errors import MediaError
from cgan_runtime.guide.keys import find_keys, fingerprint, guide_of_video
from cgan_runtime.guide.settings import Guide, Hint


@pytest.mark.parametrize(
    ("name", "frame", "time"),
    [
        ("000123.png", 123, None),
        ("ref_000123.png", 123, None),
        ("frame7.JPG", 7, None),
        ("00h01m02.500.png", None, 62.5),
        ("film_01h00m00.png", None, 3600),
        ("02m03.25s.webp", None, 123.25),
    ],
)
def test_a_name_says_the_frame(name: str, frame: int | None, time: float | None, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    (key,), notes = find_keys(tmp_path)
    assert (key.frame, key.time) == (frame, time)
    assert notes == []


def test_other_files_are_left_out_with_a_note(tmp_path: Path) -> None:
    for name in ("7.png", "final.png", "take2_v3.jpg", "notes.txt", "contact-sheet.png", "a.png", "b.png"):
        (tmp_path / name).touch()
    (key,), (note,) = find_keys(tmp_path)
    assert key.frame == 7
    assert note.startswith("a.png, b.png, final.png and 1 more")
    assert "no frame number or time" in note


def test_two_keys_of_one_frame_and_no_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no key; give a folder of colored frames"):
        find_keys(tmp_path)
    (tmp_path / "7.png").touch()
    (tmp_path / "ref_0007.png").touch()
    with pytest.raises(MediaError, match="are for the same frame"):
        find_keys(tmp_path)
    with pytest.raises(MediaError, match="cannot read the folder"):
        find_keys(tmp_path / "none")


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "7.png").write_bytes(b"one")
    same = [fingerprint(Guide(keys=tmp_path / folder)) for folder in ("a", "b")]
    assert same[0] == same[1]
    (tmp_path / "b" / "7.png").write_bytes(b"other")
    (tmp_path / "a" / "7.png").rename(tmp_path / "a" / "8.png")
    array = np.zeros((2, 2, 3), np.uint8)
    guides = [
        Guide(keys=tmp_path / "a"), Guide(keys=tmp_path / "b"), Guide(), Guide([Hint(0, 0, "red")]),
        Guide([Hint(0, 0, "blue")]), Guide(references=[array]), Guide(references=[array + 1]),
        Guide(references=[tmp_path / "b" / "7.png"]),
    ]  # fmt: skip
    assert len({same[0], *map(fingerprint, guides)}) == len(guides) + 1


def test_each_video_of_a_folder_has_keys_of_its_own(tmp_path: Path) -> None:
    films, keys = tmp_path / "films", tmp_path / "keys"
    for place in ("a.mp4", "b", "old/c"):
        (keys / place).mkdir(parents=True)
    guide = Guide(references=["ref.jpg"], keys=keys)
    found = {name: guide_of_video(guide, films / name, films).keys for name in ("a.mp4", "b.mkv", "old/c.mov", "d.mp4")}
    assert found == {
        "a.mp4": keys / "a.mp4", "b.mkv": keys / "b", "old/c.mov": keys / "old" / "c", "d.mp4": None,
    }  # fmt: skip
    assert guide_of_video(guide, films / "d.mp4", films).references == ("ref.jpg",)
