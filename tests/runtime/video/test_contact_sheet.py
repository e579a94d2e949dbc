"""The contact sheet: frames from the whole video, upright, in its colors, in order."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.videos import FPS, TICKS, Video, write_video

from cgan_runtime.errors import MediaError
from cgan_runtime.image.read_write import read_image
from cgan_runtime.video.contact_sheet import SHEET_FRAMES, check_sheet, write_sheet


def _write_reds(path: Path, frames: int, *, size: tuple[int, int] = (64, 48), start: float = 0) -> Path:
    """A video that goes from black to red in BT.709, in even steps."""
    with av.open(path, "w") as output:
        codec = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
        stream = output.add_stream(codec, rate=FPS, options={"crf": "4", "b": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        for index in range(frames):
            image = np.zeros((size[1], size[0], 3), np.uint8)
            image[..., 0] = 255 * index // max(1, frames - 1)
            rgb = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = rgb.reformat(format="yuv444p", dst_colorspace=1, dst_color_range=1)
            frame.pts = round((start + index / FPS) * TICKS)
            frame.time_base = Fraction(1, TICKS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _corners(sheet: np.ndarray[tuple[int, ...], np.dtype[np.generic]], width: int) -> list[list[int]]:
    """The color near the lower right corner of each image, in rows."""
    step_down, step_right = 270 + 6, width + 6
    return [
        sheet[top + 250, left + width - 20].astype(int).tolist()
        for top in range(6, sheet.shape[0], step_down)
        for left in range(6, sheet.shape[1], step_right)
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize(("frames", "start"), [(120, 0), (120, 7)])
def test_frames_are_evenly_spaced_and_have_the_colors_of_the_video(
    suffix: str, frames: int, start: float, tmp_path: Path
) -> None:
    video = _write_reds(tmp_path / f"in{suffix}", frames, start=start)
    write_sheet(video, tmp_path / "sheet.png")
    colors = _corners(read_image(tmp_path / "sheet.png"), 360)[:SHEET_FRAMES]
    for index, (red, green, blue) in enumerate(colors):
        assert red == pytest.approx(255 * (2 * index + 1) / (2 * SHEET_FRAMES), abs=8)
        assert max(green, blue) < 12


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_with_a_colon_is_no_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write_reds(tmp_path / "in.mp4", 2).rename("a:b.mp4")
    write_sheet(Path("a:b.mp4"), Path("sheet.png"))
    assert read_image(tmp_path / "sheet.png").shape == (270 + 12, 2 * (360 + 6) + 6, 3)


def test_a_short_video_has_fewer_images(tmp_path: Path) -> None:
    for frames in (1, 2):
        write_sheet(_write_reds(tmp_path / f"{frames}.mp4", frames), tmp_path / "sheet.png")
        assert read_image(tmp_path / "sheet.png").shape == (270 + 12, frames * (360 + 6) + 6, 3)


@pytest.mark.parametrize(
    ("video", "width"),
    [(Video(), 360), (Video(width=96, height=48, aspect=Fraction(2, 3)), 360), (Video(width=128, height=32), 1080)],
)
def test_images_have_the_displayed_aspect_ratio(video: Video, width: int, tmp_path: Path) -> None:
    write_sheet(write_video(tmp_path / "in.mp4", video), tmp_path / "sheet.png")
    columns = {360: 5, 1080: 1}[width]
    assert read_image(tmp_path / "sheet.png").shape[1] == columns * (width + 6) + 6


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="PyAV before 18 cannot turn a video")
def test_a_rotated_video_is_upright(tmp_path: Path) -> None:
    write_sheet(write_video(tmp_path / "in.mp4", Video(rotation=90)), tmp_path / "sheet.png")
    sheet = read_image(tmp_path / "sheet.png").astype(int)
    width = round(270 * 48 / 64)
    assert sheet.shape[1] == 6 * (width + 6) + 6
    # The wedge gets brighter to the right; turned by 90 degrees counterclockwise its bright end is on top.
    assert sheet[60, 6 + width - 20, 0] > sheet[250, 6 + width - 20, 0] + 50


def test_a_sheet_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4")
    (tmp_path / "old.png").touch()
    for name, message in (
        ("sheet.txt", "names no image that can be written"),
        ("no/sheet.png", "name another with --sheet"),
        ("old.png", "name another file with --sheet, or allow it with --overwrite"),
    ):
        with pytest.raises(MediaError, match=message):
            check_sheet(tmp_path / name, source=source, overwrite=False)
    check_sheet(tmp_path / "old.png", source=source, overwrite=True)
