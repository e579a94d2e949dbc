"""`cgan-run` in a pipe: videos and raw video from standard input and to standard output; image sequences."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.videos import Video, chroma_span, decoded, image, luma_of, read_frames, write_video

from cgan_runtime.files.pipe import InputPipe
from cgan_runtime.image.read_write import write_image

PROGRAM = [sys.executable, "-c", "from cgan_runtime.cli import main; main()"]


def _run(*args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*PROGRAM, *map(str, args)], input=stdin, capture_output=True, timeout=120)


def _frames(data: bytes, **how: Any) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data), **how) as container:
        return list(container.decode(video=0))


def _bare(video: Video) -> list[av.VideoFrame]:
    return [image(video, index) for index in range(video.frames)]


def _same_luma(before: list[av.VideoFrame], after: list[av.VideoFrame]) -> None:
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(luma_of(old), luma_of(new))


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
def test_y4m_through_pipes(pixel_format: str, tmp_path: Path, tiny_model: Path) -> None:
    video = Video(
        frames=9, width=65, height=47, pixel_format=pixel_format, codec="rawvideo", options={}, ticks=25,
        container_options={"strict": "-1"},
    )  # fmt: skip
    source = write_video(tmp_path / "in.y4m", video)
    done = _run("--video", "-", "-o", "-", "--model", tiny_model, stdin=source.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"YUV4MPEG2 W65 H47 F25:1 ")
    assert b"standard output: 65x47" in done.stderr
    assert b"9 frames in " in done.stderr
    after = _frames(done.stdout)
    assert {frame.format.name for frame in after} == {pixel_format}
    assert chroma_span(after[0]) > 20
    _same_luma(_frames(source.read_bytes()), after)  # at odd sizes swscale is not deterministic


def test_a_pipe_gives_the_same_video_as_a_file(tmp_path: Path, tiny_model: Path) -> None:
    source = write_video(tmp_path / "in.mkv", Video(frames=6, audio=["aac"]))
    lossless = ["--codec", "ffv1", "--model", tiny_model, "-q"]
    assert _run("--video", source, "-o", tmp_path / "file.mkv", *lossless).returncode == 0
    done = _run("--video", "-", "-o", "-", "--format", "mkv", *lossless, stdin=source.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    piped = tmp_path / "piped.mkv"
    piped.write_bytes(done.stdout)
    assert decoded(piped) == decoded(tmp_path / "file.mkv")
    with av.open(piped) as container:
        assert len(container.streams.audio) == 1


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_containers_are_written_without_seeking(container: str, tmp_path: Path, tiny_model: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=6))
    done = _run("--video", source, "-o", "-", "--format", container, "--model", tiny_model)
    assert done.returncode == 0, done.stderr
    assert len(_frames(done.stdout)) == 6


def test_raw_video_through_pipes(tiny_model: Path) -> None:
    video = Video(frames=5, width=64, height=48)
    before = _bare(video)
    raw = b"".join(frame.to_ndarray().tobytes() for frame in before)
    how = ["--pixel-format", "yuv420p", "--frame-size", "64x48", "--frame-rate", "24000/1001"]
    done = _run("--video", "-", "-o", "-", "--format", "yuv", *how, "--model", tiny_model, stdin=raw)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == len(raw)
    options = {"pixel_format": "yuv420p", "video_size": "64x48"}
    _same_luma(before, _frames(done.stdout, format="rawvideo", options=options))
    done = _run("--video", "-", "-o", "-", *how, "--model", tiny_model, stdin=raw)
    assert done.stdout.startswith(b"YUV4MPEG2 W64 H48 F24000:1001 ")


def test_raw_video_from_a_file(tmp_path: Path, tiny_model: Path) -> None:
    before = _bare(Video(frames=3))
    (tmp_path / "in.yuv").write_bytes(b"".join(frame.to_ndarray().tobytes() for frame in before))
    done = _run(
        "--video", tmp_path / "in.yuv", "--pixel-format", "yuv420p", "--frame-size", "64x48",
        "-o", tmp_path / "out.mkv", "--codec", "ffv1", "--model", tiny_model,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _same_luma(before, read_frames(tmp_path / "out.mkv"))


def test_a_video_from_a_pipe_leaves_no_other_files(tmp_path: Path, tiny_model: Path) -> None:
    source = write_video(tmp_path / "in.mkv", Video(frames=300))
    folder = tmp_path / "out"
    folder.mkdir()
    data, out = source.read_bytes(), folder / "out.mkv"
    assert _run("--video", "-", "-o", out, "--model", tiny_model, stdin=data).returncode == 0
    assert [path.name for path in folder.iterdir()] == ["out.mkv"]
    assert len(read_frames(out)) == 300
    cut = _run("--video", "-", "-o", folder / "cut.mkv", "--strict", "--model", tiny_model, stdin=data[:-2000])
    assert (cut.returncode, cut.stderr.count(b"\n")) == (1, 1)
    assert b"standard input is damaged" in cut.stderr
    assert [path.name for path in folder.iterdir()] == ["out.mkv"]


def test_a_closed_pipe_is_an_error_of_one_line(tmp_path: Path, tiny_model: Path) -> None:
    source = write_video(tmp_path / "in.mkv", Video(frames=400, width=320, height=240))
    command = [*PROGRAM, "--video", str(source), "-o", "-", "--model", str(tiny_model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(9) == b"YUV4MPEG2"
        process.stdout.close()
        stderr = process.stderr.read().decode()
        assert process.wait(60) == 1
    assert stderr.startswith("error: the program that reads standard output has ended; it stopped after ")
    assert stderr.count("\n") == 1


@pytest.mark.parametrize("uneven", [False, True])
def test_uneven_times_are_noted_for_y4m(uneven: bool, tmp_path: Path, tiny_model: Path) -> None:
    steps = [1, 1, 3, 1, 2] if uneven else [1] * 5
    times = [Fraction(sum(steps[:n]), 24) for n in range(6)]  # a clock of milliseconds rounds them
    source = write_video(tmp_path / "in.mkv", Video(frames=6, pts=times, ticks=1000))
    done = _run("--video", source, "-o", tmp_path / "out.y4m", "--model", tiny_model)
    assert done.returncode == 0, done.stderr
    assert (b"uneven durations, which .y4m cannot hold" in done.stderr) == uneven


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process of our own")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_endless_video_and_keeps_it(number: signal.Signals, tmp_path: Path, tiny_model: Path) -> None:
    video = Video(frames=8, codec="rawvideo", options={}, ticks=25)
    content = write_video(tmp_path / "in.y4m", video).read_bytes()
    one = content[content.index(b"FRAME") :]
    target = tmp_path / "out.mkv"
    command = [*PROGRAM, "--video", "-", "-o", str(target), "--model", str(tiny_model), "--codec", "ffv1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(content)
        left = 100  # more frames than pipes and queues hold, counted from the start of the output
        with suppress(BrokenPipeError):
            while process.poll() is None:
                process.stdin.write(one)
                process.stdin.flush()
                left -= any(tmp_path.glob(".cgan-*"))
                if left == 0:
                    process.send_signal(number)
        out, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    by = b"Ctrl-C" if number == signal.SIGINT else b"SIGTERM"
    assert b"was ended by " + by + b": the video until then is kept" in stderr
    frames = len(read_frames(target))
    assert frames > 0
    assert f", {frames} frames in".encode() in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "model", "out.mkv"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process of our own")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_silent_pipe_can_be_interrupted(number: signal.Signals, tmp_path: Path, tiny_model: Path) -> None:
    video = Video(frames=200, codec="rawvideo", options={}, ticks=25)  # FFmpeg analyzes 5 s
    content = write_video(tmp_path / "in.y4m", video).read_bytes()
    target = tmp_path / "out.y4m"
    command = [*PROGRAM, "--video", "-", "-o", str(target), "--model", str(tiny_model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(content)
        process.stdin.flush()
        before = written = 0
        while not written or written > before:  # until it waits for more; an early end of the loop is no harm
            assert process.poll() is None
            time.sleep(0.5)
            before, written = written, sum(path.stat().st_size for path in tmp_path.glob(".cgan-*"))
        process.send_signal(number)
        process.wait(60)  # with the pipe open, and nothing more in it
        assert process.stdout is not None
        assert process.stderr is not None
        out, stderr = process.stdout.read(), process.stderr.read()
    assert b"Traceback" not in stderr
    assert process.returncode == 0, stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "model", "out.y4m"]
    frames = len(read_frames(target))
    assert f", {frames} frames in".encode() in out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows waits until something comes")
def test_another_thread_ends_a_read_from_a_pipe() -> None:
    ours, theirs = os.pipe()
    with InputPipe(ours) as pipe, ThreadPoolExecutor() as pool:
        os.write(theirs, b"abc")
        assert pipe.read(2) == b"ab"
        assert pipe.read(2) == b"c"
        waiting = pool.submit(pipe.read, 2)
        with pytest.raises(FutureTimeout):  # Python 3.10 has one of its own
            waiting.result(0.2)
        pipe.wake()
        assert waiting.result(60) == b""
        os.write(theirs, b"abc")
        assert pipe.read(2) == b""
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("args", "stdin", "message"),
    [
        (["-o", "-", "--resume"], b"y4m", "passes only once"),
        ([], b"y4m", "standard input has no folder to put the result beside"),
        (["-o", "-"], b"", "standard input is no video that can be read"),
        (["-o", "-"], b"Dear diary", "standard input is no video that can be read"),
        (["-o", "-", "--codec", "ffv1"], b"y4m", ".y4m takes no ffv1"),
        (["-o", "-", "--pixel-format", "yuv420p"], b"y4m", "give both, or neither"),
        (["-o", "-", "--pixel-format", "yuv420p", "--frame-size", "big"], b"y4m", "'big' is no size"),
        (["-o", "-", "--pixel-format", "none", "--frame-size", "8x8"], b"y4m", "'none' is no pixel format"),
        (["-o", "-", "--frame-rate", "0"], b"y4m", "'0' is no frame rate"),
    ],
)
def test_wrong_options_are_errors_of_one_line(
    args: list[str], stdin: bytes, message: str, tmp_path: Path, tiny_model: Path
) -> None:
    if stdin == b"y4m":
        video = Video(frames=3, codec="rawvideo", options={}, ticks=25)
        stdin = write_video(tmp_path / "in.y4m", video).read_bytes()
    done = _run("--video", "-", *args, "--model", tiny_model, stdin=stdin)
    assert (done.returncode, done.stdout) == (1, b""), done.stderr
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1
    assert message in done.stderr.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminal to open so")
def test_a_terminal_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    ours, theirs = os.openpty()
    source = write_video(tmp_path / "in.mkv", Video(frames=3))
    try:
        for args in (["--video", "-", "-o", str(tmp_path / "out.mkv")], ["--video", str(source), "-o", "-"]):
            done = subprocess.run(
                [*PROGRAM, *args, "--model", str(tiny_model)],
                stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, timeout=60,
            )  # fmt: skip
            assert done.returncode == 1
            assert b"is a terminal; " in done.stderr
            assert done.stderr.count(b"\n") == 1
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("pattern", ["%03d.png", "100% %d.png"])
def test_an_image_sequence_becomes_a_video(pattern: str, tmp_path: Path, tiny_model: Path) -> None:
    folder = tmp_path / "50%d"
    folder.mkdir()
    steps = range(7, 19)
    for number in steps:
        gray = np.full((48, 64, 3), 10 * number, np.uint8)
        write_image(folder / pattern.replace("%03d", f"{number:03d}").replace("%d", str(number)), gray)
    (folder / "x001.png").write_text("none of them")
    out = tmp_path / "out.mkv"
    how = ["--frame-rate", "24", "--codec", "ffv1", "--model", tiny_model]
    done = _run("--video", folder / pattern, "-o", out, *how)
    assert done.returncode == 0, done.stderr
    after = read_frames(out)
    assert [round(frame.to_ndarray(format="gray").mean() / 10) for frame in after] == list(steps)
    assert [frame.time for frame in after] == pytest.approx([n / 24 for n in range(len(steps))], abs=1e-3)
    (folder / pattern.replace("%03d", "011").replace("%d", "11")).unlink()
    done = _run("--video", folder / pattern, "-o", tmp_path / "gap.mkv", *how)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"image 11 of " in done.stderr


def test_a_missing_image_sequence_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    done = _run("--video", tmp_path / "%d.png", "-o", tmp_path / "out.mkv", "--model", tiny_model)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"no images at " in done.stderr
