"""Every option that names an output, with every kind of thing that may have that name.

Files and links get new content; devices, named pipes and /dev/stdout are written to and stay what they are;
anything else is refused in one line.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.benchmarks.example_results import made_up
from tests.train.conftest import write_photos
from tests.videos import Video, write_video

from cgan_benchmarks.cli import main as bench
from cgan_export.cli import main as export
from cgan_runtime.cli import main as run
from cgan_runtime.image.read_write import write_image
from cgan_train.cli import main as train
from cgan_train.evaluation.comparison_photos import BUNDLED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices and pipes")

QUALITY = ("quality", "--data", "{photos}", "--model", "{model}")
LAYERS = ("layers", "--runs", 2, "--size", 64, "--model", "{model}")
VIDEO = ("--video", "{video}", "-o", "{folder}/any.mkv", "--model", "{model}", "--overwrite", "-q")
OUTPUTS = {
    "image": (run, ("--image", "{image}", "--model", "{model}", "--overwrite", "-q", "-o"), ".png"),
    "video": (run, ("--video", "{video}", "--model", "{model}", "--overwrite", "-q", "-o"), ".mkv"),
    "sheet": (run, (*VIDEO, "--sheet"), ".png"),
    "stats": (run, (*VIDEO, "--stats"), ".json"),
    "report": (run, ("--input-dir", "{inputs}", "--model", "{model}", "-q", "--report"), ".json"),
    "layers": (bench, (*LAYERS, "--json"), ".json"),
    "speed": (bench, ("--json",), ".json"),
    "page": (bench, ("--html",), ".html"),
    "turing": (bench, ("turing", BUNDLED, "--count", 2, "--no-open", "--model", "{model}", "--json"), ".json"),
    "quality": (bench, (*QUALITY, "--json"), ".json"),
    "quality sheet": (bench, (*QUALITY, "--sheet"), ".png"),
}
STARTS = {".png": b"\x89PNG", ".mkv": b"\x1aE\xdf\xa3", ".json": b"{", ".html": b"<!doctype html>"}

Write = Callable[[Path], "tuple[int, str]"]


@pytest.fixture(params=OUTPUTS)
def suffix(request: pytest.FixtureRequest) -> str:
    request.node.output = OUTPUTS[request.param]
    return OUTPUTS[request.param][2]


@pytest.fixture
def write(
    request: pytest.FixtureRequest, suffix: str, tmp_path: Path, tiny_model: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> Write:  # fmt: skip
    """A function that runs a command with one output; it returns the exit code and stderr."""
    monkeypatch.setattr("cgan_benchmarks.cli._measure_models", lambda *_: SimpleNamespace(document=made_up))
    monkeypatch.setattr("cgan_benchmarks.turing.server.TuringServer.wait", lambda _: None)  # nobody takes the test
    places = {name: tmp_path / name for name in ("inputs", "folder", "photos")}
    for folder in places.values():
        folder.mkdir()
    places |= {"image": places["inputs"] / "in.png", "video": tmp_path / "in.mkv", "model": tiny_model}
    write_image(places["image"], np.full((48, 64, 3), 90, np.uint8))
    write_video(places["video"], Video(frames=3))
    write_photos(places["photos"], 2)
    main, words, _ = request.node.output

    def call(output: Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(word).format(**places) for word in (*words, output)])
        assert not list(output.parent.glob(".cgan-*"))
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, capsys.readouterr().err

    return call


def test_a_file_and_links_to_files(write: Write, suffix: str, tmp_path: Path) -> None:
    old, new, to_old, to_new = (tmp_path / "folder" / f"{name}{suffix}" for name in ("a", "b", "c", "d"))
    old.write_bytes(b"older")
    to_old.symlink_to(old.name)
    to_new.symlink_to(new)
    for link in (to_old, to_new):
        assert write(link)[0] == 0
        assert link.is_symlink()
    for file in (old, new):
        assert stat.S_ISREG(file.lstat().st_mode)
        assert file.read_bytes().startswith(STARTS[suffix])


def test_a_device(write: Write, suffix: str, tmp_path: Path) -> None:
    null, full, own = (tmp_path / f"{name}{suffix}" for name in ("null", "full", "own"))
    null.symlink_to("/dev/null")
    full.symlink_to("/dev/full")
    names = [null, Path("/dev/null")]
    if os.geteuid() == 0:
        os.mknod(own, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        names.append(own)
    for name in names:
        code, errors = write(name)
        assert code == 0, errors
        assert name.is_char_device()
    code, errors = write(full)
    assert (code, full.is_char_device()) == (1, True)
    assert errors.splitlines()[-1].startswith("error: ")
    assert "No space left on device" in errors
    assert null.is_symlink()


def test_a_named_pipe(write: Write, suffix: str, tmp_path: Path) -> None:
    for name in (f"pipe{suffix}", "plain"):
        pipe, read = tmp_path / name, list[bytes]()
        os.mkfifo(pipe)
        reader = threading.Thread(target=lambda pipe=pipe, read=read: read.append(pipe.read_bytes()), daemon=True)
        reader.start()
        code, errors = write(pipe)
        assert code == 0, errors
        reader.join(60)
        start = b"YUV4MPEG2" if suffix == ".mkv" and name == "plain" else STARTS[suffix]
        assert read[0].startswith(start)
        assert pipe.is_fifo()


def test_what_cannot_be_written_is_refused(write: Write, suffix: str, tmp_path: Path) -> None:
    names = ("folder", "socket", "circle", "lost")
    folder, bound, circle, lost = (tmp_path / f"a {name}{suffix}" for name in names)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(bound))
    circle.symlink_to(circle)
    lost.symlink_to(tmp_path / "nowhere" / f"new{suffix}")
    refused = [bound, circle, lost, folder / "a" / f"b{suffix}", bound / f"b{suffix}"]
    if suffix not in (".png", ".mkv"):  # cgan-run puts its results into a folder
        refused.append(folder)
    for name in refused:
        code, errors = write(name)
        assert (code, errors.count("\n")) == (1, 1), errors
        assert errors.startswith("error: ")
        assert "Traceback" not in errors
    assert folder.is_dir()
    assert bound.is_socket()
    assert circle.is_symlink()


def test_standard_output_by_name_goes_on_where_it_was(tmp_path: Path, tiny_model: Path) -> None:
    image, out = tmp_path / "in.png", tmp_path / "out"
    write_image(image, np.full((48, 64, 3), 90, np.uint8))
    program = "print('first', flush=True); from cgan_runtime.cli import main; main()"
    command = [sys.executable, "-c", program, "--image", image, "--model", tiny_model, "-q", "-o"]
    for name in ("/dev/stdout", "/proc/self/fd/1"):
        with out.open("wb") as stream:
            done = subprocess.run([*command, name], stdout=stream, stderr=subprocess.PIPE, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        assert out.read_bytes().startswith(b"first\n\x89PNG")
        left, right = socket.socketpair()
        with left, right:
            done = subprocess.run([*command, name], stdout=right, stderr=subprocess.PIPE, timeout=60)
            assert (done.returncode, done.stderr) == (0, b"")
            assert left.recv(1 << 20).startswith(b"first\n\x89PNG")


@pytest.mark.parametrize(("main", "words"), [
    (export, ("-o",)),
    (train, ("--data", BUNDLED, "--epochs", 1, "--out")),
    (run, ("--input-dir", BUNDLED, "-o")),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["device", "pipe", "file", "circle"])
def test_a_folder_of_outputs_is_no_device_and_no_file(
    main: Callable[[list[str]], object], words: tuple[object, ...], kind: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place = tmp_path / "place"
    if kind == "device":
        place.symlink_to("/dev/null")
    elif kind == "circle":
        place.symlink_to(place)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.touch()
    before = place.lstat()
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, words), str(place)])
    errors = capsys.readouterr().err
    assert exit_.value.code == 1
    assert errors.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in errors
    assert place.lstat() == before
