"""What the commands write and send, seen by strace: files where they belong, and nothing to other machines.

Each command runs with a new home folder. No name is looked up and no other machine is called.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.checkpoints import SHALLOW, write_checkpoint
from tests.train.conftest import write_photos
from tests.videos import Video, write_video

from cgan_runtime.backends.registry import usable_backends

STRACE = shutil.which("strace")
PROGRAMS = Path(sys.executable).parent
SECONDS = 300  # only a failing test waits so long
SYSTEM = ("/dev/", "/proc/", "/sys/")
ROUTE = ("8.8.8.8", "2001:4860:4860::8888")  # Ray asks by which address this machine would go there
BY_ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$")
CALLS = "%network,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"

SERVE = """
import re, signal, subprocess, sys, urllib.request
server = subprocess.Popen(["cgan-run", "--serve", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
address = next(found[0] for line in server.stdout if (found := re.search(r"http://\\S+", line)))
assert urllib.request.urlopen(address).status == 200
server.send_signal(signal.SIGINT)
server.communicate()
"""
LEAK = """
import pathlib, socket
(pathlib.Path.home() / "left").mkdir()
(pathlib.Path.home() / "left" / "id").write_text("1")
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.53", 53))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
"""


def tracing_works() -> bool:
    if STRACE is None:
        return False
    return subprocess.run([STRACE, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not tracing_works(), reason="strace is not installed, or may not trace here")


@dataclass(frozen=True)
class Trace:
    """What a command did: files that it made outside the allowed folders, and addresses that it called."""

    left: list[str]
    called: list[str]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image, a video, a folder of both, photos and a checkpoint."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "archive").mkdir()
    cv2.imwrite(str(folder / "archive" / "a.png"), np.arange(4096, dtype=np.uint8).reshape(64, 64))
    write_video(folder / "archive" / "b.mp4", Video(frames=4))
    write_photos(folder / "photos", 8)
    write_checkpoint(folder / "checkpoint", SHALLOW)
    return folder


def traced(work: Path, script: str) -> Trace:
    """Run a shell script in a new home folder under strace."""
    home, out, temporary, traces = (work / name for name in ("home", "out", "tmp", "traces"))
    for folder in (home, out, temporary, traces):
        folder.mkdir()
    # Without a C++ compiler in PATH PyTorch compiles nothing, which takes a minute.
    environment = {
        "PATH": str(PROGRAMS), "HOME": str(home), "TMPDIR": str(temporary), "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    options = ["-ff", "-qq", "-yy", "-s", "4096", "--seccomp-bpf", "-e", f"trace={CALLS}"]
    done = subprocess.run(
        [str(STRACE), *options, "-o", str(traces / "of"), "/bin/sh", "-ec", script],
        cwd=out, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    allowed = [out, temporary, home / ".cache" / "cgan"]
    left, called = set(), set()
    for trace in traces.iterdir():
        for line in trace.read_text(errors="replace").splitlines():
            path = created(line, out)
            if path is not None and not any(folder in (path, *path.parents) for folder in allowed):
                left.add(str(path))
            called |= addresses(line)
    return Trace(sorted(left - {str(home / ".cache")}), sorted(called))


def created(line: str, folder: Path) -> Path | None:
    """The file that a call made, if it did; `folder` is where the program works."""
    if line.startswith(("open", "creat")):
        found = re.search(r" = \d+<([^>]*)>", line) if "O_CREAT" in line or line.startswith("creat") else None
        path = found[1] if found else None
    elif line.startswith(("mkdir", "rename", "link", "symlink")) and line.endswith(" = 0"):
        path = re.findall(r'"((?:[^"\\]|\\.)*)"', line)[-1]
        relative_to = re.findall(r"<(/[^>]*)>", line)
        path = str(Path(relative_to[-1] if relative_to else folder) / path)
    else:
        path = None
    return None if path is None or not path.startswith("/") or path.startswith(SYSTEM) else Path(path)


def addresses(line: str) -> set[str]:
    """The machines that a call goes to, except this one; of this one, its name server."""
    if not line.startswith(("connect", "sendto", "sendmsg", "sendmmsg")) or "htons(0)" in line:
        return set()
    called = {first or second for first, second in BY_ADDRESS.findall(line)}
    if "htons(53)" in line or "io.systemd.Resolve" in line:
        return called or {line}
    return {address for address in called if not LOOPBACK.match(address)}


def test_the_trace_sees_what_a_program_leaves_and_calls(tmp_path: Path) -> None:
    (tmp_path / "leak.py").write_text(LEAK)
    trace = traced(tmp_path, f"python {tmp_path}/leak.py")
    assert trace == Trace([f"{tmp_path}/home/left", f"{tmp_path}/home/left/id"], ["127.0.0.53", "192.0.2.1"])


@pytest.mark.parametrize("backend", ["auto", *usable_backends()])
def test_cgan_run_leaves_and_sends_nothing(backend: str, inputs: Path, tmp_path: Path) -> None:
    common = f"--backend {backend} --quiet"
    archive = inputs / "archive"
    assert traced(
        tmp_path,
        f"cgan-run --image {archive}/a.png -o a.png {common};cgan-run --video {archive}/b.mp4 -o b.mp4 {common}",
    ) == Trace([], [])


def test_the_doctor_leaves_and_sends_nothing(tmp_path: Path) -> None:
    assert traced(tmp_path, "cgan-doctor --json > doctor.json || true") == Trace([], [])


def test_help_batches_and_the_server_leave_and_send_nothing(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(SERVE)
    assert traced(
        tmp_path,
        "cgan-run --help; cgan-train --help; cgan-export --help; cgan-bench --help;"
        f"cgan-run --input-dir {inputs}/archive -o out --jobs 2 --quiet; python {tmp_path}/serve.py",
    ) == Trace([], [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "cgan-export INPUTS/checkpoint -o exported --fp16 --fp32;"
        "cgan-bench --checkpoint INPUTS/checkpoint --model exported/paper.onnx --backends onnxruntime,openvino"
        " --threads 1 --size 32 --duration 0.01 --runs 1 --processes 1 --json b.json --html b.html;"
        "cgan-bench compare b.json b.json",
        "cgan-bench quality --data INPUTS/photos --checkpoint INPUTS/checkpoint --json q.json --sheet q.png;"
        "cgan-bench layers --runs 1 --size 64",
        "cgan-train --data INPUTS/photos --out run --recipe paper --batch-size 4 --epochs 1 --threads 1"
        " --set generator.widths=[8,8,8,8,8] --set discriminator.widths=[8,8,8,8] --tensorboard",
    ],
    ids=["export and bench", "quality", "train"],
)
def test_the_other_commands_leave_and_send_nothing(script: str, inputs: Path, tmp_path: Path) -> None:
    assert traced(tmp_path, script.replace("INPUTS", str(inputs))) == Trace([], [])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_a_cluster_of_this_machine_leaves_and_sends_nothing(inputs: Path) -> None:
    with tempfile.TemporaryDirectory() as short:  # the names of Ray's sockets have at most 107 characters
        trace = traced(Path(short), f"cgan-run --input-dir {inputs}/archive -o out --jobs 1 --cluster --quiet")
    assert trace.left == []
    known = {*ROUTE, *own_addresses()}
    assert [address for address in trace.called if address.removeprefix("::ffff:") not in known] == []


def own_addresses() -> list[str]:
    listed = Path("/proc/net/fib_trie").read_text()
    return re.findall(r"-- (\S+)\n\s+/32 host LOCAL", listed)
