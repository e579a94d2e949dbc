"""`cgan-run --video http://...`: videos from a server, and servers that fail."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.videos import Video, decoded, write_video

from cgan_runtime.errors import MediaError
from cgan_runtime.video.read import sources
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.read.sources import SourceSettings, video_source
from cgan_runtime.video.segments import SEGMENT_FRAMES


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def _served(folder: Path, handler: type[_Quiet] = _Quiet) -> Iterator[str]:
    """The address of a folder on a server that supports no ranges."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Dying(_Quiet):
    """Sends a part of a file, and then nothing more."""

    requests = 0

    def do_GET(self) -> None:
        """Answer a part of the first request."""
        type(self).requests += 1
        if self.requests > 1:
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) * 7 // 10])


def _run(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def test_a_video_from_a_server_is_the_same_as_from_the_disk(tmp_path: Path, tiny_model: Path) -> None:
    source = write_video(
        tmp_path / "in.mp4", Video(frames=8, audio=["aac"], container_options={"movflags": "faststart"})
    )
    lossless = ["--codec", "ffv1", "--model", tiny_model]
    assert _run("--video", source, "-o", tmp_path / "disk.mkv", *lossless).returncode == 0
    with _served(tmp_path) as address:
        done = _run("--video", f"{address}/in.mp4", "-o", tmp_path / "net.mkv", *lossless)
        missing = _run("--video", f"{address}/none.mp4", "-o", tmp_path / "none.mkv", *lossless)
        here = _run("--video", f"{address}/in.mp4", *lossless, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert decoded(tmp_path / "net.mkv") == decoded(tmp_path / "disk.mkv")
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert "none.mp4 is no video that can be read (Server returned 404 Not Found)" in missing.stderr
    assert (here.returncode, here.stderr.count("\n")) == (0, 1)  # it says where the result goes
    assert sorted(path.name for path in tmp_path.glob("*.mkv")) == ["disk.mkv", "in.color.mkv", "net.mkv"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_run_whose_server_died_is_resumed(suffix: str, tmp_path: Path, tiny_model: Path) -> None:
    faststart = {"movflags": "faststart"} if suffix == ".mp4" else {}
    video = Video(frames=SEGMENT_FRAMES * 2, width=160, height=96, container_options=faststart)
    source, target = write_video(tmp_path / f"in{suffix}", video), tmp_path / "out.mkv"
    given = ["-o", target, "--model", tiny_model, "--codec", "ffv1"]
    _Dying.requests = 0
    with _served(tmp_path, _Dying) as address:
        died = _run("--video", f"{address}/{source.name}", *given)
    assert (died.returncode, died.stdout, died.stderr.count("\n")) == (1, "", 1), died.stderr
    assert f"{address}/{source.name} broke off; check the connection, or save the stream" in died.stderr
    assert "; 250 frames are kept, --resume goes on with them" in died.stderr
    assert not target.exists()
    with _served(tmp_path) as address:
        done = _run("--video", f"{address}/{source.name}", *given, "--resume")
    assert " 250 frames after 250 of an earlier run" in done.stdout, done.stderr
    target.rename(tmp_path / "resumed.mkv")
    assert _run("--video", source, *given).returncode == 0
    assert decoded(tmp_path / "resumed.mkv") == decoded(target)


def test_an_incomplete_video_on_a_server_is_colored(tmp_path: Path, tiny_model: Path) -> None:
    source = write_video(tmp_path / "in.mkv", Video(frames=60))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with _served(tmp_path) as address:
        done = _run("--video", f"{address}/in.mkv", "-o", tmp_path / "out.mkv", "--model", tiny_model, "-q")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    frames = len(decoded(tmp_path / "out.mkv"))
    assert 5 < frames < 60
    assert "/in.mkv is damaged: it is cut off, about " in done.stderr


def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "VIDEO_TIMEOUT", (0.5, 0.5))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/video.mp4"
        with pytest.raises(MediaError, match=r"no video that can be read \(no answer in time\)"):
            VideoReader(video_source(address, SourceSettings()))


def test_storage_is_no_stream() -> None:
    with pytest.raises(MediaError, match="s3:// is no stream of video; use one of "):
        video_source("s3://bucket/video.mp4", SourceSettings())
