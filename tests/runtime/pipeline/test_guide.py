"""A video with known colors: keys shape their shots alone, runs in parts are the run in one go, errors are one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.conftest import SHORT_SEGMENT as SEGMENT_FRAMES
from tests.fakes import FakeBackend
from tests.guided_model import AXES, write_guided_model
from tests.videos import FPS, decoded, scenes, write_scenes

from cgan_runtime.backends.base import Arrays
from cgan_runtime.color.lab import lab_of_rgb, rgb_of_lab
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import CganError, ConfigError, MediaError
from cgan_runtime.guide.settings import Guide, Hint
from cgan_runtime.image.read_write import read_image, write_image
from cgan_runtime.manifest import Tensor
from cgan_runtime.pipeline.parts import colorize_part, plan_parts
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.suggest_keys import suggest_keys
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.write.codecs import EncoderSettings

SHAPE = (64, 96)
CUTS = (30, 60)  # of the short clip
GREEN, VIOLET = (-40.0, 30.0), (40.0, -40.0)  # a*, b* of keys
LOSSLESS = VideoSettings(EncoderSettings("ffv1"))
NEAR = 8.0  # difference of mean a* or b*


def scene(frame: int) -> int:
    return sum(frame >= cut for cut in CUTS)


def slow(count: int, scene_of: Callable[[int], int], shape: tuple[int, int]) -> list[np.ndarray]:
    """Frames of textures that move by a pixel now and then."""
    looks = [scenes(1, lambda _, which=which: which, shape)[0] for which in range(scene_of(count - 1) + 1)]
    return [np.roll(looks[scene_of(number)], number // SLOWNESS, 1) for number in range(count)]


SLOWNESS = 15  # frames for a pixel
FRAMES = slow(90, scene, SHAPE)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_guided_model(tmp_path_factory.mktemp("model") / "guided.onnx")


@pytest.fixture
def colorizer(model: Path) -> Iterator[Colorizer]:
    with Colorizer.open(model, "onnxruntime", threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots of 30 frames."""
    times = [Fraction(n, FPS) for n in range(len(FRAMES))]
    return write_scenes(tmp_path_factory.mktemp("clip") / "in.mp4", FRAMES, times)


@pytest.fixture(scope="module")
def automatic(clip: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip without a guide."""
    target = tmp_path_factory.mktemp("automatic") / "out.mkv"
    with Colorizer.open(model, "onnxruntime", threads=1) as opened:
        colorize_video(clip, target, opened, settings=LOSSLESS)
    return target


def write_key(folder: Path, name: str, gray: np.ndarray, ab: tuple[float, float], scale: int = 1) -> Path:
    """Write a frame painted in one chroma."""
    folder.mkdir(exist_ok=True)
    gray = gray.repeat(scale, 0).repeat(scale, 1)
    lab = np.stack([lab_of_rgb(np.dstack([gray] * 3))[0], *(np.full(gray.shape, each, np.float32) for each in ab)])
    write_image(folder / name, rgb_of_lab(lab.astype(np.float32)))
    return folder


def tints(video: Path) -> np.ndarray:
    """Mean a* and b* of each frame, (frames, 2)."""
    with av.open(video) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.array([lab_of_rgb(image)[1:].mean(axis=(1, 2)) for image in images])


def colored(clip: Path, target: Path, colorizer: Colorizer, guide: Guide, **changes: Any) -> VideoResult:
    return colorize_video(clip, target, colorizer, settings=replace(LOSSLESS, guide=guide, **changes))


def test_a_key_shapes_its_shot_in_both_directions_and_nothing_else(
    clip: Path, automatic: Path, colorizer: Colorizer, tmp_path: Path
) -> None:
    keys = write_key(tmp_path / "keys", "000040.png", FRAMES[40], GREEN)
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys))
    out = tints(tmp_path / "out.mkv")
    assert np.abs(out[30:60] - np.array(GREEN)).max(axis=0).max() < 2 * NEAR
    assert np.abs(out[40] - tints(keys / "000040.png")[0]).max() < 2
    before, after = decoded(automatic), decoded(tmp_path / "out.mkv")
    assert (before[:30], before[60:]) == (after[:30], after[60:])
    assert [(shot.first, shot.frames, shot.keys) for shot in result.shots] == [
        (0, 30, ()), (30, 30, (40,)), (60, 30, ()),
    ]  # fmt: skip
    assert result.shots[0].similarity is None
    assert result.shots[1].similarity is not None
    assert result.shots[1].similarity > 0.9
    assert result.notes == ()


def test_a_key_ends_at_a_dissolve(colorizer: Colorizer, tmp_path: Path) -> None:
    looks = [scenes(1, lambda _, which=which: which, SHAPE)[0].astype(float) for which in range(2)]
    shares = np.clip((np.arange(90) - 30) / 12, 0, 1)
    frames = [np.rint(looks[0] * (1 - share) + looks[1] * share).astype(np.uint8) for share in shares]
    times = [Fraction(n, FPS) for n in range(len(frames))]
    clip = write_scenes(tmp_path / "in.mp4", frames, times)
    keys = write_key(tmp_path / "keys", "000010.png", frames[10], GREEN)
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys), temporal=TemporalSettings("off"))
    colored(clip, tmp_path / "automatic.mkv", colorizer, Guide(), temporal=TemporalSettings("off"))
    out, automatic = tints(tmp_path / "out.mkv"), tints(tmp_path / "automatic.mkv")
    (first, second) = result.shots
    assert abs(second.first - 36) <= 3
    assert (first.keys, second.keys) == ((10,), ())
    assert np.abs(out[:25] - np.array(GREEN)).max() < 2 * NEAR
    assert np.abs(out[second.first :] - automatic[second.first :]).max() < 1


def test_between_two_keys_the_color_goes_over(clip: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    keys = write_key(tmp_path / "keys", "ref_000002.png", FRAMES[2], GREEN, scale=2)  # another size
    write_key(keys, "00h00m01.080.png", FRAMES[27], VIOLET)  # 27 / 25 seconds
    colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys), temporal=TemporalSettings("off"))
    a = tints(tmp_path / "out.mkv")[:30, 0]
    first, last = a[2], a[27]
    assert first < -20
    assert last > 20
    thirds = [float(part.mean()) for part in np.array_split(a[3:27], 3)]
    assert first < thirds[0] < thirds[1] - 5
    assert thirds[1] + 5 < thirds[2] < last


@pytest.mark.parametrize("temporal", [TemporalSettings("high"), TemporalSettings("high", every=7)])
def test_at_a_key_the_color_is_right_at_once(
    temporal: TemporalSettings, clip: Path, colorizer: Colorizer, tmp_path: Path
) -> None:
    keys = write_key(tmp_path / "keys", "5.png", FRAMES[5], GREEN)
    write_key(keys, "6.png", FRAMES[6], VIOLET)
    colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys), temporal=temporal)
    out = tints(tmp_path / "out.mkv")
    for frame in (5, 6):
        assert np.abs(out[frame] - tints(keys / f"{frame}.png")[0]).max() < 3


def test_hints_are_obeyed_where_they_are_and_followed_to_the_end_of_the_shot(
    clip: Path, automatic: Path, colorizer: Colorizer, tmp_path: Path
) -> None:
    hints = [Hint(0.5, 0.5, "#0000ff", 0.2, frame=35), Hint(0.5, 0.5, "#0000ff", 0.2, time=2.6, until=2.8)]
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(hints=hints))
    change = np.abs(tints(tmp_path / "out.mkv") - tints(automatic)).max(axis=1)
    assert change[:30].max() == 0
    assert change[30:60].min() > 3
    assert change[60:65].max() == 0
    assert change[65:71].min() > 3
    assert [shot.keys for shot in result.shots] == [(), (35,), (65,)]


def test_a_reference_colors_what_is_like_it(clip: Path, automatic: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    reference = write_key(tmp_path / "refs", "uncle.png", FRAMES[45], VIOLET) / "uncle.png"
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(references=[reference]))
    out = tints(tmp_path / "out.mkv")
    assert np.abs(out[45] - np.array(VIOLET)).max() < 3 * NEAR
    assert np.abs(out[5] - tints(automatic)[5]).max() < 2 * NEAR
    assert [shot.first for shot in result.shots] == [0, 30, 60]
    sure = [shot.similarity or 0 for shot in result.shots]
    assert sure[1] > max(sure[0], sure[2])


LONG = SEGMENT_FRAMES + 60


def long_scene(frame: int) -> int:
    return sum(frame >= cut for cut in (20, 44))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments and a shot over their border."""
    frames = slow(LONG, long_scene, (32, 48))
    times = [Fraction(n, FPS) for n in range(LONG)]
    return write_scenes(tmp_path_factory.mktemp("long") / "in.mp4", frames, times)


@pytest.mark.usefixtures("short_segments")
def test_resumed_and_in_parts_it_is_the_video_of_one_go(long_clip: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    frames = slow(LONG, long_scene, (32, 48))
    keys = write_key(tmp_path / "keys", "90.png", frames[90], GREEN)
    write_key(keys, "46.png", frames[46], VIOLET)
    settings = replace(LOSSLESS, guide=Guide(keys=keys, hints=[Hint(0.3, 0.4, "red", 0.1, frame=60)]))
    alone, parts, resumed = (tmp_path / f"{name}.mkv" for name in ("alone", "parts", "resumed"))
    colorize_video(long_clip, alone, colorizer, settings=settings)

    plan = plan_parts(long_clip, parts, colorizer, settings, segments=1)
    assert [part.warm_from for part in plan.parts] == [0, 44]
    for part in reversed(plan.parts):
        colorize_part(long_clip, parts, colorizer, settings, part)
    colorize_video(long_clip, parts, colorizer, settings=settings, resume=True)

    def stop(done: int, _: int | None) -> None:
        if done == SEGMENT_FRAMES + 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        colorize_video(long_clip, resumed, colorizer, settings=settings, progress=stop)
    other = replace(LOSSLESS, guide=Guide(keys=write_key(tmp_path / "other", "90.png", frames[90], VIOLET)))
    with pytest.raises(MediaError, match="its guide was"):
        colorize_video(long_clip, resumed, colorizer, settings=other, resume=True)
    result = colorize_video(long_clip, resumed, colorizer, settings=settings, resume=True)
    assert result.kept_frames == SEGMENT_FRAMES
    assert decoded(parts) == decoded(alone)
    assert decoded(resumed) == decoded(alone)


@pytest.mark.parametrize(
    ("name", "picture", "message"),
    [
        ("10.png", FRAMES[85], "key 10.png does not show frame 10 of the video; rename it, or take it away"),
        ("31.png", FRAMES[29], "key 31.png does not show frame 31 of the video, rather frame 29; rename it"),
        ("40.png", FRAMES[40][:, :60], "key 40.png has another shape than the video, 0.94 times as wide as high"),
    ],
    ids=["other-shot", "off-by-two-at-a-cut", "cut-off"],
)
def test_a_key_that_does_not_fit_is_one_line(
    name: str, picture: np.ndarray, message: str, clip: Path, colorizer: Colorizer, tmp_path: Path
) -> None:
    keys = write_key(tmp_path / "keys", name, picture, GREEN)
    with pytest.raises(MediaError, match=message):
        colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys))
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_keys_that_say_nothing_are_left_out_with_a_note(clip: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    alone = write_key(tmp_path / "alone", "14.png", FRAMES[14], GREEN)
    colored(clip, tmp_path / "alone.mkv", colorizer, Guide(keys=alone))
    keys = write_key(tmp_path / "keys", "14.png", FRAMES[14], GREEN)
    write_key(keys, "40.png", FRAMES[40], (0, 0))  # gray
    write_key(keys, "900.png", FRAMES[0], GREEN)  # beyond the end
    write_key(keys, "01h00m00.png", FRAMES[0], GREEN)
    write_key(keys, "mine.png", FRAMES[0], GREEN)
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys))
    assert decoded(tmp_path / "out.mkv") == decoded(tmp_path / "alone.mkv")
    assert len(result.notes) == 3
    assert any("mine.png" in note for note in result.notes)
    assert any("as gray as the video: 40.png" in note for note in result.notes)
    assert any("beyond the end of the video (90 frames): 900.png, 01h00m00.png" in note for note in result.notes), (
        result.notes
    )


@pytest.mark.parametrize(
    ("name", "chroma", "message"),
    [
        ("40.png", (0, 0), "no key in .*keys has colors, 40.png; paint them first"),
        ("900.png", GREEN, r"all keys are beyond the end .*: 900.png; rename the keys$"),
    ],
)
def test_a_video_is_not_colored_where_no_key_says_anything(
    name: str, chroma: tuple[float, float], message: str, clip: Path, colorizer: Colorizer, tmp_path: Path
) -> None:
    keys = write_key(tmp_path / "keys", name, FRAMES[40], chroma)
    with pytest.raises(MediaError, match=message):
        colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys"]
    late = Guide(hints=Hint(0.5, 0.5, "green", time=900))  # type: ignore[arg-type]
    with pytest.raises(MediaError, match=r"all hints are beyond the end .*: hint 1; correct the times of the hints$"):
        colored(clip, tmp_path / "out.mkv", colorizer, late)
    hinted = Guide(keys=keys, hints=[Hint(0.5, 0.5, "green")])
    assert len(colored(clip, tmp_path / "out.mkv", colorizer, hinted).notes) == 1


def test_keys_numbered_from_one_are_noticed(clip: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    for number in (14, 44):  # where the picture moves
        write_key(keys, f"{number + 1}.png", FRAMES[number], GREEN)
    result = colored(clip, tmp_path / "out.mkv", colorizer, Guide(keys=keys))
    assert result.notes == (
        "looks more like the frame 1 frame before its own: 15.png, 45.png; frames are numbered from 0",
    )


def test_other_wrong_guides_are_one_line(clip: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    text = tmp_path / "ref.jpg"
    text.write_text("this is no picture")
    gray = write_key(tmp_path / "gray", "ref.png", FRAMES[0], (0, 0)) / "ref.png"
    wrong = {
        Guide(references=[text]): "ref.jpg is no image that can be read",
        Guide(references=[gray]): "has no color; give a colored picture",
        Guide(keys=tmp_path / "none"): "cannot read the folder .*none",
        Guide(keys=text): "cannot read the folder",
    }
    for guide, message in wrong.items():
        with pytest.raises(CganError, match=message):
            colored(clip, tmp_path / "out.mkv", colorizer, guide)
    assert not (tmp_path / "out.mkv").exists()
    with pytest.raises(ConfigError, match=r"^reference 1 has no color"):
        colored(clip, tmp_path / "out.mkv", colorizer, Guide(references=np.full((64, 64), 90, np.uint8)))
    with Colorizer(FakeBackend()) as plain, pytest.raises(ConfigError, match="takes no hints, references"):
        colored(clip, tmp_path / "out.mkv", plain, Guide(references=[gray]))


def test_an_image_takes_hints_and_references_but_no_keys(colorizer: Colorizer, tmp_path: Path) -> None:
    gray = FRAMES[0]
    plain = colorizer.image(gray)
    assert np.array_equal(colorizer.image(gray, Guide()), plain)
    hinted = colorizer.image(gray, Guide(hints=[Hint(0.25, 0.5, "#0000ff", 0.1)]))
    lab = lab_of_rgb(hinted)
    assert lab[2, 28:36, 20:28].mean() < -40
    np.testing.assert_allclose(hinted[:, 64:], plain[:, 64:], atol=1)
    np.testing.assert_allclose(lab[0], lab_of_rgb(plain)[0], atol=1)
    timed = Guide(hints=[Hint(0, 0, "red"), Hint(0, 0, "red", time=1)])
    for guide, message in ((Guide(keys=tmp_path), "keys are for videos"), (timed, "hint 2 has a time or frame")):
        with pytest.raises(ConfigError, match=f"{message}.* this is an image"):
            colorizer.image(gray, guide)


def test_suggested_keys_are_gray_frames_of_the_shots(clip: Path, colorizer: Colorizer, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    found = suggest_keys(clip, folder, colorizer, count=3)
    assert [scene(key.frame) for key in found] == [0, 1, 2]
    assert sorted(path.name for path in folder.iterdir()) == [
        *(f"{key.frame:06d}.png" for key in found), "contact-sheet.png",
    ]  # fmt: skip
    assert 0.5 < sum(key.share for key in found) <= 1
    for key in found:
        image = tints(key.path)
        assert np.abs(image).max() < 0.1
        gray = av.open(str(key.path)).__enter__()
        assert next(gray.decode(video=0)).format.name == "rgb24"  # an editor can paint colors
        gray.close()
        assert key.time == pytest.approx(key.frame / FPS)
    with pytest.raises(MediaError, match="holds images already"):
        suggest_keys(clip, folder, colorizer, count=3)
    painted = found[1]
    write_key(folder, painted.path.name, FRAMES[painted.frame], GREEN)
    known = replace(LOSSLESS, guide=Guide(keys=folder))
    again = suggest_keys(clip, folder, colorizer, count=2, settings=known)
    assert [scene(key.frame) for key in again] == [0, 2]  # the painted one decides its shot
    assert np.abs(tints(painted.path)).max() > 20  # and is not replaced
    result = colorize_video(clip, tmp_path / "out.mkv", colorizer, settings=known)
    assert [bool(shot.keys) for shot in result.shots] == [False, True, False]
    with Colorizer(FakeBackend()) as plain, pytest.raises(ConfigError, match="takes no hints, references or keys"):
        suggest_keys(clip, tmp_path / "more", plain, count=1)


class HintsAlone(FakeBackend):
    """Shows hints where they are, and nothing elsewhere."""

    def __init__(self) -> None:
        super().__init__(size_multiple=32)
        tensors = {name: Tensor(name, "float32", axes) for name, axes in AXES.items()}
        self.manifest = replace(
            self.manifest,
            inputs=(tensors["lightness"], tensors["hints"], tensors["memory"]),
            outputs=(tensors["chroma"], tensors["keys"]),
        )

    def _run(self, inputs: Arrays) -> Arrays:
        chroma = inputs["hints"][:, :2].repeat(4, 2).repeat(4, 3)
        return {"chroma": chroma, "keys": np.zeros((1, 32, chroma.shape[2] // 8, chroma.shape[3] // 8), np.float32)}


# a, b, c, d of a display matrix: a stored pixel (x, y) is shown at (a x + c y, b x + d y).
MATRICES = [
    (across, 0, 0, down) if straight else (0, across, down, 0)
    for straight in (True, False)
    for across in (1, -1)
    for down in (1, -1)
]


@pytest.mark.skipif(
    not hasattr(av.VideoStream, "set_display_matrix"), reason="PyAV before 18 cannot write a display matrix"
)
@pytest.mark.parametrize("linear", MATRICES)
def test_hints_are_at_places_of_the_shown_picture(linear: tuple[int, int, int, int], tmp_path: Path) -> None:
    a, b, c, d = (value << 16 for value in linear)
    source = tmp_path / "in.mp4"
    with av.open(source, "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        frame = av.VideoFrame.from_ndarray(np.full((64, 96), 120, np.uint8), format="gray").reformat(format="yuv420p")
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    settings = VideoSettings(guide=Guide(hints=[Hint(0.2, 0.3, "blue", 0.1)]))
    with Colorizer(HintsAlone()) as colorizer:
        colorize_video(source, tmp_path / "%d.png", colorizer, settings=settings)
    shown = lab_of_rgb(read_image(tmp_path / "1.png"))[2]  # images are written as they are shown
    height, width = shown.shape
    y, x = np.nonzero(shown < -20)
    assert len(x)
    assert (x.mean() + 0.5) / width == pytest.approx(0.2, abs=0.03)
    assert (y.mean() + 0.5) / height == pytest.approx(0.3, abs=0.03)
