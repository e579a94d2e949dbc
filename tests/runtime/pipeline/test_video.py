"""Videos from file to file: frames, times, luma and other streams are kept; color is added."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.paths import ROOT, SHARED
from tests.videos import Video, chroma_span, luma_of, packets_of, read_frames, times_of, write_video

from cgan_runtime.color.encoding import Encoding
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.pipeline.results import VideoResult
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.pipeline.video import colorize_video
from cgan_runtime.temporal.settings import TemporalSettings
from cgan_runtime.video.ffmpeg_errors import translate_ffmpeg_errors
from cgan_runtime.video.read.reader import VideoReader
from cgan_runtime.video.write.codecs import EncoderSettings
from cgan_runtime.video.write.writer import VideoWriter

CLIPS = SHARED / "data" / "videos"
CLEARLY_COLORED = 20  # codes of 8 bit between the most different chroma samples of a frame
LOSSLESS = EncoderSettings("libx264", crf=0)
UNEVEN = [Fraction(5) + Fraction(n * n * 131, 90_000) + Fraction(n, 50) for n in range(15)]


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _color(
    source: Path, target: Path, colorizer: Colorizer, encoder: EncoderSettings = EncoderSettings()
) -> VideoResult:
    result = colorize_video(source, target, colorizer, settings=VideoSettings(encoder))
    assert result.output == target
    assert result.bytes == target.stat().st_size
    left = [path for path in target.parent.iterdir() if path.name.startswith(".cgan-")]
    assert left == []
    return result


def _luma_is_equal(source: Path, target: Path) -> bool:
    before, after = read_frames(source), read_frames(target)
    return len(before) == len(after) and all(
        np.array_equal(luma_of(a), luma_of(b)) for a, b in zip(before, after, strict=True)
    )


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips of ../shared/data/videos are not here")
@pytest.mark.parametrize("name", sorted(path.name for path in CLIPS.glob("*")) if CLIPS.is_dir() else [])
def test_a_real_clip_keeps_frames_times_size_and_audio(name: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = CLIPS / name, tmp_path / name
    result = _color(source, target, colorizer)
    before, frames = read_frames(source), read_frames(target)
    assert result.frames == len(frames)
    assert [frame.pts * frame.time_base for frame in frames] == [frame.pts * frame.time_base for frame in before]
    assert packets_of(target, "audio") == packets_of(source, "audio")
    assert (frames[0].width, frames[0].height) == (before[0].width, before[0].height)
    assert chroma_span(frames[len(frames) // 2]) > CLEARLY_COLORED
    assert result.damage is None
    assert result.notes == ()


@pytest.mark.parametrize(
    "video",
    [
        Video(),
        Video(frames=60, options={"preset": "medium"}),
        Video(pixel_format="yuv420p10le"),
        Video(pixel_format="yuv422p"),
        Video(pixel_format="yuv444p"),
        Video(pixel_format="yuv422p10le"),
        Video(color_range=2, colorspace=1),
        Video(codec="ffv1", options={}, pixel_format="gray"),
        Video(codec="ffv1", options={}, pixel_format="gray10le"),
        Video(pixel_format="gray"),
        Video(pts=UNEVEN),
    ],
    ids=lambda video: f"{video.codec}-{video.pixel_format}-{video.frames}-{video.color_range}-{video.pts is not None}",
)
@pytest.mark.parametrize(("suffix", "encoder"), [(".mkv", EncoderSettings("ffv1")), (".mp4", LOSSLESS)])
def test_a_lossless_encoder_keeps_the_luma_bit_for_bit(
    video: Video, suffix: str, encoder: EncoderSettings, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = write_video(tmp_path / ("in.mkv" if video.codec == "ffv1" else "in.mp4"), video)
    target = tmp_path / f"out{suffix}"
    result = _color(source, target, colorizer, encoder)
    assert _luma_is_equal(source, target)
    assert chroma_span(read_frames(target)[0]) > CLEARLY_COLORED
    assert result.notes == ()


@pytest.mark.parametrize("size", [(61, 47), (64, 47), (61, 48), (16, 16)])
@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_odd_sizes_are_kept(size: tuple[int, int], suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(frames=4, width=size[0], height=size[1], codec="libvpx-vp9", options={"lossless": "1"})
    source, target = write_video(tmp_path / "in.webm", video), tmp_path / f"out{suffix}"
    codec = "ffv1" if suffix == ".mkv" else "libvpx-vp9"
    _color(source, target, colorizer, EncoderSettings(codec, None if codec == "ffv1" else 0))
    assert _luma_is_equal(source, target)
    assert (read_frames(target)[0].width, read_frames(target)[0].height) == size


def test_x264_keeps_all_columns_of_an_odd_size(tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(frames=4, width=61, height=47, codec="libvpx-vp9", options={"lossless": "1"})
    source, target = write_video(tmp_path / "in.webm", video), tmp_path / "out.mp4"
    result = _color(source, target, colorizer, LOSSLESS)
    assert _luma_is_equal(source, target)
    assert result.notes == ("libx264 takes no 61x47 video of yuv420p: it is stored as yuv444p",)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("pts", [UNEVEN, [Fraction(7) + Fraction(n * 1001, 30_000) for n in range(30)]])
def test_times_are_kept_exactly(suffix: str, pts: list[Fraction], tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(pts=pts, options={"preset": "medium"}, ticks=90_000, audio=["aac"])
    source = write_video(tmp_path / "in.mkv", Video(pts=pts, audio=["aac"]))
    _color(source, tmp_path / f"out{suffix}", colorizer)
    assert times_of(tmp_path / f"out{suffix}") == times_of(source)
    # and with the finer clock that Matroska does not have; the editor's list of an mp4 is part of its times
    fine = write_video(tmp_path / "fine.mp4", video)
    _color(fine, tmp_path / f"fine{suffix}.mov", colorizer)
    assert times_of(tmp_path / f"fine{suffix}.mov") == times_of(fine)


def test_matroska_keeps_times_to_its_millisecond(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4", Video(pts=UNEVEN, options={"preset": "medium"}))
    _color(source, tmp_path / "out.mkv", colorizer)
    before, after = times_of(source), times_of(tmp_path / "out.mkv")
    assert (before[0], after[0]) == (5, 0)  # the first frame comes at zero, the others as long after it as before
    assert max(abs(a - b - 5) for a, b in zip(before, after, strict=True)) <= Fraction(1, 2000)


def test_average_rate_and_pixel_aspect_are_kept(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(aspect=Fraction(4, 3))), tmp_path / "out.mp4"
    _color(source, target, colorizer)
    with av.open(source) as before, av.open(target) as after:
        assert after.streams.video[0].average_rate == before.streams.video[0].average_rate
        assert after.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="PyAV before 18 cannot turn a video")
@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_is_tagged_and_the_network_sees_the_video_upright(rotation: int, tmp_path: Path) -> None:
    seen: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []

    def remember(
        lightness: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        seen.append(lightness[0, 0].copy())
        count, _, height, width = lightness.shape
        slope = np.linspace(0.6, -0.6, height, dtype=np.float32)[:, None]
        return np.broadcast_to(slope, (count, 2, height, width)).astype(np.float32)

    source = write_video(tmp_path / "in.mp4", Video(frames=2, width=96, height=48, rotation=rotation))
    with Colorizer(FakeBackend(remember)) as colorizer:
        _color(source, tmp_path / "out.mp4", colorizer)
    (first, *_) = read_frames(tmp_path / "out.mp4")
    assert (first.rotation - rotation) % 360 == 0
    assert (first.width, first.height) == (96, 48)
    # The wedge gets brighter to the right; turned by 90 degrees counterclockwise its bright end is on top.
    height, width = seen[0].shape
    assert (height > width) == (rotation != 180)
    top, left = seen[0][: height // 4].mean(), seen[0][:, : width // 4].mean()
    bottom, right = seen[0][-height // 4 :].mean(), seen[0][:, -width // 4 :].mean()
    assert {90: top > bottom, -90: bottom > top, 180: left > right}[rotation]
    # Upright the top is reddest; in the stored image that side lies where the rotation takes it from.
    red = np.frombuffer(bytes(first.planes[2]), np.uint8).reshape(24, -1)[:, :48].astype(float)
    sides = {90: red[:, -8:].mean() > red[:, :8].mean(), -90: red[:, :8].mean() > red[:, -8:].mean(),
             180: red[-8:].mean() > red[:8].mean()}  # fmt: skip
    assert sides[rotation]


def test_audio_tracks_subtitles_chapters_and_tags_are_copied(tmp_path: Path, colorizer: Colorizer) -> None:
    video = Video(
        audio=["aac", "aac"], languages=["eng", "deu"], subtitle="mov_text", metadata={"title": "Trip"}, chapters=True
    )
    source, target = write_video(tmp_path / "in.mp4", video), tmp_path / "out.mp4"
    result = _color(source, target, colorizer)
    assert packets_of(target, "audio") == packets_of(source, "audio")
    assert packets_of(target, "subtitle") == packets_of(source, "subtitle")
    assert len(packets_of(source, "subtitle")[0]) >= 2
    with av.open(target) as container:
        assert [stream.metadata["language"] for stream in container.streams.audio] == ["eng", "deu"]
        assert [int(stream.disposition) & 1 for stream in container.streams.audio] == [1, 0]
        assert container.metadata["title"] == "Trip"
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["One"]
    assert result.notes == ()


def test_srt_and_pcm_are_copied_in_matroska(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mkv", Video(audio=["pcm_s16le"], subtitle="subrip"))
    result = _color(source, tmp_path / "out.mkv", colorizer)
    for kind in ("audio", "subtitle"):
        assert packets_of(tmp_path / "out.mkv", kind) == packets_of(source, kind)
        assert packets_of(source, kind)[0]
    assert result.notes == ()


@pytest.mark.parametrize(("suffix", "encoder", "sound"), [(".mp4", "aac", "aac"), (".webm", "libopus", "opus")])
def test_audio_and_subtitles_that_do_not_fit_are_transcoded_or_left_out_with_a_note(
    suffix: str, encoder: str, sound: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = write_video(tmp_path / "in.mkv", Video(frames=25, audio=["pcm_s16le"], subtitle="subrip"))
    target = tmp_path / f"out{suffix}"
    result = _color(source, target, colorizer)
    assert len(result.notes) == 2
    assert f"audio 1 (pcm_s16le) becomes {encoder}" in result.notes[0]
    assert result.notes[0].endswith("cannot hold it as it is; an output that ends in .mkv can")
    assert "subtitle 2 (subrip, eng) is left out" in result.notes[1]
    with av.open(target) as container:
        (stream,) = container.streams.audio
        assert stream.codec_context.codec.canonical_name == sound
        wave = np.concatenate([frame.to_ndarray().astype(np.float32)[0] for frame in container.decode(audio=0)])
        rate = stream.codec_context.sample_rate
    assert wave.size / rate == pytest.approx(1.0, abs=0.08)
    spectrum = np.abs(np.fft.rfft(wave))
    assert np.argmax(spectrum) * rate / wave.size == pytest.approx(440, abs=3)


def test_a_cover_image_is_not_the_video_and_is_kept(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mp4", Video(cover=True)), tmp_path / "out.mp4"
    result = _color(source, target, colorizer)
    assert (result.frames, result.width) == (12, 64)
    with av.open(target) as container:
        covers = [stream for stream in container.streams.video if stream.disposition & 1024]
        assert [stream.codec_context.width for stream in covers] == [16]
    assert _color(source, tmp_path / "out.mkv", colorizer).notes == ()


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        (Video(), (6, 1)),  # says nothing: BT.601 by its height, limited
        (Video(colorspace=1, color_range=1), (1, 1)),
        (Video(colorspace=5, color_range=2), (5, 2)),
        (Video(colorspace=9, color_range=1), (9, 1)),
        (Video(width=1280, height=720, frames=2), (1, 1)),  # BT.709 by its height
    ],
)
def test_matrix_and_range_are_tagged(
    video: Video, expected: tuple[int, int], tmp_path: Path, colorizer: Colorizer
) -> None:
    source, target = write_video(tmp_path / "in.mp4", video), tmp_path / "out.mp4"
    _color(source, target, colorizer, EncoderSettings(keep_format=True))
    frame = read_frames(target)[0]
    assert (frame.colorspace, frame.color_range) == expected


def test_a_bit_depth_that_the_encoder_does_not_take_gives_a_note(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mkv", Video(codec="ffv1", options={}, pixel_format="yuv422p12le"))
    result = _color(source, tmp_path / "out.mp4", colorizer, EncoderSettings("libx264", keep_format=True))
    assert result.notes == ("libx264 takes no 12-bit video here: it is stored with 10 bits",)
    assert read_frames(tmp_path / "out.mp4")[0].format.name == "yuv422p10le"
    result = _color(source, tmp_path / "out.mkv", colorizer, EncoderSettings("ffv1"))
    assert result.notes == ()
    assert _luma_is_equal(source, tmp_path / "out.mkv")


@pytest.mark.parametrize("frames", [1, 2, 12])
@pytest.mark.parametrize("rotation", [0, 90])
def test_the_network_may_run_on_every_nth_frame(frames: int, rotation: int, tmp_path: Path) -> None:
    if rotation and not hasattr(av.VideoStream, "set_display_rotation"):
        pytest.skip("PyAV before 18 cannot turn a video")
    source = write_video(tmp_path / "in.mp4", Video(frames=frames, width=192, height=144, rotation=rotation))
    backend = FakeBackend()
    with Colorizer(backend) as colorizer:
        colorize_video(
            source, tmp_path / "out.mp4", colorizer, settings=VideoSettings(temporal=TemporalSettings("low", every=5))
        )
    assert backend.calls == -(-frames // 5)
    colored = read_frames(tmp_path / "out.mp4")
    assert len(colored) == frames
    assert min(chroma_span(frame) for frame in colored) > CLEARLY_COLORED


def test_a_filter_that_is_off_colors_each_frame_by_itself(tmp_path: Path, colorizer: Colorizer) -> None:
    source, target = write_video(tmp_path / "in.mkv", Video(codec="ffv1", options={})), tmp_path / "out.mkv"
    colorize_video(
        source, target, colorizer, settings=VideoSettings(EncoderSettings("ffv1"), temporal=TemporalSettings("off"))
    )
    for before, after in zip(read_frames(source), read_frames(target), strict=True):
        cb, _ = colorizer.planes(luma_of(before), Encoding("bt601", False, 8), (24, 32))
        plane = after.planes[1]
        assert (np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[:24, :32] == cb).all()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("deinterlace", "maybe", "'maybe'; give 'auto', 'off' or 'on'"),
        ("encoder", "libx264", "'libx264'; give an EncoderSettings"),
        ("guide", {"hints": []}, "{'hints': .*}; give a Guide"),
        ("stream", "1", "'1'; give a whole number or None"),
        ("compare", 1, "1; give True or False"),
    ],
)
def test_settings_check_themselves(field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^VideoSettings.{field} is {message}$"):
        VideoSettings(**{field: value})


def test_other_arguments_are_checked_too(colorizer: Colorizer) -> None:
    with pytest.raises(ConfigError, match="colorizer is 'edge'; give a Colorizer or None"):
        colorize_video("in.mp4", "out.mp4", "edge")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"settings is {'compare': True}; give a VideoSettings"):
        colorize_video("in.mp4", "out.mp4", colorizer, settings={"compare": True})  # type: ignore[arg-type]


def test_progress_is_called_for_every_frame_in_the_calling_thread(tmp_path: Path, colorizer: Colorizer) -> None:
    told: list[tuple[int, int | None, str]] = []
    colorize_video(
        write_video(tmp_path / "in.mp4"),
        tmp_path / "out.mp4",
        colorizer,
        progress=lambda done, total: told.append((done, total, threading.current_thread().name)),
    )
    assert told == [(n, 12, threading.current_thread().name) for n in range(1, 13)]


@pytest.mark.parametrize("error", [RuntimeError("engine died"), KeyboardInterrupt()])
def test_a_failure_leaves_no_file(error: BaseException, tmp_path: Path) -> None:
    calls = 0

    def fail(
        lightness: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise error
        return np.zeros((1, 2, *lightness.shape[2:]), np.float32)

    source = write_video(tmp_path / "in.mp4")
    with Colorizer(FakeBackend(fail)) as colorizer, pytest.raises(type(error)) as caught:
        colorize_video(source, tmp_path / "out.mp4", colorizer)
    assert caught.value is error
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_full_disk_is_an_error_and_leaves_no_file(
    tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = write_video(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    target.write_bytes(b"older")

    class FullDisk(VideoWriter):
        def finish(self) -> None:
            with translate_ffmpeg_errors(target):
                raise av.error.OSError(28, "No space left on device", "out.mp4")

    monkeypatch.setattr("cgan_runtime.video.write.open_writer.VideoWriter", FullDisk)
    with pytest.raises(MediaError, match=r"the disk of .* is full \(No space left on device\)"):
        colorize_video(source, target, colorizer, overwrite=True)
    assert target.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit")
def test_a_real_write_error_is_reported(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", Video(frames=60, width=320, height=240))
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from cgan_runtime import Colorizer, EncoderSettings, MediaError, VideoSettings, colorize_video\n"
        "from tests.fakes import FakeBackend\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "ffv1 = VideoSettings(EncoderSettings('ffv1'))\n"
        "try: colorize_video('in.mp4', 'out.mkv', Colorizer(FakeBackend()), settings=ffv1)\n"
        "except MediaError as error: print(error)\n"
    )
    root = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={"PYTHONPATH": root, "PATH": ""},
    )  # fmt: skip
    assert "cannot be written" in done.stdout, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_the_reader_yields_the_first_frame_too(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(audio=["aac"]))
    with VideoReader(source) as video:
        items = list(video)
        assert sum(isinstance(item, av.VideoFrame) for item in items) == 12
        assert sum(not isinstance(item, av.VideoFrame) for item in items) == len(packets_of(source, "audio")[0])
        assert video.first in items


@pytest.mark.parametrize("suffix", [".webm", ".mkv"])  # mp4 holds it where it is decoded last, too
def test_a_long_last_frame_keeps_its_duration(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source = tmp_path / "in.mkv"
    with av.open(source, "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        for pts, duration in ((0, 40), (40, 40), (80, 10_000)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64), 90, np.uint8), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base, frame.duration = pts, Fraction(1, 1000), duration
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    _color(source, tmp_path / f"out{suffix}", colorizer)
    with av.open(tmp_path / f"out{suffix}") as container:
        assert container.duration / 1e6 == pytest.approx(10.08, abs=0.05)


def test_raw_video_has_the_rate_of_the_video(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=8))
    _color(source, tmp_path / "out.y4m", colorizer)
    assert b" F25:1 " in (tmp_path / "out.y4m").read_bytes()[:60]
    assert _luma_is_equal(source, tmp_path / "out.y4m")


def test_raw_video_of_a_rotated_video_gives_a_note(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=3, rotation=90))
    result = _color(source, tmp_path / "out.y4m", colorizer)
    assert any("rotated by a tag" in note for note in result.notes)


def test_subtitles_of_one_time_stay_together(tmp_path: Path, colorizer: Colorizer) -> None:
    source = tmp_path / "in.mkv"
    write_video(tmp_path / "image.mkv", Video(frames=8))
    with av.open(tmp_path / "image.mkv") as video, av.open(source, "w") as output:
        video_stream = output.add_stream_from_template(video.streams.video[0], opaque=True)
        (tmp_path / "text.srt").write_text(
            "1\n00:00:00,040 --> 00:00:00,300\nA\n\n2\n00:00:00,040 --> 00:00:00,300\nB\n\n"
        )
        with av.open(tmp_path / "text.srt") as text:
            subtitle = output.add_stream_from_template(text.streams.subtitles[0], opaque=True)
            for packet in text.demux():
                if packet.dts is not None:
                    packet.stream = subtitle
                    output.mux(packet)
        for packet in video.demux():
            if packet.dts is not None:
                packet.stream = video_stream
                output.mux(packet)
    _color(source, tmp_path / "out.mkv", colorizer)
    with av.open(tmp_path / "out.mkv") as container:
        stream = container.streams.subtitles[0]
        assert [packet.pts for packet in container.demux(stream) if packet.size] == [40, 40]


def test_audio_that_changes_its_layout_is_transcoded_completely(tmp_path: Path, colorizer: Colorizer) -> None:
    joined = tmp_path / "in.ts"
    content = b""
    for number, channels in enumerate(("stereo", "mono")):
        part = tmp_path / f"{channels}.ts"
        write_video(tmp_path / "image.ts", Video(frames=25))
        with av.open(tmp_path / "image.ts") as video, av.open(part, "w") as output:
            video_stream = output.add_stream_from_template(video.streams.video[0], opaque=True)
            sound = output.add_stream("mp2", rate=48_000)
            sound.codec_context.layout = channels
            count = 2 if channels == "stereo" else 1
            for start in range(0, 48_000, 1152):
                tone = av.AudioFrame.from_ndarray(
                    np.full((1, 1152 * count), 900, np.int16), format="s16", layout=channels
                )
                tone.sample_rate, tone.pts, tone.time_base = (48_000, start + number * 48_384, Fraction(1, 48_000))
                output.mux(sound.encode(tone))
            output.mux(sound.encode(None))
            for packet in video.demux():
                if packet.dts is not None:
                    packet.stream = video_stream
                    packet.pts, packet.dts = packet.pts + 90_000 * number, packet.dts + 90_000 * number
                    output.mux(packet)
        content += part.read_bytes()
    joined.write_bytes(content)
    result = _color(joined, tmp_path / "out.webm", colorizer)
    assert any("becomes libopus" in note for note in result.notes)


def test_names_as_text_and_the_model_that_ships(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=2))
    result = colorize_video(str(source), str(tmp_path / "out.mp4"))
    assert (result.output, result.frames) == (tmp_path / "out.mp4", 2)
