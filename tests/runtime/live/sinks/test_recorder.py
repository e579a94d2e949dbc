"""What is recorded can be played, also when the program was killed in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from tests.paths import ROOT
from tests.runtime.live.conftest import gray_image
from tests.videos import chroma_span, luma_of, read_frames, times_of

from cgan_runtime.errors import MediaError
from cgan_runtime.live.capture.ycc_image import Image
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.video.write.codecs import EncoderSettings


def colored(index: int, size: tuple[int, int] = (48, 64)) -> Image:
    luma = gray_image(index, size)
    shape = Image.chroma_shape(luma)
    cb = np.full(shape, 90, np.uint8)
    cb[:, : shape[1] // 2] = 150
    return Image(luma, cb, np.full(shape, 160, np.uint8))


def record(
    path: Path, images: list[Image], rate: float = 20, settings: EncoderSettings | None = None
) -> Recorder:
    recorder = Recorder(path, settings)
    for index, image in enumerate(images):
        while len(recorder._waiting) > 4:  # nothing is to be dropped here
            pass
        recorder.write(image, 100 + index / rate)
    recorder.close()
    return recorder


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_recording_has_the_frames_with_their_times_and_colors(tmp_path: Path, name: str) -> None:
    recorder = record(tmp_path / name, [colored(index) for index in range(50)])
    assert recorder.failure is None
    assert (recorder.frames, recorder.dropped) == (50, 0)
    frames = read_frames(tmp_path / name)
    assert len(frames) == 50
    assert [float(t) for t in times_of(tmp_path / name)] == pytest.approx(
        [n / 20 for n in range(50)], abs=2e-3
    )
    assert chroma_span(frames[20]) > 40
    assert frames[20].color_range == 2
    difference = np.abs(luma_of(frames[20]).astype(int) - colored(20).luma)
    assert difference.mean() < 6


def test_lossless_recording_keeps_the_luma(tmp_path: Path) -> None:
    record(tmp_path / "out.mkv", [colored(n) for n in range(3)], settings=EncoderSettings("ffv1"))
    assert np.array_equal(luma_of(read_frames(tmp_path / "out.mkv")[2]), colored(2).luma)


def test_odd_sizes_and_a_camera_that_was_changed(tmp_path: Path) -> None:
    images = [colored(0, (49, 65)), colored(1, (49, 65)), colored(2, (99, 131)), colored(3, (21, 33))]
    recorder = record(tmp_path / "out.mp4", images)
    assert recorder.failure is None
    frames = read_frames(tmp_path / "out.mp4")
    assert [(frame.width, frame.height) for frame in frames] == [(64, 48)] * 4
    assert chroma_span(frames[2]) > 40


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_recording_that_is_killed_can_be_played(tmp_path: Path, name: str) -> None:
    script = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from tests.runtime.live.sinks.test_recorder import colored
        from cgan_runtime.live.sinks.recorder import Recorder
        recorder = Recorder(Path({str(tmp_path / name)!r}))
        for index in range(100_000):
            recorder.write(colored(index), index / 20)
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


def test_images_are_dropped_and_counted_while_the_encoder_is_behind(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out.mp4")
    image = colored(0, (1080, 1920))
    for index in range(300):
        recorder.write(image, index / 30)
    recorder.close()
    assert recorder.dropped > 0
    assert recorder.frames + recorder.dropped == 300
    assert len(read_frames(tmp_path / "out.mp4")) == recorder.frames


def test_file_that_is_there_is_kept_and_no_frame_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(MediaError, match="exists already"):
        Recorder(tmp_path / "out.mp4")
    Recorder(tmp_path / "out.mp4", overwrite=True).close()
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"
    with pytest.raises(MediaError, match="no folder"):
        Recorder(tmp_path / "missing" / "out.mp4")


def test_a_full_disk_ends_the_recording_alone(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.path = Path("/dev/full")
    recorder.write(colored(0), 0.0)
    recorder.close()
    assert recorder.failure is not None
    assert "cannot be written any more" in recorder.failure
    recorder.write(colored(1), 1.0)  # and nothing happens


def test_a_recording_needs_times(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"\.y4m holds no times of frames"):
        Recorder(tmp_path / "out.y4m")
