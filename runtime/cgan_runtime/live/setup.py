"""What the window and the web page both open from the options: the cameras and their recorders."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.files.urls import is_url
from cgan_runtime.live.capture.devices import device_name
from cgan_runtime.live.capture.feeds import DeviceFormat, EndOfFeed, Feed, is_device, is_file, open_feed
from cgan_runtime.live.capture.picture import PictureSettings
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.rolling_recorder import RollingRecorder
from cgan_runtime.options.live import DEFAULT_CAMERA, LiveOptions
from cgan_runtime.options.run import RunOptions

_NAMED = re.compile(r"([^\W_][\w. -]{0,39})=(.+)")


@dataclass(frozen=True)
class CameraChoice:
    """A camera that `--webcam` names."""

    name: str  # for people, and for names of files
    source: str


def choices(live: LiveOptions) -> list[CameraChoice]:
    """The cameras that the options name, with names that differ; the first device if they name none.

    Raises:
        ConfigError: Two cameras are given the same name, or what `--crop` keeps is not within a video's picture.
        MediaError: A file is missing, or no video.
    """
    found: list[CameraChoice] = []
    for text in live.webcam or (DEFAULT_CAMERA,):
        named = _NAMED.fullmatch(text)
        if named is None or is_device(text) or Path(text).exists():
            name, source = _usual_name(text), text
        else:
            name, source = named[1].strip(), named[2]
        taken = {each.name for each in found}
        if name in taken and named is not None:
            raise ConfigError(f"two cameras are called {name!r}; give each a name of its own: --webcam NAME=SOURCE")
        number = next(number for number in range(1, len(found) + 2) if _numbered(name, number) not in taken)
        found.append(CameraChoice(_numbered(name, number), source))
    for choice in found:
        if is_file(choice.source):
            _check_video(choice.source, live)
    return found


def feed_opener(source: str, options: RunOptions, live: LiveOptions) -> Callable[[], Feed]:
    """Return the function that opens a camera; `Camera` calls it again to reconnect."""
    picture = PictureSettings(options.video.levels, live.crop, int(live.rotate), live.flip)
    return partial(open_feed, source, DeviceFormat(live.camera_size, live.camera_rate), picture)


def open_recorder(
    options: RunOptions, live: LiveOptions, console: Console, camera: str = ""
) -> Recorder | RollingRecorder | None:
    """Open the recorder of `--record`; None without that option. The file's name gets that of the camera, if any."""
    if live.record is None:
        return None
    path = live.record
    if camera:
        path = path.with_name(f"{path.stem}-{file_name(camera)}{path.suffix}")
    encoder = options.video.encoder
    if live.record_every is not None:
        return RollingRecorder(path, live.record_every, encoder, keep=live.keep, on_failure=console.warn)
    return Recorder(path, encoder, overwrite=options.files.overwrite, on_failure=console.warn)


def finish_recording(recorder: Recorder | RollingRecorder, console: Console) -> None:
    """Close the recorder and report what it recorded."""
    recorder.close()
    if not recorder.frames:
        console.result(f"{recorder.path}: nothing was recorded")
        return
    dropped = f", {recorder.dropped} dropped because the encoder was too slow" if recorder.dropped else ""
    files = ""
    if isinstance(recorder, RollingRecorder):
        files = f" in {recorder.files} files" if recorder.files > 1 else ""
        files += f", of which the oldest {recorder.deleted} are deleted" if recorder.deleted else ""
    console.result(f"{recorder.path}: {recorder.frames} frames recorded{files}{dropped}")


def file_name(camera: str) -> str:
    """The name of a camera as part of a file's name."""
    return re.sub(r"[^\w.]+", "-", camera).strip("-.") or "camera"


def _usual_name(source: str) -> str:
    """What a camera is called that was given no name."""
    if is_device(source):
        return device_name(source) or f"camera {source}"
    return (urlsplit(source).hostname or source) if is_url(source) else Path(source).stem


def _check_video(path: str, live: LiveOptions) -> None:
    """Open a video, and see whether what `--crop` keeps is within its first picture."""
    with closing(open_feed(path, picture=PictureSettings(crop=live.crop))) as feed:
        if live.crop is not None:
            with suppress(MediaError, EndOfFeed):  # damage is no mistake in the settings
                feed.read()


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} {number}"
