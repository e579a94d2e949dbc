"""Streams beside video, audio and subtitles: attachments, data, further video."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from tests.fakes import FakeBackend
from tests.videos import FPS, Video, image, packets_of, times_of

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video

FONT = bytes(range(256)) * 3
FRAMES = 8


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _video(path: Path, *, font: bool = False, data: bool = False, images: int = 1) -> Path:
    """A video with an attachment, a data stream and further video streams, as asked."""
    with av.open(path, "w") as output:
        streams = [output.add_stream("libx264", rate=FPS) for _ in range(images)]
        for place, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = 64 + 16 * place, 48, "yuv420p"
        if font:
            output.add_attachment("font.ttf", "application/x-truetype-font", FONT)
        notes: Any = output.add_data_stream("bin_data") if data else None
        output.start_encoding()
        for index in range(FRAMES):
            for place, stream in enumerate(streams):
                frame = image(Video(width=64 + 16 * place), index)
                frame.pts, frame.time_base = index, Fraction(1, FPS)
                output.mux(stream.encode(frame))
            if notes is not None:
                packet = av.Packet(f"note {index}".encode())
                packet.stream, packet.time_base = notes, Fraction(1, FPS)
                packet.pts = packet.dts = index
                packet.duration = 1
                output.mux(packet)
        for stream in streams:
            output.mux(stream.encode(None))
    return path


def test_an_attachment_is_copied_byte_for_byte(tmp_path: Path, colorizer: Colorizer) -> None:
    source = _video(tmp_path / "in.mkv", font=True)
    assert colorize_video(source, tmp_path / "out.mkv", colorizer).notes == ()
    with av.open(tmp_path / "out.mkv") as container:
        (font,) = [stream for stream in container.streams if stream.type == "attachment"]
        assert bytes(font.data) == FONT
        assert font.metadata == {"filename": "font.ttf", "mimetype": "application/x-truetype-font"}
    assert colorize_video(source, tmp_path / "out.mp4", colorizer).notes == (
        "attachment 1 (font.ttf) is left out: mp4 cannot hold it",
    )


def test_a_data_stream_is_copied_or_noted(tmp_path: Path, colorizer: Colorizer) -> None:
    source = _video(tmp_path / "in.mp4", data=True)
    assert len(packets_of(source, "data")[0]) >= FRAMES - 1
    result = colorize_video(source, tmp_path / "out.mp4", colorizer)
    assert result.notes == ()
    assert packets_of(tmp_path / "out.mp4", "data") == packets_of(source, "data")
    (note,) = colorize_video(source, tmp_path / "out.mkv", colorizer).notes
    assert note.startswith("data 1")
    assert note.endswith("is left out: matroska cannot hold it")


def test_a_second_video_stream_is_copied(tmp_path: Path, colorizer: Colorizer) -> None:
    source = _video(tmp_path / "in.mkv", images=2)
    result = colorize_video(source, tmp_path / "out.mkv", colorizer, settings=VideoSettings(stream=1))
    assert (result.width, result.frames, result.notes) == (80, FRAMES, ())
    before, after = (sorted(packets_of(path, "video").values(), key=str) for path in (source, result.output))
    assert len([packets for packets in before if packets in after]) == 1
    assert times_of(result.output) == times_of(source)
