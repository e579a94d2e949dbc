"""Make the black-and-white sample clip from free photographs inside scikit-image.

    python scripts/make_sample.py                  # writes samples/sample.mp4
    python scripts/make_sample.py -o clip.mp4

Four photographs, slowly moved and zoomed, cross-dissolved, with vignette, film grain and synthesized audio.
The same versions of the packages make the same file. Licenses: samples/README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

from cgan_runtime.files.atomic import replacing

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360  # pixels
FPS = 25
SHOT_FRAMES = 55  # frames of a shot, dissolves included
DISSOLVE_FRAMES = 12  # frames that two neighbors share
CRF = 24  # x264 quality: the grain survives and the file stays under 1 MB
SEED = 1803

LUMA_709 = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709, of R'G'B'
LUMA_BLACK, LUMA_RANGE = 16, 219  # 8-bit limited range
CHROMA_NEUTRAL = 128
VIGNETTE = 0.28  # darkening in the corners, as a fraction
GRAIN_SIGMA = 2.2  # 8-bit levels, in the mid-tones
GRAIN_BLUR = 0.7  # pixels

SAMPLE_RATE = 48_000  # Hz
AUDIO_BITRATE = 96_000  # bit/s
AUDIO_PEAK = 0.3  # of full scale: about -10 dBFS
CHORDS = ((57, 64, 72, 76), (53, 60, 69, 76), (48, 60, 67, 76), (55, 62, 71, 74))  # MIDI: Am, Fmaj7, C, G
WIND_LEVEL = 0.05  # of the chords' peak


class View(NamedTuple):
    """The visible part of a photograph: center and width, in fractions of its size and width."""

    x: float
    y: float
    width: float


class Shot(NamedTuple):
    """A photograph of `skimage.data` and the camera's move over it."""

    photograph: str
    start: View
    end: View


SHOTS = (
    Shot("rocket", View(0.50, 0.63, 0.86), View(0.50, 0.48, 0.98)),
    Shot("camera", View(0.50, 0.44, 0.98), View(0.48, 0.38, 0.80)),
    Shot("coffee", View(0.55, 0.50, 0.82), View(0.50, 0.42, 0.98)),
    Shot("chelsea", View(0.50, 0.46, 0.98), View(0.47, 0.48, 0.82)),
)


def main() -> None:
    """Read the command line and write the clip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "samples" / "sample.mp4"
    parser.add_argument("-o", "--output", type=Path, default=default, help="default: samples/sample.mp4")
    output: Path = parser.parse_args().output
    frames = list(video())
    write(output, frames, audio(len(frames) / FPS))
    print(f"{output}: {len(frames)} frames, {WIDTH}x{HEIGHT}, {output.stat().st_size / 1000:.0f} kB")


def video() -> Iterator[ByteArray]:
    """Yield the luma planes of the video, uint8 (HEIGHT, WIDTH), limited range."""
    random = np.random.default_rng(SEED)
    vignette = make_vignette()
    step = SHOT_FRAMES - DISSOLVE_FRAMES
    shots = [move(shot) for shot in SHOTS]
    for index in range(step * len(SHOTS) + DISSOLVE_FRAMES):
        current = min(index // step, len(SHOTS) - 1)
        offset = index - current * step
        image = shots[current][offset]  # (HEIGHT, WIDTH) in [0, 1]
        if current > 0 and offset < DISSOLVE_FRAMES:
            weight = ease((offset + 1) / (DISSOLVE_FRAMES + 1))
            image = weight * image + (1 - weight) * shots[current - 1][offset + step]
        image = add_grain(image * vignette, random)
        yield np.rint(LUMA_BLACK + LUMA_RANGE * image).astype(np.uint8)


def move(shot: Shot) -> list[FloatArray]:
    """Render a shot: SHOT_FRAMES images, float32 (HEIGHT, WIDTH) in [0, 1], by subpixel-exact warps."""
    photograph: ByteArray = getattr(skimage.data, shot.photograph)()  # (H, W, 3) R'G'B', or (H, W) gray
    gray = photograph.astype(np.float32) / 255
    if gray.ndim == 3:
        gray = gray @ LUMA_709
    images = []
    for index in range(SHOT_FRAMES):
        part = ease(index / (SHOT_FRAMES - 1))
        # A zoom looks even when the scale changes by the same factor in every frame.
        width = shot.start.width ** (1 - part) * shot.end.width**part * gray.shape[1]
        x = ((1 - part) * shot.start.x + part * shot.end.x) * gray.shape[1]
        y = ((1 - part) * shot.start.y + part * shot.end.y) * gray.shape[0]
        scale = width / WIDTH
        left, top = x - scale * WIDTH / 2, y - scale * HEIGHT / 2
        right, bottom = left + width, top + scale * HEIGHT
        if min(left, top) < 0 or right > gray.shape[1] or bottom > gray.shape[0]:
            raise ValueError(f"the view of {shot.photograph} leaves the photograph; move it or narrow it")
        to_photograph = np.array([[scale, 0, left], [0, scale, top]], np.float64)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(gray, to_photograph, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        images.append(np.clip(image, 0, 1).astype(np.float32))
    return images


def ease(part: float) -> float:
    """Half linear, half smoothstep: no jerk at either end, no rush in the middle; [0, 1] to [0, 1]."""
    return 0.5 * part + 0.5 * part * part * (3 - 2 * part)


def make_vignette() -> FloatArray:
    """A factor for every pixel, 1 in the middle, 1 - VIGNETTE in the corners; float32 (HEIGHT, WIDTH)."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    factor: FloatArray = (1 - VIGNETTE * ((x * x + y * y) / 2) ** 1.5).astype(np.float32)
    return factor


def add_grain(image: FloatArray, random: np.random.Generator) -> FloatArray:
    """Add film grain, strongest in the mid-tones; float32 (HEIGHT, WIDTH) in [0, 1] in and out."""
    grain = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH), np.float32), (0, 0), GRAIN_BLUR)
    strength = GRAIN_SIGMA / 255 / float(grain.std()) * np.sqrt(np.maximum(4 * image * (1 - image), 0.1))
    grainy: FloatArray = np.clip(image + strength * grain, 0, 1).astype(np.float32)
    return grainy


def audio(seconds: float) -> FloatArray:
    """Four soft chords over a breath of wind, float32 (2, samples) in [-1, 1]."""
    random = np.random.default_rng(SEED)
    count = round(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE  # seconds
    mix = np.zeros((2, count))
    bar = seconds / len(CHORDS)
    for number, chord in enumerate(CHORDS):
        for voice, note in enumerate(chord):
            since = time - number * bar - 0.06 * voice  # one after another, as on a harp
            envelope = (since > 0) * (1 - np.exp(-since.clip(0) / 0.08)) * np.exp(-since.clip(0) / 1.1)
            frequency = 440 * 2 ** ((note - 69) / 12)
            tone = sum(np.sin(2 * np.pi * frequency * k * since) / k**2.5 for k in (1, 2, 3, 4))
            pan = 0.35 + 0.3 * voice / (len(chord) - 1)
            mix += np.outer((1 - pan, pan), envelope * tone)
    wind = cv2.GaussianBlur(random.standard_normal((2, count)), (0, 0), sigmaX=24, sigmaY=1e-6)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * time / 3.7)
    mix = mix / np.abs(mix).max() + WIND_LEVEL * swell * wind / np.abs(wind).max()
    fade = np.minimum(1, np.minimum(time / 0.2, (seconds - time) / 0.8))
    samples: FloatArray = (AUDIO_PEAK * fade * mix / np.abs(mix).max()).astype(np.float32)
    return samples


def write(output: Path, frames: list[ByteArray], samples: FloatArray) -> None:
    """Write H.264 and AAC in mp4: luma (HEIGHT, WIDTH), limited range, and audio (2, samples) in [-1, 1]."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with replacing(output) as draft, av.open(str(draft), "w", options=options) as container:
        images = container.add_stream("libx264", rate=FPS)
        images.width, images.height, images.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        images.time_base = images.codec_context.time_base = Fraction(1, FPS)
        images.options = {"preset": "veryslow", "tune": "grain", "crf": str(CRF), "threads": "1"}
        context = images.codec_context
        context.color_range = 1  # limited
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        voice = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        voice.bit_rate = AUDIO_BITRATE
        chroma = np.full((HEIGHT // 2, WIDTH), CHROMA_NEUTRAL, np.uint8)  # U, then V
        for index, luma in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, chroma]), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(images.encode(frame))
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        container.mux(voice.encode(block))
        container.mux(images.encode(None))
        container.mux(voice.encode(None))


if __name__ == "__main__":
    main()
