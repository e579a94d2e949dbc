"""`--preview`: pictures from all of a video, and what the whole would take."""

from __future__ import annotations

import re
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pytest
from tests.runtime.commands.conftest import Run
from tests.videos import Video, write_video

from cgan_runtime.commands.outlook import Painter
from cgan_runtime.image.read_write import read_image
from cgan_runtime.video import spread
from cgan_runtime.video.existing_colors import has_colors
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.stretch import Stretch, TimeLine
from cgan_runtime.video.spread import frames_from_middle, spread_frames

FIGURES = r"the whole: about \d+:\d\d at [\d.]+ frames/s, and [\d.]+ [kM]B, in in\.color\.mp4"


@pytest.mark.parametrize("words", ["in.mp4 --preview", "--preview in.mp4"])
def test_a_preview_is_a_picture_and_an_outlook(words: str, run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=60, width=96, height=64))
    done = run(*words.split())
    assert done.code == 0, done.err
    pictures, outlook, *_ = done.out.splitlines()
    assert re.fullmatch(r"in\.preview\.jpg: 12 pictures; colors are \w+, the model is sure of \d+ of 12", pictures)
    assert re.fullmatch(FIGURES, outlook)
    assert re.match(r"note: first picture after [\d.]+ s: in\.preview\.jpg\n", done.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "in.preview.jpg"]
    assert read_image(tmp_path / "in.preview.jpg").shape[0] > 2 * 270
    assert run(*words.split()).code == 0  # replaced without a question


def test_another_picture_and_another_output(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=30))
    done = run("in.mp4", "--preview", "--sheet", "a.png", "-o", "out.mkv", "--preset", "fast")
    assert done.code == 0, done.err
    assert done.out.startswith("a.png: ")
    assert "in out.mkv" in done.out


def test_a_single_frame_has_a_preview_but_no_outlook(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=1))
    done = run("in.mp4", "--preview")
    assert done.code == 0, done.err
    assert "1 picture;" in done.out
    assert "the whole goes into in.color.mp4" in done.out


def test_a_part_has_its_own_preview(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=100, audio=("aac",)))
    shown: list[float] = []
    monkeypatch.setattr(Painter, "_judge", lambda self, view: (self.chroma.append(1.0), self.sure.append(True)))
    monkeypatch.setattr(
        "cgan_runtime.commands.outlook.network_view", lambda frame, *_: shown.append(round(frame.time * 25))
    )
    whole = run("in.mp4", "--preview")
    assert whole.code == 0, whole.err
    assert shown == [100 * (2 * place + 1) // 24 for place in range(12)]
    shown.clear()
    done = run("in.mp4", "--preview", "--start", "2", "--end", "2.8")
    assert done.code == 0, done.err
    assert len(shown) == 12
    assert (min(shown), max(shown)) == (50, 69)
    assert re.search(FIGURES.replace("whole", "part"), done.out)
    with VideoReader(source) as reader:
        line = TimeLine(reader.container, reader.stream, Stretch(Fraction(2), Fraction(14, 5)))
        frames = frames_from_middle(reader.container, reader.stream, 50, seconds=9, part=line.part)
        assert {50 <= round(frame.time * 25) < 70 for frame in frames} == {True}
    assert "no frame" in run("in.mp4", "--preview", "--start", "9").err
    assert run("in.mp4", "--start", "9").err == "error: in.mp4 ends at 4 s; let --start be earlier\n"


def test_what_stays_gray_is_counted() -> None:
    painter = Painter.__new__(Painter)
    painter.chroma, painter.sure = [12.0, 1.0, 14.0, 2.0], [True, True, False, True]
    assert painter.judgment() == (
        "4 pictures; colors are pale, the model is sure of 3 of 4, and 2 of them stay nearly gray"
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("photo.png", "--preview"), 2, "--preview is for one video in a file"),
        (("-", "--preview"), 2, "--preview is for one video in a file"),
        (("text.mp4", "--preview"), 1, "is no video that can be read"),
        (("in.mp4", "--preview", "-o", "frames/%05d.png"), 1, "--preview is about a video in a file"),
    ],
)
def test_what_has_no_preview(words: tuple[str, ...], code: int, message: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("Dear diary")
    (tmp_path / "frames").mkdir()
    write_video(tmp_path / "in.mp4", Video(frames=3))
    done = run(*words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_long_video_is_not_decoded_to_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "_SHORT", 100)
    monkeypatch.setattr(spread, "_FORWARD", 3)
    options = {"preset": "ultrafast", "g": "20", "keyint_min": "20"}
    source = write_video(tmp_path / "in.mp4", Video(frames=240, options=options))
    with av.open(source) as container:
        stream = container.streams.video[0]
        keys = [round(frame.time * 25) for frame in spread_frames(container, stream, 12)]
        near = [round(frame.time * 25) for frame in spread_frames(container, stream, 12, exact=True)]
    assert keys == [20 * index for index in range(12)]
    assert near == [20 * index + 3 for index in range(12)]
    assert not has_colors(source)


def test_the_places_of_a_short_video_are_exact(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=48))
    with av.open(source) as container:
        found = [
            round(frame.time * 25) for frame in spread_frames(container, container.streams.video[0], 12, exact=True)
        ]
    assert found == [4 * index + 2 for index in range(12)]


def test_live_plays_it_in_a_window(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=3))
    shown: list[str | None] = []
    stand_in = SimpleNamespace(run_live=lambda options, live, console: shown.extend(live.webcam))
    monkeypatch.setitem(sys.modules, "cgan_runtime.live.run", stand_in)
    assert run("in.mp4", "--preview", "live").code == 0
    assert shown == ["in.mp4"]
