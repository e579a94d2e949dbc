"""Sound of any codec that a container takes is copied; covers, tags and timecodes are kept or named."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.fakes import FakeBackend
from tests.videos import FPS, Video, image, packets_of, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import MediaError
from cgan_runtime.pipeline.video import colorize_video

RATE = 44_100  # Hz
FRAMES = 6
KEYS = {
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 11",
    "com.apple.quicktime.creationdate": "2022-11-09T20:36:38+0300",
}


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


def _with_sound(path: Path, video_codec: str, codec: str) -> Path:
    """A video with mono sound of a codec that `write_video` does not take in stereo."""
    with av.open(path, "w") as output:
        stream = output.add_stream(video_codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound = output.add_stream(codec, rate=RATE, layout="mono")
        sound.bit_rate = 64_000
        for index in range(FRAMES):
            frame = image(Video(), index)
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        wave = (8000 * np.sin(np.arange(RATE // 4) / 16)).astype(np.int16)[None]
        tone = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        tone.sample_rate, tone.pts, tone.time_base = RATE, 0, Fraction(1, RATE)
        context = sound.codec_context
        resampler = av.AudioResampler(context.format, "mono", RATE, context.frame_size or 1024)
        for part in [*resampler.resample(tone), *resampler.resample(None)]:
            output.mux(sound.encode(part))
        output.mux(sound.encode(None))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "video", "sound"),
    [
        ("in.avi", "mpeg4", "pcm_mulaw"),
        ("in.avi", "mpeg4", "adpcm_ima_wav"),
        ("in.avi", "mpeg4", "adpcm_ms"),
        ("in.wmv", "wmv2", "wmav2"),
        ("in.mov", "libx264", "pcm_alaw"),  # a tag that Matroska does not know
    ],
)
def test_sound_that_matroska_can_hold_is_copied(
    name: str, video: str, sound: str, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = _with_sound(tmp_path / name, video, sound)
    result = colorize_video(source, tmp_path / "out.mkv", colorizer)
    again = colorize_video(tmp_path / "out.mkv", tmp_path / "again.mkv", colorizer)
    assert (result.notes, again.notes) == ((), ())
    packets = packets_of(source, "audio")
    for output in ("out.mkv", "again.mkv"):
        assert packets_of(tmp_path / output, "audio") == packets
        with av.open(tmp_path / output) as container:
            assert container.streams.audio[0].codec_context.name == sound
            assert sum(frame.samples for frame in container.decode(audio=0)) > RATE // 5


def test_sound_that_only_matroska_can_hold_is_transcoded_elsewhere(tmp_path: Path, colorizer: Colorizer) -> None:
    source = _with_sound(tmp_path / "in.wmv", "wmv2", "wmav2")
    (note,) = colorize_video(source, tmp_path / "out.mp4", colorizer).notes
    assert note == "audio 1 (wmav2) becomes aac: mp4 cannot hold it as it is; an output that ends in .mkv can"


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_a_timecode_track_never_ends_a_run(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source = tmp_path / "in.mov"
    with av.open(source, "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "10:00:00:00"
        for index in range(FRAMES):
            frame = image(Video(), index)
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    result = colorize_video(source, tmp_path / f"out{suffix}", colorizer)
    with av.open(tmp_path / f"out{suffix}") as container:
        tags = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
        assert tags["timecode"] == "10:00:00:00"
        assert len(container.streams) == (1 if suffix == ".mkv" else 2)
    assert len(result.notes) == (suffix == ".mkv")  # there it is a tag alone


def test_a_container_that_cannot_be_closed_is_refused_before_the_first_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a real muxer that refuses something only in its trailer."""
    source = write_video(tmp_path / "in.mkv", Video(frames=FRAMES))
    close: Any = av.container.OutputContainer.close
    from cgan_runtime.video.write import rehearsal

    class Fails(rehearsal.VideoWriter):
        def finish(self) -> None:
            raise MediaError("the video cannot be written (Invalid argument); try another container or --codec")

    monkeypatch.setattr(rehearsal, "VideoWriter", Fails)
    backend = FakeBackend()
    with Colorizer(backend) as colorizer, pytest.raises(MediaError, match="cannot be written") as caught:
        colorize_video(source, tmp_path / "out.mkv", colorizer)
    assert backend.calls == 0
    assert "disk" not in str(caught.value)
    assert close is av.container.OutputContainer.close
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv"]


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_tags_of_any_name_are_kept(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(
        tmp_path / "in.mov", Video(frames=FRAMES, metadata=KEYS, container_options={"movflags": "use_metadata_tags"})
    )
    result = colorize_video(source, tmp_path / f"out{suffix}", colorizer)
    with av.open(tmp_path / f"out{suffix}") as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert result.notes == ()
    assert {key: tags.get(key) for key in KEYS} == KEYS


def test_common_tags_are_written_as_all_players_read_them(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_video(tmp_path / "in.mp4", Video(frames=FRAMES, metadata={"title": "A title"}))
    colorize_video(source, tmp_path / "out.mp4", colorizer)
    assert b"\xa9nam" in (tmp_path / "out.mp4").read_bytes()


@pytest.mark.parametrize(("suffix", "kept"), [(".mkv", True), (".mp4", True), (".webm", False)])
@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_a_cover_is_kept_or_named(name: str, suffix: str, kept: bool, tmp_path: Path, colorizer: Colorizer) -> None:
    import cv2

    cover = cv2.imencode(".png", np.full((16, 16, 3), 90, np.uint8))[1].tobytes()
    if name == "in.mp4":
        source = write_video(tmp_path / name, Video(frames=FRAMES, cover=True))
    else:
        source = tmp_path / name
        with av.open(source, "w") as output:
            stream = output.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            output.add_attachment("cover.png", "image/png", cover)
            for index in range(FRAMES):
                frame = image(Video(), index)
                frame.pts = index
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    result = colorize_video(source, tmp_path / f"out{suffix}", colorizer)
    with av.open(tmp_path / f"out{suffix}") as container:
        covers = [stream for stream in container.streams.video if stream.disposition & 1 << 10]
        images = [bytes(packet) for packet in container.demux(covers) if packet.size] if covers else []
    assert images == ([cover] if kept else [])
    assert len(result.notes) == (not kept)


def test_marks_and_languages_that_a_container_cannot_hold_are_named(tmp_path: Path, colorizer: Colorizer) -> None:
    source = tmp_path / "in.mkv"
    plain_video = write_video(tmp_path / "plain.mkv", Video(frames=FRAMES, audio=("aac",)))
    with av.open(plain_video) as plain, av.open(source, "w") as output:
        pairs = {s.index: output.add_stream_from_template(s, opaque=True) for s in plain.streams}
        pairs[1].metadata.update({"language": "en-US", "title": "Notes", "mood": "calm"})
        pairs[1].disposition = 1 << 2 | 1  # in the original language
        for packet in plain.demux():
            if packet.size:
                packet.stream = pairs[packet.stream_index]
                output.mux(packet)
    assert colorize_video(source, tmp_path / "out.mkv", colorizer).notes == ()
    notes = colorize_video(source, tmp_path / "out.mp4", colorizer).notes
    assert any("LANGUAGE" in note.upper() and "mood" in note.lower() for note in notes), notes
    assert any("original" in note for note in notes), notes
