"""Packets of an encoder that gets few frames have times that a container takes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeBackend
from tests.videos import Video, times_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.write.codecs import EncoderSettings
from cgan_runtime.video.write.encoder import with_possible_dts


def _packets(times: list[tuple[int, int]]) -> list[av.Packet]:
    packets = []
    for pts, dts in times:
        packet = av.Packet(b"-")
        packet.pts, packet.dts = pts, dts
        packets.append(packet)
    return packets


@given(st.permutations([0, 512, 1024, 1536]), st.lists(st.integers(-(1 << 62), 1 << 62), min_size=4, max_size=4))
def test_dts_rise_and_never_lie_behind_pts(order: list[int], wild: list[int]) -> None:
    packets = with_possible_dts(_packets([*zip(order, wild, strict=True), (9999, 1 << 60)]))
    decoding = [packet.dts or 0 for packet in packets]
    assert decoding == sorted(set(decoding))
    assert all((packet.dts or 0) <= (packet.pts or 0) for packet in packets)


def test_good_times_stay() -> None:
    times = [(0, -1024), (2048, -512), (512, 0), (1024, 512)]
    assert [(packet.pts, packet.dts) for packet in with_possible_dts(_packets(times))] == times


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_few_frames_are_encoded_by_x265(frames: int, tmp_path: Path) -> None:
    source = write_video(
        tmp_path / "in.mkv", Video(frames=frames, codec="ffv1", options={}, pixel_format="yuv420p10le")
    )
    with Colorizer(FakeBackend()) as colorizer:
        settings = VideoSettings(EncoderSettings("libx265"))
        colorize_video(source, tmp_path / "out.mp4", colorizer, settings=settings)
    assert times_of(tmp_path / "out.mp4") == [Fraction(number, 25) for number in range(frames)]
