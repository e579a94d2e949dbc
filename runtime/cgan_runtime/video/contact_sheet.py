"""A contact sheet: evenly spaced frames of a video with their times, in one image.

check_sheet(Path("sheet.png"), source=video, overwrite=False)
write_sheet(Path("video.color.mp4"), Path("sheet.png"))

It is made from the complete video by seeking, so it does not matter in how many runs that was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from cgan_runtime.color.encoding import Encoding, Plane
from cgan_runtime.color.lab import srgb_of_rgb
from cgan_runtime.color.transfer import UNCONVERTED
from cgan_runtime.errors import MediaError
from cgan_runtime.files.output import check_output
from cgan_runtime.image.read_write import write_image, written_suffix
from cgan_runtime.image.text import draw_text
from cgan_runtime.video.frame_layout import light_of
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.spread import spread_frames

SHEET_FRAMES = 12
_HEIGHT = 270  # of each image, pixels
_SMALL_FRAMES, _SMALL_HEIGHT = 6, 120
_MAX_WIDTH = 1920  # of the sheet without the gaps, pixels
_MAX_COLUMNS = 6
_GAP = 6
_BACKGROUND = 24  # gray level between the images
_FAR = 1 << 40  # ticks; after the end of any video


def check_sheet(target: Path, *, source: Path | None, overwrite: bool) -> None:
    """Refuse a sheet that names no image or that `check_output` refuses, before any work is done."""
    written_suffix(target)
    check_output(target, source=source, overwrite=overwrite, option="--sheet")


def write_sheet(video: Path, target: Path) -> None:
    """Write the contact sheet of a video of cgan; a MediaError if one of them cannot be read or written."""
    with _opened(video) as (container, stream):
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        images = [thumbnail(frame, aspect) for frame in _spaced_frames(container, stream)]
    write_image(target, tile(images))


def write_small_sheet(video: Path, target: Path) -> None:
    """Write a few small frames of a video in a row, quickly: they lie near even places; errors as above."""
    with _opened(video) as (container, stream):
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        frames = spread_frames(container, stream, _SMALL_FRAMES, exact=True)
        images = [thumbnail(frame, aspect, height=_SMALL_HEIGHT) for frame in frames]
    if images:
        write_image(target, tile(images))


@contextmanager
def _opened(video: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    try:
        with av.open(video.absolute()) as container:  # absolute: a colon in its name makes no URL
            covers = av.stream.Disposition.attached_pic
            stream = next(each for each in container.streams.video if not each.disposition & covers)
            stream.thread_type = "AUTO"
            yield container, stream
    except av.FFmpegError as error:
        raise MediaError(
            f"cannot read {video} for its contact sheet ({error.strerror}); the video itself is complete"
        ) from error


def _spaced_frames(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """Frames from the middle of equal stretches of time; fewer if the video has fewer."""
    first, last = (_frame_at(container, stream, pts) for pts in (-_FAR, _FAR))
    start, end = first.pts or 0, (last.pts or 0) + max(last.duration or 0, 1)
    before = None
    for index in range(SHEET_FRAMES):
        frame = _frame_at(container, stream, start + (end - start) * (2 * index + 1) // (2 * SHEET_FRAMES))
        if frame.pts != before:
            yield frame
        before = frame.pts


def _frame_at(container: av.container.InputContainer, stream: av.VideoStream, pts: int) -> av.VideoFrame:
    """The frame that is shown at a time."""
    container.seek(pts, stream=stream)
    frame = None
    for later in container.decode(stream):
        if frame is not None and (later.pts or 0) > pts:
            break
        frame = later
    if frame is None:
        raise MediaError("the video has no frame for its contact sheet")
    return frame


def thumbnail(
    frame: av.VideoFrame, aspect: Fraction, *, height: int = _HEIGHT, orientation: Orientation | None = None,
    name: str = "",
) -> Plane:  # fmt: skip
    """A frame as it is shown, small, RGB uint8 (H, W, 3), with a name and its time in the corner.

    Args:
        frame: The frame.
        aspect: Width of a pixel over its height.
        height: Of the image, pixels.
        orientation: None takes that of the frame.
        name: Of its file, if it has one.
    """
    orientation = orientation or Orientation.of(frame)
    shown_width, shown_height = frame.width * aspect, Fraction(frame.height)
    scale = height / (shown_width if orientation.swaps_axes else shown_height)
    light = light_of(frame)
    is_srgb = light[0] in UNCONVERTED and light[1] == "bt709"
    small = frame.reformat(
        width=max(1, round(shown_width * scale)),
        height=max(1, round(shown_height * scale)),
        format="rgb24" if is_srgb else "rgb48le",
        src_colorspace=frame.colorspace,
        src_color_range=frame.color_range,
        interpolation="AREA",
    )
    image = np.ascontiguousarray(orientation.shown(small.to_ndarray()))
    if not is_srgb:
        deep = srgb_of_rgb(image, Encoding("bt2020", True, 16, *light))
        image = ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)
    minutes, seconds = divmod(frame.time or 0.0, 60)
    draw_text(image, [*filter(None, [name]), f"{minutes:.0f}:{seconds:05.2f}"])
    return image


def tile(images: list[Plane]) -> Plane:
    """Arrange images of one size in rows, from left to right and from top to bottom."""
    columns = min(max(1, _MAX_WIDTH // images[0].shape[1]), _MAX_COLUMNS, len(images))
    images = [*images, *[np.full_like(images[0], _BACKGROUND)] * (-len(images) % columns)]
    framed = [_pad(image, (_GAP, 0)) for image in images]
    rows = [np.hstack(framed[index : index + columns]) for index in range(0, len(framed), columns)]
    return _pad(np.vstack(rows), (0, _GAP))


def _pad(image: Plane, margins: tuple[int, int]) -> Plane:
    return np.pad(image, (margins, margins, (0, 0)), constant_values=_BACKGROUND)
