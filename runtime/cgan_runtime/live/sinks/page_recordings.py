"""Recordings that pages ask for: kept in a folder of the server for a while, to be downloaded.

    with open_recordings() as recordings:
        recording = recordings.begin(source, "HD Webcam")         # source.sinks has it from now on
        recordings.end(source)
        recordings.find(recording.id).facts()

A recording ends by itself at its limits, and when its disk is nearly full. The event loop calls this; the frames
come in the inference thread.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from cgan_runtime.files.temporary import swept_folder
from cgan_runtime.live.sinks.frame_sink import FrameSink
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.write.codecs import EncoderSettings

_SUFFIX = ".mp4"
_MAX_NAME = 60  # characters of a camera's name in that of a file


@dataclass(frozen=True)
class RecordingLimits:
    """What a page may record."""

    seconds: float = 3600.0
    bytes: int = 1_000_000_000
    kept: int = 4  # finished ones, the newest


class Recorded(Protocol):
    """A camera that is recorded."""

    sinks: set[FrameSink]


class PageRecording:
    """One recording."""

    def __init__(self, name: str, recorder: Recorder, limits: RecordingLimits) -> None:
        self.id = secrets.token_urlsafe(16)  # cannot be guessed
        self.name = name  # of the file that is downloaded
        self._recorder, self._limits, self._message = recorder, limits, ""

    @property
    def ended(self) -> bool:
        """Whether it takes no more frames."""
        return self._recorder.ended

    @property
    def path(self) -> Path:
        """The file; there is none before the first frame."""
        return self._recorder.path

    def write(self, frame: YccFrame, captured: float) -> None:
        """Take a frame, until a limit is reached."""
        recorder, limits = self._recorder, self._limits
        if recorder.seconds >= limits.seconds:
            self._message = f"a recording of the page ends after {limits.seconds / 60:.0f} minutes"
        elif recorder.bytes >= limits.bytes:
            self._message = f"a recording of the page ends at {limits.bytes / 1e6:.0f} MB"
        if self._message:
            recorder.end()
        recorder.write(frame, captured)

    def close(self) -> None:
        """Finish the file; this takes a moment."""
        self._recorder.close()

    def facts(self) -> dict[str, Any]:
        """What is told about it, for JSON."""
        recorder = self._recorder
        failure = recorder.failure or ""
        state = "failed" if failure and not recorder.bytes else "finished" if self.ended else "recording"
        message = failure.replace(str(recorder.path), "").replace(str(recorder.path.parent), "the recordings")
        return {
            "id": self.id, "name": self.name, "url": f"/recordings/{self.id}", "state": state,
            "message": self._message or " ".join(message.split()), "seconds": round(recorder.seconds, 2),
            "bytes": recorder.bytes, "frames": recorder.frames, "dropped": recorder.dropped,
        }  # fmt: skip


@contextmanager
def open_recordings(limits: RecordingLimits | None = None) -> Iterator[PageRecordings]:
    """Keep recordings for the duration of the block, in a temporary folder."""
    with swept_folder() as folder:
        recordings = PageRecordings(folder, EncoderSettings(), limits)
        try:
            yield recordings
        finally:
            recordings.close()


class PageRecordings:
    """All recordings of the pages."""

    def __init__(self, folder: Path, encoder: EncoderSettings, limits: RecordingLimits | None = None) -> None:
        """Keep them in `folder`, which the caller deletes."""
        self.limits = limits or RecordingLimits()
        self._folder, self._encoder = folder, encoder
        self._all: dict[str, PageRecording] = {}
        self._of: dict[Recorded, PageRecording] = {}

    def begin(self, source: Recorded, camera: str) -> PageRecording:
        """Begin to record a camera, after the end of its last recording; a MediaError when the disk has no room."""
        self.end(source)
        self._forget_old()
        now = datetime.now().astimezone()
        stem = re.sub(r"[^\w.]+", "-", camera).strip("-.")[:_MAX_NAME] or "camera"
        path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
        recording = PageRecording(f"{stem}-{now:%Y%m%d-%H%M%S}{_SUFFIX}", Recorder(path, self._encoder), self.limits)
        self._all[recording.id] = self._of[source] = recording
        source.sinks.add(recording)
        return recording

    def of(self, source: Recorded) -> PageRecording | None:
        """The recording of a camera that goes on; None if there is none."""
        recording = self._of.get(source)
        return None if recording is None or recording.facts()["state"] != "recording" else recording

    def end(self, source: Recorded) -> PageRecording | None:
        """Finish the recording of a camera, if there is one; this takes a moment."""
        recording = self._of.pop(source, None)
        if recording is not None:
            source.sinks.discard(recording)
            recording.close()
        return recording

    def find(self, name: str) -> PageRecording | None:
        """The recording with this id, while it is kept."""
        return self._all.get(name)

    def delete(self, recording: PageRecording) -> None:
        """Forget a recording and delete its file; one that goes on is ended."""
        for source in [each for each, own in self._of.items() if own is recording]:
            self.end(source)
        recording.close()
        self._all.pop(recording.id, None)
        recording.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Finish all files."""
        for source in tuple(self._of):
            self.end(source)

    def _forget_old(self) -> None:
        done = [recording for recording in self._all.values() if recording not in self._of.values()]
        for recording in done[: -self.limits.kept]:
            self.delete(recording)
