"""`cgan-run` as people run it: results, exit codes, one line for every error, nothing half-written."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.videos import Video, chroma_span, read_frames, write_video

from cgan_runtime.image.read_write import read_image, write_image

WEDGE = np.linspace(0, 255, 80, dtype=np.uint8)[None, :, None].repeat(60, 0).repeat(3, 2)
HEAVY = ("numpy", "av", "cv2", "onnxruntime", "openvino", "rich", "torch")


def _run(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()", *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def _refused(done: subprocess.CompletedProcess[str], message: str, code: int = 1) -> None:
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder beside the one that holds the model."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_help_needs_no_heavy_package() -> None:
    program = (
        "import sys; from cgan_runtime.cli import main\n"
        "try: main(['--help'])\n"
        f"finally: print('HEAVY', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "HEAVY []" in done.stdout
    assert "--video FILE" in done.stdout


def test_a_video_is_colored_and_the_result_printed(work: Path, tiny_model: Path) -> None:
    write_video(work / "in.mp4", Video(frames=6))
    done = _run("--video", "in.mp4", "--model", tiny_model, cwd=work)
    assert (done.returncode, done.stderr) == (0, "")
    video, backend = done.stdout.splitlines()
    assert video.startswith("in.color.mp4: 64x48, ")
    assert "6 frames in " in video
    assert video.endswith("frames/s")
    assert backend.startswith("back end: ")
    assert chroma_span(read_frames(work / "in.color.mp4")[0]) > 20
    assert _names(work) == ["in.color.mp4", "in.mp4"]


def test_a_named_back_end_is_used(work: Path, tiny_model: Path) -> None:
    write_video(work / "in.mp4", Video(frames=2))
    done = _run(
        "--video", "in.mp4", "-o", "out.mkv", "--model", tiny_model, "--backend", "onnxruntime",
        "--threads", "1", "--size", "32", "--codec", "ffv1", cwd=work,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "back end: onnxruntime on " in done.stdout
    assert "passed over" not in done.stdout
    with_ffv1 = read_frames(work / "out.mkv")
    assert len(with_ffv1) == 2


def test_an_image_is_colored(work: Path, tiny_model: Path) -> None:
    write_image(work / "a.png", WEDGE)
    done = _run("--image", "a.png", "--model", tiny_model, "-q", cwd=work)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    colored = read_image(work / "a.color.png").astype(int)
    assert np.abs(colored[..., 0] - colored[..., 2]).max() > 20
    _refused(_run("--image", "a.png", "--model", tiny_model, cwd=work), "exists already")
    assert _run("--image", "a.png", "--model", tiny_model, "--overwrite", cwd=work).returncode == 0


def test_a_container_that_cannot_be_written_is_replaced_by_matroska(work: Path, tiny_model: Path) -> None:
    write_video(work / "old.avi", Video(frames=3, codec="mpeg4", options={}, ticks=25))
    done = _run("--video", "old.avi", "--model", tiny_model, cwd=work)
    assert done.returncode == 0
    assert done.stderr == "note: .avi cannot hold the colored video: it goes into old.color.mkv\n"
    assert len(read_frames(work / "old.color.mkv")) == 3


def test_a_failure_in_a_folder_is_printed_and_does_not_stop_the_rest(work: Path, tiny_model: Path) -> None:
    folder = work / "mixed"
    folder.mkdir()
    write_image(folder / "a.jpg", WEDGE)
    write_video(folder / "b.mp4", Video(frames=3))
    (folder / "c.mp4").write_text("no video")
    write_video(folder / "d.avi", Video(frames=3, codec="mpeg4", options={}, ticks=25))
    (folder / "notes.txt").write_text("left alone")
    done = _run("--input-dir", "mixed", "--model", tiny_model, cwd=work)
    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    assert "c.mp4 is no video that can be read" in done.stderr
    assert done.stdout.splitlines()[-1] == "3 of 4 colored into mixed.color, 1 failed"
    assert _names(work / "mixed.color") == [
        "a.color.jpg", "b.color.mp4", "cgan-report", "cgan-report.html", "cgan-report.json", "d.color.mkv",
    ]  # fmt: skip
    (folder / "c.mp4").unlink()
    done = _run("--input-dir", "mixed", "--model", tiny_model, cwd=work)
    assert done.returncode == 0
    assert "0 of 3 colored into mixed.color, 3 were there already" in done.stdout


def test_the_current_folder_as_input(work: Path, tiny_model: Path) -> None:
    write_image(work / "a.png", WEDGE)
    assert _run("--input-dir", ".", "--model", tiny_model, cwd=work).returncode == 0
    assert _names(work.with_name("work.color")) == ["a.color.png", "cgan-report.html", "cgan-report.json"]


@pytest.mark.parametrize("args", [["-q"], ["--video", "a.mp4", "--image", "a.png"]])
def test_exactly_one_input_is_required(args: Sequence[str]) -> None:
    _refused(_run(*args), "give exactly one of --video, --image, --input-dir and plain names", code=2)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--video", "none.mp4"], "no file at none.mp4"),
        (["--video", "text.mp4"], "is no video that can be read"),
        (["--video", "."], "is a folder"),
        (["--video", "in.mp4", "-o", "in.mp4", "--overwrite"], "is the input itself"),
        (["--video", "in.mp4", "-o", "none/out.mp4"], "no folder none"),
        (["--video", "in.mp4", "-o", "in.mp4/out.mp4"], "no folder in.mp4"),
        (["--video", "in.mp4", "-o", "text.mp4"], "exists already"),
        (["--video", "in.mp4", "-o", "text.mp4", "--model", "none.onnx"], "no model file at none.onnx"),
        (["--video", "in.mp4", "-o", "text.mp4", "--model", "egde"], "did you mean edge?"),
        (["--video", "in.mp4", "-o", "out.txt"], "names no video that can be written"),
        (["--video", "in.mp4", "-o", "out.mp4", "--codec", "ffv1"], ".mp4 takes no ffv1"),
        (["--video", "in.mp4", "-o", "out.mp4", "--crf", "60"], "crf 60 is out of range"),
        (["--video", "in.mp4", "-o", "out.mp4", "--preset", "warp"], "no preset 'warp'; choose fast, balanced or best"),
        (["--video", "in.mp4", "-o", "out.mp4", "--preset", "13"], "libx264 has no preset '13'"),
        (["--video", "cut.mp4", "-o", "out.mp4", "--strict"], "is damaged: it is cut off"),
        (["--video", "in.mp4", "-o", "out.mp4", "--model", "text.mp4"], "has no manifest"),
        (["--image", "text.mp4", "-o", "out.png"], "is no image"),
        (["--image", "none.png"], "no file at none.png"),
        (["--input-dir", "none"], "cannot read the folder none"),
        (["--input-dir", "empty"], "holds no image and no video"),
        (["--input-dir", ".", "-o", "."], "is the input itself"),
        (["--input-dir", ".", "-o", "none/deep"], "cannot make the folder"),
    ],
)
def test_bad_input_is_one_line_exit_code_1_and_no_file(
    args: Sequence[str], message: str, work: Path, tiny_model: Path
) -> None:
    write_video(work / "in.mp4", Video(frames=3))
    (work / "text.mp4").write_text("Dear diary")
    (work / "empty").mkdir()
    cut = write_video(work / "cut.mp4", Video(frames=60, container_options={"movflags": "faststart"}))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    before = _names(work)
    model = [] if "--model" in args else ["--model", tiny_model]
    _refused(_run(*args, *model, cwd=work), message)
    assert _names(work) == before


def test_stats_have_every_video_of_a_folder(work: Path, tiny_model: Path) -> None:
    (work / "videos").mkdir()
    write_video(work / "videos" / "a.mp4", Video(frames=3))
    write_video(work / "videos" / "b.mkv", Video(frames=5))
    done = _run("--input-dir", "videos", "--stats", "stats.json", "--saturation", "0", "--model", tiny_model, cwd=work)
    assert done.returncode == 0, done.stderr
    videos = json.loads((work / "stats.json").read_text())["videos"]
    assert [(video["output"], video["frames"]) for video in videos] == [
        (str(Path("videos.color/a.color.mp4")), 3), (str(Path("videos.color/b.color.mkv")), 5),
    ]  # fmt: skip
    assert chroma_span(read_frames(work / "videos.color" / "a.color.mp4")[0]) == 0


def test_gray_beside_color_and_a_sheet(work: Path, tiny_model: Path) -> None:
    write_video(work / "in.mp4", Video(frames=3))
    write_image(work / "in.png", WEDGE)
    done = _run("--video", "in.mp4", "--compare", "--sheet", "a.png", "--model", tiny_model, cwd=work)
    assert done.returncode == 0, done.stderr
    assert "in.color.mp4: 128x48" in done.stdout
    assert read_image(work / "a.png").shape == (2 * (270 + 6) + 6, 2 * (720 + 6) + 6, 3)  # three frames
    done = _run("--image", "in.png", "--compare", "--strength", "0", "--model", tiny_model, cwd=work)
    assert done.returncode == 0, done.stderr
    image = read_image(work / "in.color.png").astype(int)
    assert image.shape == (60, 160, 3)
    assert np.abs(image[:, :80] - image[:, 80:]).max() == 0  # no strength: twice the gray one


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--image", "a.png", "--sheet", "b.png"], "--sheet shows a video in a file; give it with one video"),
        (["--video", "a.mp4", "--format", "mkv"], "--format is for a pipe, -o -"),
        (["--webcam", "--start", "5", "--stats", "s.json"], "--start and --stats have no effect on live video"),
        (["--video", "a.mp4", "--crf", "good"], "'good' is no whole number"),
        (["--webcam", "--compare"], "--compare is for videos and images; --webcam has --split"),
    ],
)
def test_options_that_exclude_each_other_are_refused(args: Sequence[str], message: str) -> None:
    _refused(_run(*args), message, code=2)


def test_stats_of_an_image_are_refused() -> None:
    _refused(_run("--image", "a.png", "--stats", "a.json"), "--stats is about videos", code=2)


def test_a_truncated_video_is_colored_with_a_warning(work: Path, tiny_model: Path) -> None:
    cut = write_video(work / "in.mp4", Video(frames=60, container_options={"movflags": "faststart"}))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    done = _run("--video", "in.mp4", "--model", tiny_model, "--quiet", cwd=work)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("warning: in.mp4 is damaged: it is cut off, about ")
    assert done.stderr.count("\n") == 1
    assert 5 < len(read_frames(work / "in.color.mp4")) < 60


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit")
def test_a_full_disk_is_one_line_and_the_run_can_be_resumed(work: Path, tiny_model: Path) -> None:
    write_video(work / "in.mp4", Video(frames=600))
    given = ["--video", "in.mp4", "-o", "out.mkv", "--codec", "ffv1", "--model", str(tiny_model)]
    assert _run(*given, "--overwrite", cwd=work).returncode == 0
    limit = (work / "out.mkv").stat().st_size * 6 // 10
    (work / "out.mkv").unlink()
    full = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from cgan_runtime.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", full, *given], cwd=work, capture_output=True, text=True, timeout=120)
    _refused(done, "250 frames are kept, --resume goes on with them")
    assert re.search(r"cannot be written \(.*\); .* it stopped after \d+ frames", done.stderr)
    assert not (work / "out.mkv").exists()
    done = _run(*given, "--resume", cwd=work)
    assert "350 frames after 250 of an earlier run" in done.stdout, done.stderr
    assert len(read_frames(work / "out.mkv")) == 600


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process of our own")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_prints_the_command_that_resumes_it(
    number: signal.Signals, code: int, work: Path, tiny_model: Path
) -> None:
    write_video(work / "in.mp4", Video(frames=1000, width=160, height=96))
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "--video", "in.mp4", "--model", str(tiny_model)],
        cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = work / ".in.color.mp4.cgan-work" / "000000.segment"
    deadline = time.monotonic() + 60
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    told = re.fullmatch(
        r"note: finishing the segment, about \d+ s; Ctrl-C again stops now\n"
        r"warning: stopped; (\d+) frames of in.color.mp4 are done, go on with: cgan-run (.*)",
        error.strip(),
    )
    assert told is not None, error
    assert int(told[1]) % 250 == 0
    assert _names(work) == [".in.color.mp4.cgan-work", "in.mp4"]
    _refused(_run("--video", "in.mp4", "--model", tiny_model, cwd=work), "go on with --resume")
    done = _run(*shlex.split(told[2]), cwd=work)
    assert done.returncode == 0, done.stderr
    assert f"after {told[1]} of an earlier run" in done.stdout
    assert _names(work) == ["in.color.mp4", "in.mp4"]
    assert len(read_frames(work / "in.color.mp4")) == 1000


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process of our own")
def test_an_interrupted_run_without_a_frame_leaves_nothing(work: Path, tiny_model: Path) -> None:
    write_video(work / "in.mp4", Video(frames=240, width=640, height=360))
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "--video", "in.mp4", "--preset", "veryslow", "--model", str(tiny_model)],
        cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(_names(work)) == 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stderr is not None
    told = process.stderr.readline()
    if "finishing the segment" in told:  # a frame was done before the signal came
        process.send_signal(signal.SIGINT)
        told = ""
    with process:  # `communicate` would drop what is buffered
        out, told = process.stdout.read(), told + process.stderr.read()
    assert (process.returncode, out, told) == (130, "", "note: stopped before anything was kept\n")
    assert _names(work) == ["in.mp4"]


def test_a_terminal_gets_a_bar(work: Path, tiny_model: Path) -> None:
    pty = pytest.importorskip("pty")
    write_video(work / "in.mp4", Video(frames=30))
    main_end, terminal = pty.openpty()
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "--video", "in.mp4", "--model", str(tiny_model)],
        cwd=work, stdout=subprocess.PIPE, stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(main_end, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(main_end)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"in.color.mp4: 64x48" in out
    assert b"100%" in shown
    assert b"in.mp4  " in shown
    assert b"too pale? --strength 1.5" in shown
    assert b"frames/s" in shown


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--video", "in.mp4", "--stats", "in.mp4"), "--stats writes JSON; let in.mp4 end in .json"),
        (("--video", "in.mp4", "--stats", "no/s.json"), "no folder no"),
        (("--input-dir", ".", "--report", "in.mp4"), "--report writes JSON; let in.mp4 end in .json"),
    ],
)
def test_json_never_replaces_a_video(args: Sequence[str], message: str, work: Path) -> None:
    before = write_video(work / "in.mp4", Video(frames=3)).read_bytes()
    _refused(_run(*args, cwd=work), message)
    assert (work / "in.mp4").read_bytes() == before
    assert _names(work) == ["in.mp4"]


@pytest.mark.parametrize(
    "args",
    [
        ("--image", "x.png", "--crf", "5"),
        ("--image", "x.png", "--resume"),
        ("--input-dir", "x", "--frame-rate", "10"),
        ("--input-dir", "x", "--cpus-per-task", "3"),
    ],
)
def test_options_without_effect_are_refused(args: Sequence[str]) -> None:
    done = _run(*args)
    assert done.returncode == 2
    assert " go with " in done.stderr or " goes with " in done.stderr
