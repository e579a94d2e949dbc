"""A recording is playable, also when the program was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.paths import ROOT
from tests.runtime.live.conftest import gray_image
from tests.runtime.live.serving import until
from tests.videos import chroma_span, luma_of, read_frames, times_of

from cgan_runtime.errors import MediaError
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.write.codecs import EncoderSettings


def colored_frame(index: int, size: tuple[int, int] = (48, 64)) -> YccFrame:
    luma = gray_image(index, size)
    shape = YccFrame.chroma_shape(luma)
    cb = np.full(shape, 90, np.uint8)
    cb[:, : shape[1] // 2] = 150
    return YccFrame(luma, cb, np.full(shape, 160, np.uint8))


def record(path: Path, frames: list[YccFrame], rate: float = 20, settings: EncoderSettings | None = None) -> Recorder:
    recorder = Recorder(path, settings)
    for index, frame in enumerate(frames):
        until(lambda: len(recorder._waiting) <= 4, 0.001)  # so that no frame is dropped
        recorder.write(frame, 100 + index / rate)
    recorder.close()
    return recorder


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_recording_has_all_frames_with_times_and_colors(tmp_path: Path, name: str) -> None:
    recorder = record(tmp_path / name, [colored_frame(index) for index in range(50)])
    assert recorder.failure is None
    assert (recorder.frames, recorder.dropped) == (50, 0)
    frames = read_frames(tmp_path / name)
    assert len(frames) == 50
    assert [float(t) for t in times_of(tmp_path / name)] == pytest.approx([n / 20 for n in range(50)], abs=2e-3)
    assert chroma_span(frames[20]) > 40
    assert frames[20].color_range == 2
    difference = np.abs(luma_of(frames[20]).astype(int) - colored_frame(20).luma)
    assert difference.mean() < 6


def test_lossless_recording_keeps_the_luma(tmp_path: Path) -> None:
    record(tmp_path / "out.mkv", [colored_frame(n) for n in range(3)], settings=EncoderSettings("ffv1"))
    assert np.array_equal(luma_of(read_frames(tmp_path / "out.mkv")[2]), colored_frame(2).luma)


def test_odd_sizes_and_a_change_of_size(tmp_path: Path) -> None:
    images = [
        colored_frame(0, (49, 65)),
        colored_frame(1, (49, 65)),
        colored_frame(2, (99, 131)),
        colored_frame(3, (21, 33)),
    ]
    recorder = record(tmp_path / "out.mp4", images)
    assert recorder.failure is None
    frames = read_frames(tmp_path / "out.mp4")
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 4
    assert chroma_span(frames[2]) > 40


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_killed_recording_is_playable(tmp_path: Path, name: str) -> None:
    script = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from tests.runtime.live.sinks.test_recorder import colored_frame
        from cgan_runtime.live.sinks.recorder import Recorder
        recorder = Recorder(Path({str(tmp_path / name)!r}))
        for index in range(100_000):
            recorder.write(colored_frame(index), index / 20)
            time.sleep(0.002)
            if index == 150:
                print("recording", flush=True)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "recording\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    frames = read_frames(tmp_path / name)
    assert len(frames) > 60  # of 150, at 20 a second
    assert chroma_span(frames[50]) > 40


def test_frames_are_dropped_and_counted_when_the_encoder_is_behind(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out.mp4")
    image = colored_frame(0, (1080, 1920))
    for index in range(300):
        recorder.write(image, index / 30)
    recorder.close()
    assert recorder.dropped > 0
    assert recorder.frames + recorder.dropped == 300
    assert len(read_frames(tmp_path / "out.mp4")) == recorder.frames


def test_existing_file_is_kept_and_no_frame_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(MediaError, match="exists already; name another file with --record"):
        Recorder(tmp_path / "out.mp4")
    Recorder(tmp_path / "out.mp4", overwrite=True).close()
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"
    with pytest.raises(MediaError, match="no folder"):
        Recorder(tmp_path / "missing" / "out.mp4")


def test_full_disk_ends_only_the_recording(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.path = Path("/dev/full")
    recorder.write(colored_frame(0), 0.0)
    recorder.close()
    assert recorder.failure is not None
    assert "can no longer be written" in recorder.failure
    recorder.write(colored_frame(1), 1.0)  # does nothing


@pytest.mark.parametrize("name", ["out.y4m", "out%05d.png"])
def test_recording_needs_frame_times(name: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"\.(y4m|png) stores no frame times"):
        Recorder(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices and pipes")
class TestStreams:
    """What is no file is written to, and stays what it is."""

    def test_devices_and_links(self, tmp_path: Path) -> None:
        old, to_old = tmp_path / "old.mkv", tmp_path / "link.mkv"
        old.write_bytes(b"older")
        to_old.symlink_to(old)
        Recorder(to_old, overwrite=True).close()
        for name in ("/dev/null", "null.mp4"):
            path = tmp_path / name
            if name != "/dev/null":
                path.symlink_to("/dev/null")
            assert record(path, [colored_frame(number) for number in range(3)]).failure is None
            assert path.is_char_device()
        full = tmp_path / "full.mp4"
        full.symlink_to("/dev/full")
        assert "No space left" in str(record(full, [colored_frame(0)]).failure)
        recorder = Recorder(to_old, overwrite=True)
        recorder.write(colored_frame(0), 0.0)
        recorder.close()
        assert to_old.is_symlink()
        assert len(read_frames(old)) == 1

    @pytest.mark.parametrize(("name", "start"), [("pipe", b"\x1aE\xdf\xa3"), ("pipe.mp4", b"ftyp")])
    def test_a_named_pipe_waits_for_its_reader(
        self, name: str, start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cgan_runtime.live.sinks.synced_file.SYNC_SECONDS", 0.0)
        pipe, read = tmp_path / name, list[bytes]()
        os.mkfifo(pipe)
        recorder = Recorder(pipe)
        recorder.write(colored_frame(0), 0.0)
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
        reader.start()
        until(lambda: not recorder._waiting, 0.001)
        recorder.write(colored_frame(1), 0.1)
        recorder.close()
        reader.join(60)
        assert recorder.failure is None
        assert start in read[0][:8]
        assert pipe.is_fifo()

    def test_a_named_pipe_without_a_reader_ends_with_the_recording(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.mkv")
        recorder = Recorder(tmp_path / "pipe.mkv")
        recorder.write(colored_frame(0), 0.0)
        recorder.close()
        assert "no program reads it" in str(recorder.failure)
