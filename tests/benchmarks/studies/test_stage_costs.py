"""What the stages of a video cost: processor time belongs to one stage, and a run has them all."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import pytest
from tests.paths import ROOT
from tests.videos import Video, write_video

from cgan_benchmarks.render.plots import draw_stage_costs
from cgan_benchmarks.studies.stage_costs import take_turns
from cgan_benchmarks.video.stages import STAGES, Account


def _spend(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_time_within_an_inner_stage_is_not_counted_twice() -> None:
    account = Account()
    _spend(0.01)  # of no stage
    with account.stage("temporal"):
        _spend(0.01)
        account.counted("network", _spend)(0.03)
        _spend(0.01)
    assert account.seconds["network"] >= 0.03
    assert account.seconds["temporal"] >= 0.02
    assert sum(account.seconds.values()) == account.seconds["network"] + account.seconds["temporal"]


def test_versions_take_turns_and_have_all_stages(tmp_path: Path) -> None:
    source, runs = write_video(tmp_path / "in.mp4", Video(frames=8)), list[str]()
    found = take_turns({"tiny": source}, {"before": ROOT / "runtime", "now": None}, 1, runs.append)
    assert runs == ["tiny, before, round 1 of 1", "tiny, now, round 1 of 1"]
    for costs in found["tiny"].values():
        assert all(costs[stage] > 0 for stage in STAGES)
        assert 0 < costs["network runs"] <= 1
        assert costs["megabytes"] > 50
    draw_stage_costs({"videos": found}, tmp_path / "bars.png")
    assert cv2.imread(str(tmp_path / "bars.png")) is not None
    assert found["tiny"]["before"]["network runs"] == pytest.approx(found["tiny"]["now"]["network runs"])
