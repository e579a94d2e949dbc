"""What the window and the page open alike: the camera that is asked for, and a recording.

Camera(feed_opener(live))
recorder = open_recorder(options, live)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cgan_runtime.console import Console
from cgan_runtime.live.capture.feeds import CameraRequest, Feed, open_feed
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.options.live import DEFAULT_CAMERA, LiveOptions
from cgan_runtime.options.run import RunOptions


def open_recorder(options: RunOptions, live: LiveOptions) -> Recorder | None:
    """The recorder that is asked for, if one is."""
    if live.record is None:
        return None
    return Recorder(live.record, options.encoder, overwrite=options.files.overwrite)


def feed_opener(live: LiveOptions) -> Callable[[], Feed]:
    """What opens the camera that is asked for, again and again."""
    width, height = live.camera_size or (None, None)
    request = CameraRequest(width, height, live.camera_rate)
    return partial(open_feed, live.webcam or DEFAULT_CAMERA, request)


def tell_what_was_recorded(recorder: Recorder, console: Console) -> None:
    """Say what became of a recording."""
    recorder.close()
    if recorder.failure:
        console.warn(recorder.failure)
    elif recorder.frames:
        behind = f", {recorder.dropped} left out while the encoder was behind" if recorder.dropped else ""
        console.result(f"{recorder.path}: {recorder.frames} frames recorded{behind}")
    else:
        console.result(f"{recorder.path}: nothing was recorded")
