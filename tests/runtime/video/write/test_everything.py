"""A file that has everything: what each container keeps of it, and what is named because it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from tests.fakes import FakeBackend
from tests.videos import FPS, Video, image, write_video

from cgan_runtime.colorizer import Colorizer
from cgan_runtime.pipeline.video import colorize_video

FRAMES = 5
SECOND = Fraction(1, 1000)
FONT = bytes(range(256))
TAGS = {"title": "A film", "artist": "Somebody", "mood": "calm", "location": "+48.1000-011.5000/"}
CHAPTERS = [
    {"id": 1, "start": 0, "end": 80, "time_base": SECOND, "metadata": {"title": "One"}},
    {"id": 2, "start": 80, "end": 200, "time_base": SECOND, "metadata": {"title": "Two"}},
]
LEFT_OUT = {
    ".mkv": [],
    ".mp4": [
        "subtitle 3 (subrip, ger) is left out: mp4 cannot hold it",
        "attachment 4 (font.ttf) is left out: mp4 cannot hold it",
        "mp4 cannot hold these tags, which are left out: MOOD",  # with it, the cover would be lost
    ],
    ".mov": [
        "subtitle 3 (subrip, ger) is left out: mov cannot hold it",
        "attachment 4 (font.ttf) is left out: mov cannot hold it",
        "cover images are left out: mov cannot hold them",
        "mov cannot mark streams so, which is left out: audio 2 (ac3, fra) as comment",
    ],
    ".webm": [
        "audio 1 (aac, eng) becomes libopus: webm cannot hold it as it is; an output that ends in .mkv can",
        "audio 2 (ac3, fra) becomes libopus: webm cannot hold it as it is; an output that ends in .mkv can",
        "subtitle 3 (subrip, ger) is left out: webm cannot hold it",
        "attachment 4 (font.ttf) is left out: webm cannot hold it",
        "cover image 5 (mjpeg) is left out: webm cannot hold it",
        "webm cannot mark streams so, which is left out: audio 2 (ac3, fra) as comment",
    ],
    ".ts": [
        "subtitle 3 (subrip, ger) is left out: mpegts cannot hold it",
        "attachment 4 (font.ttf) is left out: mpegts cannot hold it",
        "cover image 5 (mjpeg) is left out: mpegts cannot hold it",
        "mpegts cannot hold these tags, which are left out: title, LOCATION, ARTIST, MOOD, title of the video, "
        "title of audio 1 (aac, eng), title of audio 2 (ac3, fra)",
        "mpegts cannot mark streams so, which is left out: audio 1 (aac, eng) as default, "
        "audio 2 (ac3, fra) as comment",
        "mpegts cannot hold chapters, which are left out",
    ],
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two languages, subtitles, a font, a cover, chapters, tags and marks."""
    folder = tmp_path_factory.mktemp("everything")
    plain = write_video(folder / "plain.mkv", Video(frames=FRAMES, audio=("aac", "ac3"), subtitle="subrip"))
    path = folder / "in.mkv"
    with av.open(plain) as source, av.open(path, "w") as output:
        streams: list[Any] = [output.add_stream_from_template(each, opaque=True) for each in source.streams]
        video, english, french, german = sorted(streams, key=lambda each: (each.type != "video", each.type, each.index))
        output.metadata.update(TAGS)
        video.metadata["title"] = "Main picture"
        english.metadata.update(language="eng", title="English")
        french.metadata.update(language="fra", title="Commentary")
        german.metadata["language"] = "ger"
        english.disposition, french.disposition = Disposition.default, Disposition.comment
        german.disposition = Disposition.forced
        output.add_attachment("font.ttf", "application/x-truetype-font", FONT)
        cover = cv2.imencode(".jpg", np.full((16, 16, 3), 90, np.uint8))[1].tobytes()
        output.add_attachment("cover.jpg", "image/jpeg", cover)
        output.set_chapters(CHAPTERS)
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    return path


@pytest.fixture
def colorizer() -> Iterator[Colorizer]:
    with Colorizer(FakeBackend()) as colorizer:
        yield colorizer


@pytest.mark.parametrize("suffix", list(LEFT_OUT))
def test_everything_is_kept_or_named(suffix: str, everything: Path, tmp_path: Path, colorizer: Colorizer) -> None:
    target = tmp_path / f"out{suffix}"
    notes = colorize_video(everything, target, colorizer).notes
    assert sorted(notes) == sorted(LEFT_OUT[suffix])
    said = " ".join(notes).lower().replace("subtitle 3", "subtitle")
    with av.open(target) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
        streams = container.streams
        attached = [bool(stream.disposition & Disposition.attached_pic) for stream in streams.video]
        titles = {stream.metadata.get("title", stream.metadata.get("name")) for stream in streams}
        kept = {
            **{tag: tags.get(tag) == value for tag, value in TAGS.items()},
            "font": any(stream.type == "attachment" and stream.data == FONT for stream in streams),
            "cover": any(attached),
            "subtitle": any(stream.type == "subtitle" for stream in streams),
            "chapters": [chapter["metadata"].get("title") for chapter in container.chapters()] == ["One", "Two"],
            "as comment": any(stream.disposition & Disposition.comment for stream in streams.audio),
            **{f"title of {name}": title in titles for name, title in
               {"the video": "Main picture", "audio 1": "English", "audio 2": "Commentary"}.items()},
        }  # fmt: skip
        assert len(streams.audio) == 2
        assert [stream.metadata.get("language") for stream in streams.audio] == ["eng", "fra"]
    for thing, is_kept in kept.items():
        assert is_kept != (re.search(rf"\b{thing}\b", said) is not None), (thing, is_kept, notes)


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_a_phone_s_video_is_kept_whole(suffix: str, tmp_path: Path, colorizer: Colorizer) -> None:
    keys = {"com.apple.quicktime.make": "Apple", "com.apple.quicktime.location.ISO6709": "+48.1-011.5/"}
    source = tmp_path / "in.mov"
    with av.open(source, "w", container_options={"movflags": "use_metadata_tags"}) as output:
        output.metadata.update(keys | {"creation_time": "2001-02-03T04:05:06Z"})
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata.update(timecode="01:00:00:00", title="Back camera")
        for index in range(FRAMES):
            frame = image(Video(), index)
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    result = colorize_video(source, tmp_path / f"out{suffix}", colorizer)
    assert result.notes == ()
    with av.open(tmp_path / f"out{suffix}") as container:
        assert {key: container.metadata.get(key) for key in keys} == keys
        assert container.metadata["creation_time"].startswith("2001-02-03T04:05:06")
        video = container.streams.video[0]
        assert (video.metadata["name"], video.metadata["timecode"]) == ("Back camera", "01:00:00:00")
        assert sorted(stream.type for stream in container.streams) == ["data", "video"]
