"""A disk that gets full: the segment is completed without the draft, and a later run goes on with it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import av
import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, decoded, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.resume import segment_file
from cgan_runtime.video.resume.segment_file import SegmentWriter, read_packets
from cgan_runtime.video.write.writer import VideoWriter

ROOM = 20  # packets of video that fit onto the disk


class SmallDisk(VideoWriter):
    """A writer whose draft fills the disk."""

    _room = ROOM

    def _mux(self, packets: Iterable[av.Packet[Any]]) -> None:
        for packet in packets:
            self._room -= 1
            if self._room < 0:
                raise av.error.OSError(28, "No space left on device", "out.mp4")
            super()._mux([packet])


def _color(source: Path, target: Path, *, resume: bool = False) -> None:
    with Colorizer(FakeBackend()) as colorizer:
        colorize_video(source, target, colorizer, resume=resume)


@pytest.mark.parametrize(("frames", "kept"), [(70, 50), (45, 45)])
@pytest.mark.usefixtures("short_segments")
def test_the_work_on_a_segment_is_kept(frames: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=frames, audio=["aac"])), tmp_path / "out.mp4"
    with monkeypatch.context() as full:
        full.setattr("cgan_runtime.video.write.open_writer.VideoWriter", SmallDisk)
        with pytest.raises(MediaError, match=r"the disk of .*out\.mp4 is full; make room there") as caught:
            _color(source, target)
    assert f"{kept} frames are kept, --resume goes on with them" in str(caught.value)
    assert "for about " in str(caught.value)
    assert not target.exists()
    assert not list((tmp_path / ".out.mp4.cgan-work").glob("*.mp4"))
    _color(source, target, resume=True)
    _color(source, tmp_path / "whole.mp4")
    assert decoded(target) == decoded(tmp_path / "whole.mp4")


def test_the_work_is_kept_where_the_segment_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=120)), tmp_path / "out.mp4"
    append, room = SegmentWriter._append, iter([True] * ROOM + [False])

    def fails_once(self: SegmentWriter, data: bytes) -> None:
        if not next(room, True):
            raise OSError(28, "No space left on device")
        append(self, data)

    with monkeypatch.context() as full:
        full.setattr(SegmentWriter, "_append", fails_once)
        with pytest.raises(MediaError, match="120 frames are kept"):
            _color(source, target)
    _color(source, target, resume=True)
    _color(source, tmp_path / "whole.mp4")
    assert decoded(target) == decoded(tmp_path / "whole.mp4")


@pytest.mark.usefixtures("short_segments")
def test_a_segment_that_does_not_fit_without_the_draft_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=120)), tmp_path / "out.mp4"
    write_through = segment_file._write_through

    def fails_late(file: BinaryIO, data: bytes) -> None:
        write_through(file, b"x" * 1_000_000)
        if (tmp_path / ".out.mp4.cgan-work" / "000000.segment").exists():
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("cgan_runtime.video.write.open_writer.VideoWriter", SmallDisk)
        full.setattr(SmallDisk, "_room", 70)
        full.setattr(segment_file, "_write_through", fails_late)
        full.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=0))
        with pytest.raises(MediaError, match=r"make room there for about 2\.\d MB more; .* 50 frames are kept"):
            _color(source, target)
    assert not list((tmp_path / ".out.mp4.cgan-work").glob("unfinished-*"))


def test_what_does_not_fit_into_a_segment_is_taken_back(tmp_path: Path) -> None:
    class SmallFile:
        """A file that takes ten bytes at once, and as many as there is room for."""

        def __init__(self, file: BinaryIO, room: int) -> None:
            self.file, self.room = file, room

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, data: memoryview) -> int:
            taken = min(10, len(data), self.room)
            if not taken:
                raise OSError(28, "No space left on device")
            self.room -= taken
            return self.file.write(data[:taken])

    segment = SegmentWriter(tmp_path, 0, "token")
    packet = av.Packet(b"x" * 40)
    segment.add(packet)
    segment._file = disk = SmallFile(segment._file, 25)
    with pytest.raises(OSError, match="No space left"):
        segment.add(packet)
    disk.room = 1000
    segment.add(packet)
    segment.complete(b"")
    assert [bytes(each) for each in read_packets(tmp_path, 0, Fraction(1, 25))] == [b"x" * 40] * 2
