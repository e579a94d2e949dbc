"""The line of progress: what it says, in few columns and many, and after a resumed run."""

from __future__ import annotations

import io

import pytest
import rich.console

from cgan_runtime.progress import (
    ProgressLine,
    ShareProgress,
    VideoProgress,
    count_text,
    duration_text,
    rate_text,
    size_text,
)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def _drawn(line: ProgressLine, width: int) -> str:
    console = rich.console.Console(width=width, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(line)
    return capture.get().rstrip("\n")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_percent_rate_and_times_have_words(clock: Clock) -> None:
    line = VideoProgress("in.mp4", clock=clock)
    clock.now += 10
    line(125, 500)
    assert line.text(80) == "25%, 12.5 frames/s, 0:10 elapsed, 0:30 left"


def test_a_resumed_run_counts_its_own_frames_only(clock: Clock) -> None:
    line = VideoProgress("in.mp4", kept=1500, clock=clock)
    clock.now += 5
    line(700, 7400)
    assert line.text(80) == "going to frame 1500, 0:05 elapsed"
    clock.now += 5
    line(1500, 7400)
    clock.now += 10
    line(1600, 7400)
    assert line.text(80) == "22%, 10.0 frames/s, 0:20 elapsed, 9:40 left"
    assert line.seconds_for(40) == 4


def test_the_size_of_the_whole_is_expected(clock: Clock) -> None:
    line = VideoProgress("in.mp4", size=lambda: 3_000_000, clock=clock)
    clock.now += 1
    line(10, 40)
    assert line.text(80).endswith("left, about 12.0 MB")


def test_an_unknown_length_has_no_time_left(clock: Clock) -> None:
    line = VideoProgress("camera", clock=clock)
    clock.now += 2
    line(50, None)
    assert line.text(80) == "50 frames, 25.0 frames/s, 0:02 elapsed"


@pytest.mark.parametrize("width", [50, 60, 80, 120])
@pytest.mark.parametrize("title", ["in.mp4", "a very long name of a video from a holiday long ago.mp4"])
def test_one_line_fits_from_50_columns_up(width: int, title: str, clock: Clock) -> None:
    line = VideoProgress(title, size=lambda: 10**9, clock=clock)
    clock.now += 3600
    line(123_456, 345_678)
    drawn = _drawn(line, width)
    assert len(drawn) < width
    assert "\n" not in drawn
    assert "36%, 34.3 frames/s, 1:00:00 elapsed, 1:48:00 left" in drawn


def test_a_wide_line_has_the_name_and_a_bar(clock: Clock) -> None:
    line = VideoProgress("in.mp4", clock=clock)
    clock.now += 1
    line(1, 2)
    drawn = _drawn(line, 80)
    assert drawn.startswith("in.mp4  ")
    assert "\u2501" in drawn


def test_a_share_says_what_it_is_told(clock: Clock) -> None:
    line = ShareProgress("coloring", clock)
    line(0.0, "")
    clock.now += 60
    line(0.25, "3 of 12 done, 25.0 frames/s")
    assert line.text(80) == "25%, 3 of 12 done, 25.0 frames/s, 1:00 elapsed, 3:00 left"
    assert line.text(49) == "25%, 3 of 12 done, 25.0 frames/s, 3:00 left"


def test_figures_for_people() -> None:
    assert [duration_text(seconds) for seconds in (0, 42.4, 725, 3723)] == ["0:00", "0:42", "12:05", "1:02:03"]
    assert [rate_text(rate) for rate in (1.25, 99.94, 230.4)] == ["1.2 frames/s", "99.9 frames/s", "230 frames/s"]
    assert [size_text(size) for size in (12, 812_000, 1_400_000, 23.1e9)] == ["1 kB", "812 kB", "1.4 MB", "23.1 GB"]
    assert [count_text(count, "frame") for count in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
