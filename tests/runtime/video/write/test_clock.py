"""Times that do not fit the fields of mp4 and mov as they are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, times_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("gap", [7 * 3600, 3_000_000])  # seconds; of 90,000 and of 1000 ticks too many for a frame
def test_a_frame_may_last_for_hours(gap: int, suffix: str, tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 25), Fraction(2, 25), Fraction(gap)]
    source = write_video(tmp_path / "in.mkv", Video(pts=times, ticks=1000))
    with Colorizer(FakeBackend()) as colorizer:
        result = colorize_video(source, tmp_path / f"out{suffix}", colorizer)
    assert times_of(tmp_path / f"out{suffix}") == times
    (note,) = result.notes
    assert note.startswith(f"the picture stands still for up to {gap - 0.1:.1f} s")
