"""Rate and delay of the frames that the window shows."""

from __future__ import annotations

import pytest

from cgan_runtime.live.window.latency_meter import LatencyMeter


def test_latency_meter_has_rate_and_percentiles() -> None:
    meter = LatencyMeter()
    for frame in range(100):
        meter.record(captured=frame / 20, now=frame / 20 + (0.5 if frame % 10 == 9 else 0.1))
    now = 99 / 20 + 0.5
    assert meter.rate(now) == pytest.approx(20, rel=0.1)
    assert meter.delay_ms(50, now) == pytest.approx(100, abs=1)
    assert meter.delay_ms(95, now) == pytest.approx(500, abs=1)
    assert meter.run_delay_ms(50) == pytest.approx(100, abs=1)
    assert meter.run_delay_ms(95) == pytest.approx(500, abs=1)
    assert meter.total == 100
    assert (
        LatencyMeter().rate(0)
        == LatencyMeter().run_rate()
        == LatencyMeter().run_delay_ms(95)
        == LatencyMeter().delay_ms(50, 0)
        == 0
    )
