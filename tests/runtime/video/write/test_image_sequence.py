"""Videos written as image sequences: luma, depth, numbers, existing images, and resuming."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.videos import Video, luma_of, read_frames, write_video

from cgan_runtime.backends.base import Arrays
from cgan_runtime.color.encoding import LUMA_WEIGHTS, Matrix
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import BackendUnavailable, ConfigError, MediaError
from cgan_runtime.files.output import output_for
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.read.sources import SourceSettings, video_source
from cgan_runtime.video.resume.work_folder import WorkFolder, work_folder
from cgan_runtime.video.write.codecs import EncoderSettings
from cgan_runtime.video.write.image_sequence_writer import check_existing_images

FRAMES = SEGMENT_FRAMES + 30


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for images."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _luma(image: np.ndarray[Any, Any], matrix: Matrix) -> np.ndarray[Any, Any]:
    """Luma of R'G'B', 0 to 1."""
    kr, kb = LUMA_WEIGHTS[matrix]
    weighted: np.ndarray[Any, Any] = image @ np.array([kr, 1 - kr - kb, kb]) / np.iinfo(image.dtype).max
    return weighted


@pytest.mark.parametrize(
    ("video", "matrix", "black", "span"),
    [
        (Video(colorspace=6), "bt601", 16, 219),
        (Video(colorspace=1, width=65, height=47, pixel_format="yuv444p"), "bt709", 16, 219),
        (Video(colorspace=5, color_range=2, codec="mjpeg", pixel_format="yuvj420p", options={}), "bt601", 0, 255),
        (Video(colorspace=1, pixel_format="yuv422p10le", codec="ffv1", options={}), "bt709", 64, 876),
    ],
    ids=["limited", "odd", "full", "10-bit"],
)
def test_each_frame_becomes_an_image_with_its_luma(
    video: Video, matrix: Matrix, black: int, span: int, tmp_path: Path, out: Path, colorizer: Colorizer
) -> None:
    source = write_video(tmp_path / "in.mkv", video)
    result = colorize_video(source, out / "%05d.png", colorizer)
    assert (result.frames, result.width, result.height) == (video.frames, video.width, video.height)
    assert result.notes == ()
    assert result.bytes == sum(path.stat().st_size for path in out.iterdir())
    assert _names(out) == [f"{number:05d}.png" for number in range(1, video.frames + 1)]
    for number, frame in enumerate(read_frames(source), start=1):
        image = read_image(out / f"{number:05d}.png")
        assert image.dtype == (np.uint16 if span == 876 else np.uint8)
        kept = ((luma_of(frame).astype(float) - black) / span).clip(0, 1)
        assert np.abs(_luma(image, matrix) - kept).max() <= 0.501 / np.iinfo(image.dtype).max
        assert np.ptp(image.astype(int), axis=2).max() > 20  # color


@pytest.mark.parametrize("rotation", [90, 180, -90])
@pytest.mark.parametrize("compare", [False, True])
def test_a_rotated_video_becomes_upright_images(
    rotation: int, compare: bool, tmp_path: Path, out: Path, colorizer: Colorizer
) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=2, rotation=rotation))
    result = colorize_video(source, out / "%d.png", colorizer, settings=VideoSettings(compare=compare))
    image = read_image(out / "1.png").astype(int)
    height, width = (48, 64) if rotation == 180 else (64, 48)
    assert image.shape == (height, width * (1 + compare), 3)
    assert (result.width, result.height) == (width * (1 + compare), height)
    warmth = (image[..., 0] - image[..., 2]).astype(float)  # above it is warm, below cool
    assert warmth[: height // 3, -width:].mean() > 5
    assert warmth[-height // 3 :, -width:].mean() < -5
    if compare:
        assert not np.ptp(image[:, :width], axis=2).any()
    bar = image.sum(2)[:, -width:]
    bright = np.unravel_index(bar.argmax(), bar.shape)
    stored = luma_of(read_frames(source)[0])
    expected = np.rot90(stored, round(rotation / 90) % 4)
    assert expected[bright] == expected.max()


def test_what_images_cannot_hold_is_noted(tmp_path: Path, out: Path, colorizer: Colorizer) -> None:
    times = [Fraction(n * n, 250) for n in range(8)]
    video = Video(
        pixel_format="yuv420p10le", pts=times, audio=["aac", "aac"], subtitle="subrip", aspect=Fraction(16, 15)
    )
    source = write_video(tmp_path / "in.mkv", video)
    result = colorize_video(source, out / "%03d.jpg", colorizer)
    assert result.notes == (
        "images hold no audio and no subtitles: left out",
        ".jpg holds no 10-bit image: 8 bits are kept; .png and .tif keep more",
        "the pixels of the video are 16/15 as wide as high, which its images do not say",
        "the frames of the video have uneven durations, which images cannot hold",
    )
    assert len(_names(out)) == 8


def test_an_image_sequence_keeps_its_numbers(tmp_path: Path, out: Path, colorizer: Colorizer) -> None:
    for number in range(98, 104):
        write_image(tmp_path / f"{number:03d}.png", np.full((48, 64, 3), 2 * number, np.uint8))
    pattern = tmp_path / "%03d.png"
    source = video_source(pattern, SourceSettings())
    colorize_video(source, out / "a_%02d.tif", colorizer)
    assert _names(out) == sorted(f"a_{number:02d}.tif" for number in range(98, 104))
    for number in range(98, 104):
        luma = _luma(read_image(out / f"a_{number:02d}.tif"), "bt601")
        assert np.abs(luma * 255 - 2 * number).max() <= 1
    with pytest.raises(MediaError, match="is the input itself; name other images with -o"):
        colorize_video(source, pattern, colorizer, overwrite=True)
    with pytest.raises(MediaError, match="passes only once"):
        colorize_video(source, out / "b_%02d.tif", colorizer, resume=True)


def test_existing_images_are_not_replaced_without_overwrite(tmp_path: Path, out: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(frames=4)), out / "%02d.png"
    for number in (3, 7, 9):
        (out / f"{number:02d}.png").write_bytes(b"mine")
    with pytest.raises(MediaError, match=r"03.png exists already, one of 3; name others with -o"):
        colorize_video(source, target, colorizer)
    assert _names(out) == ["03.png", "07.png", "09.png"]
    result = colorize_video(source, target, colorizer, overwrite=True)
    assert result.notes == ("2 images that were there before stay, 07.png first",)
    assert _names(out) == [f"{number:02d}.png" for number in (1, 2, 3, 4, 7, 9)]
    assert read_image(out / "03.png").shape == (48, 64, 3)


def test_images_of_a_run_that_was_killed_early_can_be_resumed(tmp_path: Path, out: Path) -> None:
    target, source, settings = out / "%02d.png", tmp_path / "in.mp4", {"model": "a"}
    with WorkFolder.begin(output_for(target), settings, resume=False, overwrite=False):
        shutil.copytree(work_folder(target), tmp_path / "left")
    shutil.move(tmp_path / "left", work_folder(target))  # what kill -9 leaves
    (out / "01.png").write_bytes(b"of that run")
    check = partial(check_existing_images, output_for(target), source=source, overwrite=False)
    check(resume=True, settings=settings)
    with pytest.raises(MediaError, match=r"one of 1; go on with --resume, name others with -o"):
        check(settings=settings)
    for resume in (False, True):
        with pytest.raises(MediaError, match=r"one of 1; name others with -o"):
            check(resume=resume, settings={"model": "b"})


class _Failing(FakeBackend):
    """Fails at its n-th frame. Its color depends on all earlier frames, through the filter."""

    def __init__(self, at: int) -> None:
        super().__init__(lambda seen: np.repeat(np.sin(40 * seen.mean() + seen), 2, 1).astype(np.float32))
        self._at = at

    def _run(self, inputs: Arrays) -> Arrays:
        if self.calls == self._at:
            raise BackendUnavailable("the engine died")
        return super()._run(inputs)


def _color(source: Path, target: Path, at: int = -1, **options: bool) -> VideoResult:
    with Colorizer(_Failing(at)) as colorizer:
        settings = VideoSettings(temporal=TemporalSettings(every=1))
        return colorize_video(source, target, colorizer, settings=settings, **options)


@pytest.mark.usefixtures("short_segments")
def test_a_failed_run_is_resumed_with_the_images_of_a_single_run(tmp_path: Path, out: Path) -> None:
    source, target, whole = write_video(tmp_path / "in.mp4", Video(frames=FRAMES)), out / "%04d.png", tmp_path
    (whole / "whole").mkdir()
    _color(source, whole / "whole" / "%04d.png")
    with pytest.raises(BackendUnavailable, match=r"after 60 frames, .*; 50 frames are kept, --resume goes"):
        _color(source, target, at=60)
    done = [name for name in _names(out) if name.endswith(".png")]
    assert SEGMENT_FRAMES <= len(done) <= 60
    assert all(read_image(out / name).shape == (48, 64, 3) for name in done)
    with pytest.raises(MediaError, match=r"has finished 50 frames of .*%04d.png; go on with --resume"):
        _color(source, target)
    last = (out / "0050.png").read_bytes()
    (out / "0050.png").unlink()
    with pytest.raises(MediaError, match=r"0050.png of an earlier run is missing; start again"):
        _color(source, target, resume=True)
    (out / "0050.png").write_bytes(last)
    result = _color(source, target, resume=True)
    assert (result.frames, result.kept_frames, result.notes) == (FRAMES, SEGMENT_FRAMES, ())
    assert _names(out) == _names(whole / "whole") == [f"{number:04d}.png" for number in range(1, FRAMES + 1)]
    assert all((out / name).read_bytes() == (whole / "whole" / name).read_bytes() for name in _names(out))


def test_images_have_no_encoder(tmp_path: Path, out: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=2))
    with pytest.raises(ConfigError, match="images have no codec, crf, quality or preset"):
        colorize_video(source, out / "%d.png", colorizer, settings=VideoSettings(EncoderSettings(crf=20)))
    with pytest.raises(MediaError, match=r"no folder .* to write %d.png into; make it"):
        colorize_video(source, out / "none" / "%d.png", colorizer)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--video", "in.mp4", "--sheet", "a.png"], 2, "--sheet shows a video in a file, not an image sequence"),
        (["--input-dir", "."], 2, "an image sequence is made of one video; give it with --video"),
        (["--video", "in.mp4", "--crf", "20"], 1, "images have no codec, crf, quality or preset"),
        (["--video", "in.mp4"], 0, "note: images hold no audio: left out"),
    ],
)
def test_the_command_writes_images_or_one_line(
    args: list[str], code: int, message: str, tmp_path: Path, out: Path, tiny_model: Path
) -> None:
    write_video(tmp_path / "in.mp4", Video(audio=["aac"]))
    command = [sys.executable, "-c", "from cgan_runtime.cli import main; main()", *args]
    done = subprocess.run(
        [*command, "-o", "out/%05d.png", "--model", str(tiny_model)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert message in done.stderr
    assert len(_names(out)) == (0 if code else 12)
    assert bool(done.stdout) == (not code)
    if not code:
        assert done.stdout.startswith("out/%05d.png: 64x48, ")
