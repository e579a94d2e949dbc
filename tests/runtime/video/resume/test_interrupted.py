"""`cgan-run` when the engine, the input or the disk fails: one line of error, kept segments, resuming."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import write_manifest
from tests.videos import Video, decoded, scenes, write_scenes, write_video

from cgan_runtime.video.resume.work_folder import work_folder
from cgan_runtime.video.segments import SEGMENT_FRAMES

PROGRAM = "from cgan_runtime.cli import main; main()"
FLASH = SEGMENT_FRAMES + 30  # the frame at which the model fails
LONG = 3 * SEGMENT_FRAMES

FAILING_ONCE = f"""
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException
run, calls = onnxruntime.InferenceSession.run, []
def failing(*args, **more):
    calls.append(1)
    if len(calls) > {FLASH}:
        raise {{error}}
    return run(*args, **more)
onnxruntime.InferenceSession.run = failing
"""
ENGINE_ERRORS = ['RuntimeException("the device was lost")', 'MemoryError("std::bad_alloc")']

BAD_DISK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
/* From byte DISK_GOOD of the file DISK_FILE on, reading fails once DISK_BAD is there. */
ssize_t read(int fd, void *to, size_t count) {
    ssize_t (*real)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
    struct stat of, bad;
    int saved = errno;
    if (stat(getenv("DISK_BAD"), &bad) == 0 && fstat(fd, &of) == 0 && S_ISREG(of.st_mode)
        && stat(getenv("DISK_FILE"), &bad) == 0 && of.st_ino == bad.st_ino
        && lseek(fd, 0, SEEK_CUR) + (off_t)count > atol(getenv("DISK_GOOD"))) {
        errno = EIO;
        return -1;
    }
    errno = saved;
    return real(fd, to, count);
}
"""


def _run(
    *args: str | Path, cwd: Path, before: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + PROGRAM, *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env=os.environ | (env or {}))


def _error(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of error of a run that failed."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def _lossless(model: Path, *more: str) -> list[str]:
    return ["--video", "in.mp4", "-o", "out.mkv", "--codec", "ffv1", "--model", str(model), *more]


def _check_resumed_video(model: Path, *more: str, cwd: Path, kept: int | None = None) -> None:
    done = _run(*_lossless(model, *more, "--resume"), cwd=cwd)
    assert done.returncode == 0, done.stderr
    message = re.search(r" after (\d+) of an earlier run", done.stdout)
    assert message is not None, done.stdout
    assert int(message[1]) % SEGMENT_FRAMES == 0
    assert kept is None or int(message[1]) == kept
    assert not work_folder(cwd / "out.mkv").exists()
    (cwd / "out.mkv").rename(cwd / "resumed.mkv")
    assert _run(*_lossless(model, *more), cwd=cwd).returncode == 0
    assert decoded(cwd / "resumed.mkv") == decoded(cwd / "out.mkv")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder beside that of the model."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def _moody_model(path: Path, answer: str) -> Path:
    """The tiny colorizer, but a bright image makes it fail (`Gather`) or return NaN (`Sqrt`)."""
    onnx = pytest.importorskip("onnx")
    node, constant = onnx.helper.make_node, onnx.numpy_helper.from_array
    float32 = onnx.TensorProto.FLOAT
    moods = {
        "Gather": [
            node("Add", ["mean", "half"], ["bright"]),
            node("Floor", ["bright"], ["whole"]),
            node("Cast", ["whole"], ["index"], to=onnx.TensorProto.INT64),
            node("Gather", ["table", "index"], ["mood"]),  # has one entry
        ],
        "Sqrt": [
            node("Sub", ["half", "mean"], ["dark"]),
            node("Sqrt", ["dark"], ["root"]),
            node("Mul", ["root", "table"], ["mood"]),
        ],
    }
    graph = onnx.helper.make_graph(
        [
            node("ReduceMean", ["lightness"], ["mean"], keepdims=0),
            *moods[answer],
            node("Conv", ["lightness", "weights"], ["raw"]),
            node("Tanh", ["raw"], ["color"]),
            node("Add", ["color", "mood"], ["chroma"]),
        ],
        "moody",
        [onnx.helper.make_tensor_value_info("lightness", float32, ("n", 1, "h", "w"))],
        [onnx.helper.make_tensor_value_info("chroma", float32, ("n", 2, "h", "w"))],
        [
            constant(np.array([[[[0.3]]], [[[0.4]]]], np.float32), "weights"),
            constant(np.float32(0.5), "half"),
            constant(np.zeros(1, np.float32), "table"),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    write_manifest(path)
    return path


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Gather", r"ONNX Runtime failed on an input of \(1, 1, \d+, \d+\) \(.*out of (data )?bounds.*\)"),
        ("Sqrt", r"onnxruntime answered with values that are no numbers"),
    ],
)
def test_an_engine_that_fails_stops_the_run_and_keeps_segments(answer: str, reason: str, work: Path) -> None:
    model = _moody_model(work.parent / "moody.onnx", answer)
    frames = scenes(FLASH + 20, lambda number: -1 if number == FLASH else 1, (48, 64))
    write_scenes(work / "in.mp4", frames, [Fraction(number, 25) for number in range(len(frames))])
    message = _error(_run(*_lossless(model, "--backend", "onnxruntime"), cwd=work))
    assert re.search(f"error: {reason}", message), message
    assert f"; it stopped after {FLASH} frames, at 0:11.20; 250 frames are kept, --resume goes on" in message
    assert sorted(path.name for path in work.iterdir()) == [".out.mkv.cgan-work", "in.mp4"]


@pytest.mark.parametrize("error", ENGINE_ERRORS, ids=["lost", "memory"])
def test_a_run_whose_engine_failed_once_is_resumed(error: str, work: Path, tiny_model: Path) -> None:
    write_video(work / "in.mp4", Video(frames=FLASH + 20))
    engine = ("--backend", "onnxruntime", "--every", "1")
    message = _error(_run(*_lossless(tiny_model, *engine), cwd=work, before=FAILING_ONCE.format(error=error)))
    assert f"it stopped after {FLASH} frames, at 0:11.20; 250 frames are kept, --resume goes on" in message
    assert not (work / "out.mkv").exists()
    _check_resumed_video(tiny_model, *engine, cwd=work, kept=250)


def _broken_off(
    work: Path, model: Path, harm: Callable[[], object], env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A run whose input is damaged after the first segment."""
    command = [sys.executable, "-c", PROGRAM, *_lossless(model)]
    with subprocess.Popen(
        command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | (env or {}),
    ) as process:  # fmt: skip
        first = work_folder(work / "out.mkv") / "000000.segment"
        deadline = time.monotonic() + 60
        while not first.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        harm()
        out, error = process.communicate(timeout=120)
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def _long_video(work: Path) -> Path:
    video = Video(frames=LONG, width=160, height=96, audio=["aac"], container_options={"movflags": "faststart"})
    return write_video(work / "in.mp4", video)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut", "overwritten"])
def test_a_video_that_was_cut_off_during_the_run_is_resumed(harm: str, work: Path, tiny_model: Path) -> None:
    source = _long_video(work)
    shutil.copy(source, work.parent / "copy.mp4")

    def harmed() -> None:
        if harm == "cut":
            os.truncate(source, source.stat().st_size * 6 // 10)
        else:  # in place, as by a copy over it
            with source.open("r+b") as file:
                file.write(bytes(source.stat().st_size))

    message = _error(_broken_off(work, tiny_model, harmed))
    pattern = (
        r"error: in.mp4 was changed, cut off or taken away while it was read; put it back as it was; "
        r"it stopped after (\d+) frames, at 0:\d\d\.\d\d; (\d+) frames are kept, --resume goes on with them\n"
    )
    found = re.fullmatch(pattern, message)
    assert found is not None, message
    assert SEGMENT_FRAMES <= int(found[2]) <= int(found[1]) < LONG
    assert not (work / "out.mkv").exists()
    shutil.copy(work.parent / "copy.mp4", source)
    _check_resumed_video(tiny_model, cwd=work, kept=int(found[2]))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs the dynamic linker of Linux")
def test_a_disk_that_fails_is_reported_and_the_run_resumed(work: Path, tiny_model: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    source, shim = _long_video(work), work.parent / "disk.so"
    (work.parent / "disk.c").write_text(BAD_DISK, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(work.parent / "disk.c"), "-ldl"], check=True)
    good, bad = source.stat().st_size * 6 // 10, work.parent / "bad"
    disk = {"LD_PRELOAD": shim, "DISK_FILE": source, "DISK_GOOD": good, "DISK_BAD": bad}
    message = _error(_broken_off(work, tiny_model, bad.touch, {key: str(value) for key, value in disk.items()}))
    assert "in.mp4 was changed, cut off or taken away while it was read" in message
    assert "frames are kept, --resume goes on with them" in message
    _check_resumed_video(tiny_model, cwd=work)


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be removed there")
def test_a_video_that_is_removed_during_the_run_is_read_to_its_end(work: Path, tiny_model: Path) -> None:
    source = _long_video(work)
    done = _broken_off(work, tiny_model, source.unlink)
    assert (done.returncode, done.stderr) == (0, "")
    assert f" {LONG} frames in " in done.stdout


def test_broken_packets_are_counted_and_strict_stops_there(work: Path, tiny_model: Path) -> None:
    video = Video(frames=60, width=320, height=240, options={"preset": "ultrafast", "g": "5"})
    source = write_video(work / "in.mp4", video)
    data, chance = bytearray(source.read_bytes()), random.Random(0)
    for place in (len(data) // 3, len(data) // 2):
        data[place : place + 900] = chance.randbytes(900)
    source.write_bytes(data)
    done = _run(*_lossless(tiny_model, "--stats", "stats.json"), cwd=work)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    message = re.search(r"warning: in.mp4 is damaged: .*?(\d+) frames? decoded with errors \(([\d, .]+)\)", done.stderr)
    assert message is not None, done.stderr
    (video_report,) = json.loads((work / "stats.json").read_text())["videos"]
    numbers = video_report["flawed_frames"]
    assert len(numbers) == int(message[1])
    assert message[2] == ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
    assert 10 < numbers[0] <= numbers[-1] < 45
    assert len(decoded(work / "out.mkv")) == video_report["frames"] == 60 - video_report["lost_frames"]
    (work / "out.mkv").unlink()
    refused = _error(_run(*_lossless(tiny_model, "--strict"), cwd=work))
    assert "in.mp4 is damaged: " in refused
    assert "leave --strict out to color what can be read; " in refused
    assert "it stopped after " in refused
    assert not (work / "out.mkv").exists()
