"""Short clips in true colors with known motion: synthetic ones from photographs, and real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import DataError
from cgan_train.data.sources import ImageSource

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]  # (H, W, 3) RGB

WIDTH, HEIGHT = 320, 240  # of the synthetic clips, pixels. Real ones are resized to about as many pixels

GRAIN_SIGMA = 6.0  # levels of 255, as of a noisy video
GRAIN_SOFTNESS = 0.7  # pixels
SEED = 1803

PAN = 0.25  # of the view's width, over the whole clip
ZOOM = 1.3  # over the whole clip
FLASH_GAIN, FLASH_OFFSET = 0.6, 110.0  # of one frame's R'G'B', 0..255
CUT_EVERY = 12  # frames

_VIDEOS = (".mp4", ".webm", ".mkv", ".mov")
_MOVES = ("pan", "zoom", "shake")
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709

OCCLUDED = 12.0
"""Difference of luma, of 255, from which on a pixel of a real clip counts as hidden in the earlier frame."""

SAME_SCENE = 0.5  # share of a real frame that must be visible in the one before


@dataclass(frozen=True)
class MovingFrame:
    """One frame of a clip."""

    truth: Image  # true colors, sRGB (H, W, 3)
    luma: npt.NDArray[np.uint16]  # the colorizer's input, with any grain: BT.709 full range, 16 bits, (H, W)
    before: int = 0  # frames back to the one to compare with; 0 for none (after a cut, in a flash)
    where: FloatArray | None = None  # the position of each pixel in that frame, x and y, (H, W, 2)
    known: npt.NDArray[np.bool_] | None = None  # whether it exists and is visible there, (H, W)


@dataclass(frozen=True)
class Clip:
    """Frames with a name."""

    name: str
    frames: Sequence[MovingFrame]


def made_up_clips(photos: ImageSource, *, count: int, frames: int) -> Iterator[Clip]:
    """Pans, zooms and shakes over photographs, in turn clean, with grain, a flash, cuts; or DataError."""
    if len(photos) < count:
        raise DataError(f"{len(photos)} photographs are too few for {count} clips; give more, or ask for fewer")
    stride = len(photos) // count
    for number in range(count):
        move, disturbance = _MOVES[number % 3], ("clean", "grain", "flash", "cuts")[number % 4]
        images = [photos.read((number * stride + scene) % len(photos)) for scene in range(frames // CUT_EVERY + 1)]
        yield Clip(f"{move}-{disturbance}-{number}", _render(images, move, disturbance, frames, SEED + number))


def videos_in(folder: Path) -> list[Path]:
    """The videos in a folder. Raises DataError where there are none, or one has fewer than two frames."""
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in _VIDEOS)
    if not videos:
        raise DataError(f"there are no videos in {folder}; give a folder with {', '.join(_VIDEOS)}")
    for path in videos:
        try:
            with av.open(path) as container:
                frames = container.decode(video=0) if container.streams.video else iter(())
                count = sum(1 for _ in itertools.islice(frames, 2))
        except av.FFmpegError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}); leave it out") from error
        if count < 2:
            raise DataError(f"{path} has fewer than two frames, so no color changes in it; leave it out")
    return videos


def real_clips(videos: Sequence[Path], *, frames: int) -> Iterator[Clip]:
    """The first frames of videos, with the optical flow of their luma as motion."""
    for path in videos:
        with av.open(path) as container:
            images = [_small(frame) for _, frame in zip(range(frames), container.decode(video=0), strict=False)]
        yield Clip(path.stem, _estimated(images))


def luma_of(image: npt.NDArray[np.generic]) -> npt.NDArray[np.uint16]:
    """BT.709 luma, full range, 16 bits, (H, W), of R'G'B' 0..255, (H, W, 3)."""
    codes = np.rint((image.astype(np.float32) @ _LUMA) * np.float32(257)).clip(0, 65535)
    return np.asarray(codes, np.uint16)


def _render(images: Sequence[Image], move: str, disturbance: str, frames: int, seed: int) -> list[MovingFrame]:
    random = np.random.default_rng(seed)
    rendered: list[MovingFrame] = []
    flash = frames // 2 if disturbance == "flash" else -1
    matrices: list[npt.NDArray[np.float64]] = []
    for index in range(frames):
        scene = index // CUT_EVERY if disturbance == "cuts" else 0
        image = images[scene]
        matrix = _matrix(image, move, index, frames, random)
        truth = view(image, matrix[:2], WIDTH, HEIGHT)
        light = truth.astype(np.float32)
        if index == flash:
            light = np.minimum(light * FLASH_GAIN + FLASH_OFFSET, 255)
            truth = np.rint(light).astype(np.uint8)
        luma = luma_of(light + (0 if disturbance == "clean" else grain(random, HEIGHT, WIDTH, GRAIN_SIGMA)))
        fresh = index == 0 or index == flash or (disturbance == "cuts" and index % CUT_EVERY == 0)
        before = 0 if fresh else 2 if index == flash + 1 and flash > 0 else 1
        where, known = _between(matrix, matrices[-before]) if before else (None, None)
        rendered.append(MovingFrame(truth, luma, before, where, known))
        matrices.append(matrix)
    return rendered


def _matrix(image: Image, move: str, index: int, frames: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """The matrix from the clip's pixels to the photograph's, float64 (3, 3)."""
    height, width = image.shape[:2]
    part = index / (frames - 1) - 0.5  # -0.5..0.5
    largest = min(width / WIDTH, height / HEIGHT) / (1 + PAN if move != "zoom" else 1)
    scale = largest * (ZOOM ** (-part - 0.5) if move == "zoom" else 1)
    x, y = width / 2, height / 2
    if move == "pan":
        x, y = x + part * PAN * WIDTH * scale, y + part * PAN * HEIGHT * scale / 2
    if move == "shake":
        x, y = (center + scale * random.normal(0, 1.5) for center in (x, y))
    return np.array([[scale, 0, x - scale * WIDTH / 2], [0, scale, y - scale * HEIGHT / 2], [0, 0, 1]])


def _between(
    matrix: npt.NDArray[np.float64], earlier: npt.NDArray[np.float64]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """The position of each pixel of a view in an earlier view, and whether it is inside."""
    motion = np.linalg.inv(earlier) @ matrix
    grid = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).astype(np.float32)
    where = (grid @ motion[:2, :2].T + motion[:2, 2]).astype(np.float32)
    return where, _inside(where)


def _inside(where: FloatArray) -> npt.NDArray[np.bool_]:
    height, width = where.shape[:2]
    x, y = where[..., 0], where[..., 1]
    inside: npt.NDArray[np.bool_] = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside


def grain(random: np.random.Generator, height: int, width: int, sigma: float) -> FloatArray:
    """Soft Gaussian noise like film grain, with this standard deviation, (H, W, 1)."""
    noise = cv2.GaussianBlur(random.standard_normal((height, width), np.float32), (0, 0), GRAIN_SOFTNESS)
    return (noise * np.float32(sigma / noise.std()))[..., None]


def view(image: Image, matrix: npt.NDArray[np.float64], width: int, height: int) -> Image:
    """An image as seen through a matrix from the view's pixels to its own, float64 (2, 3)."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8)


def _small(frame: av.VideoFrame) -> Image:
    scale = (WIDTH * HEIGHT / (frame.width * frame.height)) ** 0.5
    image = frame.to_ndarray(format="rgb24")
    size = round(frame.width * scale), round(frame.height * scale)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _estimated(images: Sequence[Image]) -> list[MovingFrame]:
    """Frames with the motion from each to the one before, by a finer optical flow than the filter's."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    moving: list[MovingFrame] = []
    last = None
    for image in images:
        luma = luma_of(image)
        small = np.rint(luma / 257).astype(np.uint8)
        where = known = None
        if last is not None:
            height, width = small.shape
            grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
            where = grid + search.calc(small, last, np.zeros_like(grid))
            carried = cv2.remap(last, where[..., 0], where[..., 1], cv2.INTER_LINEAR).astype(np.float32)
            known = _inside(where) & (np.abs(carried - small) < OCCLUDED)
        same = known is not None and known.mean() > SAME_SCENE
        moving.append(MovingFrame(image, luma, *((1, where, known) if same else ())))
        last = small
    return moving
