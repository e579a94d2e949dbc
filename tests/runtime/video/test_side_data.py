"""HDR and side data from end to end: what describes a video or a frame is carried over, or named."""

from __future__ import annotations

import gc
import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from PIL import ImageCms
from tests.fakes import FakeBackend
from tests.videos import Video, luma_of, read_frames, write_video

from cgan_runtime.color.encoding import Encoding
from cgan_runtime.color.lab import lightness_table
from cgan_runtime.color.transfer import Transfer
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.image.read_write import read_image
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.video import side_data
from cgan_runtime.video.contact_sheet import write_sheet
from cgan_runtime.video.orientation import Orientation
from cgan_runtime.video.side_data import CAPTIONS, give_side_data, kinds_of, lost_side_data, writes_captions
from cgan_runtime.video.write.codecs import EncoderSettings

HDR10 = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
WIDTH, HEIGHT, FRAMES = 64, 48, 4
STREAM_KINDS = frozenset({"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"})


def _write(path: Path, *, trc: int, options: dict[str, str] | None = None, codec: str = "libx265") -> Path:
    """A wedge of 10 bits with BT.2020 primaries."""
    params = {"x265-params": f"log-level=error:{HDR10}", "crf": "4"} if codec == "libx265" else {}
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=25, options=params | (options or {}))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = 9, 1, 9, trc
        for number in range(FRAMES):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
            for index, plane in enumerate(frame.planes):
                codes = np.frombuffer(plane, np.uint16).reshape(plane.height, -1)
                codes[:] = 512
                if index == 0:
                    codes[:, :WIDTH] = np.linspace(64, 940, WIDTH)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = 9, 1, 9, trc
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def hdr10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("hdr") / "in.mp4", trc=16)


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as opened:
        yield opened


@pytest.mark.parametrize(("trc", "transfer"), [(16, "pq"), (18, "hlg"), (14, "bt1886"), (2, "srgb"), (13, "srgb")])
def test_the_network_sees_lightness_by_the_curve_of_the_video(trc: int, transfer: Transfer, tmp_path: Path) -> None:
    seen: list[np.ndarray[Any, Any]] = []

    def remember(lightness: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        seen.append(lightness[0, 0].copy())
        return np.zeros((1, 2, *lightness.shape[2:]), np.float32)

    source = _write(tmp_path / "in.mkv", trc=trc, codec="ffv1")
    with Colorizer(FakeBackend(remember)) as colorizer:
        colorize_video(source, tmp_path / "out.mkv", colorizer, settings=VideoSettings(EncoderSettings("ffv1")))
    table = lightness_table(Encoding("bt2020", False, 10, transfer, "bt2020"))
    expected = table[np.linspace(64, 940, WIDTH).astype(int)]
    columns = seen[0].mean(axis=0)
    found = np.interp((np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(len(columns)) + 0.5) / len(columns), columns)
    assert np.abs(found - expected).max() < 0.06
    for before, after in zip(read_frames(source), read_frames(tmp_path / "out.mkv"), strict=True):
        assert np.array_equal(luma_of(before), luma_of(after))
        assert (after.color_trc, after.color_primaries, after.colorspace) == (trc, 9, 9)
        assert all((np.frombuffer(bytes(plane), np.uint16) == 512).any() for plane in after.planes[1:])


@pytest.mark.parametrize(("suffix", "codec"), [
    (".mp4", None), (".mkv", None), (".ts", None), (".mov", "libx264"), (".mkv", "ffv1"), (".webm", None),
])  # fmt: skip
def test_hdr_metadata_is_carried_over(
    suffix: str, codec: str | None, hdr10: Path, tmp_path: Path, colorizer: Colorizer
) -> None:
    target = tmp_path / f"out{suffix}"
    result = colorize_video(hdr10, target, colorizer, settings=VideoSettings(EncoderSettings(codec)))
    before, after = read_frames(hdr10)[0], read_frames(target)[0]
    assert kinds_of(after) >= STREAM_KINDS, result.notes
    for kind in STREAM_KINDS:
        old, new = (np.frombuffer(bytes(frame.side_data[kind])[:80], np.int32) for frame in (before, after))
        if kind == "CONTENT_LIGHT_LEVEL":
            assert old.tolist() == new.tolist() == [1000, 400]
        else:
            assert new[::2] / new[1::2] == pytest.approx(old[::2] / old[1::2], rel=1e-3, abs=1e-4)
    assert (after.color_trc, after.color_primaries) == (16, 9)


def test_a_sheet_shows_hdr_as_sdr(hdr10: Path, tmp_path: Path) -> None:
    write_sheet(hdr10, tmp_path / "sheet.png")
    row = read_image(tmp_path / "sheet.png")[200, 6:366].astype(float)
    assert np.ptp(row, axis=1).max() <= 4
    white = round((0.58 * 876) / 876 * 360)  # reference white of PQ
    assert row[white + 8 :].min() > 248
    assert 120 < row[round(white * 0.8)].mean() < 200


def test_images_say_that_they_hold_hdr_codes(hdr10: Path, tmp_path: Path, colorizer: Colorizer) -> None:
    notes = colorize_video(hdr10, tmp_path / "%d.png", colorizer).notes
    assert any("(pq, bt2020) and do not say so" in note for note in notes)
    assert any("images hold no content light level and no mastering display: left out" in note for note in notes)


class _Part(bytes):
    """One part of side data."""

    type: Type


class _Parts(dict[str, _Part]):
    """The side data of a frame; as in PyAV, iterating gives the parts."""

    def __iter__(self) -> Iterator[_Part]:  # type: ignore[override]
        return iter(self.values())


class _Described:
    """A frame with the side data of a panorama in stereo, as no encoder here makes it."""

    def __init__(self) -> None:
        stereo = np.array([2, 0, 0, 0, 0, 0, 1, 0, 1], np.int32)  # top and bottom
        sphere = np.array([0, 90 << 16, -(30 << 16), 0, 0, 0, 0, 0, 0], np.int32)
        self.side_data = _Parts(STEREO3D=_Part(stereo.tobytes()), SPHERICAL=_Part(sphere.tobytes()))
        for name, part in self.side_data.items():
            part.type = Type[name]


@pytest.mark.parametrize(
    ("container", "codec"), [("matroska", "ffv1"), ("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx-vp9")]
)
def test_stereo_and_spherical_layouts_are_written(container: str, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_data, "side_data_of", lambda frame: frame.side_data)  # PyAV's takes true frames only
    memory = io.BytesIO()
    with av.open(memory, "w", format=container, container_options={"strict": "unofficial"}) as output:
        stream = output.add_stream(codec, rate=25)
        give_side_data(stream, _Described())  # type: ignore[arg-type]
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        frame = av.VideoFrame(WIDTH, HEIGHT)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory) as written:
        frame = next(written.decode(video=0))
    lost = ["the spherical projection", "the stereo 3D layout"] if container == "mov" else []
    assert lost_side_data(_Described(), frame, container) == lost  # type: ignore[arg-type]


# A color profile and the ambient viewing environment

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
AMBIENT = (314 * 10_000, 15_635, 16_450)  # of lux, x and y in steps of ISO/IEC 14496-12


def _boxes(data: bytes, path: list[bytes], boxes: bytes) -> bytes:
    """An mp4 with boxes at the end of that at a path, all sizes put right; its tables must lie behind its data."""
    out, at = b"", 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        if path and kind == path[0]:
            head = {b"stsd": 8, b"avc1": 78}.get(kind, 0)
            body = body[:head] + (_boxes(body[head:], path[1:], boxes) if len(path) > 1 else body[head:] + boxes)
        out += struct.pack(">I4s", len(body) + 8, kind) + body
        at += size
    return out


def _profiled(path: Path, profile: bytes) -> Path:
    """An mp4 with a profile and an ambient viewing environment, as phones and editors write them."""
    data = write_video(path, Video(options={"preset": "ultrafast", "qp": "0"})).read_bytes()
    boxes = struct.pack(">I4s4s", 12 + len(profile), b"colr", b"prof") + profile
    boxes += struct.pack(">I4sI2H", 16, b"amve", *AMBIENT)
    stream = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"]
    path.write_bytes(_boxes(data, stream, boxes))
    return path


@pytest.mark.parametrize(("name", "codec"), [
    ("out.mp4", None), ("out.mov", None), ("out.mov", "prores_ks"), ("out.mp4", "libx265"), ("out.mp4", "libsvtav1"),
    ("out.mkv", None), ("out.ts", None),
])  # fmt: skip
def test_profile_and_ambient_light_are_kept_in_mp4_and_mov(
    name: str, codec: str | None, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = _profiled(tmp_path / "in.mp4", PROFILE)
    kinds = {"ICC_PROFILE", "AMBIENT_VIEWING_ENVIRONMENT"}
    assert kinds_of(read_frames(source)[0]) == kinds
    result = colorize_video(source, tmp_path / name, colorizer, settings=VideoSettings(EncoderSettings(codec)))
    after, notes = read_frames(tmp_path / name)[0], " ".join(result.notes)
    assert (after.width, after.height) == (WIDTH, HEIGHT)
    if name in ("out.mkv", "out.ts"):
        assert "left out: the ICC profile, the ambient viewing environment" in notes
        return
    assert "left out" not in notes
    assert bytes(after.side_data["ICC_PROFILE"]) == PROFILE
    values = np.frombuffer(bytes(after.side_data["AMBIENT_VIEWING_ENVIRONMENT"]), np.int32)
    assert (values[::2] / values[1::2]).tolist() == pytest.approx([314, 0.3127, 0.329])


def test_a_profile_of_gray_is_left_out_by_name(tmp_path: Path, colorizer: Colorizer) -> None:
    source = _profiled(tmp_path / "in.mp4", PROFILE[:16] + b"GRAY" + PROFILE[20:])
    notes = " ".join(colorize_video(source, tmp_path / "out.mp4", colorizer).notes)
    assert "left out: the ICC profile" in notes
    assert "ambient" not in notes


# Closed captions


def _captioned(path: Path) -> tuple[Path, list[bytes]]:
    """An MPEG-2 video with CEA-608 pairs in the user data of each picture (ATSC A/53, part 4)."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mpeg2video") as output:
        stream = output.add_stream("mpeg2video", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH), 20 * number, np.uint8), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    data, pairs, at, out = memory.getvalue(), [], 0, b""
    while (extension := data.find(b"\0\0\1\xb5", at)) >= 0:
        if data[extension + 4] >> 4 != 8:  # not the picture coding extension
            out, at = out + data[at : extension + 4], extension + 4
            continue
        slices = data.find(b"\0\0\1\1", extension)
        pairs.append(bytes([0xFC, 0xC1 + len(pairs), 0xC2]))
        out += data[at:slices] + b"\0\0\1\xb2GA94\x03\x41\xff" + pairs[-1] + b"\xff"
        at = slices
    raw = io.BytesIO(out + data[at:])
    with av.open(raw, format="mpegvideo") as source, av.open(path, "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux() if packet.size):
            packet.stream, packet.pts, packet.dts, packet.time_base = copy, number, number, Fraction(1, 25)
            output.mux(packet)
    return path, pairs


def _captions_of(path: Path) -> list[bytes]:
    return [bytes(frame.side_data[CAPTIONS]) if CAPTIONS in frame.side_data else b"" for frame in read_frames(path)]


@pytest.mark.parametrize("codec", [None, "libx265", "libvpx-vp9", "ffv1"])
@pytest.mark.parametrize("compare", [False, True])
def test_captions_are_carried_over_or_said_to_be_lost(
    codec: str | None, compare: bool, tmp_path: Path, colorizer: Colorizer
) -> None:
    source, pairs = _captioned(tmp_path / "in.mkv")
    before = _captions_of(source)
    assert [pair[-3:] for pair in before] == pairs
    target = tmp_path / "out.mkv"
    settings = VideoSettings(EncoderSettings(codec), compare=compare)
    result = colorize_video(source, target, colorizer, settings=settings)
    said = any("closed captions are left out" in note for note in result.notes)
    if writes_captions(codec or "libx264"):
        assert _captions_of(target) == before
        assert not said
    else:
        assert said


def test_captions_change_no_frame(tmp_path: Path, colorizer: Colorizer) -> None:
    source, _ = _captioned(tmp_path / "in.mkv")
    target = tmp_path / "out.mkv"
    colorize_video(source, target, colorizer, settings=VideoSettings(EncoderSettings(crf=0)))
    for before, after in zip(read_frames(source), read_frames(target), strict=True):
        assert np.array_equal(luma_of(before), luma_of(after))
        assert (before.pts * before.time_base, after.format.name) == (after.pts * after.time_base, "yuv420p")


# Transparency


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix", "options"),
    [
        ("libvpx-vp9", "yuva420p", ".webm", {"auto-alt-ref": "0"}),
        ("libvpx", "yuva420p", ".webm", {"auto-alt-ref": "0"}),
        ("ffv1", "yuva420p", ".mkv", {}),
        ("qtrle", "argb", ".mov", {}),
        ("prores_ks", "yuva444p10le", ".mov", {}),
    ],
)
@pytest.mark.parametrize("target", [".webm", ".mkv", ".mp4"])
def test_transparency_is_named_and_not_claimed(
    codec: str, pixel_format: str, suffix: str, options: dict[str, str], target: str, tmp_path: Path,
    colorizer: Colorizer,
) -> None:  # fmt: skip
    video = Video(frames=2, codec=codec, pixel_format=pixel_format, options=options, ticks=25)
    source = write_video(tmp_path / f"in{suffix}", video)
    notes = colorize_video(source, tmp_path / f"out{target}", colorizer).notes
    assert notes.count("the transparency of the video is left out") == 1
    assert not any("alpha" in note for note in notes)
    with av.open(tmp_path / f"out{target}") as written:
        stream = written.streams.video[0]
        assert "alpha_mode" not in {tag.lower() for tag in stream.metadata}
        assert not any(part.is_alpha for part in next(written.decode(stream)).format.components)


def test_a_frame_that_was_asked_for_its_side_data_is_freed_at_once() -> None:
    """Not only when Python looks for circles of references, half a gigabyte of 2160p later."""
    gc.collect()
    gc.disable()
    try:
        before = _frames_alive()
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        assert Orientation.of(frame).is_identity
        assert kinds_of(frame) == frozenset()
        del frame
        assert _frames_alive() == before
    finally:
        gc.enable()


def _frames_alive() -> int:
    return sum(type(each) is av.VideoFrame for each in gc.get_objects())
