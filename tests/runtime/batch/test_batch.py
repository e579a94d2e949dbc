"""Batches: schedule, reports, remote storage; workers that die, videos that kill workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.videos import Video, decoded, write_video

from cgan_runtime.batch import pool as pools
from cgan_runtime.batch.pool import HUNG_SECONDS, Watchdog, WorkerState
from cgan_runtime.batch.process_pool import ProcessPool, cause_of_death, in_process_pool
from cgan_runtime.batch.report import make_report
from cgan_runtime.batch.run import run_folder, workers_for
from cgan_runtime.batch.schedule import Item, Schedule
from cgan_runtime.batch.scratch import claim
from cgan_runtime.batch.tasks import Answer, Event, Finished, Progressed, Task
from cgan_runtime.batch.transfer import download, local_copy, upload
from cgan_runtime.batch.worker import Worker
from cgan_runtime.console import Console
from cgan_runtime.errors import BackendUnavailable, ConfigError, MediaError, ModelFileError
from cgan_runtime.files.storage import open_location
from cgan_runtime.image.read_write import write_image
from cgan_runtime.options.batch import BatchOptions
from cgan_runtime.options.model import ModelOptions
from cgan_runtime.options.run import FileOptions, ReportOptions, RunOptions
from cgan_runtime.pipeline.parts import Part, PartPlan
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.resume.work_folder import work_folder
from cgan_runtime.video.write.codecs import EncoderSettings

Do = Callable[[Task], Answer]


PUT_TOGETHER = VideoResult(Path("out"), 1, 64, 48, 750, 1.0, "fake", kept_frames=750)


class FakePool:
    """Workers that answer by a function, the task given first first."""

    description, lost = "fake", 0

    def __init__(self, do: Do, count: int = 3) -> None:
        self.count, self._do = count, do
        self.given: list[Task] = []
        self._open: list[Task] = []

    def idle(self) -> int:
        return self.count - len(self._open)

    def give(self, task: Task) -> None:
        assert self.idle()
        self.given.append(task)
        self._open.append(task)

    def events(self, timeout: float) -> list[Event]:
        if not self._open:
            return []
        task = self._open.pop(0)
        return [Progressed(task, 250, 250), Finished(task, self._do(task))]


def items(*names: str, image: bool = False) -> list[Item]:
    return [Item(name, Path(name), Path("out") / name, image, size=10) for name in names]


def in_parts(task: Task) -> Answer:
    """Every video has three parts of 250 frames."""
    if task.kind == "plan":
        return Answer(PartPlan(750, tuple(Part(n, n + 1, 250 * n) for n in range(3))))
    if task.kind == "part":
        return Answer(250)
    return Answer(PUT_TOGETHER)


def test_parts_are_put_together_when_all_are_done() -> None:
    told: list[str] = []
    work = items("a", "b")
    pool = FakePool(in_parts, count=8)
    schedule = Schedule(work, lambda item: told.append(item.name) if item else None, tries=3)
    schedule.run(pool)
    assert [item.state for item in work] == ["done", "done"]
    assert sorted(told) == ["a", "b"]
    kinds = [task.kind for task in pool.given if task.item == 0]
    assert (kinds[0], kinds[-1], Counter(kinds)) == ("plan", "video", Counter(plan=1, part=3, video=1))
    assert all(task.resume for task in pool.given if task.kind != "plan")
    assert schedule.frames == 1500
    assert [item.fraction for item in work] == [1.0, 1.0]


def test_the_task_of_a_dead_worker_is_repeated_and_no_other() -> None:
    deaths = iter([True, True])

    def do(task: Task) -> Answer:
        if task.kind == "part" and task.part == Part(1, 2, 250) and next(deaths, False):
            return Answer(error="its worker was killed")
        return in_parts(task)

    (item,) = work = items("a")
    pool = FakePool(do)
    Schedule(work, lambda _: None, tries=3).run(pool)
    assert (item.state, item.tries, item.frames) == ("done", 2, 750)
    parts = Counter(task.part for task in pool.given if task.kind == "part")
    assert parts == {Part(0, 1, 0): 1, Part(1, 2, 250): 3, Part(2, 3, 500): 1}


def test_a_video_that_kills_workers_fails_and_the_rest_is_done() -> None:
    def do(task: Task) -> Answer:
        return Answer(error="its worker was killed") if str(task.source) == "bad" else in_parts(task)

    work = items("a", "bad", "c")
    pool = FakePool(do, count=8)
    Schedule(work, lambda _: None, tries=2).run(pool)
    assert [item.state for item in work] == ["done", "failed", "done"]
    assert sum(str(task.source) == "bad" for task in pool.given) == 2
    report = make_report(work, 2.0, pool)
    assert (report["done"], report["failed"], report["frames"]) == (2, 1, 1500)
    assert report["items"][1]["error"] == "its worker was killed"
    assert report["items"][1]["failed_tries"] == 2


def test_a_refused_input_is_not_tried_again() -> None:
    work = items("a", "b")
    pool = FakePool(lambda task: Answer(error="is no video", final=True))
    Schedule(work, lambda _: None, tries=5).run(pool)
    assert [item.state for item in work] == ["failed", "failed"]
    assert len(pool.given) == 2


def test_parts_of_a_failed_video_are_not_begun() -> None:
    def do(task: Task) -> Answer:
        return Answer(error="refused", final=True) if task.kind == "part" else in_parts(task)

    pool = FakePool(do, count=2)
    Schedule(items("a"), lambda _: None, tries=1).run(pool)
    assert [task.kind for task in pool.given] == ["plan", "part", "part"]  # two had begun


def test_only_large_videos_are_divided() -> None:
    work = items("a", "b", "c", "d")
    work[2].size = 100
    pool = FakePool(in_parts, count=2)
    Schedule(work, lambda _: None, tries=1).run(pool)
    assert {task.item for task in pool.given if task.kind == "plan"} == {2}
    assert pool.given[0].item == 2
    alone = FakePool(in_parts, count=1)
    Schedule(items("a"), lambda _: None, tries=1).run(alone)
    assert [task.kind for task in alone.given] == ["video"]


def test_a_video_with_progress_does_not_fail_when_workers_die() -> None:
    class DyingPool(FakePool):
        """Workers that die after 300 frames each."""

        def events(self, timeout: float) -> list[Event]:
            task, tries = self._open.pop(0), len(self.given)
            if tries == 6:
                return [Finished(task, Answer(PUT_TOGETHER))]
            return [Progressed(task, 300 * tries, 2000), Finished(task, Answer(error="its worker was killed"))]

    (item,) = work = items("a")
    Schedule(work, lambda _: None, tries=2).run(DyingPool(in_parts, count=1))
    assert item.state == "done"


def options_for(tiny_model: Path, output: Path, *, resume: bool = False) -> RunOptions:
    return RunOptions(
        files=FileOptions(output=output, resume=resume),
        model=ModelOptions(model=tiny_model, backend="onnxruntime", threads=1),
        video=VideoSettings(EncoderSettings(crf=0)),
        report=ReportOptions(quiet=True),
    )


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three videos, one of them no video, and an image, in a folder and below it."""
    folder = tmp_path / "videos"
    (folder / "sub" / "deep").mkdir(parents=True)
    write_video(folder / "a.mp4", Video(frames=20, audio=["aac"]))
    (folder / "bad.mp4").write_text("no video")
    write_video(folder / "sub" / "b.mkv", Video(frames=30))
    write_image(folder / "sub" / "deep" / "c.png", np.full((20, 30, 3), 90, np.uint8))
    return folder


def report_in(folder: Path) -> dict[str, object]:
    return json.loads((folder / "cgan-report.json").read_text())  # type: ignore[no-any-return]


def test_several_processes_give_the_results_of_one(videos: Path, tmp_path: Path, tiny_model: Path) -> None:
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        archive = BatchOptions(recursive=True, jobs=jobs)
        assert run_folder(videos, options_for(tiny_model, out), archive, Console(quiet=True)) == 1
        report = report_in(out)
        assert (report["done"], report["failed"], report["skipped"]) == (3, 1, 0)
        assert (report["workers"], report["workers_lost"], report["frames"]) == (jobs, 0, 50)
    for name in ("a.color.mp4", "sub/b.color.mkv"):
        assert decoded(tmp_path / "out1" / name) == decoded(tmp_path / "out2" / name)
    assert (tmp_path / "out1/sub/deep/c.color.png").read_bytes() == (
        tmp_path / "out2/sub/deep/c.color.png"
    ).read_bytes()
    again = run_folder(videos, options_for(tiny_model, out), BatchOptions(recursive=True), Console(quiet=True))
    assert (again, report_in(out)["skipped"]) == (1, 3)


def test_subfolders_are_skipped_without_recursive(videos: Path, tmp_path: Path, tiny_model: Path) -> None:
    out = tmp_path / "out"
    run_folder(videos, options_for(tiny_model, out), BatchOptions(), Console(quiet=True))
    assert sorted(path.name for path in out.iterdir()) == [
        "a.color.mp4", "cgan-report", "cgan-report.html", "cgan-report.json",
    ]  # fmt: skip


def test_a_killed_process_is_replaced_and_its_task_ends(videos: Path, tmp_path: Path, tiny_model: Path) -> None:
    target = tmp_path / "a.mp4"
    task = Task(0, "video", videos / "a.mp4", target)
    with closing(ProcessPool(options_for(tiny_model, target), tmp_path, 1)) as pool:
        ready(pool)
        pid = pool._workers[0].process.pid
        os.kill(pid, signal.SIGSTOP)  # so that it cannot be done before it is killed
        pool.give(task)
        os.kill(pid, signal.SIGKILL)
        (ended,) = events_of(pool)
        assert isinstance(ended, Finished)
        assert (ended.task, ended.answer.final, pool.lost) == (task, False, 1)
        assert "was killed by SIGKILL" in ended.answer.error
        ready(pool)
        pool.give(task)
        ended = next(event for event in events_of(pool) if isinstance(event, Finished))
        assert ended.answer.error == ""
        pids = [worker.process.pid for worker in pool._workers]
    assert target.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_hanging_process_is_killed_and_replaced(
    videos: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(0, "video", videos / "a.mp4", tmp_path / "a.mp4")
    with closing(ProcessPool(options_for(tiny_model, tmp_path), tmp_path, 1)) as pool:
        ready(pool)
        os.kill(pool._workers[0].process.pid, signal.SIGSTOP)
        monkeypatch.setattr(pools, "HUNG_SECONDS", 2.0)
        pool.give(task)
        (ended,) = events_of(pool)
        monkeypatch.undo()
        assert isinstance(ended, Finished)
        assert (ended.task, ended.answer.final, pool.lost) == (task, False, 1)
        assert ended.answer.error.startswith("its worker hung")
        ready(pool)


def test_workers_do_not_count_as_hung_while_the_driver_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(pools.time, "monotonic", lambda: now)
    task = Task(0, "video", Path("a"), Path("b"))
    watch, silent, idle = Watchdog(), WorkerState(task=task, heard=now), WorkerState(heard=0.0)
    now += HUNG_SECONDS * 2  # the driver itself was stopped
    assert watch.hung([silent, idle]) == []
    for _ in range(3):
        now += HUNG_SECONDS / 2
        hung = watch.hung([silent, idle])
    assert hung == [silent]


def test_every_long_task_reports_progress(videos: Path, storage: Path, tmp_path: Path, tiny_model: Path) -> None:
    source, target = storage / "b.mkv", storage / "out.mkv"
    upload(videos / "sub" / "b.mkv", source)
    signs: list[tuple[int, int | None]] = []
    with closing(Worker(options_for(tiny_model, target), tmp_path / "scratch")) as worker:

        def signs_of(kind: str, part: Part | None = None) -> list[tuple[int, int | None]]:
            signs.clear()
            task = Task(0, kind, source, target, part, resume=kind != "plan")  # type: ignore[arg-type]
            assert worker.run(task, lambda *sign: signs.append(sign)).error == ""
            return list(signs)

        assert len(signs_of("plan")) > 30  # frames, and what was put away
        assert (30, 250) in signs_of("part", Part(0, 1, 0))
        assert (0, None) in signs_of("video")  # the video was put away


def test_abandoned_temporary_folders_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    held, foreign = tmp_path / "cgan-held", tmp_path / "cgan-foreign"
    foreign.mkdir()
    program = "from pathlib import Path; from cgan_runtime.batch.scratch import claim; import sys; "
    program += "claim(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program, held], **pipes) as other:  # type: ignore[call-overload]
        other.stdout.readline()
        ours = claim(tmp_path / "cgan-ours")
        assert held.exists()
        other.kill()
        other.wait()
        claim(ours)
    assert {path.name for path in tmp_path.iterdir()} == {"cgan-ours", "cgan-foreign"}


def ready(pool: ProcessPool) -> None:
    last = time.monotonic() + 60
    while not pool.idle():
        assert time.monotonic() < last
        pool.events(0.2)


def events_of(pool: ProcessPool) -> list[Event]:
    """All up to the end of a task."""
    found: list[Event] = []
    last = time.monotonic() + 60
    while not any(isinstance(event, Finished) for event in found):
        assert time.monotonic() < last
        found += pool.events(0.2)
    return found


def test_a_missing_model_is_one_error(videos: Path, tmp_path: Path) -> None:
    options = options_for(tmp_path / "none.onnx", tmp_path / "out")
    for jobs in (1, 2):
        with pytest.raises(ModelFileError, match=r"none\.onnx"):
            run_folder(videos, options, BatchOptions(recursive=True, jobs=jobs), Console(quiet=True))


def test_workers_that_die_at_their_start_are_not_replaced_for_ever(tiny_model: Path, tmp_path: Path) -> None:
    def kill_for_ever(pool: ProcessPool) -> None:
        while True:
            os.kill(pool._workers[0].process.pid, signal.SIGKILL)
            pool.events(5)

    with closing(ProcessPool(options_for(tiny_model, tmp_path), tmp_path, 1)) as pool:
        with pytest.raises(BackendUnavailable, match="workers die while they load the model"):
            kill_for_ever(pool)
        assert pool.lost == 3


def test_an_unexpected_error_is_an_answer_with_a_traceback(
    videos: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("cgan_runtime.batch.worker.colorize_video", fail)
    with in_process_pool(options_for(tiny_model, tmp_path), tmp_path, lambda event: None) as pool:
        pool.give(Task(0, "video", videos / "a.mp4", tmp_path / "a.mp4"))
        (event,) = pool.events(0)
    assert isinstance(event, Finished)
    assert (event.answer.error, event.answer.final) == ("ZeroDivisionError: by zero", False)
    assert "in fail" in event.answer.trace


def test_causes_of_death() -> None:
    assert cause_of_death(-9) == "was killed by SIGKILL, as a system out of memory does"
    assert cause_of_death(-11) == "was killed by SIGSEGV"
    assert cause_of_death(3) == "ended with exit code 3"


@pytest.fixture
def storage() -> Path:
    """A folder by URL, empty."""
    folder = open_location("memory://archive")
    if folder.exists():
        folder.fs.rm("/archive", recursive=True)  # type: ignore[attr-defined]
    folder.mkdir(parents=True)
    return folder


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_batch_by_url(videos: Path, storage: Path, tmp_path: Path, tiny_model: Path) -> None:
    for path in videos.rglob("*.*"):
        upload(path, storage / "in" / str(path.relative_to(videos)))
    options = options_for(tiny_model, storage / "out")
    archive = BatchOptions(recursive=True, jobs=1)
    assert run_folder(storage / "in", options, archive, Console(quiet=True)) == 1
    assert everything(storage / "out") == [
        "a.color.mp4", "cgan-report.json", "sub/b.color.mkv", "sub/deep/c.color.png",
    ]  # fmt: skip
    run_folder(videos, options_for(tiny_model, tmp_path / "out"), archive, Console(quiet=True))
    for name in ("a.color.mp4", "sub/b.color.mkv"):
        download(storage / "out" / name, tmp_path / "fetched")
        assert decoded(tmp_path / "fetched") == decoded(tmp_path / "out" / name)
    report = json.loads((storage / "out/cgan-report.json").read_text())
    assert (report["done"], report["failed"]) == (3, 1)


@pytest.mark.usefixtures("short_segments")
def test_parts_by_url_keep_segments_until_the_video_is_done(storage: Path, tmp_path: Path, tiny_model: Path) -> None:
    source, target = storage / "in.mkv", storage / "out.mkv"
    upload(write_video(tmp_path / "in.mkv", Video(frames=110)), source)
    scratch = tmp_path / "scratch"
    options = options_for(tiny_model, target)
    with in_process_pool(options, scratch, lambda event: None) as pool:

        def done(kind: str, part: Part | None = None) -> object:
            pool.give(Task(0, kind, source, target, part, resume=kind != "plan"))  # type: ignore[arg-type]
            (event,) = pool.events(0)
            assert isinstance(event, Finished)
            assert event.answer.error == ""
            return event.answer.result

        plan = done("plan")
        assert plan == PartPlan(110, (Part(0, 3, 0),))
        assert everything(work_folder(target)) == ["parts.json", "settings.json"]
        assert done("part", Part(1, 3, 0)) == 60
        assert done("part", Part(1, 3, 0)) == 0  # it is there
        assert done("part", Part(0, 1, 0)) == 50
        assert {"000000.segment", "000001.segment", "000002.segment"} < set(everything(work_folder(target)))
        result = done("video")
    assert isinstance(result, VideoResult)
    assert (result.kept_frames, result.frames, result.output) == (110, 110, target)
    assert everything(storage) == ["in.mkv", "out.mkv"]
    assert list(scratch.iterdir()) == []


def test_work_of_a_failed_task_is_uploaded_and_removed_locally(storage: Path, tmp_path: Path) -> None:
    target = storage / "out.mkv"

    def stop() -> None:
        with local_copy(target, tmp_path / "scratch") as local:
            work_folder(local).mkdir()
            (work_folder(local) / "000000.segment").write_bytes(b"1")
            (work_folder(local) / "unfinished-1").write_bytes(b"2")
            raise MediaError("stopped")

    with pytest.raises(MediaError, match="stopped"):
        stop()
    assert everything(storage) == [".out.mkv.cgan-work/000000.segment"]
    assert list((tmp_path / "scratch").iterdir()) == []
    with local_copy(target, tmp_path / "scratch") as local:
        assert (work_folder(local) / "000000.segment").read_bytes() == b"1"
        (work_folder(local) / "000000.segment").unlink()
        local.write_bytes(b"video")
    assert everything(storage) == ["out.mkv"]


def test_an_error_of_remote_storage_is_one_line(
    storage: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoCredentials(Exception):
        """Such as botocore raises: no OSError."""

    def refuse(*_args: object, **_options: object) -> None:
        raise NoCredentials("no keys")

    monkeypatch.setattr(type(storage.fs), "ls", refuse)  # type: ignore[attr-defined]
    with pytest.raises(MediaError, match=r"cannot read the folder memory://archive.* \(no keys\)"):
        run_folder(storage, options_for(tiny_model, tmp_path), BatchOptions(), Console(quiet=True))


def test_unreadable_urls_are_one_line() -> None:
    with pytest.raises(ConfigError, match="s3fs"):
        open_location("s3://bucket/videos")
    with pytest.raises(ConfigError, match="cannot read gopher://videos"):
        open_location("gopher://videos")
    assert open_location("file:///tmp/videos") == Path("/tmp/videos")
    assert open_location("videos") == Path("videos")


def run(*args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()", *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_the_command_prints_what_failed_and_why(videos: Path, tmp_path: Path, tiny_model: Path) -> None:
    done = run("--input-dir", "videos", "--recursive", "--jobs", 2, "--model", tiny_model, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: videos/bad.mp4 is no video")
    assert done.stderr.count("\n") == 1
    assert done.stdout.splitlines()[-1] == "3 of 4 colored into videos.color, 1 failed"
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--input-dir", "s3://videos", "-o", "out"], 1, "s3fs"),
        (["--video", "videos/a.mp4", "--jobs", "2"], 2, "go with a folder or several inputs"),
        (["--video", "videos/a.mp4", "-o", "memory://a.mp4"], 2, "goes with a folder"),
        (["--input-dir", "videos", "--cluster", "127.0.0.1:9"], 1, "no Ray cluster answers at 127.0.0.1:9"),
    ],
)
def test_impossible_options_are_one_line(
    args: list[str], code: int, message: str, videos: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    done = run(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert time.monotonic() - began < 60  # of which the cluster may take 15


@pytest.mark.parametrize("missing", ["ray", "upath"])
def test_a_missing_extra_is_one_line_that_says_what_to_install(missing: str, videos: Path, tmp_path: Path) -> None:
    asked = ["--input-dir", "videos", "--cluster"] if missing == "ray" else ["--input-dir", "memory://videos"]
    program = f"import sys; sys.modules[{missing!r}] = None; from cgan_runtime.cli import main; main({asked!r})"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert "pip install 'cgan[cluster]'" in done.stderr


def test_two_sources_with_one_result_name_are_refused(tmp_path: Path, tiny_model: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "x.avi", Video(frames=3))
    write_video(folder / "x.mkv", Video(frames=3))
    out = tmp_path / "out"
    options = RunOptions(
        FileOptions(input_dir=folder, output=out, overwrite=True), model=ModelOptions(model=tiny_model)
    )
    assert run_folder(folder, options, BatchOptions(jobs=1), Console(quiet=True)) == 1
    report = json.loads((out / "cgan-report.json").read_text())
    assert (report["done"], report["failed"]) == (1, 1)
    assert "would take the name of that of x.avi" in report["items"][1]["error"]


def test_results_in_the_input_folder_are_not_inputs(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "a.mp4", Video(frames=3))
    monkeypatch.chdir(tmp_path)
    options = RunOptions(FileOptions(input_dir=tmp_path, output=Path("out")), model=ModelOptions(model=tiny_model))
    for _ in range(2):
        run_folder(tmp_path, options, BatchOptions(recursive=True, jobs=1), Console(quiet=True))
    assert [path.name for path in (tmp_path / "out").rglob("*.mp4")] == ["a.color.mp4"]


def test_file_names_need_not_be_text(tmp_path: Path, tiny_model: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    name = os.fsdecode(b"fi\xfflm.mp4")
    write_video(folder / "video.mp4", Video(frames=3)).rename(folder / name)
    options = RunOptions(FileOptions(input_dir=folder), model=ModelOptions(model=tiny_model))
    assert run_folder(folder, options, BatchOptions(jobs=1), Console(quiet=True)) == 0
    report = json.loads((tmp_path / "videos.color" / "cgan-report.json").read_text())
    assert report["items"][0]["source"] == name


@pytest.mark.parametrize(
    ("images", "videos", "cores", "workers"), [(3, 0, 2, 1), (40, 0, 2, 2), (40, 0, 16, 5), (40, 1, 2, 1), (0, 9, 8, 4)]
)
def test_each_core_gets_a_worker_for_many_images(images: int, videos: int, cores: int, workers: int) -> None:
    kinds = [True] * images + [False] * videos
    items = [Item(str(number), Path("in"), Path("out"), image=image) for number, image in enumerate(kinds)]
    assert workers_for(items, cores) == workers
