"""A Ray cluster of two nodes on one machine: workers die and hang, a video kills workers, drivers end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import write_tiny_model
from tests.videos import Video, decoded, packets_of, scenes, write_scenes, write_video

from cgan_runtime.video.resume.work_folder import work_folder
from cgan_runtime.video.segments import SEGMENT_FRAMES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
    pytest.mark.filterwarnings("ignore:unclosed file <_io.TextIOWrapper name='/tmp/cgan-ray-test:ResourceWarning"),
]

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
STORE = 80_000_000  # bytes
LONG = 8 * SEGMENT_FRAMES + 20  # frames; two parts
PATIENCE = 240  # seconds, for a busy machine


@dataclass(frozen=True)
class Cluster:
    """By which addresses it is reached: from a machine of it, and from anywhere; and where it keeps what passes."""

    inside: str
    outside: str
    temporary: Path

    def left_over(self) -> list[str]:
        """What programs have left in the temporary folder; that of the machine has things of other tests, too."""
        return sorted(path.name for path in self.temporary.glob("cgan-*"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of two nodes with one core each, and nothing of it when it has gone."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    folder = tempfile.mkdtemp(prefix="cgan-ray-test-", dir="/tmp")  # sockets need short names
    node = {"num_cpus": 1, "object_store_memory": STORE}
    started, port = None, free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_worker_niceness", "0")  # else the tests beside these leave the workers no time
        patch.setenv("GRPC_ENABLE_FORK_SUPPORT", "0")  # as docs/how-to/archive.md says for clients
        patch.setenv("TMPDIR", folder)
        (Path(folder) / "ray").mkdir()
        try:
            head = {**node, "include_dashboard": False, "ray_client_server_port": port}
            started = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
            started.add_node(**node)
            started.wait_for_nodes(timeout=PATIENCE)
            yield Cluster(started.address, f"ray://127.0.0.1:{port}", Path(folder))
        finally:
            if started is not None:
                started.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
    assert not processes(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six videos, one of them long enough for several workers."""
    folder = tmp_path_factory.mktemp("archive") / "videos"
    folder.mkdir()
    write_tiny_model(folder.parent / "tiny.onnx")
    cuts = tuple(range(90, LONG, 170))

    def scene(number: int) -> int:
        return sum(number >= cut for cut in cuts)

    times = [Fraction(number, 25) for number in range(LONG)]
    write_scenes(folder / "long.mkv", scenes(LONG, scene, (48, 64)), times)
    for number in range(5):
        write_video(folder / f"short{number}.mp4", Video(frames=30 + 10 * number, audio=["aac"]))
    return folder


@pytest.fixture(scope="module")
def alone(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one machine makes of them."""
    out = tmp_path_factory.mktemp("alone") / "out"
    done = subprocess.run(command(videos, out, "--threads", 1), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return out


PROGRAM = "from cgan_runtime.cli import main; main()"


def command(videos: Path, out: Path, *more: object, program: str = PROGRAM) -> list[str]:
    asked = ["--input-dir", videos, "-o", out, "--crf", 0, "--size", 64, "--backend", "onnxruntime"]
    asked += ["--model", videos.parent / "tiny.onnx", *more]
    return [sys.executable, "-c", program, *map(str, asked)]


def processes(*words: str) -> list[int]:
    """Processes whose command line has all the words."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                line = (folder / "cmdline").read_bytes().decode(errors="replace")
                if all(word in line for word in words):
                    found.append(int(folder.name))
    return found


def opens(pid: int, name: str) -> bool:
    """Whether a process has a file of that name open."""
    with suppress(OSError):
        return any(str(link.readlink()).endswith(name) for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def until(condition: Callable[[], Any], what: str) -> Any:
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about")


def begin(*args: Any, **program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command(*args, **program), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = run.communicate(timeout=PATIENCE)
    return run.returncode, out, errors


def report_in(out: Path) -> dict[str, Any]:
    return json.loads((out / "cgan-report.json").read_text())  # type: ignore[no-any-return]


def same(out: Path, alone: Path) -> None:
    names = sorted(path.name for path in alone.iterdir())
    assert sorted(path.name for path in out.iterdir()) == names
    for name in names:
        if ".color." in name:
            assert decoded(out / name) == decoded(alone / name)
            assert packets_of(out / name, "audio") == packets_of(alone / name, "audio")


def segments(out: Path) -> list[Path]:
    return list(work_folder(out / "long.color.mkv").glob("*.segment"))


def more_segments_than(kept: int, out: Path, run: subprocess.Popen[str]) -> None:
    """Wait for them, or for the end of the run."""
    until(lambda: len(segments(out)) > kept or run.poll() is not None, "a segment more")


def workers() -> list[int]:
    return processes("ray::Actor")


def test_a_worker_killed_in_the_middle(cluster: Cluster, videos: Path, alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = begin(videos, out, "--cluster", cluster.inside)
    more_segments_than(0, out, run)
    at_work = until(lambda: [pid for pid in processes("ray::Actor.run") if opens(pid, "long.mkv")], "a worker")
    os.kill(at_work[0], signal.SIGKILL)
    code, printed, errors = ended(run)
    assert code == 0, errors
    assert printed.splitlines()[-1] == f"6 of 6 colored into {out}"
    same(out, alone)
    report = report_in(out)
    assert (report["done"], report["failed"], report["workers"], report["workers_lost"]) == (6, 0, 2, 1)
    assert sum(item.get("failed_tries", 0) for item in report["items"]) == 1
    total = sum(item["frames"] for item in report["items"])
    assert total == LONG + sum(30 + 10 * number for number in range(5))
    assert total - LONG < report["frames"] <= total  # what the killed one had made is kept, not counted
    assert not cluster.left_over()
    until(lambda: not workers(), "the end of all workers")


def test_a_killed_driver_leaves_its_work_to_the_next(
    cluster: Cluster, videos: Path, alone: Path, tmp_path: Path
) -> None:
    out, kept = tmp_path / "out", 0
    for number, address, expected in (
        (signal.SIGINT, cluster.outside, 130),
        (signal.SIGTERM, cluster.inside, 143),
        (signal.SIGKILL, cluster.inside, -9),
    ):
        run = begin(videos, out, "--cluster", address, *["--resume"] * bool(kept))
        more_segments_than(kept, out, run)
        run.send_signal(number)
        code, _, errors = ended(run)
        assert code == expected, errors
        if number != signal.SIGKILL:
            (line,) = errors.strip().splitlines()
            assert line.startswith("warning: stopped with ")
            assert line.endswith(f"--cluster {address} --resume")
        until(lambda: not workers(), "the end of its workers")
        assert len(segments(out)) > kept
        kept = len(segments(out))
    code, _, errors = ended(begin(videos, out, "--cluster", cluster.outside, "--resume"))
    assert code == 0, errors
    same(out, alone)
    report = report_in(out)
    assert report["frames"] <= LONG + 250 - kept * SEGMENT_FRAMES
    assert report["done"] + report["skipped"] == 6
    assert not cluster.left_over()


def test_a_video_whose_workers_hang_and_die_fails(cluster: Cluster, videos: Path, tmp_path: Path) -> None:
    archive, out = videos.parent / "poisoned", tmp_path / "out"
    archive.mkdir()
    for name in ("short0.mp4", "short1.mp4"):
        shutil.copy(videos / name, archive / name)
    shutil.copy(videos / "long.mkv", archive / "poison.mkv")
    impatient = "from cgan_runtime.batch import pool; pool.HUNG_SECONDS = 6.0; " + PROGRAM
    run = begin(archive, out, "--cluster", cluster.outside, "--tries", 2, "--jobs", 1, program=impatient)
    stopped: int | None = None
    while run.poll() is None:
        for pid in processes("ray::"):
            if pid != stopped and opens(pid, "poison.mkv"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if stopped else signal.SIGSTOP)
                    stopped = stopped or pid
        time.sleep(0.02)
    code, _, errors = ended(run)
    assert code == 1
    assert "error: poison.mkv: its worker died" in errors
    assert "(given up after 2 tries)" in errors
    report = report_in(out)
    assert (report["done"], report["failed"], report["workers_lost"]) == (2, 1, 2)
    assert not (out / "poison.color.mkv").exists()
    until(lambda: not processes("ray::Actor"), "the end of the one that hung")


def test_an_address_without_ray(cluster: Cluster, videos: Path, tmp_path: Path) -> None:
    with socket.socket() as mute, ThreadPoolExecutor() as threads:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        host = f"127.0.0.1:{mute.getsockname()[1]}"
        addresses = (host, f"ray://{host}", f"ray://{cluster.inside}")
        began = time.monotonic()
        impatient = "from cgan_runtime.batch.ray import cluster as c; c.ANSWER_SECONDS = 4.0; " + PROGRAM
        runs = [begin(videos, tmp_path / "out", "--cluster", address, program=impatient) for address in addresses]
        for address, (code, _, errors) in zip(addresses, threads.map(ended, runs), strict=True):
            assert code == 1
            assert f"no Ray cluster answers at {address}" in errors
            assert errors.count("\n") == 1
        assert time.monotonic() - began < 60  # 15 with the true patience and nothing else to do


def test_a_model_that_workers_cannot_read_is_one_line(cluster: Cluster, videos: Path, tmp_path: Path) -> None:
    asked = begin(videos, tmp_path / "out", "--cluster", cluster.outside, "--model", tmp_path / "none.onnx")
    code, printed, errors = ended(asked)
    assert (code, printed, errors.count("\n")) == (1, "", 1), errors
    assert errors.startswith("error: ")
    assert "none.onnx" in errors
    until(lambda: not workers(), "the end of all workers")
