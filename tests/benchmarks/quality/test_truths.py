"""What `cgan-bench quality` measures on: videos, folders of videos and lists."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.paths import ROOT, SHARED

from cgan_benchmarks.quality.measure import measure_model
from cgan_benchmarks.quality.truths import Way, open_truths, ways_to_measure
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ConfigError, DataError

SHADES = [(200, 60, 40), (60, 160, 70), (50, 80, 190), (128, 128, 128)]


def write_clip(path: Path, colors: Sequence[tuple[int, int, int]], *, matrix: int = 1) -> Path:
    """A clip with one frame of each color; the upper left quarter is black."""
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace = matrix
        for number, color in enumerate(colors):
            image = np.full((48, 64, 3), color, np.uint8)
            image[:24, :32] = 0
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(format="yuv444p", dst_colorspace=matrix, dst_color_range=1)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def write_list(path: Path, rows: Sequence[tuple[object, ...]], head: str = "group,file,image") -> Path:
    lines = [head, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_tar(path: Path, names: Sequence[str]) -> Path:
    with tarfile.open(path, "w") as archive:
        for number, name in enumerate(names):
            photo = path.with_name(name)
            cv2.imwrite(str(photo), np.full((40, 40, 3), SHADES[number][::-1], np.uint8))
            archive.add(photo, arcname=name)
            photo.unlink()
    return path


@pytest.mark.parametrize("matrix", [1, 5])  # BT.709, BT.601
def test_frames_of_a_clip_have_the_colors_that_a_player_shows(tmp_path: Path, matrix: int) -> None:
    truths = open_truths(write_clip(tmp_path / "a.mp4", SHADES, matrix=matrix), frames=99)
    assert [truth.name for truth in truths.images] == [f"a.mp4#{number}" for number in range(4)]
    for truth, color in zip(truths.images, SHADES, strict=True):
        image = truth.read()
        assert image.shape == (48, 64, 3)
        assert np.abs(image[40, 50].astype(int) - color).max() <= 3
        assert image[5, 5].max() <= 3


def test_frames_are_spaced_evenly_over_each_clip_of_a_folder(tmp_path: Path) -> None:
    write_clip(tmp_path / "b.mkv", SHADES * 3)
    write_clip(tmp_path / "a.mp4", SHADES[:1])
    (tmp_path / "notes.txt").write_text("no video")
    truths = open_truths(tmp_path, frames=3)
    assert [truth.name for truth in truths.images] == ["a.mp4#0", "b.mkv#2", "b.mkv#6", "b.mkv#10"]
    assert [*truths.groups()] == ["a.mp4", "b.mkv"]
    assert truths.images[3].read()[40, 50] == pytest.approx(np.array(SHADES[2]), abs=3)


def test_a_list_names_frames_and_photos(tmp_path: Path) -> None:
    clips, tars = tmp_path / "clips", tmp_path / "tars"
    clips.mkdir()
    tars.mkdir()
    write_clip(clips / "a.mp4", SHADES)
    write_tar(tars / "p.tar", ["x.png", "y.png", "z.png"])
    rows = [("street", "a.mp4", 2), ("cars", "p.tar", "z.png"), ("street", "a.mp4", 0)]
    truths = open_truths(write_list(tmp_path / "some.csv", rows), [clips, tars])
    assert truths.name == "some"
    assert {group: len(images) for group, images in truths.groups().items()} == {"street": 2, "cars": 1}
    colors = {truth.name: tuple(truth.read()[30, 39]) for truth in truths.images}
    assert colors["p.tar#z.png"] == SHADES[2]
    assert colors["a.mp4#0"] == pytest.approx(np.array(SHADES[0]), abs=3)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("a", "no.mp4", 1)], "no.mp4, which is not in .*--root"),
        ([("a", "p.tar", "x.png"), ("a", "p.tar", "q.png")], "lacks 1 of the 2 photos .* q.png"),
        ([("a", "a.mp4", "x.png")], "'x.png' as a frame of a.mp4; give its number"),
        ([], "no list of images"),
        ([("a", "a.mp4")], "no list of images"),
    ],
)
def test_what_a_list_names_and_is_not_there(tmp_path: Path, rows: list[tuple[object, ...]], says: str) -> None:
    write_clip(tmp_path / "a.mp4", SHADES)
    write_tar(tmp_path / "p.tar", ["x.png"])
    with pytest.raises(DataError, match=says):
        open_truths(write_list(tmp_path / "some.csv", rows), [tmp_path])


def test_a_frame_behind_the_end_and_a_text_called_video(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", SHADES)
    truths = open_truths(write_list(tmp_path / "some.csv", [("a", "a.mp4", 4)]), [tmp_path])
    with pytest.raises(DataError, match=r"a\.mp4 has no frame 4"):
        truths.images[0].read()
    (tmp_path / "b.mp4").write_text("no video")
    with pytest.raises(DataError, match=r"b\.mp4 is no video"):
        open_truths(tmp_path / "b.mp4")


def test_every_group_has_its_own_figures_and_all_have_the_sum(tiny_model: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", SHADES[:1])
    write_clip(tmp_path / "b.mp4", [*SHADES[1:3], SHADES[3]])
    write_clip(tmp_path / "gray.mp4", SHADES[3:])
    with open_backend(tiny_model) as backend:
        every, first, second, gray = measure_model(backend, Way(open_truths(tmp_path)))
    assert [report.group for report in (every, first, second, gray)] == ["", "a.mp4", "b.mp4", "gray.mp4"]
    assert gray.quality is None  # who knows its colors
    assert every.quality
    assert first.quality
    assert second.quality
    # A gray frame of a clip in color is true.
    assert (first.quality.images, second.quality.images, every.quality.images) == (1, 3, 4)
    assert every.quality.without_color == 1
    assert 4 * every.quality.ciede2000 == pytest.approx(first.quality.ciede2000 + 3 * second.quality.ciede2000)
    assert 4 * every.quality.chroma_truth == pytest.approx(first.quality.chroma_truth + 3 * second.quality.chroma_truth)


def test_a_pattern_is_measured_where_it_changes_something(tmp_path: Path) -> None:
    sets = [open_truths(write_tar(tmp_path / name, names)) for name, names in
            (("p.tar", ["old-x.png", "y.png"]), ("q.tar", ["z.png"]))]  # fmt: skip
    ways = ways_to_measure(sets, "old*", ["faded"])
    assert [(way.truths.name, len(way.truths.images), way.without, way.gray) for way in ways] == [
        ("p", 2, "", ""), ("p", 1, "old*", ""), ("p", 2, "", "faded"), ("q", 1, "", ""), ("q", 1, "", "faded")
    ]  # fmt: skip
    with pytest.raises(DataError, match="no image fits"):
        ways_to_measure(sets, "new*")
    with pytest.raises(ConfigError, match="'sepia' is unknown; take one of panchromatic"):
        ways_to_measure(sets, grays=["sepia"])


def test_the_lists_of_this_repository_are_whole() -> None:
    counts = {}
    for path in sorted((ROOT / "benchmarks" / "sets").glob("*.csv")):
        with path.open(newline="") as stream:
            rows = [(row["file"], row["image"]) for row in csv.DictReader(stream)]
        assert len(set(rows)) == len(rows)
        counts[path.stem] = len(rows)
    assert counts["held-out"] == 600
    assert counts["footage"] == 48


@pytest.mark.skipif(not (SHARED / "data" / "videos").is_dir(), reason="the shared clips are not here")
def test_the_frames_of_the_list_are_in_the_clips() -> None:
    truths = open_truths(ROOT / "benchmarks" / "sets" / "footage.csv", [SHARED / "data" / "videos"])
    assert len(truths.groups()) == 4
    assert truths.images[-1].read().ndim == 3
