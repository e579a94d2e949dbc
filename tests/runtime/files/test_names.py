"""Names up to the file system's limit, and inputs that have a name but are no files."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import FakeBackend
from tests.videos import Video, read_frames, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.files.names import MAX_NAME, fitting_name
from cgan_runtime.files.output import default_output
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video.read.sources import SourceSettings, video_source
from cgan_runtime.video.resume.work_folder import work_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes and sockets")


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


@pytest.mark.parametrize("stem", ["日" * 79, "a" * 251, "日" * 83 + "ab"])  # 237 and 251 bytes
def test_names_up_to_the_limit_of_the_file_system_work(stem: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "short.mp4").rename(tmp_path / f"{stem}.mp4")
    target = default_output(source, ".mp4")
    assert len(os.fsencode(target.name)) <= MAX_NAME
    assert target.name.endswith(".color.mp4")
    result = colorize_video(source, target, colorizer)
    assert len(read_frames(target)) == result.frames
    assert sorted(tmp_path.iterdir()) == sorted([source, target])


def test_long_names_stay_apart_and_short_ones_as_they_are() -> None:
    assert fitting_name("video", ".color.mp4") == "video.color.mp4"
    first, second = (default_output(Path("日" * 83 + end + ".mp4"), ".mp4") for end in "ab")
    assert first != second
    assert work_folder(Path("out.mp4")).name == ".out.mp4.cgan-work"
    assert len(os.fsencode(work_folder(Path("日" * 83 + ".mp4")).name)) <= MAX_NAME


@posix
def test_a_named_pipe_is_read_once(tmp_path: Path, colorizer: Colorizer) -> None:
    content, pipe = write_video(tmp_path / "in.mkv", Video(frames=9)).read_bytes(), tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    result = colorize_video(pipe, tmp_path / "out.mkv", colorizer)
    writer.join()
    assert (result.frames, result.damage) == (9, None)
    again = threading.Thread(target=lambda: pipe.write_bytes(content), daemon=True)
    again.start()
    with pytest.raises(MediaError, match="passes only once"):
        colorize_video(pipe, tmp_path / "again.mkv", colorizer, resume=True)


@posix
def test_sockets_and_devices_are_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(MediaError, match="socket, which is no file"):
            video_source(tmp_path / "socket", SourceSettings())
    with pytest.raises(MediaError, match="is a device"):
        video_source(Path(os.devnull), SourceSettings())
