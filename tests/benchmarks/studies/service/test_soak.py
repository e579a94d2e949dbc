"""The soak test itself, some seconds of it: cameras drop, pages stall, and metrics are those that were counted."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cgan_benchmarks.studies.service.counts import CAMERAS, Sample, Soak, SoakSettings
from cgan_benchmarks.studies.service.soak import soak

SHORT = SoakSettings(seconds=5, viewers=4, rate=10, size=(160, 120), drop_every=1.5)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory and threads are read from /proc")
def test_some_seconds_of_dropping_cameras_and_stalling_pages(tmp_path: Path) -> None:
    found = soak(SHORT, tmp_path)
    assert sum(found.losses.values()) > 0
    assert found.miscounts() == []
    assert max(sample.viewers for sample in found.samples) == SHORT.viewers


def counted() -> Soak:
    """A run in which all is well."""
    metrics: dict[str, float] = {}
    for camera in CAMERAS:
        metrics |= {
            f'cgan_frames_read_total{{camera="{camera}"}}': 100.0,
            f'cgan_frames_colored_total{{camera="{camera}"}}': 90.0,
            f'cgan_frames_dropped_total{{camera="{camera}",reason="busy"}}': 9.0,
            f'cgan_camera_reconnects_total{{camera="{camera}"}}': 2.0,
            f'cgan_frame_delay_seconds_count{{camera="{camera}"}}': 90.0,
            f'cgan_frames_sent_total{{camera="{camera}"}}': 200.0,
            f'cgan_rtsp_out_frames_total{{camera="{camera}"}}': 90.0,
        }
    samples = [Sample(second, 1e8, 20, 30, 4) for second in range(100)]
    sent, received = dict.fromkeys(CAMERAS, 110), dict.fromkeys(CAMERAS, 198)
    losses, plays = dict.fromkeys(CAMERAS, 2), dict.fromkeys(CAMERAS, 3)
    return Soak(SoakSettings(seconds=100), samples, received, 0, sent, losses, plays, 88, metrics)


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert counted().failures() == []


def test_growth_is_found() -> None:
    found = counted()
    found.samples = [replace(sample, memory=1e8 + 1e5 * sample.seconds) for sample in found.samples]
    assert found.failures() == ["memory grew by 7.0%"]
    found.samples = [replace(sample, memory=1e8, threads=20 + (sample.seconds > 80)) for sample in found.samples]
    assert found.failures() == ["threads grew by 5.0%"]


@pytest.mark.parametrize(
    ("metric", "value", "message"),
    [
        ('cgan_frames_colored_total{camera="front"}', 80.0, "front: 100 frames read, but 80 colored and 9 dropped"),
        ('cgan_frames_read_total{camera="back"}', 120.0, "back: 120 frames read of 110 sent"),
        ('cgan_frames_sent_total{camera="back"}', 190.0, "back: 190 frames sent to viewers, who got 198"),
        ('cgan_frame_delay_seconds_count{camera="back"}', 89.0, "back: 89 delays of 90 frames"),
        ('cgan_rtsp_out_frames_total{camera="front"}', 80.0, "88 frames of the colored stream played, 80 sent"),
        ('cgan_camera_reconnects_total{camera="back"}', 3.0, "back: 3 connections, 3 reconnects"),
    ],
)
def test_a_wrong_count_is_found(metric: str, value: float, message: str) -> None:
    found = counted()
    found.metrics[metric] = value
    assert message in found.miscounts()
