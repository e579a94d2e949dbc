"""`cgan-run` with one input or several, by their plain names, as people use it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.runtime.commands.conftest import Run
from tests.videos import Video, chroma_span, read_frames, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.commands.single import video_output
from cgan_runtime.errors import MediaError
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.options.run import RunOptions
from cgan_runtime.video.read.sources import SourceSettings, video_source

WEDGE = np.linspace(0, 255, 80, dtype=np.uint8)[None, :, None].repeat(60, 0).repeat(3, 2)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_without_anything_it_shows_three_examples(run: Run) -> None:
    done = run()
    assert done.code == 2
    assert done.out.count("\n  cgan-run ") == 3
    assert max(len(line) for line in done.out.splitlines()) <= 50


def test_a_video_an_image_and_a_folder_by_their_names(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=3))
    write_image(tmp_path / "photo.png", WEDGE)
    (tmp_path / "folder").mkdir()
    write_video(tmp_path / "folder" / "a.mp4", Video(frames=3))
    for place in ("in.mp4", "photo.png", "folder"):
        assert run(place).code == 0
    assert _names(tmp_path) == ["folder", "folder.color", "in.color.mp4", "in.mp4", "photo.color.png", "photo.png"]
    assert "a.color.mp4" in _names(tmp_path / "folder.color")
    assert chroma_span(read_frames(tmp_path / "in.color.mp4")[0]) > 20


def test_several_inputs_lie_beside_their_sources(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", Video(frames=3))
    (tmp_path / "sub").mkdir()
    write_image(tmp_path / "sub" / "b.png", WEDGE)
    done = run("a.mp4", f"file://{tmp_path}/sub/b.png")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "2 of 2 colored"
    assert _names(tmp_path) == ["a.color.mp4", "a.mp4", "sub"]
    assert _names(tmp_path / "sub") == ["b.color.png", "b.png"]
    assert run("a.mp4", "sub/b.png", "-o", "out").code == 0
    assert _names(tmp_path / "out") == ["a.color.mp4", "b.color.png"]


def test_a_missing_one_of_several_is_told_once(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "b.png", WEDGE)
    done = run("none.mp4", "b.png")
    assert (done.code, done.err.count("none.mp4")) == (1, 1)
    assert done.out.splitlines()[-1] == "1 of 2 colored, 1 failed"
    assert done.err.startswith("error: cannot read none.mp4 ")


def test_a_folder_given_as_output_holds_the_result(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.avi", Video(frames=3, codec="mpeg4", options={}, ticks=25))
    (tmp_path / "out").mkdir()
    done = run("in.avi", "-o", "out")
    assert done.err == "note: .avi cannot hold the colored video: it goes into in.color.mkv\n"
    assert _names(tmp_path / "out") == ["in.color.mkv"]


def test_a_gif_is_told_how_it_stays_one(run: Run, tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(WEDGE, 8 * index, axis=1)) for index in range(3)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:])
    done = run("in.gif")
    assert done.err.startswith("note: .gif cannot hold the colored video: it goes into in.color.mkv; --image keeps it")


def test_no_note_says_where_a_result_goes_that_never_comes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("Dear diary")
    done = run("text.avi")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("error: ")


def test_colors_that_are_there_already_are_noticed(run: Run, tmp_path: Path) -> None:
    colored = np.zeros((60, 80, 3), np.uint8)
    colored[:, :40], colored[:, 40:], colored[30:] = (200, 40, 40), (40, 40, 200), (90, 60, 90)
    colored[30:, 40:] = (60, 90, 60)
    write_image(tmp_path / "colored.png", colored)
    write_image(tmp_path / "gray.png", WEDGE)
    assert "this image has colors already; they are replaced" in run("colored.png").err
    assert run("gray.png").err == ""
    write_video(tmp_path / "in.mp4", Video(frames=6))
    assert run("in.mp4").err == ""
    done = run("in.color.mp4", "-o", "again.mp4")
    assert done.err == "note: this video has colors already; they are replaced\n"


def test_only_gray_passes_over_what_has_colors(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=6))
    assert run("in.mp4").code == 0
    (tmp_path / "videos").mkdir()
    (tmp_path / "in.color.mp4").rename(tmp_path / "videos" / "colored.mp4")
    write_video(tmp_path / "videos" / "gray.mp4", Video(frames=3))
    done = run("videos", "--only-gray")
    assert done.out.splitlines()[-1] == "1 of 2 colored into videos.color, 1 has colors already"
    assert "colored.color.mp4" not in _names(tmp_path / "videos.color")


def test_results_beside_their_inputs_are_not_colored_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_image(tmp_path / "videos" / "a.png", WEDGE)
    write_image(tmp_path / "videos" / "a.color.png", WEDGE)
    assert "1 of 1 colored" in run("videos").out


def test_the_result_of_a_turned_video_has_the_size_that_is_shown(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=1, rotation=90))
    done = run("in.mp4")
    assert "in.color.mp4: 48x64, " in done.out
    assert ", 1 frame in " in done.out


def test_why_back_ends_are_passed_over_is_for_those_who_ask(run: Run, tmp_path: Path, model: Path) -> None:
    write_image(tmp_path / "a.png", WEDGE)
    assert "passed over" not in run("a.png").out


def test_the_report_of_a_folder_can_be_looked_at(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my videos"
    folder.mkdir()
    write_video(folder / "a & b.mp4", Video(frames=6))
    write_image(folder / "c.png", WEDGE)
    (folder / "bad.mp4").write_text("no video")
    assert run("my videos").code == 1
    results = tmp_path / "my videos.color"
    page = (results / "cgan-report.html").read_text()
    assert "<h1>2 of 3 colored into my videos.color, 1 failed</h1>" in page
    assert 'href="a%20%26%20b.color.mp4">a &amp; b.mp4</a>' in page
    assert 'src="cgan-report/a%20%26%20b.mp4.jpg"' in page
    assert re.search(r"colored in \d+\.\d s", page)  # not 0:00
    assert "bad.mp4 is no video that can be read" in page
    assert read_image(results / "cgan-report" / "a & b.mp4.jpg").shape[0] > 100
    (results / "cgan-report" / "a & b.mp4.jpg").unlink()
    assert run("my videos").code == 1  # once more: nothing to do but the missing picture
    assert "was there already" in (results / "cgan-report.html").read_text()
    assert (results / "cgan-report" / "a & b.mp4.jpg").exists()


def test_the_result_of_an_address_is_named_after_it() -> None:
    source = video_source("https://host/old%20films/film.avi?token=1", SourceSettings())
    output, note = video_output(source, RunOptions())
    assert (str(output), note) == ("film.color.mkv", "the result goes into film.color.mkv")
    with pytest.raises(MediaError, match="name a file with -o"):
        video_output(video_source("-", SourceSettings()), RunOptions())


def test_an_address_is_colored_alone(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", WEDGE)
    done = run("a.png", "https://host/film.mp4")
    assert (done.code, done.out) == (1, "")
    assert "is an address; color it alone" in done.err


def test_avi_says_why_it_is_not_written(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=3))
    assert "AVI has no presentation times" in run("in.mp4", "-o", "out.avi").err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["in.mp4", "--reference", "none.png"], "cannot read none.png (No such file"),
        (["photo.png", "--reference", "none.png"], "cannot read none.png (No such file"),
        (["in.mp4", "--keys", "none"], "cannot read the folder none"),
        (["in.mp4", "--sheet", "none/sheet.png"], "no folder none to write sheet.png into"),
        (["in.mp4"], "in.color.mp4 exists already"),
    ],
)
def test_an_output_that_exists_is_told_of_last(args: list[str], message: str, run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=3))
    write_image(tmp_path / "photo.png", WEDGE)
    for name in ("in.color.mp4", "photo.color.png"):
        (tmp_path / name).touch()
    done = run(*args)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert message in done.err


@pytest.mark.parametrize("place", ["in.mp4", "photo.png"])
def test_ctrl_c_while_the_model_is_loaded_is_one_line(
    place: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=3))
    write_image(tmp_path / "photo.png", WEDGE)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Colorizer, "open", interrupt)
    done = run(place)
    assert (done.code, done.out, done.err) == (130, "", "note: stopped while the model was loaded\n")
    assert _names(tmp_path) == ["in.mp4", "photo.png"]


def test_a_preset_is_listed_by_what_it_stands_for(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=3))
    assert run("in.mp4", "--preset", "fast", "--quality", "low", "--stats", "s.json").code == 0
    (video,) = json.loads((tmp_path / "s.json").read_text())["videos"]
    settings = video["settings"]
    assert (settings["size"], settings["every"]) == ("192", "auto")
    assert "crf=28" in settings["encoder"]
    assert "preset=superfast" in settings["encoder"]
